"""Intervals of scores by the bootstrap: documents are drawn again, with replacement, as many as there are.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, percentile intervals (chapter 13).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["N_RESAMPLES", "Interval", "Intervals", "intervals", "resampled_sums"]

N_RESAMPLES = 1_000

Interval = tuple[float, float]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MAX_DRAWS = 2_000_000
"""So many documents are drawn at a time: 16 MB of weights."""

_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The 95 % intervals of one score; (0, 1) for a ratio that has nothing below the line in any resample."""

    precision: Interval
    recall: Interval
    f1: Interval

    def to_json(self) -> dict[str, list[float]]:
        return {"precision": [*self.precision], "recall": [*self.recall], "f1": [*self.f1]}


def resampled_sums(
    documents: IntArray,
    counts: FloatArray,
    bounds: IntArray,
    *,
    n_documents: int,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> FloatArray:
    """Return the sums of counts over each resample, (n_groups, n_resamples, n_counts).

    Row i of `counts` (n_rows, n_counts) is what document `documents[i]` (n_rows,), of `n_documents`, adds to a group;
    the rows of group g are those from `bounds[g]` to `bounds[g + 1]` (n_groups + 1,). Documents without a row count as
    drawn, and add nothing. The same seed draws the same documents whatever the groups are.
    """
    rng = np.random.default_rng(seed)
    n_groups = len(bounds) - 1
    sums = np.zeros((n_groups, n_resamples, counts.shape[1]))
    small = counts.astype(np.float32)
    step = max(1, _MAX_DRAWS // max(1, n_documents))
    for first in range(0, n_resamples if n_documents else 0, step):
        n = min(step, n_resamples - first)
        drawn = rng.integers(n_documents, size=(n, n_documents)) * n + np.arange(n)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=n_documents * n).reshape(n_documents, n).astype(np.float32)
        for group in range(n_groups):
            rows = slice(bounds[group], bounds[group + 1])
            sums[group, first : first + n] = weights[documents[rows]].T @ small[rows]
    return sums


def intervals(sums: FloatArray) -> Intervals:
    """Return the percentile intervals from resampled sums (n_resamples, 3) of gold, predicted and correct items."""
    gold, predicted, correct = sums[:, 0], sums[:, 1], sums[:, 2]
    return Intervals(
        precision=_interval(correct, predicted),
        recall=_interval(correct, gold),
        f1=_interval(2 * correct, gold + predicted),
    )


def _interval(above: FloatArray, below: FloatArray) -> Interval:
    defined = below > 0
    if not defined.any():
        return 0.0, 1.0
    low, high = np.quantile(above[defined] / below[defined], _QUANTILES)
    return float(low), float(high)
