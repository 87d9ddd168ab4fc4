"""What the graph has to be told: keys that wait on the outbox, and the absolute values behind them now."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import IN_ROWS, batches, execute_rows

__all__ = [
    "DocumentState",
    "EntityState",
    "EvidenceState",
    "FactState",
    "Until",
    "Waiting",
    "acknowledge",
    "chunk_states",
    "document_states",
    "entity_states",
    "fact_states",
    "last_waiting",
    "mention_states",
    "put_entities",
    "put_facts",
    "standing_chunks",
    "waiting",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One key on the outbox; `stamp` changes when it is marked again."""

    seq: int
    stamp: int
    key: tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """A document that a source holds; of several sources, the first by name."""

    id: str
    name: str
    sha256: str
    language: str
    media_type: str
    n_chars: int
    source: str
    n_chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityState:
    """An entity as its nodes and mentions make it now; `surfaces` counts each spelling."""

    id: str
    label: str
    value: str | None
    nodes: tuple[str, ...]
    surfaces: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """One place that states a fact now."""

    document: str
    start: int
    end: int
    quote: str
    score: float
    status: str
    extractor: str
    head_node: str
    tail_node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactState:
    """A fact between two entities with every place that states it now, in document order."""

    head: str
    relation: str
    tail: str
    evidence: tuple[EvidenceState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Where a round ends: the last place and the last stamp on the outbox when it began.

    The place alone does not do: a key that is marked again keeps its place, and SQLite gives a freed place anew.
    """

    seq: int
    stamp: int


def last_waiting(connection: sa.Connection) -> Until | None:
    """Return where a round over the outbox ends; None when nothing waits."""
    seq, stamp = connection.execute(sa.select(sa.func.max(t.outbox.c.seq), sa.func.max(t.outbox.c.stamp))).one()
    return None if seq is None else Until(seq=seq, stamp=stamp)


def waiting(connection: sa.Connection, kind: str, *, until: Until, limit: int) -> list[Waiting]:
    """Return the first keys of a kind that waited when the round began.

    A key that is marked again meanwhile is left to the next round, but not one of a document or an entity: what hangs
    on these may be written in this round, and would find nothing to hang on.
    """
    query = sa.select(t.outbox).where(t.outbox.c.kind == kind, t.outbox.c.seq <= until.seq)
    if kind not in ("document", "entity"):
        query = query.where(t.outbox.c.stamp <= until.stamp)
    query = query.order_by(t.outbox.c.seq).limit(limit)
    return [Waiting(seq=r.seq, stamp=r.stamp, key=(r.a, r.b, r.c)) for r in connection.execute(query)]


def acknowledge(connection: sa.Connection, done: Sequence[Waiting]) -> None:
    """Take keys off the outbox, but for those that were marked again since they were read."""
    matches = sa.and_(t.outbox.c.seq == sa.bindparam("at"), t.outbox.c.stamp == sa.bindparam("mark"))
    execute_rows(connection, sa.delete(t.outbox).where(matches), [{"at": w.seq, "mark": w.stamp} for w in done])


def document_states(connection: sa.Connection, document_ids: Iterable[str]) -> dict[str, DocumentState]:
    """Return the documents that a source holds."""
    columns = (
        t.document.c.id,
        t.document.c.name,
        t.document.c.sha256,
        t.document.c.language,
        t.document.c.media_type,
        t.document.c.n_chars,
        sa.select(sa.func.min(t.source.c.source))
        .where(t.source.c.document_id == t.document.c.id)
        .scalar_subquery()
        .label("source"),
        sa.select(sa.func.count())
        .select_from(t.chunk)
        .where(t.chunk.c.document_id == t.document.c.id)
        .scalar_subquery()
        .label("n_chunks"),
    )
    found: dict[str, DocumentState] = {}
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(*columns).select_from(t.document.join(t.reading)).where(t.document.c.id.in_(ids))
        for row in connection.execute(query).mappings():
            found[row["id"]] = DocumentState(**row)
    return found


def chunk_states(connection: sa.Connection, document_ids: Iterable[str]) -> dict[str, list[tuple[str, int, int, int]]]:
    """Return the chunks of documents in order, each as (id, seq, start, end)."""
    columns = (t.chunk.c.document_id, t.chunk.c.id, t.chunk.c.seq, t.chunk.c.start, t.chunk.c.end)
    found: dict[str, list[tuple[str, int, int, int]]] = {}
    for ids in batches(document_ids, IN_ROWS):
        query = sa.select(*columns).where(t.chunk.c.document_id.in_(ids)).order_by(t.chunk.c.document_id, t.chunk.c.seq)
        for document_id, *chunk in connection.execute(query):
            found.setdefault(document_id, []).append((chunk[0], chunk[1], chunk[2], chunk[3]))
    return found


def standing_chunks(connection: sa.Connection, chunk_ids: Iterable[str]) -> set[str]:
    """Return which of the chunks stand now."""
    found: set[str] = set()
    for ids in batches(chunk_ids, IN_ROWS):
        found.update(connection.execute(sa.select(t.chunk.c.id).where(t.chunk.c.id.in_(ids))).scalars())
    return found


def entity_states(connection: sa.Connection, entity_ids: Iterable[str]) -> dict[str, EntityState]:
    """Return the entities that are mentioned somewhere now."""
    found: dict[str, EntityState] = {}
    for ids in batches(entity_ids, IN_ROWS):
        nodes: dict[str, list[sa.Row[*tuple[Any, ...]]]] = {}
        columns = (t.node.c.id, t.node.c.entity_id, t.node.c.label, t.node.c.key, t.node.c.value)
        for row in connection.execute(sa.select(*columns).where(t.node.c.entity_id.in_(ids)).order_by(t.node.c.id)):
            nodes.setdefault(row.entity_id, []).append(row)
        surfaces: dict[str, Counter[str]] = {}
        joined = t.surface.join(t.node, t.node.c.id == t.surface.c.node_id)
        query = sa.select(t.node.c.entity_id, t.surface.c.text, t.surface.c.n).select_from(joined)
        for entity_id, text, n in connection.execute(query.where(t.node.c.entity_id.in_(ids))):
            surfaces.setdefault(entity_id, Counter())[text] += n
        for entity_id, own in nodes.items():
            if counted := surfaces.get(entity_id):
                first = min(own, key=lambda row: (row.label, row.key))
                found[entity_id] = EntityState(
                    id=entity_id,
                    label=first.label,
                    value=next((row.value for row in own if row.value), None),
                    nodes=tuple(row.id for row in own),
                    surfaces=counted,
                )
    return found


def mention_states(
    connection: sa.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[tuple[int, int, str]]]:
    """Return where each (entity, chunk) is mentioned now: (start, end, text) in order."""
    wanted = set(keys)
    found: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    columns = (t.node.c.entity_id, t.mention.c.chunk_id, t.mention.c.start, t.mention.c.end, t.mention.c.text)
    joined = t.mention.join(t.node, t.node.c.id == t.mention.c.node_id)
    for chunks in batches((chunk for _, chunk in wanted), IN_ROWS):
        query = sa.select(*columns).select_from(joined).where(t.mention.c.chunk_id.in_(chunks))
        query = query.order_by(t.mention.c.start, t.mention.c.end, t.mention.c.id)
        for entity, chunk, start, end, text in connection.execute(query):
            if (entity, chunk) in wanted:
                found.setdefault((entity, chunk), []).append((start, end, text))
    return found


def fact_states(connection: sa.Connection, keys: Sequence[Waiting]) -> list[FactState]:
    """Return the facts behind waiting keys (head, relation, tail), each with all its evidence, rejected triples too."""
    if not keys:
        return []
    head, tail = t.node.alias("head_node"), t.node.alias("tail_node")
    # Key by key from the outbox: entity to nodes, nodes to triples, all by index, so a hub costs only its own facts.
    joined = (
        t.outbox.join(head, head.c.entity_id == t.outbox.c.a)
        .join(t.triple, sa.and_(t.triple.c.head_node == head.c.id, t.triple.c.relation == t.outbox.c.b))
        .join(tail, sa.and_(tail.c.id == t.triple.c.tail_node, tail.c.entity_id == t.outbox.c.c))
    )
    columns = (
        t.outbox.c.a,
        t.outbox.c.b,
        t.outbox.c.c,
        t.triple.c.document_id,
        t.triple.c.start,
        t.triple.c.end,
        t.triple.c.quote,
        t.triple.c.score,
        t.triple.c.status,
        t.triple.c.extractor_id,
        t.triple.c.head_node,
        t.triple.c.tail_node,
    )
    query = (
        sa.select(*columns)
        .select_from(joined)
        .where(t.outbox.c.kind == "fact", t.outbox.c.seq >= keys[0].seq, t.outbox.c.seq <= keys[-1].seq)
        .order_by(t.triple.c.document_id, t.triple.c.start, t.triple.c.end, t.triple.c.id)
    )
    evidence: dict[tuple[str, str, str], list[EvidenceState]] = {}
    for a, b, c, document, start, end, quote, score, status, extractor, head_node, tail_node in connection.execute(
        query
    ):
        evidence.setdefault((a, b, c), []).append(
            EvidenceState(
                document=document,
                start=start,
                end=end,
                quote=quote,
                score=score,
                status=status,
                extractor=extractor,
                head_node=head_node,
                tail_node=tail_node,
            )
        )
    return [
        FactState(head=a, relation=b, tail=c, evidence=tuple(evidence.get((a, b, c), ())))
        for a, b, c in (waiting.key for waiting in keys)
    ]


def put_entities(connection: sa.Connection, rows: Sequence[dict[str, object]], gone: Iterable[str]) -> None:
    """Remember what was written to the graph about entities."""
    for row in rows:
        row["aliases"] = orjson.dumps(row["aliases"]).decode()
    _upsert(connection, t.entity, rows)
    for ids in batches(gone, IN_ROWS):
        connection.execute(sa.delete(t.entity).where(t.entity.c.id.in_(ids)))


def put_facts(connection: sa.Connection, rows: Sequence[dict[str, object]], gone: Iterable[str]) -> None:
    """Remember what was written to the graph about facts."""
    _upsert(connection, t.fact, rows)
    for ids in batches(gone, IN_ROWS):
        connection.execute(sa.delete(t.fact).where(t.fact.c.id.in_(ids)))


def _upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, object]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    values = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
    execute_rows(connection, insert.on_conflict_do_update(index_elements=[table.c.id], set_=values), rows)
