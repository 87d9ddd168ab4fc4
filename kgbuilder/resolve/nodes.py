"""What is resolved: nodes, one for each name of each type; and what comes out: entities, sets of nodes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from kgbuilder.ids import content_id
from kgbuilder.normalize import bracketed

__all__ = ["Node", "display_name", "entity_id", "node_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """All mentions of one label whose names share a key; `variant` is not empty where a person has split them."""

    id: str
    label: str
    key: str
    variant: str = ""

    @staticmethod
    def of(label: str, key: str, variant: str = "") -> "Node":
        """Build a node with its id."""
        return Node(id=node_id(label, key, variant), label=label, key=key, variant=variant)


@lru_cache(maxsize=32768)
def node_id(label: str, key: str, variant: str = "") -> str:
    """Return the id of the node with this label, key and variant."""
    return content_id("node", label, key, variant)


def entity_id(members: Iterable[Node]) -> str:
    """Return the id of the entity made of `members`: that of its smallest node, whatever the order.

    Raises ValueError when there are none.
    """
    label, key, variant = min((node.label, node.key, node.variant) for node in members)
    return content_id("entity", label, key, variant)


def display_name(surfaces: Mapping[str, int]) -> str:
    """Return the name to show for an entity: the most frequent surface form, then the longest, then the first.

    An abbreviation in brackets is counted with the name before it. Empty when there are no forms.
    """
    counts: Counter[str] = Counter()
    for surface, count in surfaces.items():
        split = bracketed(surface)
        counts[split[0] if split else surface] += count
    return min(counts, key=lambda name: (-counts[name], -len(name), name), default="")
