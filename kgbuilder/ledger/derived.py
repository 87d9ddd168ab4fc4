"""Read and write the tables that are computed from the ledger: statements, nodes, entities, outbox."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kgbuilder.errors import StoreError
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import IN_ROWS, batches, execute_rows, insert_ignore, mark
from kgbuilder.records import Chunk, Quarantined

__all__ = [
    "LinkRow",
    "MentionRow",
    "NodeRow",
    "TripleRow",
    "mark",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRow:
    """A mention as it stands now, after corrections, with the resolution node it belongs to."""

    id: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    label: str
    text: str
    score: float
    status: str
    node_id: str
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TripleRow:
    """A triple as it stands now; `start`, `end` and `quote` are its evidence."""

    id: str
    document_id: str
    chunk_id: str
    head: str
    relation: str
    tail: str
    score: float
    status: str
    start: int
    end: int
    quote: str
    extractor_id: str
    head_node: str
    tail_node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A name of one type: what resolution joins into entities."""

    id: str
    label: str
    key: str
    variant: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """Two nodes that may name the same thing, `a` < `b`, with the score and the reason."""

    a: str
    b: str
    score: float
    reason: str


def _dicts(rows: Iterable[MentionRow | TripleRow | NodeRow | LinkRow]) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in row.__slots__} for row in rows]


def chunks(connection: sa.Connection, document_ids: Iterable[str]) -> dict[str, list[Chunk]]:
    """Return the chunks of documents, each document's in order."""
    found: dict[str, list[Chunk]] = {}
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(t.chunk).where(t.chunk.c.document_id.in_(ids)).order_by(t.chunk.c.document_id, t.chunk.c.seq)
        for row in connection.execute(query):
            found.setdefault(row.document_id, []).append(_chunk(row))
    return found


def _chunk(row: sa.Row[*tuple[Any, ...]]) -> Chunk:
    return Chunk(
        id=row.id,
        document_id=row.document_id,
        seq=row.seq,
        start=row.start,
        end=row.end,
        language=row.language,
        passage_id=row.passage_id,
    )


def set_chunk_states(connection: sa.Connection, states: Mapping[str, str]) -> None:
    """Set the state of chunks by id."""
    update = sa.update(t.chunk).where(t.chunk.c.id == sa.bindparam("chunk")).values(state=sa.bindparam("new_state"))
    execute_rows(connection, update, [{"chunk": chunk, "new_state": state} for chunk, state in states.items()])


def set_derived(connection: sa.Connection, document_ids: Iterable[str], derived: bool) -> None:
    """Mark readings as derived or as still to be."""
    for ids in batches(document_ids, IN_ROWS):
        connection.execute(sa.update(t.reading).where(t.reading.c.document_id.in_(ids)).values(derived=int(derived)))


def waiting_documents(connection: sa.Connection) -> list[str]:
    """List the documents whose statements have not been derived from all their chunks, by id."""
    query = sa.select(t.reading.c.document_id).where(t.reading.c.derived == 0).order_by(t.reading.c.document_id)
    return list(connection.execute(query).scalars())


def held_documents(connection: sa.Connection) -> list[str]:
    """List the documents that some source holds, by id."""
    return list(connection.execute(sa.select(t.reading.c.document_id).order_by(t.reading.c.document_id)).scalars())


def finished_documents(connection: sa.Connection, document_ids: Iterable[str]) -> set[str]:
    """Return which of the documents have been derived from all their chunks."""
    found: set[str] = set()
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(t.reading.c.document_id).where(t.reading.c.derived == 1, t.reading.c.document_id.in_(ids))
        found.update(connection.execute(query).scalars())
    return found


def failed_documents(connection: sa.Connection) -> list[str]:
    """List the documents with a chunk that failed or is quarantined, by id."""
    query = sa.select(t.chunk.c.document_id).distinct().where(t.chunk.c.state.in_(("failed", "quarantined")))
    return list(connection.execute(query.order_by(t.chunk.c.document_id)).scalars())


def held_among(connection: sa.Connection, document_ids: Sequence[str]) -> list[str]:
    """Return which of the documents a source holds, in the given order."""
    found: set[str] = set()
    for ids in batches(document_ids, IN_ROWS):
        found.update(
            connection.execute(sa.select(t.reading.c.document_id).where(t.reading.c.document_id.in_(ids))).scalars()
        )
    return [document_id for document_id in document_ids if document_id in found]


def attempted_among(connection: sa.Connection, document_ids: Sequence[str]) -> list[str]:
    """Return which of the documents have had every chunk attempted by their extractor, in the given order."""
    asked = (
        sa.exists()
        .where(t.attempt.c.passage_id == t.chunk.c.passage_id, t.attempt.c.extractor_id == t.reading.c.extractor_id)
        .correlate(t.chunk, t.reading)
    )
    joined = t.chunk.join(t.reading, t.reading.c.document_id == t.chunk.c.document_id)
    missing: set[str] = set()
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(t.chunk.c.document_id).select_from(joined).where(t.chunk.c.document_id.in_(ids), ~asked)
        missing.update(connection.execute(query.distinct()).scalars())
    return [document_id for document_id in document_ids if document_id not in missing]


def finished_with(connection: sa.Connection, extractor_id: str, passage_ids: Iterable[str]) -> list[str]:
    """Return the finished documents of an extractor that hold any of the passages, by id."""
    joined = t.chunk.join(t.reading, t.reading.c.document_id == t.chunk.c.document_id)
    query = sa.select(t.chunk.c.document_id).select_from(joined)
    query = query.where(t.reading.c.derived == 1, t.reading.c.extractor_id == extractor_id)
    found: set[str] = set()
    for ids in batches(passage_ids, IN_ROWS):
        found.update(connection.execute(query.where(t.chunk.c.passage_id.in_(ids))).scalars())
    return sorted(found)


def surfaces_of(connection: sa.Connection, node_ids: Iterable[str]) -> list[tuple[str, str]]:
    """Return the (node, spelling) pairs of nodes, sorted."""
    found: list[tuple[str, str]] = []
    for ids in batches(node_ids, IN_ROWS):
        rows = connection.execute(sa.select(t.surface.c.node_id, t.surface.c.text).where(t.surface.c.node_id.in_(ids)))
        found += [(row.node_id, row.text) for row in rows]
    return sorted(found)


def extractors_of(connection: sa.Connection, document_ids: Iterable[str]) -> dict[str, str]:
    """Return the fingerprint of the extractor that reads each document now."""
    found: dict[str, str] = {}
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(t.reading.c.document_id, t.reading.c.extractor_id).where(t.reading.c.document_id.in_(ids))
        found.update((row.document_id, row.extractor_id) for row in connection.execute(query))
    return found


def statements(connection: sa.Connection, document_ids: Iterable[str]) -> tuple[list[MentionRow], list[TripleRow]]:
    """Return the mentions and triples that stand now for documents."""
    mentions: list[MentionRow] = []
    triples: list[TripleRow] = []
    for ids in batches(document_ids, IN_ROWS):
        found = connection.execute(sa.select(t.mention).where(t.mention.c.document_id.in_(ids))).mappings()
        mentions += [MentionRow(**row) for row in found]
        found = connection.execute(sa.select(t.triple).where(t.triple.c.document_id.in_(ids))).mappings()
        triples += [TripleRow(**row) for row in found]
    return mentions, triples


def drop_statements(connection: sa.Connection, document_ids: Sequence[str]) -> None:
    """Take away what was derived from documents; their surfaces are counted down by `count_surfaces`."""
    for table in (t.mention, t.triple, t.quarantine, t.declaration):
        for ids in batches(document_ids, IN_ROWS):
            connection.execute(sa.delete(table).where(table.c.document_id.in_(ids)))


def drop_readings(connection: sa.Connection, document_ids: Sequence[str]) -> None:
    """Take away the chunks and readings of documents that no source holds."""
    for ids in batches(document_ids, IN_ROWS):
        connection.execute(sa.delete(t.chunk).where(t.chunk.c.document_id.in_(ids)))
        connection.execute(sa.delete(t.reading).where(t.reading.c.document_id.in_(ids)))


def put_statements(
    connection: sa.Connection, texts: Mapping[str, str], mentions: Sequence[MentionRow], triples: Sequence[TripleRow]
) -> None:
    """Write mentions and triples. The door: what does not stand in `texts` at its span is refused.

    Raises StoreError, and writes nothing, when a span and its text differ.
    """
    for row in mentions:
        if texts[row.document_id][row.start : row.end] != row.text or row.start >= row.end:
            raise _not_in_text(row.document_id, row.start, row.end, row.text)
    spans = {row.id: (row.start, row.end) for row in mentions}
    for triple in triples:
        if texts[triple.document_id][triple.start : triple.end] != triple.quote:
            raise _not_in_text(triple.document_id, triple.start, triple.end, triple.quote)
        for argument in (triple.head, triple.tail):
            start, end = spans[argument]
            if not (triple.start <= start and end <= triple.end):
                raise _not_in_text(triple.document_id, start, end, triple.quote)
    execute_rows(connection, sa.insert(t.mention), _dicts(mentions))
    execute_rows(connection, sa.insert(t.triple), _dicts(triples))


def _not_in_text(document_id: str, start: int, end: int, quote: str) -> StoreError:
    return StoreError(
        f"evidence {quote[:80]!r} does not stand at characters {start} to {end}",
        where=f"document {document_id}",
        remedy="this is a fault in kgbuilder: please report it with the document",
    )


def drop_quarantined(connection: sa.Connection, document_ids: Sequence[str]) -> None:
    """Take away what is quarantined of documents, before it is written anew."""
    for ids in batches(document_ids, IN_ROWS):
        connection.execute(sa.delete(t.quarantine).where(t.quarantine.c.document_id.in_(ids)))


def declared_nodes(connection: sa.Connection, document_ids: Iterable[str]) -> set[str]:
    """Return the nodes that documents declare to be short or long forms."""
    found: set[str] = set()
    columns = (t.declaration.c.short_node, t.declaration.c.long_node)
    for ids in batches(document_ids, IN_ROWS):
        for row in connection.execute(sa.select(*columns).where(t.declaration.c.document_id.in_(ids))):
            found.update(row)
    return found


def put_quarantined(connection: sa.Connection, rows: Iterable[tuple[str, str, str, Quarantined]]) -> None:
    """Write quarantined claims, each as (id, document id, chunk id, what)."""
    values: list[dict[str, object]] = [
        {
            "id": row_id,
            "document_id": document_id,
            "chunk_id": chunk_id,
            "reason": what.reason,
            "detail": _printable(what.detail),
            "claim": _printable(what.claim),
        }
        for row_id, document_id, chunk_id, what in rows
    ]
    if values:
        insert_ignore(connection, t.quarantine, values)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def put_declarations(connection: sa.Connection, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write (document id, node of the short name, node of the long name)."""
    names = ("document_id", "short_node", "long_node")
    if values := [dict[str, object](zip(names, row, strict=True)) for row in rows]:
        insert_ignore(connection, t.declaration, values)


# --- nodes ------------------------------------------------------------------------------------------------------------


def put_nodes(connection: sa.Connection, nodes: Sequence[NodeRow]) -> list[NodeRow]:
    """Write the nodes that are new, and return these."""
    known: set[str] = set()
    for ids in batches((n.id for n in nodes), IN_ROWS):
        known.update(connection.execute(sa.select(t.node.c.id).where(t.node.c.id.in_(ids))).scalars())
    fresh = [n for n in {n.id: n for n in nodes}.values() if n.id not in known]
    execute_rows(connection, sa.insert(t.node), _dicts(fresh))
    return fresh


def nodes(connection: sa.Connection, node_ids: Iterable[str]) -> dict[str, NodeRow]:
    """Return nodes by id."""
    columns = (t.node.c.id, t.node.c.label, t.node.c.key, t.node.c.variant, t.node.c.value)
    found: dict[str, NodeRow] = {}
    for ids in batches(node_ids, IN_ROWS):
        for row in connection.execute(sa.select(*columns).where(t.node.c.id.in_(ids))).mappings():
            found[row["id"]] = NodeRow(**row)
    return found


def entities_of(connection: sa.Connection, node_ids: Iterable[str]) -> dict[str, str | None]:
    """Return the entity of each node that stands."""
    found: dict[str, str | None] = {}
    for ids in batches(node_ids, IN_ROWS):
        rows = connection.execute(sa.select(t.node.c.id, t.node.c.entity_id).where(t.node.c.id.in_(ids)))
        found.update((row.id, row.entity_id) for row in rows)
    return found


def members(connection: sa.Connection, entity_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the nodes of each entity, by id."""
    found: dict[str, list[str]] = {}
    for ids in batches(entity_ids, IN_ROWS):
        query = sa.select(t.node.c.entity_id, t.node.c.id).where(t.node.c.entity_id.in_(ids)).order_by(t.node.c.id)
        for row in connection.execute(query):
            found.setdefault(row.entity_id, []).append(row.id)
    return found


def set_entities(connection: sa.Connection, entity_of: Mapping[str, str]) -> None:
    """Set the entity of nodes."""
    update = sa.update(t.node).where(t.node.c.id == sa.bindparam("n")).values(entity_id=sa.bindparam("e"))
    execute_rows(connection, update, [{"n": node, "e": entity} for node, entity in entity_of.items()])


def count_surfaces(connection: sa.Connection, deltas: Counter[tuple[str, str]]) -> list[str]:
    """Add to the number of times each (node, surface form) occurs; return the nodes that occur no more."""
    changed = [{"node_id": node, "text": text, "n": n} for (node, text), n in deltas.items() if n]
    if not changed:
        return []
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(t.surface)
    add = insert.on_conflict_do_update(
        index_elements=[t.surface.c.node_id, t.surface.c.text], set_={"n": t.surface.c.n + insert.excluded.n}
    )
    execute_rows(connection, add, changed)
    lower = sorted({node for (node, _), n in deltas.items() if n < 0})
    gone: list[str] = []
    for ids in batches(lower, IN_ROWS):
        connection.execute(sa.delete(t.surface).where(t.surface.c.node_id.in_(ids), t.surface.c.n <= 0))
        left = set(connection.execute(sa.select(t.surface.c.node_id).where(t.surface.c.node_id.in_(ids))).scalars())
        gone += [node for node in ids if node not in left]
    return gone


def drop_nodes(connection: sa.Connection, node_ids: Sequence[str]) -> None:
    """Take away nodes that nothing mentions, with their blocks and links."""
    for ids in batches(node_ids, IN_ROWS):
        connection.execute(sa.delete(t.block).where(t.block.c.node_id.in_(ids)))
        connection.execute(sa.delete(t.link).where(t.link.c.a.in_(ids)))
        connection.execute(sa.delete(t.link).where(t.link.c.b.in_(ids)))
        connection.execute(sa.delete(t.node).where(t.node.c.id.in_(ids)))


def put_blocks(connection: sa.Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Write (block key, node id)."""
    if rows:
        insert_ignore(connection, t.block, [{"block_key": key, "node_id": node} for key, node in rows])


def block_members(connection: sa.Connection, block_keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (block key, node id) for every node in the blocks."""
    for keys in batches(block_keys, IN_ROWS):
        query = sa.select(t.block.c.block_key, t.block.c.node_id).where(t.block.c.block_key.in_(keys))
        for row in connection.execute(query.order_by(t.block.c.block_key, t.block.c.node_id)):
            yield row.block_key, row.node_id


def put_links(connection: sa.Connection, links: Sequence[LinkRow]) -> None:
    """Write links between nodes."""
    if links:
        insert_ignore(connection, t.link, _dicts(links))


def links_of(connection: sa.Connection, node_ids: Iterable[str], *, min_score: float) -> list[LinkRow]:
    """Return the links that touch any of the nodes, at or above a score."""
    found: dict[tuple[str, str], LinkRow] = {}
    for ids in batches(node_ids, IN_ROWS):
        for side in (t.link.c.a, t.link.c.b):
            query = sa.select(t.link).where(side.in_(ids), t.link.c.score >= min_score)
            for row in connection.execute(query).mappings():
                found[row["a"], row["b"]] = LinkRow(**row)
    return list(found.values())


def declarations_of(connection: sa.Connection, node_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Return the distinct (short node, long node) pairs that touch any of the nodes."""
    found: set[tuple[str, str]] = set()
    for ids in batches(node_ids, IN_ROWS):
        for side in (t.declaration.c.short_node, t.declaration.c.long_node):
            query = sa.select(t.declaration.c.short_node, t.declaration.c.long_node).distinct().where(side.in_(ids))
            found.update((row.short_node, row.long_node) for row in connection.execute(query))
    return found


# --- what corrections name --------------------------------------------------------------------------------------------


def find_target(connection: sa.Connection, target: str) -> tuple[str, MentionRow | TripleRow | None]:
    """Return what an id names: ("mention", row), ("triple", row), ("fact", None) or ("entity", None).

    Raises StoreError when it names nothing.
    """
    row = connection.execute(sa.select(t.mention).where(t.mention.c.id == target)).mappings().first()
    if row:
        return "mention", MentionRow(**row)
    row = connection.execute(sa.select(t.triple).where(t.triple.c.id == target)).mappings().first()
    if row:
        return "triple", TripleRow(**row)
    for table in (t.fact, t.entity, t.document, t.chunk):
        if connection.execute(sa.select(table.c.id).where(table.c.id == target)).first():
            return table.name, None
    raise StoreError("no such mention, triple or fact", where=target, remedy="kgbuilder show ID lists what stands")


def fact_key(connection: sa.Connection, fact_id: str) -> tuple[str, str, str]:
    """Return the head entity, relation and tail entity of a fact."""
    query = sa.select(t.fact.c.head, t.fact.c.relation, t.fact.c.tail).where(t.fact.c.id == fact_id)
    row = connection.execute(query).first()
    if row is None:
        raise StoreError("no such fact", where=fact_id, remedy="it may have been corrected: search for its entities")
    return row.head, row.relation, row.tail


def triples_between(
    connection: sa.Connection, heads: Sequence[str], relation: str, tails: Sequence[str]
) -> list[TripleRow]:
    """Return the triples with a head, relation and tail of these, the rejected ones left out."""
    query = sa.select(t.triple).where(
        t.triple.c.head_node.in_(heads),
        t.triple.c.relation == relation,
        t.triple.c.tail_node.in_(tails),
        t.triple.c.status != "rejected",
    )
    return [TripleRow(**row) for row in connection.execute(query.order_by(t.triple.c.id)).mappings()]


def mentions_of(connection: sa.Connection, node_ids: Iterable[str]) -> list[MentionRow]:
    """Return the mentions of nodes."""
    found: list[MentionRow] = []
    for ids in batches(node_ids, IN_ROWS):
        query = sa.select(t.mention).where(t.mention.c.node_id.in_(ids)).order_by(t.mention.c.id)
        found += [MentionRow(**row) for row in connection.execute(query).mappings()]
    return found


def documents_of(connection: sa.Connection, node_ids: Iterable[str]) -> set[str]:
    """Return the documents that mention nodes, or did before a person retyped them."""
    found: set[str] = set()
    for ids in batches(node_ids, IN_ROWS):
        here = sa.or_(t.mention.c.node_id.in_(ids), t.mention.c.origin.in_(ids))
        query = sa.select(t.mention.c.document_id).distinct().where(here)
        found.update(connection.execute(query).scalars())
    return found


def revisions_of(connection: sa.Connection, document_ids: Iterable[str]) -> set[str]:
    """Return the documents that replaced any of these, directly or through others."""
    replaced: dict[str, set[str]] = {}
    for payload in connection.execute(sa.select(t.event.c.payload).where(t.event.c.kind == "revise")).scalars():
        event = orjson.loads(payload)
        replaced.setdefault(event["replaces"], set()).add(event["document"])
    found: set[str] = set()
    waiting = set(document_ids)
    while waiting:
        waiting = {new for old in waiting for new in replaced.get(old, ())} - found
        found |= waiting
    return found


# --- outbox -----------------------------------------------------------------------------------------------------------


def mark_nodes(connection: sa.Connection, moved: Mapping[str, tuple[str | None, str]]) -> None:
    """Put on the outbox all that hangs on nodes whose entity changed, under the old entity and the new.

    `moved` maps a node to its (old entity or None, new entity).
    """
    columns = (t.mention.c.node_id, t.mention.c.chunk_id)
    sides = (t.triple.c.head_node, t.triple.c.relation, t.triple.c.tail_node)
    mentions: set[tuple[str, str, str]] = set()
    facts: set[tuple[str, str, str]] = set()
    for ids in batches(moved, IN_ROWS):
        for node, chunk in connection.execute(sa.select(*columns).distinct().where(t.mention.c.node_id.in_(ids))):
            mentions.update((entity, chunk, "") for entity in moved[node] if entity)
        touching = sa.or_(t.triple.c.head_node.in_(ids), t.triple.c.tail_node.in_(ids))
        rows = connection.execute(sa.select(*sides).distinct().where(touching)).all()
        entity_of = entities_of(connection, {n for row in rows for n in (row.head_node, row.tail_node)})
        for row in rows:
            for head in moved.get(row.head_node, (entity_of[row.head_node],)):
                for tail in moved.get(row.tail_node, (entity_of[row.tail_node],)):
                    if head and tail:
                        facts.add((head, row.relation, tail))
    mark(connection, "mention", mentions)
    mark(connection, "fact", facts)
    mark(connection, "entity", {(entity, "", "") for pair in moved.values() for entity in pair if entity})


def clear(connection: sa.Connection) -> None:
    """Empty every derived table."""
    for table in t.DERIVED:
        connection.execute(sa.delete(table))
