"""What is kept of the texts: the worst ones only, most errors first; and what `evaluate` reads before it asks."""

import json
from collections.abc import Iterable, Iterator

import pytest

from graph_schema import Ontology, load_ontology
from kgbuilder.errors import ParseError
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, TripleClaim
from kgbuilder.score import AnnotatedEntity, AnnotatedText, AnnotatedTriple, Mapped, evaluate, score
from kgbuilder.score.compare import ENTITY_ERRORS, TRIPLE_ERRORS, compare_entities, compare_statements
from kgbuilder.score.listing import judged_lines, visible
from kgbuilder.score.report import JudgedText, Scorer


def entities(n: int, type_: str = "PER") -> tuple[AnnotatedEntity, ...]:
    return tuple(AnnotatedEntity(text="x", type=type_, start=at, end=at + 1) for at in range(0, 2 * n, 2))


def judged(id_: str, n_missed: int, text: str = "x x x x", failure: str = "") -> JudgedText:
    return JudgedText(
        id=id_,
        language="en",
        source="s",
        text=text,
        entities=compare_entities(entities(n_missed), ()),
        triples=compare_statements((), ()),
        failure=failure,
    )


def worst(texts: Iterable[JudgedText], n_worst: int) -> list[str]:
    scorer = Scorer(n_worst=n_worst)
    for text in texts:
        scorer.add(text)
    return [text.id for text in scorer.report().worst]


def test_the_worst_come_first_and_of_as_many_errors_the_earlier() -> None:
    texts = [judged(f"{n}-{at}", n) for at in range(3) for n in (2, 0, 3, 1)]
    assert worst(texts, 5) == ["3-0", "3-1", "3-2", "2-0", "2-1"]
    assert worst(texts, 100)[-3:] == ["1-0", "1-1", "1-2"]
    assert worst(texts, 0) == []


def test_texts_are_not_kept_but_the_worst() -> None:
    scorer = Scorer(n_worst=2)
    for at in range(1_000):
        scorer.add(judged(str(at), 1 + at % 7))
    assert len(scorer._worst) == 2
    assert scorer.report().entities.overall.n == sum(1 + at % 7 for at in range(1_000))


def test_json_of_the_worst_can_be_written_whatever_the_text_is() -> None:
    scorer = Scorer()
    scorer.add(judged("a", 1, "x \ud800", failure="died \udfff"))
    content = scorer.report().to_json()
    json.dumps(content, ensure_ascii=False).encode()
    (text,) = content["worst"]
    assert text["text"] == "x ?"
    assert text["errors"] == [
        {"of": "entities", "class": "missed", "gold": text["gold"]["entities"][0], "predicted": None}
    ]
    assert content["n_failed"] == 1


def test_json_counts_every_class_even_those_without_an_error() -> None:
    content = score([], []).to_json()
    assert content["entities"]["errors"] == dict.fromkeys(ENTITY_ERRORS, 0)
    assert content["triples"]["errors"] == dict.fromkeys(TRIPLE_ERRORS, 0)


def test_a_text_cannot_act_upon_the_terminal() -> None:
    assert visible("a\x1b[31m\u202eb\r\nc 林\u3000") == "a\\u001b[31m\\u202eb  c 林\u3000"
    lines = list(judged_lines(1, judged("\x1b]0;", 1, "x" * 100_000, failure="\x07")))
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert max(map(len, lines)) < 3_000


def test_a_line_for_each_pair_and_one_for_all_that_is_missed() -> None:
    gold = (*entities(2), AnnotatedEntity(text="Bath", type="LOC", start=10, end=14))
    predicted = (AnnotatedEntity(text="Bath", type="ORG", start=10, end=14),)
    text = JudgedText(
        id="1",
        language="en",
        source="s",
        text="t",
        entities=compare_entities(gold, predicted),
        triples=compare_statements((), ()),
    )
    lines = [line.split(maxsplit=1) for line in judged_lines(7, text)]
    assert ["type", "Bath LOC predicted as Bath ORG"] in lines
    assert ["missed", "x PER, x PER"] in lines
    assert lines[0] == ["7.", "1 (en, s): 3 errors"]


# --- evaluate ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return load_ontology("general")


class Scripted:
    """Says the same about every text, and remembers what it was asked."""

    def __init__(self, *mentions: MentionClaim, triples: tuple[TripleClaim, ...] = (), state: str = "done") -> None:
        self.mentions, self.triples, self.state = mentions, triples, state
        self.asked: list[str] = []

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        for passage in passages:
            self.asked.append(passage.text)
            yield Extraction(
                passage_id=passage.id,
                extractor="x",
                state=self.state,
                mentions=self.mentions,
                triples=self.triples,
                failure=None if self.state == "done" else Failure(kind="x", what="the server is gone"),
            )


ANN = AnnotatedEntity(text="Ann", type="PER", start=0, end=3)
BATH = AnnotatedEntity(text="Bath", type="LOC", start=16, end=20)


def record(
    id_: str, *found: AnnotatedEntity, source: str = "s", triples: tuple[AnnotatedTriple, ...] = ()
) -> AnnotatedText:
    said = f"Ann was born in Bath. {id_}"
    return AnnotatedText(id=id_, language="en", source=source, text=said, entities=found, triples=triples)


def test_a_type_that_only_a_later_record_annotates_is_scored_in_the_first_one_too(ontology: Ontology) -> None:
    extractor = Scripted(
        MentionClaim(text="Ann", label="PER", start=0), MentionClaim(text="Bath", label="LOC", start=16)
    )
    late = evaluate([record("1", ANN), record("2", BATH)], extractor, ontology)
    assert late.entities.overall.n_predicted == 4
    assert late.entities.errors["invented"] == 2
    assert [text.n_errors for text in late.worst] == [1, 1]
    never = evaluate([record("1", ANN), record("2", ANN)], extractor, ontology)
    assert never.entities.overall.n_predicted == 2
    assert never.worst == ()


def test_a_bad_record_is_found_before_the_extractor_is_asked(ontology: Ontology) -> None:
    def records() -> Iterator[AnnotatedText]:
        yield from (record(str(n), ANN) for n in range(600))
        raise ParseError("broken", where="F.jsonl:601")

    extractor = Scripted()
    with pytest.raises(ParseError, match="601"):
        evaluate(records(), extractor, ontology)
    assert extractor.asked == []


def test_texts_are_read_a_window_at_a_time_and_progress_is_told(ontology: Ontology) -> None:
    told: list[tuple[int, int]] = []
    evaluate((record(str(n), ANN) for n in range(600)), Scripted(), ontology, on_progress=lambda *n: told.append(n))
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_a_failed_extraction_misses_everything_and_says_why(ontology: Ontology) -> None:
    report = evaluate([record("1", ANN)], Scripted(state="failed"), ontology)
    assert (report.n_failed, report.entities.errors["missed"]) == (1, 1)
    assert report.worst[0].failure == "the server is gone"


def test_symmetric_relations_of_the_ontology_hold_either_way_round(ontology: Ontology) -> None:
    stated = AnnotatedTriple(head="Ann", relation="spouse", tail="Bath")
    extractor = Scripted(triples=(TripleClaim(head="Bath", relation="spouse", tail="Ann"),))
    assert evaluate([record("1", triples=(stated,))], extractor, ontology).triples.overall.f1 == 1.0


def test_a_mapped_source_keeps_its_numbers_of_entities(ontology: Ontology) -> None:
    human = [
        AnnotatedEntity(text=name, type="human", start=at, end=at + len(name), entity="q1")
        for name, at in (("Ann", 0), ("Bath", 16))
    ]
    gold = record("1", *human, triples=(AnnotatedTriple(head="x", relation="born", tail="Bath"),))
    mapping = {"s": Mapped(entities={"human": "PER"}, relations={"born": "~place_of_birth"})}
    extractor = Scripted(triples=(TripleClaim(head="Ann", relation="place_of_birth", tail="x"),))
    assert evaluate([gold], extractor, ontology, mapping=mapping).triples.overall.f1 == 1.0


def test_an_entity_without_a_type_is_left_out(ontology: Ontology) -> None:
    report = evaluate([record("1", AnnotatedEntity(text="Ann", type=""))], Scripted(), ontology)
    assert report.entities.overall.n == 0
