"""Count gold, predicted and right items by document, and sum them up by language, source and type."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kgbuilder.score.bootstrap import N_RESAMPLES, Intervals, intervals, resampled_sums

__all__ = ["Score", "Scores", "Tally"]

_Z95 = 1.959963984540054
_N_COLUMNS = 5
_PARTS = ("overall", "language", "source", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Micro counts and what follows from them; `n` is the number of gold items.

    `bootstrap` are the intervals over resampled documents, None where nothing was resampled.
    """

    n: int
    n_predicted: int
    n_correct: int
    bootstrap: Intervals | None = None

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
        numbers: dict[str, object] = {
            "precision": self.precision,
            "precision_low": low,
            "precision_high": high,
            "recall": self.recall,
            "f1": self.f1,
            "n": self.n,
            "n_predicted": self.n_predicted,
            "n_correct": self.n_correct,
        }
        return numbers | ({"bootstrap": self.bootstrap.to_json()} if self.bootstrap else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A score over everything and by language, source and type (the relation, for triples), names in order.

    `errors` counts the classes of `compare`, in their order.
    """

    overall: Score
    by_language: Mapping[str, Score]
    by_source: Mapping[str, Score]
    by_type: Mapping[str, Score]
    errors: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        parts = {"by_language": self.by_language, "by_source": self.by_source, "by_type": self.by_type}
        groups: dict[str, object] = {
            name: {key: value.to_json() for key, value in part.items()} for name, part in parts.items()
        }
        return self.overall.to_json() | groups | {"errors": dict(self.errors)}


_Cell = tuple[str, str, str]


class Tally:
    """Counts by document and (language, source, type): a few numbers a document, no texts."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """`kinds` are the classes of errors."""
        self._cells: dict[_Cell, int] = {}
        self._rows = array("q")
        self._errors = dict.fromkeys(kinds, 0)

    def add(
        self,
        document: int,
        language: str,
        source: str,
        *,
        gold: Mapping[str, int],
        predicted: Mapping[str, int],
        correct: Mapping[str, int],
    ) -> None:
        """Count the items of one document by type; documents are numbered from 0."""
        for type_ in {**gold, **predicted}:
            cell = self._cells.setdefault((language, source, type_), len(self._cells))
            counts = (gold.get(type_, 0), predicted.get(type_, 0), correct.get(type_, 0))
            self._rows.extend((document, cell, *counts))

    def add_error(self, kind: str) -> None:
        self._errors[kind] += 1

    def scores(self, n_documents: int, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Scores:
        """Sum up, with intervals over `n_resamples` resamples of the documents, without for 0."""
        sums = self._sums(n_documents, n_resamples, seed)
        parts = [{name: score for (kind, name), score in sums.items() if kind == part} for part in _PARTS]
        return Scores(
            overall=parts[0].get("", Score(n=0, n_predicted=0, n_correct=0)),
            by_language=parts[1],
            by_source=parts[2],
            by_type=parts[3],
            errors=dict(self._errors),
        )

    def _sums(self, n_documents: int, n_resamples: int, seed: int) -> dict[tuple[str, str], Score]:
        """Return the scores of all groups, by what they are grouped by and name; the same documents are drawn for all.

        Each cell is in one group of each kind; a row is what one document adds to one group, in the order of both.
        """
        if not self._rows:
            return {}
        of_cells = [list(zip(_PARTS, ("", *cell), strict=True)) for cell in self._cells]
        names = sorted({key for keys in of_cells for key in keys})
        numbers = {key: number for number, key in enumerate(names)}
        groups = np.array([[numbers[key] for key in keys] for keys in of_cells])
        rows = np.frombuffer(self._rows, np.int64).reshape(-1, _N_COLUMNS)
        keys = (groups[rows[:, 1]] * n_documents + rows[:, :1]).ravel()
        keys, inverse = np.unique(keys, return_inverse=True)
        columns = [np.repeat(rows[:, column], len(_PARTS)) for column in range(2, _N_COLUMNS)]
        counts = np.stack([np.bincount(inverse, column, len(keys)) for column in columns], 1).astype(np.float64)
        bounds = np.searchsorted(keys, np.arange(len(names) + 1) * n_documents)
        sums = resampled_sums(
            keys % n_documents, counts, bounds, n_documents=n_documents, n_resamples=n_resamples, seed=seed
        )
        totals = np.add.reduceat(counts, bounds[:-1]).astype(int).tolist()
        return {
            key: Score(
                n=n, n_predicted=n_predicted, n_correct=n_correct, bootstrap=intervals(sum_) if len(sum_) else None
            )
            for key, (n, n_predicted, n_correct), sum_ in zip(names, totals, sums, strict=True)
        }


def _wilson(n_correct: int, n: int) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    share, z2 = n_correct / n, _Z95 * _Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
