"""Resolution with its thresholds, in the pieces that a ledger calls as documents come and go.

Per document: keep its `declarations`, and let `in_document` say which mentions of short forms belong to the node of
their long form. Per new node: `block_keys`, and `compare` with every node that shares one; what comes back is kept as a
link. Per change: collect the nodes that hang together with the changed ones by links from `merge_score` on, by
declarations and by decisions of people, also through nodes that are gone, and those that shared an entity with them;
call `entities` on all of these. Links depend on their two nodes alone, declarations on their document, `entities` on
each connected part, so the outcome is that of computing everything at once, whatever the order of documents.
"""

from collections.abc import Iterable, Mapping

from kgbuilder.resolve.blocking import block_keys
from kgbuilder.resolve.clustering import Constraint, Link, resolve
from kgbuilder.resolve.comparison import MERGE_SCORE, SUGGEST_SCORE, Comparison, compare
from kgbuilder.resolve.nodes import Node

__all__ = ["Resolver"]


class Resolver:
    """Compares from `suggest_score` and merges from `merge_score` on; both in [0, 1]."""

    def __init__(self, *, merge_score: float = MERGE_SCORE, suggest_score: float = SUGGEST_SCORE) -> None:
        self.merge_score = merge_score
        self.suggest_score = suggest_score

    def block_keys(self, label: str, key: str) -> tuple[str, ...]:
        """Return the block keys of the nodes with this label and key."""
        return block_keys(Node(id="", label=label, key=key))

    def compare(self, label: str, key: str, other_label: str, other_key: str) -> Comparison | None:
        """Compare two nodes; None below `suggest_score`."""
        found = compare(Node(id="", label=label, key=key), Node(id="", label=other_label, key=other_key))
        return found if found.score > 0 and found.score >= self.suggest_score else None

    def entities(
        self,
        nodes: Mapping[str, tuple[str, str, str]],
        links: Iterable[tuple[str, str, float]],
        declared: Iterable[tuple[str, str]] = (),
        constraints: Iterable[tuple[str, str, bool]] = (),
    ) -> Mapping[str, str]:
        """Map node ids to entity ids.

        `nodes` gives label, key and variant by id; `links` are (a, b, score), of which those below `merge_score` are
        left out; `declared` are (short, long); `constraints` are (a, b, together?) as people made them, oldest first.
        """
        known = (Node(id=id_, label=label, key=key, variant=variant) for id_, (label, key, variant) in nodes.items())
        certain = (Link(a=a, b=b, score=score) for a, b, score in links if score >= self.merge_score)
        decided = [Constraint(a=a, b=b, together=together) for a, b, together in constraints]
        return resolve(known, certain, declared, decided).entities
