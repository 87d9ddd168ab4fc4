"""Fixed numbers that the model has both in training and in its export."""

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_DISTANCE", "N_DISTANCE_IDS", "distance_ids", "rope_tables"]

_DISTANCES = (1, 3, 6, 12, 24)
MAX_DISTANCE = 31
"""Tokens between two spans beyond which distances are all the same."""

N_DISTANCE_IDS = 2 * (len(_DISTANCES) + 1)
"""Buckets of distances: the first half where the head comes first, the second half where the tail does."""


def distance_ids() -> npt.NDArray[np.int32]:
    """Return the bucket of each distance from 0 to MAX_DISTANCE."""
    return np.searchsorted(_DISTANCES, np.arange(MAX_DISTANCE + 1), side="left").astype(np.int32)


def rope_tables(length: int, size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return cosines and sines of rotary positions, (length, size / 2) each.

    Source: Su et al. 2021, RoFormer.
    """
    angles = np.arange(length)[:, None] * 10_000.0 ** (-2.0 * np.arange(size // 2)[None] / size)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
