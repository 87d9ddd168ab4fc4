"""Score predictions that are there, or those of an extractor that is run over annotated texts."""

import pickle
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import IO, Protocol

from graph_schema import Ontology
from kgbuilder.errors import ConfigError, ParseError
from kgbuilder.ids import content_id
from kgbuilder.records import Extraction, Passage
from kgbuilder.score.annotated import AnnotatedText
from kgbuilder.score.compare import compare_entities, compare_statements, statements
from kgbuilder.score.labels import Mapped, claimed, in_ontology
from kgbuilder.score.report import N_WORST, JudgedText, Report, Scorer

__all__ = ["evaluate", "score"]

_LOOK_AHEAD = 256


class _Extractor(Protocol):
    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]: ...


@dataclass(slots=True)
class _Annotated:
    """Which types and relations the gold of each source has: a prediction of another one is not scored there."""

    types: set[tuple[str, str]] = field(default_factory=set)
    relations: set[tuple[str, str]] = field(default_factory=set)

    def add(self, record: AnnotatedText) -> None:
        self.types.update((record.source, entity.type) for entity in record.entities)
        self.relations.update((record.source, triple.relation) for triple in record.triples)

    def scored(self, gold: AnnotatedText, predicted: AnnotatedText) -> AnnotatedText:
        """Return what of a prediction is scored: also only the relations that the record annotates."""
        complete = gold.annotated_relations
        return replace(
            predicted,
            entities=tuple(e for e in predicted.entities if (gold.source, e.type) in self.types),
            triples=tuple(
                triple
                for triple in predicted.triples
                if (gold.source, triple.relation) in self.relations
                and (complete is None or triple.relation in complete)
            ),
        )


@dataclass(frozen=True, slots=True)
class _Judge:
    annotated: _Annotated
    symmetric: frozenset[str]
    with_types: bool

    def judge(self, gold: AnnotatedText, predicted: AnnotatedText, failure: str = "") -> JudgedText:
        scored = self.annotated.scored(gold, predicted)
        wanted = statements(gold, about=gold, symmetric=self.symmetric)
        given = statements(scored, about=gold, symmetric=self.symmetric)
        return JudgedText(
            id=gold.id,
            language=gold.language,
            source=gold.source,
            text=gold.text,
            entities=compare_entities(gold.entities, scored.entities),
            triples=compare_statements(wanted, given, with_types=self.with_types),
            failure=failure,
        )


def score(
    gold: Iterable[AnnotatedText],
    predicted: Iterable[AnnotatedText],
    *,
    with_types: bool = False,
    symmetric: Collection[str] = (),
    n_worst: int = N_WORST,
) -> Report:
    """Compare predictions with gold, joined by record id; a gold record without a prediction counts as empty.

    `with_types` asks that the types of head and tail are right too; `symmetric` are the relations that hold either way
    round. Only types and relations that occur in the gold of a source are scored there, and only the relations a
    record annotates. The order of the records does not matter.

    Raises:
        ParseError: for a prediction whose id no gold record has, or an id that stands twice.
    """
    by_id, given = _by_id(gold, "gold record"), _by_id(predicted, "prediction")
    if strangers := given.keys() - by_id.keys():
        what = "a prediction belongs to no gold record"
        raise ParseError(what, where=f"record {min(strangers)}", remedy="compare its id")
    annotated = _Annotated()
    for record in by_id.values():
        annotated.add(record)
    judge = _Judge(annotated, frozenset(symmetric), with_types)
    scorer = Scorer(n_worst=n_worst)
    for id_, record in sorted(by_id.items()):
        empty = AnnotatedText(id=id_, language="", source="", text="")
        scorer.add(judge.judge(record, given.get(id_, empty)))
    return scorer.report()


def evaluate(
    records: Iterable[AnnotatedText],
    extractor: _Extractor,
    ontology: Ontology,
    *,
    mapping: Mapping[str, Mapped] | None = None,
    with_types: bool = False,
    n_worst: int = N_WORST,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Run `extractor` over the texts and score what it says, a window of texts at a time.

    `mapping` gives by source how its labels read in the ontology; other sources are taken to use the ontology's names.
    A failed or quarantined extraction counts as empty. All records are read, and kept in a temporary file, before the
    extractor is asked: what a source annotates must be known, and a bad record is found before the work.
    `on_progress` is told how many texts of how many are done.

    Raises:
        ConfigError: when the temporary file cannot be written.
    """
    mapped = mapping or {}
    annotated = _Annotated()
    n_total = n_done = 0
    with tempfile.TemporaryFile() as file:
        for record in records:
            gold = in_ontology(record, ontology, mapped.get(record.source))
            annotated.add(gold)
            _keep(gold, file)
            n_total += 1
        file.seek(0)
        symmetric = frozenset(relation.id for relation in ontology.relation_types.values() if relation.symmetric)
        judge = _Judge(annotated, symmetric, with_types)
        scorer = Scorer(n_worst=n_worst)
        kept = _kept(file, n_total)
        while window := list(islice(kept, _LOOK_AHEAD)):
            asked = {_passage(gold).id: _passage(gold) for gold in window}
            replies = {extraction.passage_id: extraction for extraction in extractor.extract(asked.values())}
            for gold in window:
                extraction = replies.get(_passage(gold).id)
                scorer.add(judge.judge(gold, claimed(gold, extraction, ontology), _failure(extraction)))
            n_done += len(window)
            if on_progress:
                on_progress(n_done, n_total)
    return scorer.report()


def _keep(record: AnnotatedText, file: IO[bytes]) -> None:
    try:
        pickle.dump(record, file, pickle.HIGHEST_PROTOCOL)
    except OSError as error:
        what = f"the texts cannot be kept aside: {error.strerror}"
        remedy = "free some space, or name another folder in TMPDIR"
        raise ConfigError(what, where=tempfile.gettempdir(), remedy=remedy) from error


def _kept(file: IO[bytes], n: int) -> Iterator[AnnotatedText]:
    for _ in range(n):
        record: AnnotatedText = pickle.load(file)
        yield record


def _failure(extraction: Extraction | None) -> str:
    if extraction is None:
        return "no extraction came back"
    if extraction.state == "done":
        return ""
    return (extraction.failure.what if extraction.failure else "") or extraction.state


def _by_id(records: Iterable[AnnotatedText], kind: str) -> dict[str, AnnotatedText]:
    by_id: dict[str, AnnotatedText] = {}
    for record in records:
        if record.id in by_id:
            raise ParseError(f"a {kind} stands twice", where=f"record {record.id}", remedy="give each its own id")
        by_id[record.id] = record
    return by_id


def _passage(record: AnnotatedText) -> Passage:
    id_ = content_id("passage", record.language, record.text)
    return Passage(id=id_, text=record.text, language=record.language)
