"""What is written to a graph: rows of absolute values, so that writing them twice is writing them once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from kgbuilder.errors import StoreError

__all__ = [
    "ChunkRow",
    "DocumentRow",
    "EntityRow",
    "FactKey",
    "FactRow",
    "GraphBatch",
    "MentionRow",
    "WriteCounts",
]

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document; its text stays in the ledger."""

    id: str
    name: str
    source: str
    sha256: str
    language: str
    media_type: str
    n_chars: int
    n_chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRow:
    """Characters `start` to `end` of a document."""

    id: str
    document: str
    seq: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRow:
    """An entity. `label_id` is the type in the ontology, `label` its node label; `search` is what the name index holds.

    `value` is the normalised form of a date or a quantity.
    """

    id: str
    label_id: str
    label: str
    name: str
    aliases: tuple[str, ...] = ()
    value: str | None = None
    n_mentions: int = 0
    search: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRow:
    """Where an entity stands in a chunk: document offsets and the text, in parallel."""

    entity: str
    chunk: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKey:
    """What makes a relationship the same: its ends and its type."""

    head: str
    type: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A fact. `relation_id` is the relation in the ontology, `type` its relationship type; the evidence is in parallel.

    `n_evidence` counts all evidence, of which the row may carry only the first pieces.
    """

    id: str
    head: str
    relation_id: str
    type: str
    tail: str
    score: float
    status: str
    n_evidence: int
    evidence_documents: tuple[str, ...] = ()
    evidence_starts: tuple[int, ...] = ()
    evidence_ends: tuple[int, ...] = ()
    evidence_quotes: tuple[str, ...] = ()
    evidence_extractors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphBatch:
    """Rows to write and keys to remove. Pairs are (chunk, following chunk) and (entity, chunk)."""

    documents: tuple[DocumentRow, ...] = ()
    chunks: tuple[ChunkRow, ...] = ()
    next_chunks: tuple[tuple[str, str], ...] = ()
    entities: tuple[EntityRow, ...] = ()
    mentions: tuple[MentionRow, ...] = ()
    facts: tuple[FactRow, ...] = ()
    removed_facts: tuple[FactKey, ...] = ()
    removed_mentions: tuple[tuple[str, str], ...] = ()
    removed_next_chunks: tuple[tuple[str, str], ...] = ()
    removed_entities: tuple[str, ...] = ()
    removed_chunks: tuple[str, ...] = ()
    removed_documents: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what no store may be sent: a missing key (some servers make a node of it), or a contradiction.

        Raises StoreError for a key that is null or empty, and for one that is both written and removed.
        """
        for kind, written, also_needed, removed in self._keys():
            for key in (*written, *also_needed, *removed):
                if not all(isinstance(part, str) and part for part in key):
                    raise StoreError(f"a row without a key: {key!r}", where=kind, remedy="give every row its ids")
            if removed and (both := set(written).intersection(removed)):
                what = f"both written and removed: {min(both)!r}"
                raise StoreError(what, where=kind, remedy="leave it in one of the two")

    def _keys(self) -> Iterator[tuple[str, Sequence[_Key], Sequence[_Key], Sequence[_Key]]]:
        """Yield by kind: keys written, other names those rows cannot be without, keys removed."""
        yield "documents", [(r.id,) for r in self.documents], (), [(i,) for i in self.removed_documents]
        yield (
            "chunks",
            [(r.id,) for r in self.chunks],
            [(r.document,) for r in self.chunks],
            [(i,) for i in self.removed_chunks],
        )
        yield "next_chunks", self.next_chunks, (), self.removed_next_chunks
        yield (
            "entities",
            [(r.id,) for r in self.entities],
            [(r.label,) for r in self.entities],
            [(i,) for i in self.removed_entities],
        )
        yield "mentions", [(r.entity, r.chunk) for r in self.mentions], (), self.removed_mentions
        yield (
            "facts",
            [(r.head, r.type, r.tail) for r in self.facts],
            [(r.id,) for r in self.facts],
            [(k.head, k.type, k.tail) for k in self.removed_facts],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCounts:
    """What a write sent, by kind, in how many statements and transactions.

    `unmatched` counts rows whose document, chunk or entity the graph does not hold; they wrote nothing.
    """

    documents: int = 0
    chunks: int = 0
    next_chunks: int = 0
    entities: int = 0
    mentions: int = 0
    facts: int = 0
    removed: int = 0
    unmatched: int = 0
    statements: int = 0
    transactions: int = 0

    def __add__(self, other: "WriteCounts") -> "WriteCounts":
        """Add field by field."""
        return WriteCounts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})
