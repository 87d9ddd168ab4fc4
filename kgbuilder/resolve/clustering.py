"""Sets of nodes that are one entity: union-find under what people have decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kgbuilder.normalize.lexicon import is_generic
from kgbuilder.resolve.nodes import Node, entity_id

__all__ = ["Constraint", "Link", "Partition", "Resolution", "cluster", "join_abbreviations", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Two nodes that a machine holds for one thing, and how sure it is."""

    a: str
    b: str
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What a person has decided about two nodes: one entity (`together`), or never one."""

    a: str
    b: str
    together: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The entity id of each node, and the (abbreviation, long form) pairs that a person should look at."""

    entities: Mapping[str, str]
    open_pairs: tuple[tuple[str, str], ...]


class Partition:
    """Disjoint sets of node ids, some of which may never be joined. The root of a set is its smallest id."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._apart: dict[str, set[str]] = {}

    def find(self, node: str) -> str:
        """Return the smallest id in the set of `node`; a node never seen is a set of its own."""
        parent = self._parent
        root = node
        while (above := parent.get(root, root)) != root:
            root = above
        while node != root:
            parent[node], node = root, parent.get(node, node)
        return root

    def join(self, a: str, b: str) -> bool:
        """Join the sets of `a` and `b` unless they are kept apart; say whether they are one set now."""
        one, other = sorted((self.find(a), self.find(b)))
        if one == other:
            return True
        if other in self._apart.get(one, ()):
            return False
        self._parent[other] = one
        for enemy in self._apart.pop(other, ()):
            self._apart[enemy].discard(other)
            self._apart[enemy].add(one)
            self._apart.setdefault(one, set()).add(enemy)
        return True

    def keep_apart(self, a: str, b: str) -> bool:
        """Never join the sets of `a` and `b` from now on; say whether they are apart, which fails for one set."""
        one, other = self.find(a), self.find(b)
        if one == other:
            return False
        self._apart.setdefault(one, set()).add(other)
        self._apart.setdefault(other, set()).add(one)
        return True


def cluster(nodes: Iterable[Node], links: Iterable[Link], constraints: Sequence[Constraint] = ()) -> Mapping[str, str]:
    """Map each node id to the smallest id of its cluster; the order of nodes and links does not matter.

    `constraints` are in the order in which people made them: of two that contradict, the later holds. They also act
    through nodes that are not among `nodes`. Links join from the surest on and never across a never-merge; only a
    person joins nodes of different labels.
    """
    known = {node.id: node.label for node in nodes}
    partition = _partition(known, links, constraints)
    return {node: partition.find(node) for node in known}


def resolve(
    nodes: Iterable[Node],
    links: Iterable[Link],
    declared: Iterable[tuple[str, str]] = (),
    constraints: Sequence[Constraint] = (),
) -> Resolution:
    """Give each node its entity: `cluster`, then `join_abbreviations`.

    The outcome for a node depends only on what hangs together with it by links, declarations and constraints.
    """
    known = {node.id: node for node in nodes}
    partition = _partition({node.id: node.label for node in known.values()}, links, constraints)
    open_pairs = join_abbreviations(partition, known, declared)
    members: dict[str, list[Node]] = {}
    for node in known.values():
        members.setdefault(partition.find(node.id), []).append(node)
    ids = {root: entity_id(group) for root, group in members.items()}
    return Resolution(entities={node: ids[partition.find(node)] for node in known}, open_pairs=open_pairs)


def join_abbreviations(
    partition: Partition, nodes: Mapping[str, Node], declared: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Join each bare abbreviation with the one entity that is declared to be meant by it, in place.

    `declared` holds every (abbreviation, long form) pair of node ids that any document declares. An abbreviation of
    several entities joins none, and neither does a generic one (公司, "the Bank"). Returns the pairs that were left
    open, sorted, for a person.
    """
    longs: dict[str, set[str]] = {}
    for short, long in declared:
        if short in nodes and long in nodes and nodes[short].label == nodes[long].label:
            longs.setdefault(short, set()).add(long)
    certain = sorted(short for short in longs if not is_generic(nodes[short].key))
    # One join may make two long forms one entity and so settle another abbreviation.
    changed = True
    while changed:
        changed = False
        means = {short: {partition.find(long) for long in longs[short]} for short in certain}
        for short in certain:
            if len(means[short]) == 1 and partition.find(short) not in means[short]:
                changed |= partition.join(short, min(longs[short]))
    return tuple(
        (short, long)
        for short in sorted(longs)
        for long in sorted(longs[short])
        if partition.find(short) != partition.find(long)
    )


def _partition(labels: Mapping[str, str], links: Iterable[Link], constraints: Sequence[Constraint]) -> Partition:
    partition = Partition()
    for constraint in reversed(constraints):
        (partition.join if constraint.together else partition.keep_apart)(constraint.a, constraint.b)
    for link in sorted(links, key=lambda link: (-link.score, min(link.a, link.b), max(link.a, link.b))):
        if link.a in labels and labels[link.a] == labels.get(link.b):
            partition.join(link.a, link.b)
    return partition
