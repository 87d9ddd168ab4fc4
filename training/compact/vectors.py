"""Vectors of characters and of pairs of characters from what stands beside them: PPMI and a truncated SVD.

Sources: Levy, Goldberg 2014, word embedding as matrix factorisation; Halko et al. 2011, the randomised SVD.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["bigram_vectors", "character_vectors", "truncated_svd"]

FloatArray = npt.NDArray[np.float32]

_SPREAD = 0.1
_N_OVERSAMPLED = 12
_N_ITERATIONS = 3
_MAX_CONTEXTS = 3_000


def character_vectors(texts: Sequence[Sequence[int]], n_ids: int, size: int, *, window: int = 4) -> FloatArray:
    """Return a vector for each id, (n_ids, size); `texts` are ids, -1 is nothing."""
    return _vectors(_joined(texts, window), None, n_ids, size, window=window)


def bigram_vectors(
    texts: Sequence[Sequence[int]], bigrams: Sequence[Sequence[int]], n_bigrams: int, size: int, *, window: int = 3
) -> FloatArray:
    """Return a vector for each bigram, (n_bigrams, size): `bigrams` holds for each id of `texts` the one it begins."""
    return _vectors(_joined(texts, window), _joined(bigrams, window), n_bigrams, size, window=window)


def _joined(texts: Sequence[Sequence[int]], window: int) -> npt.NDArray[np.int64]:
    gap = [-1] * (window + 2)
    return np.array([id_ for text in texts for id_ in (*text, *gap)], np.int64)


def _vectors(
    ids: npt.NDArray[np.int64], centres: npt.NDArray[np.int64] | None, n_rows: int, size: int, *, window: int
) -> FloatArray:
    """Count what stands up to `window` places before and after, weighted by nearness, and factorise."""
    n_contexts = min(int(ids.max(initial=0)) + 1, _MAX_CONTEXTS)
    counts = np.zeros((n_rows, 2 * n_contexts), np.float32)
    rows = ids if centres is None else centres
    reach = 0 if centres is None else 1
    for away in range(1, window + 1):
        for side, (row, context) in enumerate(
            ((rows[: -away - reach], ids[away + reach :]), (rows[away:], ids[:-away]))
        ):
            known = (row >= 0) & (context >= 0) & (context < n_contexts)
            cells = row[known] * (2 * n_contexts) + side * n_contexts + context[known]
            places, n_times = np.unique(cells, return_counts=True)
            counts.reshape(-1)[places] += (n_times / away).astype(np.float32)
    left, values = truncated_svd(_ppmi(counts), size)
    vectors = left * np.sqrt(values)
    vectors -= vectors.mean(0)
    spread = float(vectors.std())
    scaled: FloatArray = (vectors * (_SPREAD / spread if spread else 0.0)).astype(np.float32)
    return scaled


def _ppmi(counts: FloatArray) -> FloatArray:
    """Return positive pointwise mutual information, contexts smoothed by the power 0.75."""
    by_row = counts.sum(1, keepdims=True)
    by_context = counts.sum(0, keepdims=True) ** 0.75
    by_context /= max(float(by_context.sum()), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts / by_row / by_context)
    positive: FloatArray = np.where(counts > 0, np.maximum(information, 0.0), 0.0).astype(np.float32)
    return positive


def truncated_svd(matrix: FloatArray, size: int, *, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Return the first left singular vectors, (n_rows, size), and values, (size,); zeros beyond the rank."""
    rng = np.random.default_rng(seed)
    n_wanted = min(size + _N_OVERSAMPLED, *matrix.shape)
    basis = matrix @ rng.normal(size=(matrix.shape[1], n_wanted)).astype(np.float32)
    for _ in range(_N_ITERATIONS):
        basis, _ = np.linalg.qr(basis)
        basis, _ = np.linalg.qr(matrix.T @ basis)
        basis = matrix @ basis
    basis, _ = np.linalg.qr(basis)
    small, values, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    left = np.zeros((matrix.shape[0], size), np.float32)
    found = np.zeros(size, np.float32)
    n = min(size, len(values))
    left[:, :n], found[:n] = (basis @ small)[:, :n], values[:n]
    return left, found
