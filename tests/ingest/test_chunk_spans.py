"""Chunks: whole sentences, a budget, overlap, and cuts that stay where they were after an edit."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuilder.ids import content_id
from kgbuilder.ingest import chunk, count_tokens, detect_language, passage, sentences
from kgbuilder.records import Chunk, Document

SUBJECTS = ("沈砚秋", "陆汀舟", "韩若溪", "远棹科技", "棠州博物馆")
VERBS = ("在云陵创办了", "于次年出版了", "把住处搬到", "公开批评过", "参加了第三次")
OBJECTS = ("一家小型水泵厂", "《山在那里》的修订本", "江边的旧街", "那份报告的结论", "澜江流域考察")


def _document(text: str) -> Document:
    return Document(
        id=content_id("document", text),
        source="a.txt",
        name="a.txt",
        text=text,
        media_type="text/plain",
        language=detect_language(text),
    )


def _story(seed: int, n_sentences: int, *, paragraph_share: float = 0.15) -> list[str]:
    draw = random.Random(seed)
    return [
        f"{draw.choice(SUBJECTS)}{draw.choice(VERBS)}{draw.choice(OBJECTS)}，这是{draw.randrange(10_000)}号记录所说的。"
        + ("\n\n" if draw.random() < paragraph_share else "")
        for _ in range(n_sentences)
    ]


def _check(document: Document, parts: tuple[Chunk, ...], max_tokens: int) -> None:
    text = document.text
    end = 0
    for seq, part in enumerate(parts):
        content = text[part.start : part.end]
        assert part.seq == seq
        assert part.document_id == document.id
        assert part.start <= end or not text[end : part.start].strip()
        assert part.end > end
        assert content == content.strip() != ""
        assert part.id == content_id("chunk", document.id, part.start, part.end)
        assert part.passage_id == content_id("passage", part.language, content)
        assert count_tokens(content) <= max(1.15 * max_tokens + 1, 2)
        assert count_tokens(text[max(end, part.start) : part.end].strip()) <= max(max_tokens, 2)
        end = part.end
    assert not text[end:].strip()


def test_a_text_within_the_budget_is_one_chunk() -> None:
    document = _document("  沈砚秋生于棠州。她是作家。\n")
    (part,) = chunk(document, max_tokens=20)
    assert document.text[part.start : part.end] == "沈砚秋生于棠州。她是作家。"
    assert part.language == "zh"


def test_chunks_are_made_of_whole_sentences() -> None:
    document = _document("".join(_story(1, 300)))
    spans = sentences(document.text, "zh")
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    parts = chunk(document, max_tokens=300)
    assert len(parts) > 20
    _check(document, parts, 300)
    assert all(part.start in starts and part.end in ends for part in parts)


def test_chunks_end_with_paragraphs_where_they_can() -> None:
    document = _document("".join(_story(2, 600, paragraph_share=0.5)))
    parts = chunk(document, max_tokens=500)
    assert len(parts) > 30
    assert all(document.text[part.end : part.end + 2] == "\n\n" for part in parts[:-1])


def test_chunks_use_most_of_the_budget() -> None:
    document = _document("".join(_story(3, 1_000)))
    parts = chunk(document, max_tokens=500, overlap_sentences=0)
    sizes = [count_tokens(document.text[part.start : part.end]) for part in parts]
    assert min(sizes) >= 0.2 * 500
    assert sum(sizes) / len(sizes) > 0.65 * 500


@pytest.mark.parametrize("n_sentences", range(16, 34))
def test_no_runt_is_left_at_the_end(n_sentences: int) -> None:
    document = _document("".join(_story(10, n_sentences, paragraph_share=0)))
    parts = chunk(document, max_tokens=500, overlap_sentences=0)
    assert count_tokens(document.text[parts[-1].start :]) >= 0.2 * 500


def test_a_chunk_begins_with_the_last_sentences_of_the_one_before() -> None:
    document = _document("".join(_story(4, 200)))
    for n_overlap in (0, 1, 2):
        parts = chunk(document, max_tokens=800, overlap_sentences=n_overlap)
        for before, part in pairwise(parts):
            shared = document.text[part.start : before.end]
            assert len(sentences(shared, "zh")) == n_overlap


def test_a_long_sentence_is_not_repeated_as_overlap() -> None:
    document = _document("".join(f"{'长' * 80}{number}。" for number in range(30)))
    parts = chunk(document, max_tokens=300)
    assert all(part.start >= before.end for before, part in pairwise(parts))


@pytest.mark.parametrize("text", ["字" * 50_000, "word " * 20_000, "x" * 60_000, "😀" * 5_000, "字，" * 20_000])
def test_a_sentence_over_the_budget_is_cut(text: str) -> None:
    document = _document(text)
    parts = chunk(document, max_tokens=500)
    _check(document, parts, 500)
    sizes = [count_tokens(text[part.start : part.end]) for part in parts]
    assert sum(sizes) / len(sizes) > 200


def test_a_long_sentence_is_cut_after_a_clause_else_at_a_blank() -> None:
    clauses = _document("".join(f"这是第{number}个分句，" for number in range(500)))
    assert all(clauses.text[part.end - 1] == "，" for part in chunk(clauses, max_tokens=300))
    words = _document(" ".join(f"word{number}" for number in range(5_000)))
    assert all(words.text[part.end : part.end + 1] in (" ", "") for part in chunk(words, max_tokens=300))


def test_a_number_is_not_cut_at_its_marks() -> None:
    document = _document("数据" + "1,234.5" * 400)
    for part in chunk(document, max_tokens=200)[:-1]:
        assert document.text[part.end - 1] not in ",."


def test_every_chunk_has_its_own_language() -> None:
    english = "Grace Hill mapped three rivers and wrote about each of them. " * 60
    document = _document("".join(_story(5, 60)) + "\n\n" + english)
    parts = chunk(document, max_tokens=300)
    assert {parts[0].language, parts[-1].language} == {"zh", "en"}


def test_a_passage_is_the_text_of_its_chunk() -> None:
    document = _document("".join(_story(6, 100)))
    for part in chunk(document, max_tokens=200):
        found = passage(document, part)
        assert (found.id, found.language) == (part.passage_id, part.language)
        assert found.text == document.text[part.start : part.end]


def test_the_same_text_in_two_documents_is_the_same_passage() -> None:
    (first,) = chunk(_document("沈砚秋生于棠州。"))
    (second,) = chunk(_document("\n沈砚秋生于棠州。 "))
    assert first.passage_id == second.passage_id
    assert first.id != second.id


@pytest.mark.parametrize("max_tokens", [0, -1])
def test_a_budget_of_nothing_is_refused(max_tokens: int) -> None:
    with pytest.raises(ValueError, match="max_tokens"):
        chunk(_document("x"), max_tokens=max_tokens)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 999), st.sampled_from(["insert", "delete", "replace"]))
def test_an_edit_changes_only_the_chunks_about_it(seed: int, place: int, edit: str) -> None:
    story = _story(7, 1_000)
    kept = {part.passage_id for part in chunk(_document("".join(story)), max_tokens=300)}
    changed = list(story)
    new = [] if edit == "delete" else _story(20_000 + seed, 1)
    changed[place : place + (edit != "insert")] = new
    after = {part.passage_id for part in chunk(_document("".join(changed)), max_tokens=300)}
    assert len(kept) > 80
    assert len(after - kept) <= 8


def test_edits_change_about_one_chunk_on_average() -> None:
    story = _story(8, 1_000)
    kept = {part.passage_id for part in chunk(_document("".join(story)), max_tokens=300)}
    n_new = 0
    for place in range(5, 1_000, 50):
        changed = [*story[:place], "这里插入了一句新的话。", *story[place:]]
        n_new += len({part.passage_id for part in chunk(_document("".join(changed)), max_tokens=300)} - kept)
    assert n_new <= 40


_PIECES = st.sampled_from(
    [
        "沈砚秋生于棠州。",
        "She wrote novels. ",
        "字" * 40,
        "x" * 150,
        "\n\n",
        "\n",
        " " * 30,
        "，",
        "😀",
        "3.14",
        "\u200b",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=60).map("".join), st.integers(1, 60), st.integers(0, 3))
def test_chunks_hold_all_that_is_not_blank_within_the_budget(text: str, max_tokens: int, n_overlap: int) -> None:
    document = _document(text)
    parts = chunk(document, max_tokens=max_tokens, overlap_sentences=n_overlap)
    _check(document, parts, max_tokens)
    assert parts == chunk(document, max_tokens=max_tokens, overlap_sentences=n_overlap)


@pytest.mark.slow
def test_a_text_of_five_megabytes_is_chunked_whole() -> None:
    text = "".join(_story(9, 66_000))
    assert len(text.encode()) > 5 * 1024**2
    document = _document(text)
    _check(document, chunk(document), 1000)
