"""Targets as arrays of few fixed shapes: MindSpore compiles a graph for each shape, so texts go to buckets by length.

All of a batch is made on the host from a seed and a step number, dropout masks included: a run that was interrupted
goes on with the same batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from kgbuilder.extract.compact.context import CharacterContext
from kgbuilder.extract.compact.model import stack_features
from training.compact.targets import Labels, Target

__all__ = ["Batch", "Dropout", "Layout", "Shape", "make_batch", "plan_batches"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

MAX_FREE_WIDTH = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One bucket: `rows` texts of at most `length` tokens, `n_slots` spans and `n_pairs` pairs in all."""

    rows: int
    length: int
    n_slots: int
    n_pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """Shares that are dropped: whole channels of inputs, layers, the head's input, of pairs single numbers; `words` is
    the share of tokens whose ids of the fields `word_fields` become unknown."""

    inputs: float
    layers: float
    head: float
    pairs: float
    words: float
    word_fields: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the arrays of a batch are laid out by: sizes of the model, and what is drawn at random."""

    labels: Labels
    width: int
    n_free: int
    free_pairs: int
    d_input: int
    d: int
    n_layers: int
    d_pair: int
    dropout: Dropout
    context: CharacterContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """The arrays of one batch, in the order in which the loss takes them.

    Rows B, tokens L, fields F, band W, types T, slots S, pairs P (beyond the B * n_free slots that the model fills with
    the spans it scores highest), relations R.
    """

    ids: IntArray  # (B, L, F)
    signals: FloatArray  # (B, L, n_signals)
    mask: FloatArray  # (B, L)
    spans: FloatArray  # (B, L, W, T), 1 right
    spans_negative: FloatArray  # (B, L, W, T), 1 wrong
    slot: IntArray  # (S,) first tokens, counted over the batch
    slot_width: IntArray  # (S,)
    free: FloatArray  # (B, L, W), 1 where a span is no slot and may become one
    head: IntArray  # (P,)
    tail: IntArray  # (P,)
    rows: FloatArray  # (B, P), 1 where a pair stands in a row
    pairs: FloatArray  # (P, R)
    pairs_negative: FloatArray  # (P, R)
    scale: FloatArray  # (), 1 / texts
    keep_input: FloatArray  # (B, 1, d_input)
    keep_layers: FloatArray  # (layers, B, 1, d)
    keep_head: FloatArray  # (B, 1, d)
    keep_pair: FloatArray  # (P, d_pair)

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


def plan_batches(
    lengths: Sequence[int], shapes: Sequence[Shape], rng: np.random.Generator
) -> list[tuple[int, list[int]]]:
    """Return (number of the shape, numbers of the texts) of each batch, in random order; too long texts stay out."""
    buckets: list[list[int]] = [[] for _ in shapes]
    for number in rng.permutation(len(lengths)):
        place = next((n for n, shape in enumerate(shapes) if lengths[number] <= shape.length), None)
        if place is not None:
            buckets[place].append(int(number))
    plan = [
        (place, bucket[at : at + shapes[place].rows])
        for place, bucket in enumerate(buckets)
        for at in range(0, len(bucket), shapes[place].rows)
    ]
    return [plan[n] for n in rng.permutation(len(plan))]


def make_batch(targets: Sequence[Target], shape: Shape, layout: Layout, rng: np.random.Generator) -> Batch:
    """Make the arrays of one batch."""
    n_rows, length, width = shape.rows, shape.length, layout.width
    n_types, n_relations = len(layout.labels.types), len(layout.labels.relations)
    pieces = [target.features for target in targets]
    ids, signals, mask = stack_features(pieces, layout.context, n_rows=n_rows, length=length)
    spans = np.zeros((n_rows, length, width, n_types), np.float32)
    negative = np.zeros_like(spans)
    free = np.zeros((n_rows, length, width), np.float32)
    for row, target in enumerate(targets):
        _label_spans(target, spans[row], negative[row], free[row])
    _drop_words(ids, mask, layout.dropout, rng)
    chosen = _choose_pairs(targets, shape, layout, rng)
    return Batch(
        ids=ids,
        signals=signals,
        mask=mask,
        spans=spans,
        spans_negative=negative,
        free=free,
        scale=np.array(1.0 / max(len(targets), 1), np.float32),
        keep_input=_keep((n_rows, 1, layout.d_input), layout.dropout.inputs, rng),
        keep_layers=_keep((layout.n_layers, n_rows, 1, layout.d), layout.dropout.layers, rng),
        keep_head=_keep((n_rows, 1, layout.d), layout.dropout.head, rng),
        keep_pair=_keep((shape.n_pairs, layout.d_pair), layout.dropout.pairs, rng),
        **chosen.arrays(n_rows, n_relations),
    )


def _keep(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> FloatArray:
    if not share:
        return np.ones(shape, np.float32)
    return ((rng.random(shape, np.float32) >= share) / (1.0 - share)).astype(np.float32)


def _drop_words(ids: IntArray, mask: FloatArray, dropout: Dropout, rng: np.random.Generator) -> None:
    if dropout.words:
        gone = (rng.random(mask.shape, np.float32) < dropout.words) & (mask > 0)
        for field in dropout.word_fields:
            ids[..., field][gone] = 1


def _label_spans(target: Target, right: FloatArray, negative: FloatArray, free: FloatArray) -> None:
    """Fill (length, width, types) and (length, width) of one row."""
    n, width = len(target.features), right.shape[1]
    real = target.features.spans[:, 1] > target.features.spans[:, 0]
    inside = np.zeros((right.shape[0], width), bool)
    for w in range(min(width, n)):
        inside[: n - w, w] = real[: n - w] & real[w:]
    negative[inside] = target.exhaustive.astype(np.float32)
    free[:, : min(width, MAX_FREE_WIDTH)] = inside[:, : min(width, MAX_FREE_WIDTH)]
    starts = np.arange(right.shape[0])[:, None]
    ends = starts + np.arange(width)[None]
    for first, last, _ in target.mentions:
        if target.partial.any():
            overlap = inside & (starts <= last) & (ends >= first)
            negative[overlap] = np.maximum(negative[overlap], target.partial.astype(np.float32))
    for first, last in target.ignored:
        overlap = inside & (starts <= last) & (ends >= first)
        negative[overlap], free[overlap] = 0.0, 0.0
    for first, last, types in target.opens:
        negative[first, last - first, list(types)] = 0.0
        free[first, last - first] = 0.0
    for first, last, type_ in target.mentions:
        right[first, last - first, type_], negative[first, last - first, type_] = 1.0, 0.0
        free[first, last - first] = 0.0


# --- pairs ------------------------------------------------------------------------------------------------------------


class _Pairs:
    """Slots and pairs of one batch as they are collected."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.slot = np.zeros(shape.n_slots, np.int32)
        self.slot_width = np.zeros(shape.n_slots, np.int32)
        self.n_slots = 0
        self.found: list[tuple[int, int, int, npt.NDArray[np.bool_] | None, npt.NDArray[np.bool_]]] = []

    def add_slot(self, row: int, first: int, last: int) -> int | None:
        """Return the number of a new slot, None when there is no room."""
        if self.n_slots == self.shape.n_slots:
            return None
        self.slot[self.n_slots] = row * self.shape.length + first
        self.slot_width[self.n_slots] = last - first
        self.n_slots += 1
        return self.n_slots - 1

    def arrays(self, n_rows: int, n_relations: int) -> dict[str, npt.NDArray[Any]]:
        n_pairs = self.shape.n_pairs
        head, tail = np.zeros(n_pairs, np.int32), np.zeros(n_pairs, np.int32)
        rows = np.zeros((n_rows, n_pairs), np.float32)
        right, negative = np.zeros((n_pairs, n_relations), np.float32), np.zeros((n_pairs, n_relations), np.float32)
        for n, (row, one, other, holds, wrong) in enumerate(self.found[:n_pairs]):
            head[n], tail[n], rows[row, n], negative[n] = one, other, 1.0, wrong
            if holds is not None:
                right[n] = holds
        return {
            "slot": self.slot,
            "slot_width": self.slot_width,
            "head": head,
            "tail": tail,
            "rows": rows,
            "pairs": right,
            "pairs_negative": negative,
        }


def _choose_pairs(targets: Sequence[Target], shape: Shape, layout: Layout, rng: np.random.Generator) -> _Pairs:
    """Choose the pairs of a batch: first those in which something holds, then others of slots, then with free slots."""
    pairs = _Pairs(shape)
    plain: list[tuple[int, int, int, None, npt.NDArray[np.bool_]]] = []
    free: list[tuple[int, int, int, None, npt.NDArray[np.bool_]]] = []
    for row, target in enumerate(targets):
        if not target.relations.any() and not target.right:
            continue
        numbers = [pairs.add_slot(row, first, last) for first, last in target.slots]
        for head, tail in _ordered(target):
            one, other = numbers[head], numbers[tail]
            if one is None or other is None:
                continue
            holds, wrong = _relations(target, head, tail, layout.labels)
            if holds is not None:
                pairs.found.append((row, one, other, holds, wrong))
            elif wrong.any():
                plain.append((row, one, other, None, wrong))
        if not target.closed and target.relations.any():
            slots = [number for number in numbers if number is not None]
            free.extend(_with_free(row, slots, target, shape, layout, rng))
    n_free = min(len(free), max(shape.n_pairs - len(pairs.found) - len(plain), shape.n_pairs // 5))
    n_plain = max(0, shape.n_pairs - len(pairs.found) - n_free)
    pairs.found.extend(plain[n] for n in rng.permutation(len(plain))[:n_plain])
    pairs.found.extend(free[n] for n in rng.permutation(len(free))[:n_free])
    return pairs


def _ordered(target: Target) -> Iterator[tuple[int, int]]:
    for head, one in enumerate(target.slots):
        for tail, other in enumerate(target.slots):
            if one[1] < other[0] or other[1] < one[0]:
                yield head, tail


def _relations(
    target: Target, head: int, tail: int, labels: Labels
) -> tuple[npt.NDArray[np.bool_] | None, npt.NDArray[np.bool_]]:
    """Return which relations hold for a pair of slots (None for none), and which do not though the types allow them."""
    heads, tails = list(target.slot_types[head]), list(target.slot_types[tail])
    wrong = labels.allowed[heads][:, tails].any((0, 1)) & target.relations
    wrong[list(target.maybe.get((head, tail), ()))] = False
    right = target.right.get((head, tail))
    if not right:
        return None, wrong
    holds = np.zeros(len(labels.relations), bool)
    holds[list(right)] = True
    return holds, wrong & ~holds


def _with_free(
    row: int, slots: Sequence[int], target: Target, shape: Shape, layout: Layout, rng: np.random.Generator
) -> Iterator[tuple[int, int, int, None, npt.NDArray[np.bool_]]]:
    """Yield pairs of a slot that is a mention with one that the model will fill, in either direction."""
    if not slots:
        return
    free = shape.n_slots + row * layout.n_free
    for _ in range(layout.free_pairs):
        slot, other = int(rng.choice(slots)), free + int(rng.integers(layout.n_free))
        yield (
            (row, slot, other, None, target.relations)
            if rng.random() < 0.5
            else (row, other, slot, None, target.relations)
        )
