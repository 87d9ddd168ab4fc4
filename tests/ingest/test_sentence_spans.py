"""Where sentences end."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuilder.ingest import sentences
from kgbuilder.ingest.boundaries import iter_sentences


def _split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


def _marked(marked: str) -> tuple[str, list[str]]:
    """Return a text without its boundary marks "|", and the sentences they part."""
    return marked.replace("|", ""), [part.strip() for part in marked.split("|")]


@pytest.mark.parametrize(
    "marked",
    [
        "沈砚秋生于棠州。|她是谁？|作家！|生于1931年；|卒于2001年……|完",
        "“山在那里。”|她说：“走吧！”|于是出发。",
        "（见《山在那里》。）|第二句。",
        "他说：「好。」|然后走了。",
        "版本3.14发布了。|网址是www.example.org/a?b=c。|结束",
        "标题一|\n第二行没有标点|\n第三行。",
        "他生于棠州.|后来去了云陵.|结束",
        "成功了吗?|是的!|好",
        "她去了美国（U.S.）学习。|He moved to London. |Then he died.",
        "。。。",
        "公司于1987年创立，注册资本3.6亿元，员工2,316人。|总部在Brightmere Systems Inc.隔壁。",
    ],
)
def test_chinese_boundaries(marked: str) -> None:
    text, expected = _marked(marked)
    assert _split(text, "zh") == expected


@pytest.mark.parametrize(
    "marked",
    [
        "Dr. Smith met J. K. Hale at Brightmere Inc. in the U.S. in 1998. |It rained.",
        "It cost 3.14 million, e.g. in Boston, i.e. a lot. |See www.example.org/a.b?c=d for more.",
        'He said "Really?" and left. |"Why?" she asked. |"Go!" |Nobody did.',
        "No. 5 is alive. |No. |He left. |Fig. 3 shows it, cf. Sec. 2.",
        "Plan B. |The end... |And so on.",
        "He works at Brightmere Inc. |The company grew.",
        "She was born on Jan. 5, 1931, at 5 p.m. |She died in 2001.",
        "Ask Prof. Lee vs. Mr. Poe et al. (2010) about it. |They know.",
        "She is the asst. director of it. |What?! |Yes.",
        "One.|\n\nTwo",
        "1. Introduction|\n2. Methods and materials|\n- an item|\n- another item",
        "Name | Born".replace("|", "¦"),
    ],
)
def test_english_boundaries(marked: str) -> None:
    text, expected = _marked(marked)
    assert _split(text) == expected


def test_a_line_end_in_wrapped_text_is_no_boundary() -> None:
    text = (
        "Early life\n"
        "Grace Hill was born in the small harbour town of Pellworth and trained as a\n"
        "geologist at the university of the county town, where Prof.\n"
        "Lee taught her to\n"
        "draw maps. She went to sea."
    )
    first, second, *_, last = _split(text)
    assert first == "Early life"
    assert second.startswith("Grace Hill was born")
    assert "as a\ngeologist" in second
    assert last == "She went to sea."


def test_lines_of_a_list_without_marks_are_sentences() -> None:
    lines = [
        "Grace Hill, geologist",
        "Carl Dunn, who drew the maps of all three rivers and their many mouths",
        "Ann Poe",
    ]
    assert _split("\n".join(lines)) == lines


def test_rows_of_a_table_are_sentences() -> None:
    rows = [
        "| Name of the person in question | Year of birth |",
        "| Grace Hill the elder, geologist | in 1931, autumn |",
    ]
    assert _split("\n".join(rows)) == rows


def test_the_language_changes_with_the_paragraph() -> None:
    text = (
        "第一段中文，说明情况\n第二行\n\n"
        "This is a paragraph in English that somebody has wrapped at a column because\n"
        "the editor did so. It has two sentences.\n\n"
        "又是中文。完"
    )
    assert _split(text) == [
        "第一段中文，说明情况",
        "第二行",
        "This is a paragraph in English that somebody has wrapped at a column because\nthe editor did so.",
        "It has two sentences.",
        "又是中文。",
        "完",
    ]


@pytest.mark.parametrize("language", ["zh", "en", "und"])
@pytest.mark.parametrize("text", ["", " \n\t\n \u3000", "\n", "."])
def test_next_to_nothing(text: str, language: str) -> None:
    assert _split(text, language) == ([text] if text.strip() else [])


_PIECES = st.sampled_from(
    [*"。！？；….!?;\n \t\"'”’)）aZ9中华か\u2028\u200b\ud800", "Dr. ", "\n\n", "Inc. ", "- ", "3.14", "……"]
)


@settings(max_examples=300)
@given(st.lists(_PIECES, max_size=80).map("".join), st.sampled_from(["zh", "en", "und"]))
def test_spans_are_ordered_trimmed_and_hold_all_that_is_not_blank(text: str, language: str) -> None:
    end = 0
    for start, stop in sentences(text, language):
        assert text[end:start].strip() == ""
        assert text[start:stop] == text[start:stop].strip() != ""
        end = stop
    assert text[end:].strip() == ""


def test_a_text_without_any_boundary_is_cut_into_windows() -> None:
    text = "字" * 200_000
    spans = sentences(text, "zh")
    assert len(spans) < 10
    assert [span[0] for span in spans[1:]] == [span[1] for span in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, len(text))


def test_windows_do_not_add_boundaries() -> None:
    paragraph = "".join(f"第{number}条河流经三个县，最后在棠州汇入澜江。" for number in range(8_000))
    assert len(paragraph) > 100_000
    assert _split(paragraph, "zh") == [f"{part}。" for part in paragraph.split("。")[:-1]]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text() -> None:
    text = "".join(f"第{number}条河流经三个县。\n" for number in range(40_000))
    list(iter_sentences(text[:1000], "zh"))
    tracemalloc.start()
    n_sentences = sum(1 for _ in iter_sentences(text, "zh"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_sentences == 40_000
    assert peak < 8 * 1024**2
