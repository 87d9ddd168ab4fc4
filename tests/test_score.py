"""Scores against cases counted by hand; the semantics of the CoNLL and SpERT scorers."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ConfigError, ParseError
from kgbuilder.records import Extraction, MentionClaim, Passage, TripleClaim
from kgbuilder.score import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotatedTriple,
    Mapped,
    Score,
    evaluate,
    load_mapping,
    read_annotated,
    score,
)

ANN = AnnotatedEntity(text="Ann", type="PER", start=0, end=3)
BATH = AnnotatedEntity(text="Bath", type="LOC", start=16, end=20)
BORN = AnnotatedTriple(head="Ann", relation="place_of_birth", tail="Bath", head_type="PER", tail_type="LOC")


def text(
    id: str = "1",
    entities: tuple[AnnotatedEntity, ...] = (),
    triples: tuple[AnnotatedTriple, ...] = (),
    relations: frozenset[str] | None = None,
    source: str = "s",
    language: str = "en",
) -> AnnotatedText:
    return AnnotatedText(
        id=id,
        language=language,
        source=source,
        text="Ann was born in Bath.",
        entities=entities,
        triples=triples,
        annotated_relations=relations,
    )


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return load_ontology("general")


class Scripted:
    """An extractor that says what it was told, by text."""

    def __init__(self, mentions: tuple[MentionClaim, ...] = (), triples: tuple[TripleClaim, ...] = ()) -> None:
        self.mentions, self.triples = mentions, triples
        self.n_asked = 0

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        for passage in reversed(list(passages)):
            self.n_asked += 1
            yield Extraction(
                passage_id=passage.id, extractor="x", state="done", mentions=self.mentions, triples=self.triples
            )


def test_perfect_predictions_score_one() -> None:
    gold = [text(entities=(ANN, BATH), triples=(BORN,))]
    report = score(gold, gold)
    for part in (report.entities.overall, report.triples.overall):
        assert (part.precision, part.recall, part.f1) == (1.0, 1.0, 1.0)


def test_counts_by_hand() -> None:
    wrong_type = AnnotatedEntity(text="Bath", type="ORG", start=16, end=20)
    gold = [text("1", (ANN, BATH)), text("2", (ANN,))]
    predicted = [text("1", (ANN, wrong_type)), text("2")]
    overall = score(gold, predicted).entities.overall
    # "ORG" never occurs in the gold of the source, so that prediction is not counted.
    assert (overall.n, overall.n_predicted, overall.n_correct) == (3, 1, 1)
    assert overall.recall == pytest.approx(1 / 3)
    assert overall.f1 == pytest.approx(0.5)


def test_wrong_type_that_the_gold_knows_is_a_mistake() -> None:
    wrong = AnnotatedEntity(text="Bath", type="PER", start=16, end=20)
    overall = score([text(entities=(ANN, BATH))], [text(entities=(ANN, wrong))]).entities.overall
    assert (overall.n, overall.n_predicted, overall.n_correct) == (2, 2, 1)


def test_no_predictions_score_zero_without_dividing() -> None:
    overall = score([text(entities=(ANN,))], []).entities.overall
    assert (overall.precision, overall.recall, overall.f1) == (0.0, 0.0, 0.0)


def test_repeats_count_once() -> None:
    report = score([text(triples=(BORN,))], [text(triples=(BORN, BORN, BORN))])
    assert report.triples.overall.n_predicted == 1
    assert report.triples.overall.precision == 1.0


def test_without_offsets_entities_compare_by_text() -> None:
    loose = AnnotatedEntity(text="Ann", type="PER")
    assert score([text(entities=(loose,))], [text(entities=(ANN,))]).entities.overall.f1 == 1.0


def test_types_of_triples_count_only_when_asked() -> None:
    other = AnnotatedTriple(head="Ann", relation="place_of_birth", tail="Bath", head_type="ORG", tail_type="LOC")
    gold, predicted = [text(triples=(BORN,))], [text(triples=(other,))]
    assert score(gold, predicted).triples.overall.f1 == 1.0
    assert score(gold, predicted, with_types=True).triples.overall.f1 == 0.0


def test_what_a_record_does_not_annotate_is_not_a_mistake() -> None:
    died = AnnotatedTriple(head="Ann", relation="place_of_death", tail="Bath")
    gold = [text("1", triples=(BORN,), relations=frozenset({"place_of_birth"})), text("2", triples=(died,))]
    predicted = [text("1", triples=(BORN, died)), text("2", triples=(died,))]
    assert score(gold, predicted).triples.overall.n_predicted == 2


def test_groups_by_language_source_and_type() -> None:
    gold = [text("1", (ANN,), source="a", language="en"), text("2", (ANN, BATH), source="b", language="zh")]
    report = score(gold, [text("1", (ANN,)), text("2", (BATH,))])
    assert report.entities.by_language["en"].f1 == 1.0
    assert report.entities.by_source["b"].recall == 0.5
    assert report.entities.by_type["PER"].recall == 0.5
    assert list(report.entities.by_type) == ["LOC", "PER"]


def test_a_prediction_for_no_gold_record_is_refused() -> None:
    with pytest.raises(ParseError, match="record 9"):
        score([text("1")], [text("9")])


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(ParseError, match="record 1"):
        score([text("1"), text("1")], [])


def test_wilson_interval_of_the_textbook() -> None:
    # 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I).
    low, high = Score(n=1, n_predicted=263, n_correct=81).precision_interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Score(n=1, n_predicted=0, n_correct=0).precision_interval == (0.0, 1.0)


def test_json_has_the_promised_keys() -> None:
    content = score([text(entities=(ANN,))], []).to_json()
    for part in ("entities", "triples"):
        assert {"precision", "recall", "f1", "n", "by_language", "by_source", "by_type"} <= set(content[part])
    json.dumps(content)


_SPANS = st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from(["PER", "LOC"]))
_RECORDS = st.lists(st.tuples(st.lists(_SPANS), st.lists(_SPANS)), max_size=6)


def _records(parts: list[list[tuple[int, int, str]]]) -> list[AnnotatedText]:
    return [
        text(str(i), tuple(AnnotatedEntity(text="x", type=t, start=s, end=s + n) for s, n, t in spans))
        for i, spans in enumerate(parts)
    ]


@given(_RECORDS, st.randoms(use_true_random=False))
def test_order_does_not_matter(pairs: list[tuple[list[object], list[object]]], random: object) -> None:
    gold, predicted = _records([g for g, _ in pairs]), _records([p for _, p in pairs])
    expected = score(gold, predicted)
    for records in (gold, predicted):
        random.shuffle(records)
    assert score(gold, predicted) == expected


@given(_RECORDS)
def test_scores_lie_between_zero_and_one(pairs: list[tuple[list[object], list[object]]]) -> None:
    overall = score(_records([g for g, _ in pairs]), _records([p for _, p in pairs])).entities.overall
    low, high = overall.precision_interval
    assert 0 <= overall.f1 <= max(overall.precision, overall.recall) <= 1
    assert low <= overall.precision + 1e-9 or overall.n_predicted == 0
    assert not math.isnan(low + high)


def test_evaluate_joins_extractions_by_passage(ontology: Ontology) -> None:
    extractor = Scripted(
        (MentionClaim(text="Ann", label="person", start=0), MentionClaim(text="Bath", label="LOC", start=16)),
        (TripleClaim(head="Ann", relation="place of birth", tail="Bath"),),
    )
    records = [text(str(i), (ANN, BATH), (BORN,)) for i in range(3)]
    report = evaluate(records, extractor, ontology)
    assert report.n_records == 3
    assert extractor.n_asked == 1
    assert report.entities.overall.f1 == report.triples.overall.f1 == 1.0


def test_evaluate_counts_a_missing_extraction_as_failed(ontology: Ontology) -> None:
    class Silent:
        def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
            return iter(())

    report = evaluate([text(entities=(ANN,))], Silent(), ontology)
    assert (report.n_failed, report.entities.overall.recall) == (1, 0.0)


def test_a_mapping_renames_turns_round_and_leaves_out(ontology: Ontology) -> None:
    gold = text(
        entities=(AnnotatedEntity(text="Ann", type="human", start=0, end=3), AnnotatedEntity(text="it", type="misc")),
        triples=(AnnotatedTriple(head="Bath", relation="birthplace of", tail="Ann"),),
        relations=frozenset({"birthplace of"}),
    )
    mapping = {"s": Mapped(entities={"human": "PER"}, relations={"birthplace of": "~place_of_birth"})}
    extractor = Scripted(
        (MentionClaim(text="Ann", label="PER", start=0), MentionClaim(text="Bath", label="LOC", start=16)),
        (TripleClaim(head="Ann", relation="place_of_birth", tail="Bath"),),
    )
    report = evaluate([gold], extractor, ontology, mapping=mapping)
    assert report.entities.overall.f1 == report.triples.overall.f1 == 1.0


def _write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


GOOD = json.dumps({"id": 7, "lang": "en", "source": "s", "text": "Ann", "entities": [], "fold": 3})


def test_reads_what_the_data_form_has(tmp_path: Path) -> None:
    line = json.dumps(
        {
            "id": "a",
            "lang": "zh",
            "source": "s",
            "text": "😀林知远",
            "entities": [{"text": "林知远", "type": "PER", "start": 1, "end": 4, "entity": 1}],
            "triples": [{"head": "林知远", "relation": "r", "tail": "x", "head_span": [1, 4]}],
            "annotated_relations": ["r"],
        }
    )
    records = list(read_annotated(_write(tmp_path / "a.jsonl", line, "", GOOD)))
    assert [record.id for record in records] == ["a", "7"]
    assert records[0].entities[0].start == 1
    assert records[0].annotated_relations == frozenset({"r"})


@pytest.mark.parametrize(
    "line",
    [
        "{not json",
        "[]",
        '{"id": "1"}',
        '{"id": "1", "lang": "en", "source": "s", "text": 3}',
        '{"id": "1", "lang": "en", "source": "s", "text": "Ann", '
        '"entities": [{"text": "Bob", "type": "PER", "start": 0, "end": 3}]}',
        '{"id": "1", "lang": "en", "source": "s", "text": "Ann", "triples": [{"head": "a"}]}',
        "[" * 100_000,
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = _write(tmp_path / "bad.jsonl", GOOD, line)
    with pytest.raises(ParseError, match=r"bad\.jsonl:2"):
        list(read_annotated(path))


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\xff\xfe{}\n")
    with pytest.raises(ParseError, match=r"bad\.jsonl:1"):
        list(read_annotated(path))


def test_mapping_files(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.yaml", "s:", "  entities: {human: PER}", "  relations: {born: ~}")
    with pytest.raises(ConfigError, match=r"m\.yaml"):
        load_mapping(path)
    path = _write(tmp_path / "m.yaml", "s:", "  entities: {human: PER}", "  relations: {born: place_of_birth}")
    assert load_mapping(path)["s"].relations == {"born": "place_of_birth"}
    with pytest.raises(ConfigError, match=r"n\.yaml"):
        load_mapping(tmp_path / "n.yaml")
