"""A batch cut into transactions of bounded size, each a list of statements with their rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby

from kgbuilder.stores.batch import DocumentRow, EntityRow, FactRow, GraphBatch, MentionRow

__all__ = ["Part", "slices"]

Row = Mapping[str, object]

_MAX_CHARS = 4_000_000
"""Text in one transaction: a server bounds the message it takes (ArcadeDB: 16 MB unless told otherwise)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one statement. `kind` is the field of WriteCounts that counts them, `type` a relationship type."""

    statement: str
    kind: str
    rows: Sequence[Row]
    type: str = ""

    def mapped(self, change: Callable[[object], object], *keys: str) -> "Part":
        """Return the part with some values of each row changed, all without `keys`."""
        rows = [{key: change(row[key]) if key in (keys or row) else row[key] for key in row} for row in self.rows]
        return replace(self, rows=rows)


def slices(batch: GraphBatch, *, max_rows: int) -> Iterator[list[Part]]:
    """Yield what to send, transaction by transaction.

    Nodes come before the relationships that need them, removals last, relationships before nodes: cut off anywhere, the
    graph holds something old beside something new but never less than both the old and the new have in common.
    """
    parts: list[Part] = []
    n_rows, n_chars = 0, 0
    for part in _parts(batch):
        begin = 0
        for end, row in enumerate(part.rows):
            size = _n_chars(row)
            if n_rows and (n_rows >= max_rows or n_chars + size > _MAX_CHARS):
                if end > begin:
                    parts.append(replace(part, rows=part.rows[begin:end]))
                yield parts
                parts, begin, n_rows, n_chars = [], end, 0, 0
            n_rows += 1
            n_chars += size
        parts.append(replace(part, rows=part.rows[begin:]))
    if parts:
        yield parts


def _parts(batch: GraphBatch) -> Iterator[Part]:
    for part in (*_written(batch), *_facts(batch.facts), *_removed(batch)):
        if part.rows:
            yield part


def _written(batch: GraphBatch) -> Iterator[Part]:
    yield Part(statement="document", kind="documents", rows=[_document(row) for row in batch.documents])
    chunks = [
        {"id": row.id, "document": row.document, "seq": row.seq, "start": row.start, "end": row.end}
        for row in batch.chunks
    ]
    yield Part(statement="chunk", kind="chunks", rows=chunks)
    yield Part(statement="next_chunk", kind="next_chunks", rows=_pairs("a", "b", batch.next_chunks))
    yield Part(statement="entity", kind="entities", rows=[_entity(row) for row in batch.entities])
    yield Part(statement="mention", kind="mentions", rows=[_mention(row) for row in batch.mentions])


def _facts(facts: Sequence[FactRow]) -> Iterator[Part]:
    for type_, rows in groupby(sorted(facts, key=lambda row: row.type), key=lambda row: row.type):
        yield Part(statement="fact", kind="facts", type=type_, rows=[_fact(row) for row in rows])


def _removed(batch: GraphBatch) -> Iterator[Part]:
    facts = [{"head": key.head, "type": key.type, "tail": key.tail} for key in batch.removed_facts]
    yield Part(statement="remove_fact", kind="removed", rows=facts)
    mentions = _pairs("entity", "chunk", batch.removed_mentions)
    yield Part(statement="remove_mention", kind="removed", rows=mentions)
    yield Part(statement="remove_next_chunk", kind="removed", rows=_pairs("a", "b", batch.removed_next_chunks))
    yield Part(statement="remove_entity", kind="removed", rows=[{"id": id_} for id_ in batch.removed_entities])
    yield Part(statement="remove_chunk", kind="removed", rows=[{"id": id_} for id_ in batch.removed_chunks])
    yield Part(statement="remove_document", kind="removed", rows=[{"id": id_} for id_ in batch.removed_documents])


def _pairs(first: str, second: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
    return [{first: a, second: b} for a, b in pairs]


def _document(row: DocumentRow) -> Row:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _entity(row: EntityRow) -> Row:
    return {
        "id": row.id,
        "label_id": row.label_id,
        "label": row.label,
        "node_label": row.label,
        "name": row.name,
        "aliases": row.aliases,
        "value": row.value,
        "n_mentions": row.n_mentions,
        "search": row.search,
    }


def _mention(row: MentionRow) -> Row:
    return {
        "entity": row.entity,
        "chunk": row.chunk,
        "starts": row.starts,
        "ends": row.ends,
        "texts": row.texts,
    }


def _fact(row: FactRow) -> Row:
    return {
        "id": row.id,
        "head": row.head,
        "relation_id": row.relation_id,
        "tail": row.tail,
        "score": row.score,
        "status": row.status,
        "n_evidence": row.n_evidence,
        "evidence_documents": row.evidence_documents,
        "evidence_starts": row.evidence_starts,
        "evidence_ends": row.evidence_ends,
        "evidence_quotes": row.evidence_quotes,
        "evidence_extractors": row.evidence_extractors,
    }


def _n_chars(row: Row) -> int:
    """Return about how many characters of text a row holds."""
    n_chars = 200
    for value in row.values():
        if isinstance(value, str):
            n_chars += len(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            n_chars += sum(map(len, value))
    return n_chars
