"""What the scores of predictions are worth: precision and recall at every threshold, and calibration."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.compact.measure import gold_triples
from training.data import Example
from training.quality.judge import Item, Said, found_items, stated_mentions

__all__ = [
    "Bin",
    "ScoredItems",
    "calibration_error",
    "precision_recall",
    "reliability",
    "scored_entities",
    "scored_triples",
]

FloatArray = npt.NDArray[np.float64]
N_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredItems:
    """Predictions with their probabilities (n_items,) and whether they are right (n_items,); `n_gold` annotated."""

    scores: FloatArray
    right: npt.NDArray[np.bool_]
    n_gold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The predictions with a score from `low` to `high`: their mean score, and the share of them that is right."""

    low: float
    high: float
    n: int
    score: float
    share: float


def scored_triples(found: Iterable[tuple[Example, Said]]) -> ScoredItems:
    """Collect triples; one that is stated by several names counts once, with its highest score."""
    pairs: list[tuple[float, bool]] = []
    n_gold = 0
    for example, one in found:
        gold = gold_triples(example)
        n_gold += len(gold)
        best: dict[Item, float] = {}
        for item, triple in found_items(example, one):
            best[item] = max(best.get(item, 0.0), triple.score)
        pairs += [(score, item in gold) for item, score in best.items()]
    return _items(pairs, n_gold)


def scored_entities(found: Iterable[tuple[Example, Said]]) -> ScoredItems:
    """Collect the entities that were stated."""
    pairs: list[tuple[float, bool]] = []
    n_gold = 0
    for example, one in found:
        gold = {(m.start, m.end, m.type) for m in example.mentions if m.type in example.exhaustive_types}
        n_gold += len(gold)
        pairs += [(m.score, (m.start, m.end, m.type) in gold) for m in stated_mentions(example, one)]
    return _items(pairs, n_gold)


def _items(pairs: list[tuple[float, bool]], n_gold: int) -> ScoredItems:
    return ScoredItems(
        scores=np.array([score for score, _ in pairs], np.float64),
        right=np.array([right for _, right in pairs], bool),
        n_gold=n_gold,
    )


def precision_recall(items: ScoredItems) -> tuple[FloatArray, FloatArray]:
    """Return recall and precision, (n_scores,) each, with every different score as the threshold, highest first."""
    order = np.argsort(-items.scores, kind="stable")
    right = np.cumsum(items.right[order])
    # Predictions with one score are stated together.
    last = np.flatnonzero(np.diff(items.scores[order], append=-1.0))
    precision = right[last] / (last + 1)
    return right[last] / max(items.n_gold, 1), precision


def reliability(items: ScoredItems, n_bins: int = N_BINS) -> list[Bin]:
    """Return the bins of equal width that have predictions."""
    bins = []
    numbers = np.minimum((items.scores * n_bins).astype(int), n_bins - 1)
    for number in range(n_bins):
        inside = numbers == number
        if n := int(inside.sum()):
            score, share = float(items.scores[inside].mean()), float(items.right[inside].mean())
            bins.append(Bin(low=number / n_bins, high=(number + 1) / n_bins, n=n, score=score, share=share))
    return bins


def calibration_error(bins: Iterable[Bin]) -> float:
    """Return the expected calibration error, in [0, 1]: the mean distance of score and share, by predictions.

    Source: Guo et al. 2017, On calibration of modern neural networks.
    """
    known = list(bins)
    total = sum(one.n for one in known)
    return sum(one.n * abs(one.score - one.share) for one in known) / total if total else 0.0
