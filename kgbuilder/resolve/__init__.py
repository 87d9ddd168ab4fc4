"""Which names mean the same thing: block, compare, cluster, under what texts declare and people decide."""

from kgbuilder.resolve.blocking import block_keys
from kgbuilder.resolve.clustering import Constraint, Link, resolve
from kgbuilder.resolve.comparison import MERGE_SCORE, Comparison, compare
from kgbuilder.resolve.declarations import declarations, declared_aliases, in_document
from kgbuilder.resolve.nodes import Node, display_name, entity_id, node_id
from kgbuilder.resolve.resolver import Resolver

__all__ = [
    "MERGE_SCORE",
    "Comparison",
    "Constraint",
    "Link",
    "Node",
    "Resolver",
    "block_keys",
    "compare",
    "declarations",
    "declared_aliases",
    "display_name",
    "entity_id",
    "in_document",
    "node_id",
    "resolve",
]
