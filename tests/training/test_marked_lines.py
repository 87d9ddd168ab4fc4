"""The marked line: read back as written, and every mistake named with its place and remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_schema import load_ontology
from kgbuilder.errors import IngestError
from training.data import Annotation, CorpusError, Mention, Triple
from training.data.corpus import corpus_files, read_corpus
from training.data.marked import format_line, parse_line, read_marked

GENERAL = load_ontology("general")
LINE = "[1:PER 林知远][2:TIME 1978年3月]生于[3:LOC 绍兴]。 || 1 place_of_birth 3; 1 date_of_birth 2"


@st.composite
def annotations(draw):
    """Any annotation that can be written as a marked line."""
    plain = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="[]|\r\n"), max_size=6)
    name = plain.filter(lambda text: text and text == text.strip())
    types = draw(st.lists(st.sampled_from(list(GENERAL.entity_types)), max_size=6))
    text, mentions = draw(plain), []
    for entity in draw(st.lists(st.integers(0, max(0, len(types) - 1)), max_size=8)) if types else []:
        written = draw(name)
        mentions.append(Mention(start=len(text), end=len(text) + len(written), type=types[entity], entity=entity))
        text += written + draw(plain)
    shift = len(text) - len(text.lstrip())
    text = text.strip()
    mentions = [Mention(start=m.start - shift, end=m.end - shift, type=m.type, entity=m.entity) for m in mentions]
    marked = {m.entity: m.type for m in mentions}
    possible = sorted(
        (head, relation.id, tail)
        for relation in GENERAL.relation_types.values()
        for head in marked
        for tail in marked
        if (head < tail if relation.symmetric else head != tail)
        and GENERAL.allows(marked[head], relation.id, marked[tail])
    )
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=5)) if possible else []
    triples = tuple(Triple(head=head, relation=relation, tail=tail) for head, relation, tail in chosen)
    return Annotation(text=text, mentions=tuple(mentions), triples=triples)


@given(annotations())
def test_what_is_written_is_read_back(annotation):
    starts_with_mark = bool(annotation.mentions) and annotation.mentions[0].start == 0
    if not annotation.text or (annotation.text.startswith("#") and not starts_with_mark):
        with pytest.raises(CorpusError):
            format_line(annotation)
        return
    assert parse_line(format_line(annotation)) == annotation


def test_a_line_gives_text_offsets_and_triples():
    found = parse_line(LINE)
    assert found.text == "林知远1978年3月生于绍兴。"
    assert [found.text[m.start : m.end] for m in found.mentions] == ["林知远", "1978年3月", "绍兴"]
    assert found.triples[0] == Triple(head=1, relation="place_of_birth", tail=3)
    assert format_line(found) == LINE


def test_a_passage_without_marks_or_triples_is_fine():
    assert parse_line("今天下雨。 ||") == Annotation(text="今天下雨。")


def test_offsets_count_code_points():
    found = parse_line("😀[1:PER 𠮷田]来了 ||")
    assert (found.mentions[0].start, found.mentions[0].end) == (1, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[1:PER 甲]走了。", "0 '||'"),
        ("[1:PER 甲]走了。 || || ", "2 '||'"),
        ("[1:PER [2:LOC 甲]]走了。 ||", "square bracket is left over"),
        ("[1:PER甲]走了。 ||", "square bracket is left over"),
        ("[1:MAN 甲]走了。 ||", "unknown type 'MAN'"),
        ("[1:PER 甲 ]走了。 ||", "white space"),
        ("[1:PER 甲]和[1:LOC 乙] ||", "entity 1 is PER and LOC"),
        ("[1:PER 甲]和[2:PER 乙] || 1 knows 2", "unknown relation in '1 knows 2'"),
        ("[1:PER 甲]和[2:PER 乙] || 1 spouse", "is not 'head relation tail'"),
        ("[1:PER 甲]和[2:PER 乙] || 1 spouse 3", "names 3, which is not marked"),
        ("[1:PER 甲]和[2:PER 乙] || 1 spouse 1", "relates an entity to itself"),
        ("[1:PER 甲]和[2:PER 乙] || 1 employer 2", "PER to PER is not allowed"),
        ("[1:PER 甲]和[2:PER 乙] || 1 child_of 2; 1 child_of 2", "stands twice"),
        ("[1:PER 甲]和[2:PER 乙] || 1 spouse 2; 2 spouse 1", "stands twice"),
        (" || ", "there is no text"),
    ],
)
def test_a_mistake_is_named(line, says):
    with pytest.raises(CorpusError) as caught:
        parse_line(line, where="zh_a.txt:7")
    (mistake,) = caught.value.mistakes
    assert says in mistake.what
    assert mistake.where == "zh_a.txt:7"
    assert mistake.remedy
    assert str(caught.value).startswith("zh_a.txt:7: ")


def test_all_mistakes_of_a_file_come_at_once_with_their_lines(tmp_path):
    file = tmp_path / "zh_a.txt"
    file.write_text(f"# a comment\n{LINE}\n\n[1:MAN 甲]去[2:TOWN 乙]\u2028了。 ||\n没有分隔\n", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_marked(file)
    assert [mistake.where for mistake in caught.value.mistakes] == [f"{file}:4", f"{file}:4", f"{file}:5"]
    assert all(mistake.what in str(caught.value) for mistake in caught.value.mistakes)


@pytest.mark.parametrize(
    "annotation",
    [
        Annotation(text="带[方括号]的句子"),
        Annotation(text="a || b"),
        Annotation(text="两\n行"),
        Annotation(text=" 空白在前"),
        Annotation(text="# 像注释"),
        Annotation(text=""),
        Annotation(
            text="北京大学",
            mentions=(
                Mention(start=0, end=4, type="ORG", entity=1),
                Mention(start=0, end=2, type="LOC", entity=2),
            ),
        ),
    ],
)
def test_what_a_line_cannot_hold_is_refused(annotation):
    with pytest.raises(CorpusError):
        format_line(annotation)


def test_a_file_gives_language_id_and_accepted_rules(tmp_path):
    file = tmp_path / "en_a.txt"
    file.write_text("# accepted bare-role: a title of address\nOne. ||\nTwo. ||\n", encoding="utf-8")
    one, two = read_marked(file)
    assert (one.id, one.language, one.source, one.where) == ("en_a-2", "en", "written", f"{file}:2")
    assert (one.accepted, two.accepted) == ({"bare-role"}, frozenset())


def test_a_file_whose_name_tells_no_language_is_refused(tmp_path):
    (tmp_path / "fr_a.txt").write_text("Un. ||\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="does not begin with a language"):
        read_marked(tmp_path / "fr_a.txt")


def test_a_file_that_is_not_there_or_not_utf8_is_an_error_with_its_name(tmp_path):
    (tmp_path / "zh_gbk.txt").write_bytes("中文 ||".encode("gbk"))
    for name in ("zh_gbk.txt", "zh_none.txt"):
        with pytest.raises(IngestError, match=name):
            read_marked(tmp_path / name)


def test_a_text_that_stands_in_two_files_is_a_mistake(tmp_path):
    for name in ("zh_a.txt", "zh_b.txt"):
        (tmp_path / name).write_text("同一句话。 ||\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"zh_b\.txt:1: the text stands at .*zh_a\.txt:1"):
        read_corpus(corpus_files(tmp_path))


def test_the_corpus_of_the_package_has_no_mistake():
    passages = read_corpus()
    assert len(corpus_files()) >= 10
    assert len(passages) >= 7_800
    assert {passage.language for passage in passages} == {"en", "zh"}
