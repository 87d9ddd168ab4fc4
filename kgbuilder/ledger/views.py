"""What the app and the command line read from the ledger: counts, lists and details, page by page.

Lists of entities and facts show what was last written to the graph.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import orjson
import sqlalchemy as sa
from sqlalchemy.sql.selectable import NamedFromClause

from kgbuilder.errors import StoreError
from kgbuilder.ledger import codec
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import IN_ROWS, batches

__all__ = [
    "ChunkView",
    "Counts",
    "DocumentView",
    "EntityView",
    "Evidence",
    "FactFilters",
    "FactView",
    "chunk_view_of",
    "chunk_views",
    "count",
    "document_views",
    "entity_of",
    "entity_view",
    "entity_views",
    "evidence_of",
    "fact_query",
    "fact_view",
    "fact_views",
    "find_document",
    "find_id",
    "n_documents",
    "n_entities",
    "n_facts",
    "unreadable",
]


class FactFilters(TypedDict, total=False):
    """What narrows a list of facts: `search` is part of either name, folded; `label` and `entity` are of either end.

    Empty values narrow nothing.
    """

    search: str
    relation: str
    label: str
    entity: str
    document: str
    status: str
    min_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of everything there is; `chunks` maps done, failed, quarantined, pending and total to numbers."""

    documents: int
    chunks: Mapping[str, int]
    entities: int
    facts: int
    evidence: int
    quarantined: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """One document in a list; `chunks` maps states to numbers."""

    id: str
    name: str
    sources: tuple[str, ...]
    media_type: str
    language: str
    n_chars: int
    extractor: str
    warnings: tuple[str, ...]
    chunks: Mapping[str, int]
    n_facts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkView:
    """One chunk of a document with what became of it, and the raw replies of the latest attempt."""

    id: str
    seq: int
    start: int
    end: int
    state: str
    failure: Mapping[str, object] | None
    replies: tuple[Mapping[str, object], ...]
    quarantined: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityView:
    """An entity as it stands in the graph."""

    id: str
    label: str
    name: str
    aliases: tuple[str, ...]
    value: str | None
    n_mentions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """A fact as it stands in the graph, with the names of its entities."""

    id: str
    head: str
    head_name: str
    head_label: str
    relation: str
    tail: str
    tail_name: str
    tail_label: str
    score: float
    status: str
    n_evidence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One place that states a fact: `text[start:end] == quote` in the document, head and tail spans inside it."""

    triple_id: str
    document_id: str
    document_name: str
    source: str
    start: int
    end: int
    quote: str
    head: tuple[int, int]
    tail: tuple[int, int]
    score: float
    status: str
    extractor: str
    before: str
    after: str


def count(connection: sa.Connection) -> Counts:
    """Count what stands now."""

    def number(query: sa.Select[int]) -> int:
        return connection.execute(query).scalar_one()

    by_state = dict.fromkeys(("done", "failed", "quarantined", "pending"), 0)
    for state, n in connection.execute(sa.select(t.chunk.c.state, sa.func.count()).group_by(t.chunk.c.state)):
        by_state[state] = n
    total = sa.func.coalesce(sa.func.sum(t.fact.c.n_evidence), 0)
    return Counts(
        documents=number(sa.select(sa.func.count()).select_from(t.reading)),
        chunks={**by_state, "total": sum(by_state.values())},
        entities=number(sa.select(sa.func.count()).select_from(t.entity)),
        facts=number(sa.select(sa.func.count()).select_from(t.fact)),
        evidence=int(number(sa.select(total))),
        quarantined=number(sa.select(sa.func.count()).select_from(t.quarantine)),
        unreadable=number(sa.select(sa.func.count()).select_from(t.failure)),
    )


def unreadable(connection: sa.Connection) -> list[dict[str, str]]:
    """List the sources that could not be read: source, what, where, remedy, at."""
    return [dict(row) for row in connection.execute(sa.select(t.failure).order_by(t.failure.c.source)).mappings()]


def document_views(
    connection: sa.Connection, *, text: str = "", state: str = "", limit: int = 100, offset: int = 0
) -> list[DocumentView]:
    """List documents by name; `text` is part of a name or source, `state` a chunk state that at least one chunk has."""
    columns = (
        t.document.c.id,
        t.document.c.name,
        t.document.c.media_type,
        t.document.c.language,
        t.document.c.n_chars,
        t.document.c.warnings,
        t.extractor.c.name.label("extractor"),
    )
    joined = t.reading.join(t.document).outerjoin(t.extractor, t.extractor.c.id == t.reading.c.extractor_id)
    query = sa.select(*columns).select_from(joined).order_by(t.document.c.name, t.document.c.id)
    query = query.where(*_document_filters(text, state))
    rows = connection.execute(query.limit(limit).offset(offset)).all()
    ids = [row.id for row in rows]
    states = _grouped(connection, (t.chunk.c.document_id, t.chunk.c.state), ids)
    facts = _grouped(connection, (t.triple.c.document_id, t.triple.c.status), ids)
    sources: dict[str, list[str]] = {}
    for some in batches(ids, IN_ROWS):
        for row in connection.execute(sa.select(t.source).where(t.source.c.document_id.in_(some))):
            sources.setdefault(row.document_id, []).append(row.source)
    return [
        DocumentView(
            id=row.id,
            name=row.name,
            sources=tuple(sorted(sources.get(row.id, ()))),
            media_type=row.media_type,
            language=row.language,
            n_chars=row.n_chars,
            extractor=row.extractor or "",
            warnings=tuple(orjson.loads(row.warnings)),
            chunks=states.get(row.id, {}),
            n_facts=sum(n for status, n in facts.get(row.id, {}).items() if status != "rejected"),
        )
        for row in rows
    ]


def n_documents(connection: sa.Connection, *, text: str = "", state: str = "") -> int:
    """Count what `document_views` lists with the same filters."""
    query = sa.select(sa.func.count()).select_from(t.reading.join(t.document))
    return connection.execute(query.where(*_document_filters(text, state))).scalar_one()


def _document_filters(text: str, state: str) -> Iterator[sa.ColumnElement[bool]]:
    if text:
        held = sa.select(t.source.c.document_id).where(t.source.c.source.contains(text, autoescape=True))
        yield sa.or_(t.document.c.name.contains(text, autoescape=True), t.document.c.id.in_(held))
    if state:
        yield t.document.c.id.in_(sa.select(t.chunk.c.document_id).where(t.chunk.c.state == state))


def _grouped(
    connection: sa.Connection, columns: tuple[sa.Column[str], sa.Column[str]], ids: Sequence[str]
) -> dict[str, dict[str, int]]:
    outer, inner = columns
    query = sa.select(outer, inner, sa.func.count()).group_by(outer, inner)
    found: dict[str, dict[str, int]] = {}
    for some in batches(ids, IN_ROWS):
        for key, value, n in connection.execute(query.where(outer.in_(some))):
            found.setdefault(key, {})[value] = n
    return found


def chunk_views(connection: sa.Connection, document_id: str, *, state: str = "") -> list[ChunkView]:
    """List the chunks of a document with the latest reply to each; `state` keeps only one state."""
    query = sa.select(t.chunk).where(t.chunk.c.document_id == document_id).order_by(t.chunk.c.seq)
    if state:
        query = query.where(t.chunk.c.state == state)
    return [chunk_view_of(connection, row) for row in connection.execute(query).all()]


def chunk_view_of(connection: sa.Connection, row: sa.Row[*tuple[Any, ...]]) -> ChunkView:
    """Make the view of a row of the chunk table, with the latest reply to it and what was set aside."""
    extractor = sa.select(t.reading.c.extractor_id).where(t.reading.c.document_id == row.document_id).scalar_subquery()
    last = connection.execute(
        sa.select(t.attempt.c.failure, t.attempt.c.replies)
        .where(t.attempt.c.passage_id == row.passage_id, t.attempt.c.extractor_id == extractor)
        .order_by(t.attempt.c.seq.desc())
        .limit(1)
    ).first()
    claims = sa.select(t.quarantine.c.reason, t.quarantine.c.detail, t.quarantine.c.claim)
    quarantined = connection.execute(claims.where(t.quarantine.c.chunk_id == row.id)).mappings()
    return ChunkView(
        id=row.id,
        seq=row.seq,
        start=row.start,
        end=row.end,
        state=row.state,
        failure=codec.loads_readable(last.failure) if last and last.failure else None,
        replies=tuple(codec.loads_readable(last.replies)) if last else (),
        quarantined=tuple(dict(claim) for claim in quarantined),
    )


def entity_of(row: sa.RowMapping) -> EntityView:
    """Make the view of a row of the entity table."""
    return EntityView(
        id=row["id"],
        label=row["label"],
        name=row["name"],
        aliases=tuple(orjson.loads(row["aliases"])),
        value=row["value"],
        n_mentions=row["n_mentions"],
    )


def entity_views(
    connection: sa.Connection, *, search: str = "", label: str = "", limit: int = 100, offset: int = 0
) -> list[EntityView]:
    """List entities, most mentioned first; `search` is part of a folded name."""
    query = sa.select(t.entity).where(*_entity_filters(search, label))
    query = query.order_by(t.entity.c.n_mentions.desc(), t.entity.c.id).limit(limit).offset(offset)
    return [entity_of(row) for row in connection.execute(query).mappings()]


def n_entities(connection: sa.Connection, *, search: str = "", label: str = "") -> int:
    """Count what `entity_views` lists with the same filters."""
    query = sa.select(sa.func.count()).select_from(t.entity).where(*_entity_filters(search, label))
    return connection.execute(query).scalar_one()


def _entity_filters(search: str, label: str) -> Iterator[sa.ColumnElement[bool]]:
    if search:
        yield t.entity.c.search.contains(search, autoescape=True)
    if label:
        yield t.entity.c.label == label


def entity_view(connection: sa.Connection, entity_id: str) -> EntityView:
    """Return one entity. Raises StoreError when the graph has none of that id."""
    row = connection.execute(sa.select(t.entity).where(t.entity.c.id == entity_id)).mappings().first()
    if row is None:
        raise StoreError("no such entity", where=entity_id, remedy="it may have been merged: search for its name")
    return entity_of(row)


def fact_views(
    connection: sa.Connection, *, limit: int = 100, offset: int = 0, **filters: Unpack[FactFilters]
) -> list[FactView]:
    """List facts, best supported first, by any of the filters together."""
    query = _filtered_facts(filters)
    query = query.order_by(t.fact.c.n_evidence.desc(), t.fact.c.score.desc(), t.fact.c.id)
    return [FactView(**row) for row in connection.execute(query.limit(limit).offset(offset)).mappings()]


def n_facts(connection: sa.Connection, **filters: Unpack[FactFilters]) -> int:
    """Count what `fact_views` lists with the same filters."""
    if not filters:
        return connection.execute(sa.select(sa.func.count()).select_from(t.fact)).scalar_one()
    return connection.execute(_filtered_facts(filters).with_only_columns(sa.func.count())).scalar_one()


def _filtered_facts(filters: FactFilters) -> sa.Select[*tuple[Any, ...]]:
    query, head, tail = fact_query()
    if search := filters.get("search"):
        query = query.where(
            sa.or_(head.c.search.contains(search, autoescape=True), tail.c.search.contains(search, autoescape=True))
        )
    if relation := filters.get("relation"):
        query = query.where(t.fact.c.relation == relation)
    if label := filters.get("label"):
        query = query.where(sa.or_(head.c.label == label, tail.c.label == label))
    if entity := filters.get("entity"):
        query = query.where(sa.or_(t.fact.c.head == entity, t.fact.c.tail == entity))
    if status := filters.get("status"):
        query = query.where(t.fact.c.status == status)
    if min_score := filters.get("min_score"):
        query = query.where(t.fact.c.score >= min_score)
    if document := filters.get("document"):
        query = query.where(_stated_in(document))
    return query


def fact_view(connection: sa.Connection, fact_id: str) -> FactView:
    """Return one fact. Raises StoreError when the graph has none of that id."""
    query, _, _ = fact_query()
    row = connection.execute(query.where(t.fact.c.id == fact_id)).mappings().first()
    if row is None:
        raise StoreError("no such fact", where=fact_id, remedy="it may have been corrected: search for its entities")
    return FactView(**row)


def fact_query() -> tuple[sa.Select[*tuple[Any, ...]], NamedFromClause[Any], NamedFromClause[Any]]:
    """Select facts with the names and types of both entities; also returns the two tables they come from."""
    head, tail = t.entity.alias("head_entity"), t.entity.alias("tail_entity")
    joined = t.fact.join(head, head.c.id == t.fact.c.head).join(tail, tail.c.id == t.fact.c.tail)
    query: sa.Select[*tuple[Any, ...]] = sa.select(
        t.fact,
        head.c.name.label("head_name"),
        head.c.label.label("head_label"),
        tail.c.name.label("tail_name"),
        tail.c.label.label("tail_label"),
    ).select_from(joined)
    return query, head, tail


def _stated_in(document_id: str) -> sa.ColumnElement[bool]:
    head, tail = t.node.alias("head_node"), t.node.alias("tail_node")
    joined = t.triple.join(head, head.c.id == t.triple.c.head_node).join(tail, tail.c.id == t.triple.c.tail_node)
    return (
        sa.exists()
        .select_from(joined)
        .where(
            t.triple.c.document_id == document_id,
            t.triple.c.status != "rejected",
            head.c.entity_id == t.fact.c.head,
            t.triple.c.relation == t.fact.c.relation,
            tail.c.entity_id == t.fact.c.tail,
        )
        .correlate(t.fact)
    )


def evidence_of(
    connection: sa.Connection, fact_id: str, *, limit: int = 100, context_chars: int = 160
) -> list[Evidence]:
    """Return the places that state a fact, each with some text around its quote."""
    fact = fact_view(connection, fact_id)
    head, tail = t.node.alias("head_node"), t.node.alias("tail_node")
    first, last = t.mention.alias("head_mention"), t.mention.alias("tail_mention")
    joined = (
        t.triple.join(head, head.c.id == t.triple.c.head_node)
        .join(tail, tail.c.id == t.triple.c.tail_node)
        .join(first, first.c.id == t.triple.c.head)
        .join(last, last.c.id == t.triple.c.tail)
        .join(t.document, t.document.c.id == t.triple.c.document_id)
        .outerjoin(t.extractor, t.extractor.c.id == t.triple.c.extractor_id)
    )
    begin = sa.case((t.triple.c.start > context_chars, t.triple.c.start - context_chars), else_=0)
    query = (
        sa.select(
            t.triple,
            t.document.c.name,
            t.extractor.c.name.label("extractor"),
            first.c.start.label("head_start"),
            first.c.end.label("head_end"),
            last.c.start.label("tail_start"),
            last.c.end.label("tail_end"),
            sa.func.substr(t.document.c.text, begin + 1, t.triple.c.start - begin).label("before"),
            sa.func.substr(t.document.c.text, t.triple.c.end + 1, context_chars).label("after"),
        )
        .select_from(joined)
        .where(
            head.c.entity_id == fact.head,
            t.triple.c.relation == fact.relation,
            tail.c.entity_id == fact.tail,
            t.triple.c.status != "rejected",
        )
        .order_by(t.triple.c.document_id, t.triple.c.start, t.triple.c.id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    sources: dict[str, str] = {}
    for row in connection.execute(
        sa.select(t.source).where(t.source.c.document_id.in_({r.document_id for r in rows})).order_by(t.source.c.source)
    ):
        sources.setdefault(row.document_id, row.source)
    return [
        Evidence(
            triple_id=row.id,
            document_id=row.document_id,
            document_name=row.name,
            source=sources.get(row.document_id, ""),
            start=row.start,
            end=row.end,
            quote=row.quote,
            head=(row.head_start, row.head_end),
            tail=(row.tail_start, row.tail_end),
            score=row.score,
            status=row.status,
            extractor=row.extractor or "",
            before=row.before,
            after=row.after,
        )
        for row in rows
    ]


def losses(connection: sa.Connection, *, limit: int = 20) -> list[dict[str, object]]:
    """Count failed and quarantined chunks by what went wrong, with the remedy, most frequent first."""
    last = (
        sa.select(t.attempt.c.failure)
        .where(t.attempt.c.passage_id == t.chunk.c.passage_id, t.attempt.c.extractor_id == t.reading.c.extractor_id)
        .order_by(t.attempt.c.seq.desc())
        .limit(1)
        .correlate(t.chunk, t.reading)
        .scalar_subquery()
    )
    joined = t.chunk.join(t.reading, t.reading.c.document_id == t.chunk.c.document_id)
    query = sa.select(t.chunk.c.state, last.label("failure")).select_from(joined)
    query = query.where(t.chunk.c.state.in_(("failed", "quarantined")))
    counted: dict[tuple[str, str, str, str], int] = {}
    for state, failure in connection.execute(query):
        why = codec.loads_readable(failure) if failure else {}
        key = (state, why.get("kind", ""), why.get("what", ""), why.get("remedy", ""))
        counted[key] = counted.get(key, 0) + 1
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [
        {"state": state, "kind": kind, "what": what, "remedy": remedy, "n": n}
        for (state, kind, what, remedy), n in ranked
    ]


def quarantine_reasons(connection: sa.Connection) -> dict[str, int]:
    """Count quarantined claims by reason."""
    query = sa.select(t.quarantine.c.reason, sa.func.count()).group_by(t.quarantine.c.reason)
    ordered = query.order_by(sa.func.count().desc(), t.quarantine.c.reason)
    return {str(reason): int(n) for reason, n in connection.execute(ordered)}


def model_use(connection: sa.Connection) -> tuple[int, int]:
    """Return how many replies of models the ledger keeps, and the tokens of their prompts as the servers counted."""
    n_calls = n_tokens = 0
    for replies in connection.execute(sa.select(t.attempt.c.replies)).scalars():
        for reply in codec.loads_readable(replies):
            n_calls += 1
            n_tokens += reply["n_prompt_tokens"]
    return n_calls, n_tokens


def all_entities(connection: sa.Connection) -> Iterator[EntityView]:
    """Yield every entity, by id."""
    for row in connection.execute(sa.select(t.entity).order_by(t.entity.c.id)).mappings():
        yield entity_of(row)


def all_facts(connection: sa.Connection) -> Iterator[FactView]:
    """Yield every fact, by id."""
    query, _, _ = fact_query()
    for row in connection.execute(query.order_by(t.fact.c.id)).mappings():
        yield FactView(**row)


def find_document(connection: sa.Connection, name: str) -> str:
    """Return the id of the held document with this source, id, or beginning of an id. Raises StoreError otherwise."""
    by_source = sa.select(t.source.c.document_id).where(t.source.c.source == name)
    if found := connection.execute(by_source).scalar():
        return str(found)
    query = sa.select(t.reading.c.document_id).where(t.reading.c.document_id.startswith(name, autoescape=True)).limit(2)
    ids = list(connection.execute(query).scalars())
    if len(ids) != 1 or not name:
        what = "no such document" if not ids else "this begins more than one document's id"
        raise StoreError(what, where=name, remedy="kgbuilder status --documents lists ids and sources")
    return str(ids[0])


def row_of(connection: sa.Connection, kind: str, full_id: str) -> dict[str, object]:
    """Return the row of a triple, mention or chunk."""
    table = {"triple": t.triple, "mention": t.mention, "chunk": t.chunk}[kind]
    return dict(connection.execute(sa.select(table).where(table.c.id == full_id)).mappings().one())


def find_id(connection: sa.Connection, some_id: str) -> tuple[str, str]:
    """Return what an id, or the beginning of one, names, and the whole id.

    The kind is "document", "entity", "fact", "triple", "mention" or "chunk".

    Raises StoreError when nothing or more than one thing begins so.
    """
    found: list[tuple[str, str]] = []
    for table in (t.document, t.entity, t.fact, t.triple, t.mention, t.chunk):
        query = sa.select(table.c.id).where(table.c.id.startswith(some_id, autoescape=True)).limit(2)
        found += [(table.name, row) for row in connection.execute(query).scalars()]
    if len(found) == 1:
        return found[0]
    what = "names nothing here" if not found else f"names {', '.join(kind for kind, _ in found)}"
    raise StoreError(f"this id {what}", where=some_id, remedy="give more of its characters, or search by name")
