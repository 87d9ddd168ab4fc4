"""Gather comparisons text by text: tallies of all, texts only of the worst."""

import heapq
from dataclasses import dataclass

from kgbuilder.score.annotated import AnnotatedEntity, AnnotatedTriple
from kgbuilder.score.bootstrap import N_RESAMPLES
from kgbuilder.score.compare import ENTITY_ERRORS, TRIPLE_ERRORS, Comparison, Mistake
from kgbuilder.score.tally import Scores, Tally

__all__ = ["N_WORST", "JudgedText", "Report", "Scorer"]

N_WORST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedText:
    """A text with what was found in it, and what of that is wrong; `failure` says why there is no usable extraction."""

    id: str
    language: str
    source: str
    text: str
    entities: Comparison[AnnotatedEntity]
    triples: Comparison[AnnotatedTriple]
    failure: str = ""

    @property
    def n_errors(self) -> int:
        """Return the number of errors; a missed item and the wrong prediction it is paired with are one."""
        return len(self.entities.mistakes) + len(self.triples.mistakes)

    def to_json(self) -> dict[str, object]:
        errors = [("entities", m.kind, _entity(m.gold), _entity(m.predicted)) for m in self.entities.mistakes]
        errors += [("triples", m.kind, _triple(m.gold), _triple(m.predicted)) for m in self.triples.mistakes]
        return {
            "id": _shown(self.id),
            "language": _shown(self.language),
            "source": _shown(self.source),
            "text": _shown(self.text),
            "failure": _shown(self.failure),
            "n_errors": self.n_errors,
            "gold": {
                "entities": [_entity(entity) for entity in self.entities.gold],
                "triples": [_triple(triple) for triple in self.triples.gold],
            },
            "predicted": {
                "entities": [_entity(entity) for entity in self.entities.predicted],
                "triples": [_triple(triple) for triple in self.triples.predicted],
            },
            "errors": [{"of": of, "class": kind, "gold": g, "predicted": p} for of, kind, g, p in errors],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Scores of entities and triples over `n_records` texts; `n_failed` of them had no usable extraction.

    `worst` are the texts with the most errors, of as many the ones that came first.
    """

    entities: Scores
    triples: Scores
    n_records: int
    n_failed: int = 0
    worst: tuple[JudgedText, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "n_records": self.n_records,
            "n_failed": self.n_failed,
            "entities": self.entities.to_json(),
            "triples": self.triples.to_json(),
            "worst": [text.to_json() for text in self.worst],
        }


class Scorer:
    """Takes one judged text after the other; memory grows by a few numbers a text."""

    def __init__(self, *, n_worst: int = N_WORST) -> None:
        self._n_worst = n_worst
        self._entities, self._triples = Tally(ENTITY_ERRORS), Tally(TRIPLE_ERRORS)
        self._worst: list[tuple[int, int, JudgedText]] = []
        self.n_records = self.n_failed = 0

    def add(self, text: JudgedText) -> None:
        """Count a text."""
        number = self.n_records
        self.n_records += 1
        self.n_failed += bool(text.failure)
        _count(self._entities, number, text, text.entities)
        _count(self._triples, number, text, text.triples)
        if text.n_errors and self._n_worst:
            # Numbers differ, so texts are never compared; of two with as many errors the earlier one is kept.
            heapq.heappush(self._worst, (text.n_errors, -number, text))
            if len(self._worst) > self._n_worst:
                heapq.heappop(self._worst)

    def report(self, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Report:
        """Sum up, with intervals over `n_resamples` resamples of the texts, without for 0."""
        entities, triples = (
            tally.scores(self.n_records, n_resamples=n_resamples, seed=seed)
            for tally in (self._entities, self._triples)
        )
        return Report(
            entities=entities,
            triples=triples,
            n_records=self.n_records,
            n_failed=self.n_failed,
            worst=tuple(text for _, _, text in sorted(self._worst, key=lambda item: (-item[0], -item[1]))),
        )


def _count(
    tally: Tally, number: int, text: JudgedText, part: Comparison[AnnotatedEntity] | Comparison[AnnotatedTriple]
) -> None:
    tally.add(number, text.language, text.source, gold=part.n_gold, predicted=part.n_predicted, correct=part.n_correct)
    mistakes: tuple[Mistake[AnnotatedEntity] | Mistake[AnnotatedTriple], ...] = part.mistakes
    for mistake in mistakes:
        tally.add_error(mistake.kind)


def _entity(entity: AnnotatedEntity | None) -> dict[str, object] | None:
    if entity is None:
        return None
    return {"text": _shown(entity.text), "type": _shown(entity.type), "start": entity.start, "end": entity.end}


def _triple(triple: AnnotatedTriple | None) -> dict[str, object] | None:
    if triple is None:
        return None
    parts = ("head", "head_type", "relation", "tail", "tail_type")
    return {part: _shown(getattr(triple, part)) for part in parts}


def _shown(text: str) -> str:
    """Return a text that every program can read: a lone surrogate has no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")
