"""What a model should say about one example: spans and pairs of spans, each right, wrong or unknown.

Where an entity has several mentions, a triple is right between the two that are nearest and unknown between the others.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph_schema import Ontology
from kgbuilder.extract.compact.features import Features
from training.data import Example

__all__ = ["Labels", "Target", "make_target"]

Span = tuple[int, int]


class Labels:
    """The types and relations of an ontology as numbers, and which of them fit together."""

    def __init__(self, ontology: Ontology) -> None:
        self.types = tuple(ontology.entity_types)
        self.relations = tuple(ontology.relation_types)
        self.type_ids = {name: number for number, name in enumerate(self.types)}
        self.relation_ids = {name: number for number, name in enumerate(self.relations)}
        self.symmetric = frozenset(n for n, r in enumerate(self.relations) if ontology.relation_types[r].symmetric)
        self.allowed = np.zeros((len(self.types), len(self.types), len(self.relations)), bool)
        """(head type, tail type, relation)"""
        for h, head in enumerate(self.types):
            for t, tail in enumerate(self.types):
                self.allowed[h, t] = [ontology.allows(head, relation, tail) for relation in self.relations]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """What is known about one example, in tokens; all spans are (first, last), both included.

    `mentions` have one type; `opens` are spans with the types that they may have; every other span is none of
    `exhaustive`, and none of `partial` where it overlaps a mention. `slots` are the spans that may be arguments.
    `pairs` maps an ordered pair of slots to the relations that hold and to those that may; all others of `relations`
    do not. With `closed` only pairs of slots are known, otherwise a slot with any other span is a negative too.
    """

    features: Features
    mentions: tuple[tuple[int, int, int], ...]
    opens: tuple[tuple[int, int, frozenset[int]], ...]
    ignored: tuple[Span, ...]
    exhaustive: npt.NDArray[np.bool_]
    partial: npt.NDArray[np.bool_]
    slots: tuple[Span, ...]
    slot_types: tuple[frozenset[int], ...]
    right: dict[tuple[int, int], frozenset[int]]
    maybe: dict[tuple[int, int], frozenset[int]]
    relations: npt.NDArray[np.bool_]
    closed: bool
    n_lost: int


def make_target(example: Example, features: Features, labels: Labels, *, width: int) -> Target:
    """Lay the annotation of an example over its tokens.

    A span that does not end where tokens end, or is wider than `width` tokens, is lost and counted; what overlaps it is
    unknown.
    """
    found: dict[Span, frozenset[int]] = {}
    entities: defaultdict[int, list[Span]] = defaultdict(list)
    ignored: list[Span] = []
    n_lost = 0
    stated = [(m.start, m.end, frozenset({m.type}), m.entity) for m in example.mentions]
    stated += [(c.start, c.end, c.types, c.entity) for c in example.candidates]
    for start, end, types, entity in sorted(stated, key=lambda item: item[:2]):
        span = features.tokens_at(start, end)
        if span is None or span[1] - span[0] >= width:
            n_lost += 1
            ignored.extend(_covered(features, start, end))
            continue
        found[span] = frozenset(labels.type_ids[type_] for type_ in types)
        entities[entity].append(span)
    slots = tuple(sorted(found))
    right, maybe = _pairs(example, labels, entities, {span: n for n, span in enumerate(slots)})
    return Target(
        features=features,
        mentions=tuple((*span, next(iter(types))) for span, types in found.items() if len(types) == 1),
        opens=tuple((*span, types) for span, types in found.items() if len(types) != 1),
        ignored=tuple(ignored),
        exhaustive=np.array([name in example.exhaustive_types for name in labels.types]),
        partial=np.array([name in example.partial_types for name in labels.types]),
        slots=slots,
        slot_types=tuple(found[span] or frozenset(range(len(labels.types))) for span in slots),
        right=right,
        maybe=maybe,
        relations=np.array([name in example.relations for name in labels.relations]),
        closed=example.marked_pairs,
        n_lost=n_lost,
    )


def _covered(features: Features, start: int, end: int) -> list[Span]:
    """Return the tokens that a lost span touches, as one span."""
    touched = np.flatnonzero((features.spans[:, 1] > start) & (features.spans[:, 0] < end))
    return [(int(touched[0]), int(touched[-1]))] if len(touched) else []


def _pairs(
    example: Example, labels: Labels, entities: dict[int, list[Span]], numbers: dict[Span, int]
) -> tuple[dict[tuple[int, int], frozenset[int]], dict[tuple[int, int], frozenset[int]]]:
    right: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    maybe: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for triple in example.triples:
        relation = labels.relation_ids[triple.relation]
        pairs = list(_apart(entities[triple.head], entities[triple.tail]))
        for place, (head, tail) in enumerate(sorted(pairs, key=_distance)):
            for one, other in _directions(head, tail, relation in labels.symmetric):
                (right if place == 0 else maybe)[numbers[one], numbers[other]].add(relation)
    open_ = [*example.unknown, *(triple for group in example.either for triple in group)]
    for triple in open_:
        relation = labels.relation_ids[triple.relation]
        for head, tail in _apart(entities[triple.head], entities[triple.tail]):
            for one, other in _directions(head, tail, relation in labels.symmetric):
                maybe[numbers[one], numbers[other]].add(relation)
    return (
        {pair: frozenset(relations) for pair, relations in right.items()},
        {pair: frozenset(relations - right.get(pair, set())) for pair, relations in maybe.items()},
    )


def _apart(heads: Sequence[Span], tails: Sequence[Span]) -> Iterable[tuple[Span, Span]]:
    return ((h, t) for h in heads for t in tails if h[1] < t[0] or t[1] < h[0])


def _distance(pair: tuple[Span, Span]) -> int:
    (first, second) = sorted(pair)
    return second[0] - first[1]


def _directions(head: Span, tail: Span, symmetric: bool) -> tuple[tuple[Span, Span], ...]:
    return ((head, tail), (tail, head)) if symmetric else ((head, tail),)
