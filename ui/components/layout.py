"""Places for the nodes of a picture: linked ones near, all of them apart, everything inside the frame."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["places"]

_Points = NDArray[np.float64]
_Indices = NDArray[np.intp]
_STEPS = 150
_GRAVITY = 0.3
_REACH = 3.0  # beyond so many of the usual distances nodes do not push each other
_PULL = 0.5
_LONGEST = 190.0


def places(n: int, links: Sequence[tuple[int, int]], *, width: float, height: float) -> list[tuple[float, float]]:
    """Return a place in a frame of `width` by `height` for each of `n` nodes; the same input gives the same places.

    Source: Fruchterman and Reingold, Graph drawing by force-directed placement (1991), with a pull to the middle that
    keeps parts without links between them together.
    """
    if n == 0:
        return []
    if n == 1:
        return [(width / 2, height / 2)]
    frame = np.array([width, height])
    nearest = 0.75 * float(np.sqrt(width * height / n))
    # A spiral to begin with: no two nodes in one place, and no chance in it.
    turn = np.arange(n) * 2.399963
    at = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sqrt(np.arange(n) + 0.5)[:, None] * nearest * 0.6
    heads, tails = _ends(links)
    for step in range(_STEPS):
        apart = at[:, None, :] - at[None, :, :]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-6)
        force = np.where(distance < _REACH * nearest, (nearest / distance) ** 2, 0.0)
        push = (apart * force[:, :, None]).sum(axis=1)
        along = at[heads] - at[tails]
        pull = along * (_PULL * np.sqrt((along**2).sum(axis=1)) / nearest)[:, None]
        np.add.at(push, heads, -pull)
        np.add.at(push, tails, pull)
        push -= at * (frame.max() / frame) * _GRAVITY
        length = np.maximum(np.sqrt((push**2).sum(axis=1)), 1e-6)
        heat = nearest * (1 - step / _STEPS)
        at += push / length[:, None] * np.minimum(length, heat)[:, None]
    lengths = np.sqrt(((at[heads] - at[tails]) ** 2).sum(axis=1))
    return _fitted(at, frame, float(lengths.mean()) if len(lengths) else nearest)


def _ends(links: Sequence[tuple[int, int]]) -> tuple[_Indices, _Indices]:
    pairs = np.array([pair for pair in links if pair[0] != pair[1]] or np.zeros((0, 2)), dtype=np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _fitted(at: _Points, frame: _Points, link: float) -> list[tuple[float, float]]:
    low, high = at.min(axis=0), at.max(axis=0)
    span = np.maximum(high - low, 1e-6)
    # Wide as the frame, but not pulled out of shape by more than half, and two nodes do not stand at its ends.
    scale = frame / span
    scale = np.minimum(scale, min(float(scale.min()) * 1.5, _LONGEST / max(link, 1e-6)))
    inside = (at - (low + high) / 2) * scale + frame / 2
    return [(round(float(x), 1), round(float(y), 1)) for x, y in inside]
