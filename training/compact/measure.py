"""Score a model with the strict measures, choose its thresholds, and fit its probabilities.

An entity is right when its span and type are. A triple is right when its relation is and head and tail are written like
mentions of the right entities; of a source that leaves types or relations open, only what it closes counts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from kgbuilder.extract.compact.decode import (
    N_PAIR_FEATURES,
    Calibration,
    PairCalibration,
    Reading,
    Settings,
    decide,
    pair_features,
)
from kgbuilder.extract.compact.model import CompactModel, Scored
from kgbuilder.score import Score
from training.data import Candidate, Example, Mention

__all__ = [
    "Chosen",
    "Judged",
    "Measured",
    "choose_thresholds",
    "fit_pairs",
    "fit_platt",
    "measure",
    "measure_readings",
    "plain_calibration",
    "precise_threshold",
]

FloatArray = npt.NDArray[np.float32]
Item = tuple[object, object, object]
"""An entity as start, end, type; a triple as head, relation, tail."""

_LOW = -3.0
_TRIPLE_LOW = -4.0
_MAX_STEPS = 200


@dataclass(slots=True, kw_only=True)
class _Counts:
    gold: int = 0
    predicted: int = 0
    correct: int = 0

    def score(self) -> Score:
        return Score(n=self.gold, n_predicted=self.predicted, n_correct=self.correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Counts of entities and triples, over everything ("") and by type or relation; and of texts without a triple."""

    entities: Mapping[str, _Counts]
    triples: Mapping[str, _Counts]
    n_bare: int
    n_bare_wrong: int

    def to_json(self) -> dict[str, object]:
        parts: dict[str, object] = {}
        for name, counts in (("entities", self.entities), ("triples", self.triples)):
            parts[name] = {key or "all": _numbers(value.score()) for key, value in sorted(counts.items())}
        return parts | {"texts_without_triple": self.n_bare, "of_these_with_one": self.n_bare_wrong}


def _numbers(score: Score) -> dict[str, float]:
    return {
        "precision": round(100 * score.precision, 1),
        "recall": round(100 * score.recall, 1),
        "f1": round(100 * score.f1, 1),
        "n": score.n,
    }


def measure(model: CompactModel, examples: Sequence[Example]) -> Measured:
    """Read the texts of the examples and score what comes out."""
    return measure_readings(zip(examples, model.read([example.text for example in examples]), strict=True))


def measure_readings(readings: Iterable[tuple[Example, Reading]]) -> Measured:
    """Score readings."""
    entities: defaultdict[str, _Counts] = defaultdict(_Counts)
    triples: defaultdict[str, _Counts] = defaultdict(_Counts)
    n_bare = n_bare_wrong = 0
    for example, reading in readings:
        gold: set[Item] = {(m.start, m.end, m.type) for m in example.mentions if m.type in example.exhaustive_types}
        found: set[Item] = {(m.start, m.end, m.type) for m in reading.mentions if m.type in example.exhaustive_types}
        found -= {(c.start, c.end, type_) for c in example.candidates for type_ in c.types}
        _count(entities, gold, found, lambda item: str(item[2]))
        stated, right = gold_triples(example), found_triples(example, reading)
        _count(triples, stated, right, lambda item: str(item[1]))
        if not example.triples and example.relations:
            n_bare += 1
            n_bare_wrong += bool(right)
    return Measured(entities=entities, triples=triples, n_bare=n_bare, n_bare_wrong=n_bare_wrong)


def _count(
    counts: dict[str, _Counts],
    gold: set[Item],
    found: set[Item],
    key: Callable[[Item], str],
) -> None:
    for items, name in ((gold, "gold"), (found, "predicted"), (gold & found, "correct")):
        for item in items:
            for part in ("", key(item)):
                setattr(counts[part], name, getattr(counts[part], name) + 1)


def gold_triples(example: Example) -> set[Item]:
    """Return the triples whose relation the example closes, by number of entity."""
    return {
        (triple.head, triple.relation, triple.tail)
        for triple in example.triples
        if triple.relation in example.relations
    }


def found_triples(example: Example, reading: Reading) -> set[Item]:
    """Return what was found, by number of entity where the text is that of a mention; what is unknown stays out."""
    names: dict[str, int] = {}
    spans: list[Mention | Candidate] = [*example.mentions, *example.candidates]
    for span in spans:
        names.setdefault(example.text[span.start : span.end], span.entity)
    gold = gold_triples(example)
    open_ = {(t.head, t.relation, t.tail) for t in example.unknown}
    open_ |= {(t.head, t.relation, t.tail) for group in example.either for t in group}
    found: set[Item] = set()
    for triple in reading.triples:
        head, tail = (reading.mentions[number] for number in (triple.head, triple.tail))
        texts = [example.text[m.start : m.end] for m in (head, tail)]
        one, other = (names.get(text, text) for text in texts)
        item = (one, triple.relation, other)
        if (other, triple.relation, one) in gold | open_ and item not in gold:
            item = (other, triple.relation, one) if _symmetric(triple.relation) else item
        closed = isinstance(one, int) and isinstance(other, int) if example.marked_pairs else True
        if triple.relation in example.relations and item not in open_ and closed:
            found.add(item)
    return found


def _symmetric(relation: str) -> bool:
    from graph_schema import load_ontology

    known = load_ontology("general").relation_types.get(relation)
    return known is not None and known.symmetric


# --- thresholds -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Thresholds and calibrations; see `Settings`."""

    type_thresholds: FloatArray
    type_calibration: tuple[float, float]
    relation_threshold: float
    relation_calibration: PairCalibration


def choose_thresholds(model: CompactModel, examples: Sequence[Example], *, target: float = 0.8) -> Chosen:
    """Choose thresholds of types for the best F1, and from where on triples are stated for precision `target`.

    `examples` must be annotated exhaustively, and none of them trained on.
    """
    settings = model.settings
    low = np.full(len(settings.types), _LOW, np.float32)
    pieces = [model.featurizer.features(example.text) for example in examples]
    kept = [(e, p) for e, p in zip(examples, pieces, strict=True) if len(p) <= model.card.max_tokens]
    scored = model.score([piece for _, piece in kept], low)
    items = [(example, one) for (example, _), one in zip(kept, scored, strict=True)]
    types, type_fit = _choose_types(items, settings)
    again = model.score([piece for _, piece in kept], types)
    judged = _judge([(example, one) for (example, _), one in zip(kept, again, strict=True)], settings)
    return Chosen(
        type_thresholds=types,
        type_calibration=type_fit,
        relation_threshold=precise_threshold(judged, len(settings.relations), target),
        relation_calibration=fit_pairs(judged, len(settings.relations)),
    )


def _choose_types(
    items: Sequence[tuple[Example, Scored]], settings: Settings
) -> tuple[FloatArray, tuple[float, float]]:
    by_type: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    n_gold: dict[int, int] = defaultdict(int)
    for example, scored in items:
        gold = {(m.start, m.end, m.type) for m in example.mentions}
        for mention in gold:
            n_gold[settings.types.index(mention[2])] += 1
        for span in scored.spans:
            start, end = int(scored.features.spans[span.first, 0]), int(scored.features.spans[span.last, 1])
            by_type[span.type].append((span.score, (start, end, settings.types[span.type]) in gold))
    thresholds = np.zeros(len(settings.types), np.float32)
    for type_, found in by_type.items():
        thresholds[type_] = _best_f1(found, n_gold[type_])
    return thresholds, fit_platt([pair for found in by_type.values() for pair in found])


def _best_f1(found: Sequence[tuple[float, bool]], n_gold: int) -> float:
    """Return the threshold within [-1, 1] with the highest F1."""
    scores = np.array([score for score, _ in found])
    right = np.array([good for _, good in found])
    best, chosen = -1.0, 0.0
    for threshold in np.linspace(-1.0, 1.0, 21):
        over = scores > threshold
        f1 = 2 * (right & over).sum() / max(over.sum() + n_gold, 1)
        if f1 > best + 1e-9:
            best, chosen = float(f1), float(threshold)
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Triples that a model might state, (n,) each: scores, `pair_features` (n, N_PAIR_FEATURES), right or not; the
    example each stands in."""

    scores: FloatArray
    features: FloatArray
    relations: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    examples: npt.NDArray[np.int64]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Judged":
        """Return some of them."""
        return Judged(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def _judge(items: Sequence[tuple[Example, Scored]], settings: Settings) -> Judged:
    n_relations = len(settings.relations)
    low = replace(
        settings,
        type_calibration=Calibration(),
        relation_calibration=plain_calibration(n_relations),
        relation_thresholds=np.full(n_relations, _TRIPLE_LOW, np.float32),
    )
    numbers = {name: number for number, name in enumerate(settings.relations)}
    rows: list[tuple[float, FloatArray, int, bool, int]] = []
    for number, (example, scored) in enumerate(items):
        reading = decide(scored.features, scored.spans, scored.pairs, low)
        gold = gold_triples(example)
        for triple in reading.triples:
            for item in found_triples(example, Reading(mentions=reading.mentions, triples=(triple,))):
                [features] = pair_features(scored.spans, np.array([triple.head]), np.array([triple.tail]))
                rows.append((_logit(triple.score), features, numbers[triple.relation], item in gold, number))
    scores, features_of, relations, right, examples = zip(*rows, strict=True) if rows else ((),) * 5
    return Judged(
        scores=np.array(scores, np.float32),
        features=np.array(features_of, np.float32).reshape(-1, N_PAIR_FEATURES),
        relations=np.array(relations, np.int64),
        right=np.array(right, bool),
        examples=np.array(examples, np.int64),
    )


def plain_calibration(n_relations: int) -> PairCalibration:
    """Return the calibration that takes scores as they are."""
    slopes = np.array([1.0] + [0.0] * N_PAIR_FEATURES, np.float32)
    return PairCalibration(slopes=slopes, offsets=np.zeros(n_relations, np.float32))


def _logit(probability: float) -> float:
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(p / (1 - p)))


def fit_pairs(judged: Judged, n_relations: int) -> PairCalibration:
    """Fit the logistic regression by Newton's method; what a relation adds is drawn towards the mean of all."""
    n = len(judged.right)
    n_slopes = 1 + N_PAIR_FEATURES
    columns = np.zeros((n, n_slopes + 1 + n_relations))
    columns[:, 0], columns[:, 1:n_slopes], columns[:, n_slopes] = judged.scores, judged.features, 1.0
    columns[np.arange(n), n_slopes + 1 + judged.relations] = 1.0
    weights = np.zeros(columns.shape[1])
    weights[0] = 1.0
    if judged.right.any() and not judged.right.all():
        penalties = np.r_[np.zeros(n_slopes + 1), np.ones(n_relations)]
        weights = _newton(columns, judged.right.astype(float), weights, penalties)
    return PairCalibration(
        slopes=weights[:n_slopes].astype(np.float32),
        offsets=(weights[n_slopes] + weights[n_slopes + 1 :]).astype(np.float32),
    )


def precise_threshold(judged: Judged, n_relations: int, target: float) -> float:
    """Return the lowest logit over which triples are `target` precise, each half of the examples read by a fit on the
    other one; none is lower than an even chance."""
    if not len(judged.right):
        return 0.0
    logits = np.zeros(len(judged.right))
    for half in (0, 1):
        inside = judged.examples % 2 == half
        fit = fit_pairs(judged.of(~inside), n_relations)
        every = fit.logits(judged.scores[inside, None], judged.features[inside])
        logits[inside] = every[np.arange(len(every)), judged.relations[inside]]
    order = np.argsort(-logits)
    precision = np.cumsum(judged.right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= target)
    return float(max(logits[order[enough[-1]]], 0.0)) if len(enough) else float(logits.max())


def fit_platt(pairs: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Return slope and offset of the logistic curve through scores and whether they were right, by Newton's method."""
    if not any(good for _, good in pairs) or all(good for _, good in pairs):
        return 1.0, 0.0
    x = np.stack([[score for score, _ in pairs], np.ones(len(pairs))], 1)
    y = np.array([good for _, good in pairs], float)
    slope, offset = _newton(x, y, np.array([1.0, 0.0]), np.zeros(2))
    return float(slope), float(offset)


def _newton(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    penalties: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the weights of a logistic regression of y on x, (n, d), with a quadratic penalty for each weight."""
    for _ in range(_MAX_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        hessian = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x + np.diag(penalties + 1e-6)
        step = np.linalg.solve(hessian, x.T @ (y - p) - penalties * weights)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def means(measured: Mapping[str, Measured]) -> dict[str, tuple[float, float]]:
    """Return F1 of entities and of triples by name of test, in percent."""
    return {
        name: (100 * one.entities[""].score().f1, 100 * one.triples[""].score().f1) for name, one in measured.items()
    }
