"""What pages show beyond plain lists: counts by kind, passages with their mentions, pictures of the graph.

Everything is read in the caller's transaction and answers for the ledger as it stands.
"""

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from kgbuilder.errors import StoreError
from kgbuilder.ledger import codec
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import IN_ROWS, batches
from kgbuilder.ledger.views import (
    ChunkView,
    DocumentView,
    EntityView,
    chunk_view_of,
    document_views,
    entity_of,
    fact_query,
)
from kgbuilder.records import PageSpan

__all__ = [
    "ChunkRow",
    "Departure",
    "Line",
    "MentionQuote",
    "MentionView",
    "Picture",
    "around",
    "busiest",
    "chunk_detail",
    "chunk_rows",
    "departure",
    "document_view",
    "entity_labels",
    "fact_relations",
    "mentions_between",
    "n_chunks",
    "page_at",
    "pages_of",
    "quotes_of",
    "text_between",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionView:
    """A mention in a passage, with the entity it names; `start` and `end` are offsets in the document."""

    start: int
    end: int
    text: str
    label: str
    score: float
    entity_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionQuote:
    """A mention of an entity with some text around it."""

    document_id: str
    document_name: str
    start: int
    end: int
    text: str
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRow:
    """One chunk in a list; `problem` is why it failed, `n_quarantined` how many claims were set aside."""

    id: str
    seq: int
    start: int
    end: int
    state: str
    problem: str
    remedy: str
    n_quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fact as a line between two entities."""

    fact_id: str
    head: str
    relation: str
    tail: str
    n_evidence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Some entities and the best supported facts between them."""

    entities: tuple[EntityView, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What leaves the graph with a document: facts that nothing else states, entities that nothing else names.

    `facts` names some of them as (head, relation, tail).
    """

    n_evidence: int
    n_facts: int
    n_facts_kept: int
    n_entities: int
    facts: tuple[tuple[str, str, str], ...]


# --- counts -----------------------------------------------------------------------------------------------------------


def entity_labels(connection: sa.Connection) -> list[tuple[str, int]]:
    """Count the entities of each type, most first."""
    return _ranked(connection, t.entity.c.label)


def fact_relations(connection: sa.Connection) -> list[tuple[str, int]]:
    """Count the facts of each relation, most first."""
    return _ranked(connection, t.fact.c.relation)


def _ranked(connection: sa.Connection, column: sa.Column[str]) -> list[tuple[str, int]]:
    rows = connection.execute(sa.select(column, sa.func.count()).group_by(column)).all()
    return sorted(((str(name), int(n)) for name, n in rows), key=lambda row: (-row[1], row[0]))


# --- one document -----------------------------------------------------------------------------------------------------


def document_view(connection: sa.Connection, document_id: str) -> DocumentView:
    """Return one document of the list. Raises StoreError when no source holds it."""
    row = connection.execute(sa.select(t.document.c.name).join(t.reading).where(t.document.c.id == document_id)).first()
    named = document_views(connection, text=row.name, limit=1_000) if row else []
    for document in named:
        if document.id == document_id:
            return document
    raise StoreError("no such document", where=document_id, remedy="it may have been deleted: go back to the list")


def text_between(connection: sa.Connection, document_id: str, start: int, end: int) -> str:
    """Return characters `start` to `end` of a document without reading the rest of it into memory."""
    part = sa.func.substr(t.document.c.text, start + 1, max(0, end - start))
    text = connection.execute(sa.select(part).where(t.document.c.id == document_id)).scalar_one_or_none()
    if text is None:
        raise StoreError("no such document", where=document_id, remedy="it may have been deleted: go back to the list")
    return str(text)


def mentions_between(connection: sa.Connection, document_id: str, start: int, end: int) -> list[MentionView]:
    """Return the mentions that touch characters `start` to `end` of a document, in order."""
    query = (
        sa.select(t.mention, t.node.c.entity_id)
        .select_from(t.mention.outerjoin(t.node, t.node.c.id == t.mention.c.node_id))
        .where(t.mention.c.document_id == document_id, t.mention.c.start < end, t.mention.c.end > start)
        .order_by(t.mention.c.start, t.mention.c.end, t.mention.c.id)
    )
    return [
        MentionView(
            start=row.start,
            end=row.end,
            text=row.text,
            label=row.label,
            score=row.score,
            entity_id=row.entity_id or "",
        )
        for row in connection.execute(query)
    ]


def pages_of(connection: sa.Connection, document_ids: Iterable[str]) -> dict[str, tuple[PageSpan, ...]]:
    """Return the pages of documents that have any."""
    found: dict[str, tuple[PageSpan, ...]] = {}
    for ids in batches(document_ids, IN_ROWS):
        for row in connection.execute(sa.select(t.document.c.id, t.document.c.pages).where(t.document.c.id.in_(ids))):
            spans = orjson.loads(zlib.decompress(row.pages))
            if spans:
                found[row.id] = tuple(
                    PageSpan(start=start, end=end, page=page, box=tuple(box) if box else None)
                    for start, end, page, box in spans
                )
    return found


def page_at(pages: Sequence[PageSpan], start: int) -> int | None:
    """Return the page on which character `start` stands; None when no page holds it."""
    return next((span.page for span in pages if span.start <= start < span.end), None)


def n_chunks(connection: sa.Connection, document_id: str, *, state: str = "") -> int:
    """Count the chunks of a document, in one state or in all."""
    query = sa.select(sa.func.count()).select_from(t.chunk).where(t.chunk.c.document_id == document_id)
    return connection.execute(query.where(t.chunk.c.state == state) if state else query).scalar_one()


def chunk_rows(
    connection: sa.Connection, document_id: str, *, state: str = "", limit: int = 100, offset: int = 0
) -> list[ChunkRow]:
    """List the chunks of a document in order, without their replies."""
    query = sa.select(t.chunk).where(t.chunk.c.document_id == document_id).order_by(t.chunk.c.seq)
    if state:
        query = query.where(t.chunk.c.state == state)
    rows = connection.execute(query.limit(limit).offset(offset)).all()
    failures = _failures(connection, document_id, [row.passage_id for row in rows if row.state != "done"])
    counted = sa.select(t.quarantine.c.chunk_id, sa.func.count()).where(t.quarantine.c.document_id == document_id)
    set_aside = {str(k): int(n) for k, n in connection.execute(counted.group_by(t.quarantine.c.chunk_id))}
    return [
        ChunkRow(
            id=row.id,
            seq=row.seq,
            start=row.start,
            end=row.end,
            state=row.state,
            problem=failures.get(row.passage_id, ("", ""))[0],
            remedy=failures.get(row.passage_id, ("", ""))[1],
            n_quarantined=set_aside.get(row.id, 0),
        )
        for row in rows
    ]


def _failures(connection: sa.Connection, document_id: str, passages: Iterable[str]) -> dict[str, tuple[str, str]]:
    extractor = sa.select(t.reading.c.extractor_id).where(t.reading.c.document_id == document_id).scalar_subquery()
    found: dict[str, tuple[str, str]] = {}
    for ids in batches(passages, IN_ROWS):
        query = sa.select(t.attempt.c.passage_id, t.attempt.c.failure).where(
            t.attempt.c.passage_id.in_(ids), t.attempt.c.extractor_id == extractor, t.attempt.c.failure.is_not(None)
        )
        for row in connection.execute(query.order_by(t.attempt.c.seq)):
            failure = codec.loads_readable(row.failure)
            found[row.passage_id] = (str(failure.get("what", "")), str(failure.get("remedy", "")))
    return found


def chunk_detail(connection: sa.Connection, chunk_id: str) -> ChunkView:
    """Return one chunk with its replies and what was set aside. Raises StoreError when there is none of that id."""
    row = connection.execute(sa.select(t.chunk).where(t.chunk.c.id == chunk_id)).first()
    if row is None:
        raise StoreError("no such chunk", where=chunk_id, remedy="the document was read again: choose the chunk anew")
    return chunk_view_of(connection, row)


def departure(connection: sa.Connection, document_id: str, *, n_names: int = 50) -> Departure:
    """Work out what would leave the graph with a document; at most `n_names` facts are named."""
    head, tail = t.node.alias("head_node"), t.node.alias("tail_node")
    own = (
        sa.select(
            head.c.entity_id.label("head"),
            t.triple.c.relation,
            tail.c.entity_id.label("tail"),
            sa.func.count().label("n"),
        )
        .select_from(
            t.triple.join(head, head.c.id == t.triple.c.head_node).join(tail, tail.c.id == t.triple.c.tail_node)
        )
        .where(t.triple.c.document_id == document_id, t.triple.c.status != "rejected")
        .group_by(head.c.entity_id, t.triple.c.relation, tail.c.entity_id)
        .subquery()
    )
    query, first, last = fact_query()
    same = sa.and_(t.fact.c.head == own.c.head, t.fact.c.relation == own.c.relation, t.fact.c.tail == own.c.tail)
    columns = (first.c.name.label("head_name"), t.fact.c.relation, last.c.name.label("tail_name"))
    leaves = (t.fact.c.n_evidence <= own.c.n).label("leaves")
    rows = connection.execute(query.join(own, same).with_only_columns(*columns, own.c.n, leaves)).all()
    leaving = [(row.head_name, row.relation, row.tail_name) for row in rows if row.leaves]
    return Departure(
        n_evidence=sum(row.n for row in rows),
        n_facts=len(leaving),
        n_facts_kept=len(rows) - len(leaving),
        n_entities=_n_only_named_in(connection, document_id),
        facts=tuple(leaving[:n_names]),
    )


def _n_only_named_in(connection: sa.Connection, document_id: str) -> int:
    own = (
        sa.select(t.node.c.entity_id, sa.func.count().label("n"))
        .select_from(t.mention.join(t.node, t.node.c.id == t.mention.c.node_id))
        .where(t.mention.c.document_id == document_id)
        .group_by(t.node.c.entity_id)
        .subquery()
    )
    query = sa.select(sa.func.count()).select_from(t.entity.join(own, own.c.entity_id == t.entity.c.id))
    return connection.execute(query.where(t.entity.c.n_mentions <= own.c.n)).scalar_one()


# --- one entity, and pictures -----------------------------------------------------------------------------------------


def quotes_of(
    connection: sa.Connection, entity_id: str, *, limit: int = 20, offset: int = 0, context_chars: int = 60
) -> list[MentionQuote]:
    """Return the places that name an entity, each with some text around it."""
    begin = sa.case((t.mention.c.start > context_chars, t.mention.c.start - context_chars), else_=0)
    query = (
        sa.select(
            t.mention,
            t.document.c.name,
            sa.func.substr(t.document.c.text, begin + 1, t.mention.c.start - begin).label("before"),
            sa.func.substr(t.document.c.text, t.mention.c.end + 1, context_chars).label("after"),
        )
        .select_from(
            t.mention.join(t.node, t.node.c.id == t.mention.c.node_id).join(
                t.document, t.document.c.id == t.mention.c.document_id
            )
        )
        .where(t.node.c.entity_id == entity_id)
        .order_by(t.document.c.name, t.mention.c.document_id, t.mention.c.start, t.mention.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        MentionQuote(
            document_id=row.document_id,
            document_name=row.name,
            start=row.start,
            end=row.end,
            text=row.text,
            label=row.label,
            before=row.before,
            after=row.after,
        )
        for row in connection.execute(query)
    ]


def busiest(connection: sa.Connection, *, limit: int, without: Collection[str] = ()) -> Picture:
    """Return the entities with the most facts, and the facts between them; `without` are types to leave out."""
    ends = sa.union_all(
        sa.select(t.fact.c.head.label("id"), sa.func.count().label("n")).group_by(t.fact.c.head),
        sa.select(t.fact.c.tail.label("id"), sa.func.count().label("n")).group_by(t.fact.c.tail),
    ).subquery()
    degree = sa.func.sum(ends.c.n)
    query = (
        sa.select(t.entity, degree.label("degree"))
        .join(ends, ends.c.id == t.entity.c.id)
        .where(t.entity.c.label.not_in(list(without)))
        .group_by(t.entity.c.id)
        .order_by(degree.desc(), t.entity.c.id)
        .limit(limit)
    )
    found = _picture(connection, [entity_of(row) for row in connection.execute(query).mappings()])
    joined = {end for line in found.lines for end in (line.head, line.tail)}
    return Picture(entities=tuple(e for e in found.entities if e.id in joined), lines=found.lines)


def around(connection: sa.Connection, entity_id: str, *, limit: int) -> Picture:
    """Return an entity first, then its best supported neighbours, and the facts between all of them."""
    sides = (t.fact.c.head, t.fact.c.tail)
    near: dict[str, None] = {entity_id: None}
    for own, other in (sides, sides[::-1]):
        query = sa.select(other).where(own == entity_id).order_by(t.fact.c.n_evidence.desc(), t.fact.c.id)
        near.update(dict.fromkeys(connection.execute(query.limit(limit)).scalars()))
    ids = list(near)[:limit]
    rows = connection.execute(sa.select(t.entity).where(t.entity.c.id.in_(ids))).mappings()
    found = {row["id"]: entity_of(row) for row in rows}
    return _picture(connection, [found[i] for i in ids if i in found])


def _picture(connection: sa.Connection, entities: Sequence[EntityView]) -> Picture:
    ids = [entity.id for entity in entities]
    query = (
        sa.select(t.fact)
        .where(t.fact.c.head.in_(ids), t.fact.c.tail.in_(ids))
        .order_by(t.fact.c.n_evidence.desc(), t.fact.c.score.desc(), t.fact.c.id)
    )
    lines = [
        Line(fact_id=row.id, head=row.head, relation=row.relation, tail=row.tail, n_evidence=row.n_evidence)
        for row in connection.execute(query)
    ]
    return Picture(entities=tuple(entities), lines=tuple(_thinned(lines, 2 * len(entities))))


def _thinned(lines: Sequence[Line], limit: int) -> list[Line]:
    """Keep at most `limit` lines, and of every entity the best one: more would be a ball of wool."""
    seen: set[str] = set()
    first: list[Line] = []
    rest: list[Line] = []
    for line in lines:
        (rest if {line.head, line.tail} <= seen else first).append(line)
        seen |= {line.head, line.tail}
    return [*first, *rest[: max(0, limit - len(first))]]
