"""Score extractions against annotated text: micro precision, recall and F1 over exact entities and strict triples.

An entity is right when its span and type are (its text and type where offsets are missing); a triple when the texts of
head and tail and the relation are. Items are sets per record, so a repeat counts once, as in the CoNLL and SpERT
scorers; a ratio with nothing below the line is 0.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from graph_schema import Ontology
from kgbuilder.errors import ConfigError, ParseError
from kgbuilder.ids import content_id
from kgbuilder.records import Extraction, Passage

__all__ = [
    "AnnotatedEntity",
    "AnnotatedText",
    "AnnotatedTriple",
    "Mapped",
    "Report",
    "Score",
    "Scores",
    "evaluate",
    "load_mapping",
    "read_annotated",
    "score",
]

_Z95 = 1.959963984540054
_LOOK_AHEAD = 256
_INVERSE = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedEntity:
    """A named span; offsets are code points in the text, None where the source has none."""

    text: str
    type: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedTriple:
    """A relation between two names."""

    head: str
    relation: str
    tail: str
    head_type: str = ""
    tail_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedText:
    """A text with what it says. `annotated_relations` are those annotated completely; None means all."""

    id: str
    language: str
    source: str
    text: str
    entities: tuple[AnnotatedEntity, ...] = ()
    triples: tuple[AnnotatedTriple, ...] = ()
    annotated_relations: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Micro counts and what follows from them; `n` is the number of gold items."""

    n: int
    n_predicted: int
    n_correct: int

    @property
    def precision(self) -> float:
        return self.n_correct / self.n_predicted if self.n_predicted else 0.0

    @property
    def recall(self) -> float:
        return self.n_correct / self.n if self.n else 0.0

    @property
    def f1(self) -> float:
        total = self.n + self.n_predicted
        return 2 * self.n_correct / total if total else 0.0

    @property
    def precision_interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval of the precision; (0, 1) with no prediction.

        Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
        """
        return _wilson(self.n_correct, self.n_predicted)

    def to_json(self) -> dict[str, object]:
        low, high = self.precision_interval
        return {
            "precision": self.precision,
            "precision_low": low,
            "precision_high": high,
            "recall": self.recall,
            "f1": self.f1,
            "n": self.n,
            "n_predicted": self.n_predicted,
            "n_correct": self.n_correct,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A score over everything and by language, source and type (the relation, for triples), names in order."""

    overall: Score
    by_language: Mapping[str, Score]
    by_source: Mapping[str, Score]
    by_type: Mapping[str, Score]

    def to_json(self) -> dict[str, object]:
        parts = {"by_language": self.by_language, "by_source": self.by_source, "by_type": self.by_type}
        groups: dict[str, object] = {
            name: {key: value.to_json() for key, value in part.items()} for name, part in parts.items()
        }
        return self.overall.to_json() | groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Scores of entities and triples over `n_records` texts; `n_failed` of them had no usable extraction."""

    entities: Scores
    triples: Scores
    n_records: int
    n_failed: int = 0

    def to_json(self) -> dict[str, object]:
        return {
            "n_records": self.n_records,
            "n_failed": self.n_failed,
            "entities": self.entities.to_json(),
            "triples": self.triples.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """How the labels of one source read in the ontology; a label that is not here is left out of the scoring.

    A relation that begins with "~" is the other way round in the ontology.
    """

    entities: Mapping[str, str]
    relations: Mapping[str, str]


class _Extractor(Protocol):
    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]: ...


class _Entity(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str
    type: str
    start: int | None = None
    end: int | None = None


class _Triple(BaseModel):
    model_config = ConfigDict(extra="ignore")
    head: str
    relation: str
    tail: str
    head_type: str | None = None
    tail_type: str | None = None


class _Record(BaseModel):
    # Sources carry keys of their own (folds, matches, events), so unknown keys are no mistake here.
    model_config = ConfigDict(extra="ignore")
    id: str | int
    lang: str
    source: str
    text: str
    entities: list[_Entity] = []
    triples: list[_Triple] = []
    annotated_relations: list[str] | None = None


class _MappedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    entities: dict[str, str] = {}
    relations: dict[str, str] = {}


_Cell = tuple[str, str, str]


@dataclass(slots=True)
class _Tally:
    """Counts by (language, source, type)."""

    gold: Counter[_Cell] = field(default_factory=Counter)
    predicted: Counter[_Cell] = field(default_factory=Counter)
    correct: Counter[_Cell] = field(default_factory=Counter)

    def add(
        self, record: AnnotatedText, gold: Iterable[tuple[object, ...]], predicted: Iterable[tuple[object, ...]]
    ) -> None:
        """Count two collections of items of one record; the last part of an item is its type."""
        wanted, given = set(gold), set(predicted)
        for counter, items in ((self.gold, wanted), (self.predicted, given), (self.correct, wanted & given)):
            for item in items:
                counter[record.language, record.source, str(item[-1])] += 1

    def scores(self) -> Scores:
        """Sum up, leaving out predictions of types that the gold of their source never has."""
        annotated = {(source, type_) for _, source, type_ in self.gold}
        cells = [c for c in sorted(self.gold | self.predicted) if (c[1], c[2]) in annotated]
        return Scores(
            overall=self._sum(cells),
            by_language=self._sums(cells, lambda cell: cell[0]),
            by_source=self._sums(cells, lambda cell: cell[1]),
            by_type=self._sums(cells, lambda cell: cell[2]),
        )

    def _sums(self, cells: list[_Cell], key: Callable[[_Cell], str]) -> dict[str, Score]:
        groups: dict[str, list[_Cell]] = {}
        for cell in cells:
            groups.setdefault(key(cell), []).append(cell)
        return {name: self._sum(groups[name]) for name in sorted(groups)}

    def _sum(self, cells: list[_Cell]) -> Score:
        return Score(
            n=sum(self.gold[cell] for cell in cells),
            n_predicted=sum(self.predicted[cell] for cell in cells),
            n_correct=sum(self.correct[cell] for cell in cells),
        )


def score(gold: Iterable[AnnotatedText], predicted: Iterable[AnnotatedText], *, with_types: bool = False) -> Report:
    """Compare predictions with gold, joined by record id; a gold record without a prediction counts as empty.

    `with_types` asks that the types of head and tail are right too. Only types and relations that occur in the gold of
    a source are scored there, and only the relations a record annotates.

    Raises:
        ParseError: for a prediction whose id no gold record has, or an id that stands twice.
    """
    by_id = _by_id(predicted, "prediction")
    entities, triples, n_records = _Tally(), _Tally(), 0
    for id_, record in _by_id(gold, "gold record").items():
        n_records += 1
        other = by_id.pop(id_, None)
        _compare(record, other or AnnotatedText(id=id_, language="", source="", text=""), entities, triples, with_types)
    if by_id:
        raise ParseError(
            "a prediction belongs to no gold record", where=f"record {min(by_id)}", remedy="compare its id"
        )
    return Report(entities=entities.scores(), triples=triples.scores(), n_records=n_records)


def evaluate(
    records: Iterable[AnnotatedText],
    extractor: _Extractor,
    ontology: Ontology,
    *,
    mapping: Mapping[str, Mapped] | None = None,
    with_types: bool = False,
) -> Report:
    """Run `extractor` over the texts and score what it says, a window of texts at a time.

    `mapping` gives by source how its labels read in the ontology; other sources are taken to use the ontology's names.
    A failed or quarantined extraction counts as empty.
    """
    mapped = mapping or {}
    entities, triples, n_records, n_failed = _Tally(), _Tally(), 0, 0
    remaining = iter(records)
    while window := list(islice(remaining, _LOOK_AHEAD)):
        asked = {_passage(record).id: _passage(record) for record in window}
        replies = {extraction.passage_id: extraction for extraction in extractor.extract(asked.values())}
        for record in window:
            extraction = replies.get(_passage(record).id)
            n_records += 1
            n_failed += extraction is None or extraction.state != "done"
            gold = _in_ontology(record, ontology, mapped.get(record.source))
            _compare(gold, _claimed(record, extraction, ontology), entities, triples, with_types)
    return Report(entities=entities.scores(), triples=triples.scores(), n_records=n_records, n_failed=n_failed)


def read_annotated(path: Path) -> Iterator[AnnotatedText]:
    """Read JSON Lines of the form {"id", "lang", "source", "text", "entities", "triples"}; blank lines are skipped.

    Raises:
        ParseError: naming file and line, for a line that is not UTF-8, not JSON, or not of this form, or whose offsets
            do not hold the text; naming the file, when it cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read_line(line, f"{path}:{number}")
    except OSError as error:
        raise ParseError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="give a file of annotated records"
        ) from error


def load_mapping(path: Path) -> dict[str, Mapped]:
    """Read a YAML file {source: {entities: {label: id}, relations: {label: id}}}.

    Raises:
        ConfigError: when the file has another form.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        parsed = {str(source): _MappedFile.model_validate(part) for source, part in dict(content).items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, TypeError, ValueError) as error:
        remedy = "write {source: {entities: {label: id}, relations: {label: id}}}"
        raise ConfigError(f"the mapping cannot be read: {error}", where=str(path), remedy=remedy) from error
    return {source: Mapped(entities=part.entities, relations=part.relations) for source, part in parsed.items()}


def _read_line(line: bytes, where: str) -> AnnotatedText:
    try:
        record = _Record.model_validate(json.loads(line))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ParseError(f"not a line of JSON: {error}", where=where, remedy="write one JSON object a line") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise ParseError(f"{place}: {first['msg']}", where=where, remedy="compare with the form of the data") from error
    entities = tuple(
        AnnotatedEntity(text=entity.text, type=entity.type, start=entity.start, end=entity.end)
        for entity in record.entities
    )
    for entity in entities:
        if entity.start is not None and record.text[entity.start : entity.end] != entity.text:
            raise ParseError(
                f"offsets {entity.start} to {entity.end} do not hold {entity.text!r}",
                where=where,
                remedy="count code points",
            )
    relations = None if record.annotated_relations is None else frozenset(record.annotated_relations)
    return AnnotatedText(
        id=str(record.id),
        language=record.lang,
        source=record.source,
        text=record.text,
        entities=entities,
        triples=tuple(
            AnnotatedTriple(
                head=triple.head,
                relation=triple.relation,
                tail=triple.tail,
                head_type=triple.head_type or "",
                tail_type=triple.tail_type or "",
            )
            for triple in record.triples
        ),
        annotated_relations=relations,
    )


def _by_id(records: Iterable[AnnotatedText], kind: str) -> dict[str, AnnotatedText]:
    by_id: dict[str, AnnotatedText] = {}
    for record in records:
        if record.id in by_id:
            raise ParseError(f"a {kind} stands twice", where=f"record {record.id}", remedy="give each its own id")
        by_id[record.id] = record
    return by_id


def _compare(
    gold: AnnotatedText, predicted: AnnotatedText, entities: _Tally, triples: _Tally, with_types: bool
) -> None:
    by_span = all(entity.start is not None for entity in (*gold.entities, *predicted.entities))
    entities.add(gold, _entity_items(gold, by_span), _entity_items(predicted, by_span))
    complete = gold.annotated_relations
    given = _triple_items(predicted, with_types)
    if complete is not None:
        given = [item for item in given if item[-1] in complete]
    triples.add(gold, _triple_items(gold, with_types), given)


def _entity_items(record: AnnotatedText, by_span: bool) -> list[tuple[object, ...]]:
    if by_span:
        return [(entity.start, entity.end, entity.type) for entity in record.entities]
    return [(entity.text, entity.type) for entity in record.entities]


def _triple_items(record: AnnotatedText, with_types: bool) -> list[tuple[object, ...]]:
    if with_types:
        return [(t.head, t.head_type, t.tail, t.tail_type, t.relation) for t in record.triples]
    return [(triple.head, triple.tail, triple.relation) for triple in record.triples]


def _passage(record: AnnotatedText) -> Passage:
    id_ = content_id("passage", record.language, record.text)
    return Passage(id=id_, text=record.text, language=record.language)


def _claimed(record: AnnotatedText, extraction: Extraction | None, ontology: Ontology) -> AnnotatedText:
    done = extraction if extraction is not None and extraction.state == "done" else None
    return AnnotatedText(
        id=record.id,
        language=record.language,
        source=record.source,
        text=record.text,
        entities=tuple(
            AnnotatedEntity(
                text=claim.text,
                type=_entity_id(claim.label, ontology),
                start=claim.start,
                end=None if claim.start is None else claim.start + len(claim.text),
            )
            for claim in (done.mentions if done else ())
        ),
        triples=tuple(
            AnnotatedTriple(
                head=claim.head,
                relation=_relation_id(claim.relation, ontology),
                tail=claim.tail,
                head_type=_entity_id(claim.head_label or "", ontology),
                tail_type=_entity_id(claim.tail_label or "", ontology),
            )
            for claim in (done.triples if done else ())
        ),
    )


def _in_ontology(record: AnnotatedText, ontology: Ontology, mapped: Mapped | None) -> AnnotatedText:
    """Return `record` with the labels of its source replaced by ids of the ontology."""
    complete = record.annotated_relations
    return AnnotatedText(
        id=record.id,
        language=record.language,
        source=record.source,
        text=record.text,
        entities=tuple(
            AnnotatedEntity(text=entity.text, type=type_, start=entity.start, end=entity.end)
            for entity in record.entities
            if (type_ := _mapped_entity(entity.type, ontology, mapped))
        ),
        triples=tuple(
            _mapped_triple(triple, relation, ontology, mapped)
            for triple in record.triples
            if (relation := _mapped_relation(triple.relation, ontology, mapped))
        ),
        annotated_relations=None
        if complete is None
        else frozenset(_mapped_relation(name, ontology, mapped).removeprefix(_INVERSE) for name in complete),
    )


def _mapped_triple(
    triple: AnnotatedTriple, relation: str, ontology: Ontology, mapped: Mapped | None
) -> AnnotatedTriple:
    head, tail = (triple.head, triple.head_type), (triple.tail, triple.tail_type)
    if relation.startswith(_INVERSE):
        head, tail = tail, head
    return AnnotatedTriple(
        head=head[0],
        relation=relation.removeprefix(_INVERSE),
        tail=tail[0],
        head_type=_mapped_entity(head[1], ontology, mapped),
        tail_type=_mapped_entity(tail[1], ontology, mapped),
    )


def _mapped_entity(label: str, ontology: Ontology, mapped: Mapped | None) -> str:
    return mapped.entities.get(label, "") if mapped else _entity_id(label, ontology)


def _mapped_relation(label: str, ontology: Ontology, mapped: Mapped | None) -> str:
    return mapped.relations.get(label, "") if mapped else _relation_id(label, ontology)


def _entity_id(label: str, ontology: Ontology) -> str:
    known = ontology.entity_type(label)
    return known.id if known else label


def _relation_id(label: str, ontology: Ontology) -> str:
    known = ontology.relation_type(label)
    return known.id if known else label


def _wilson(n_correct: int, n: int) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    share, z2 = n_correct / n, _Z95 * _Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
