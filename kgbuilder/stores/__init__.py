"""Where the graph is kept: one store for every server that speaks Bolt, and the embedded server."""

from kgbuilder.stores.batch import (
    ChunkRow,
    DocumentRow,
    EntityRow,
    FactKey,
    FactRow,
    GraphBatch,
    MentionRow,
    WriteCounts,
)
from kgbuilder.stores.graph import GraphCounts, GraphStore, open_embedded
from kgbuilder.stores.neo4j import GraphPath, Node, QueryResult, Relationship

__all__ = [
    "ChunkRow",
    "DocumentRow",
    "EntityRow",
    "FactKey",
    "FactRow",
    "GraphBatch",
    "GraphCounts",
    "GraphPath",
    "GraphStore",
    "MentionRow",
    "Node",
    "QueryResult",
    "Relationship",
    "WriteCounts",
    "open_embedded",
]
