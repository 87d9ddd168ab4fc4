"""From the ledger to the graph: the outbox drained in batches of absolute values.

Whatever a slice writes, writing it again gives the same graph, so a process that dies between the graph and the ledger
costs a repetition and nothing else. A round takes what waits at its start kind by kind, entities before the facts that
join them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from graph_schema import Ontology
from kgbuilder.errors import StoreError
from kgbuilder.ids import content_id
from kgbuilder.ledger import Connection, Ledger, outbox
from kgbuilder.ledger.outbox import DocumentState, EntityState, EvidenceState, FactState, Until, Waiting
from kgbuilder.normalize import fold, pinyin_key
from kgbuilder.resolve import display_name
from kgbuilder.review import Rules
from kgbuilder.stores import (
    ChunkRow,
    DocumentRow,
    EntityRow,
    FactKey,
    FactRow,
    GraphBatch,
    GraphStore,
    MentionRow,
)

__all__ = ["fact_id", "project"]

_SLICE = 5000
_MAX_EVIDENCE = 1000
"""Pieces of evidence that a relationship carries; all of them are in the ledger, and `n_evidence` counts all."""


def fact_id(head: str, relation: str, tail: str) -> str:
    """Return the id of the fact between two entities."""
    return content_id("fact", head, relation, tail)


RulesAt = Callable[[Connection], Rules]
"""Reads what people have decided. Read with the values it judges: a key that is marked again meanwhile waits."""


def project(ledger: Ledger, store: GraphStore, ontology: Ontology, rules_at: RulesAt) -> int:
    """Bring the graph up to date with the ledger; return how many keys were waiting."""
    n_keys = 0
    with ledger.projecting():
        with ledger.reading() as connection:
            until = outbox.last_waiting(connection)
        if until:
            projection = _Projection(ledger, store, ontology, rules_at, until)
            n_keys += projection.drain("document", projection.write_documents)
            n_keys += projection.drain("entity", projection.write_entities)
            n_keys += projection.drain("mention", projection.write_mentions)
            n_keys += projection.drain("fact", projection.write_facts)
            n_keys += projection.drain("chunk", projection.write_chunks)
    return n_keys


class _Projection:
    """One round over the outbox."""

    def __init__(self, ledger: Ledger, store: GraphStore, ontology: Ontology, rules_at: RulesAt, until: Until) -> None:
        self._ledger = ledger
        self._store = store
        self._ontology = ontology
        self._rules_at = rules_at
        self._until = until

    def drain(self, kind: str, write: Callable[[Sequence[Waiting]], None]) -> int:
        """Write every key of a kind that waited when the round began."""
        n_keys = 0
        while keys := self._next(kind):
            write(keys)
            n_keys += len(keys)
        return n_keys

    def _next(self, kind: str) -> list[Waiting]:
        with self._ledger.reading() as connection:
            return outbox.waiting(connection, kind, until=self._until, limit=_SLICE)

    def _done(self, keys: Sequence[Waiting]) -> None:
        with self._ledger.writing("a projection") as connection:
            outbox.acknowledge(connection, keys)

    def _write(self, batch: GraphBatch) -> None:
        """Write a batch whole; its keys wait on when the graph lacks what it hangs on."""
        if n_rows := self._store.write(batch).unmatched:
            raise StoreError(
                f"{n_rows} rows hang on documents or entities that are no longer in the graph",
                where="the graph",
                remedy="it was changed by another program; this makes it whole again: kgbuilder replay",
            )

    def write_documents(self, keys: Sequence[Waiting]) -> None:
        """Write documents with their chunks."""
        ids = [w.key[0] for w in keys]
        with self._ledger.reading() as connection:
            documents = outbox.document_states(connection, ids)
            chunks = outbox.chunk_states(connection, documents)
        rows = [(document_id, chunk) for document_id, own in chunks.items() for chunk in own]
        self._write(
            GraphBatch(
                documents=tuple(map(_document_row, documents.values())),
                chunks=tuple(
                    ChunkRow(id=c[0], document=document_id, seq=c[1], start=c[2], end=c[3]) for document_id, c in rows
                ),
                next_chunks=tuple((a[0], b[0]) for own in chunks.values() for a, b in pairwise(own)),
                removed_documents=tuple(i for i in ids if i not in documents),
            )
        )
        self._done(keys)

    def write_chunks(self, keys: Sequence[Waiting]) -> None:
        """Write chunks that are gone."""
        with self._ledger.reading() as connection:
            standing = outbox.standing_chunks(connection, [w.key[0] for w in keys])
        self._write(GraphBatch(removed_chunks=tuple(w.key[0] for w in keys if w.key[0] not in standing)))
        self._done(keys)

    def write_entities(self, keys: Sequence[Waiting]) -> None:
        """Write entities, and take away those that nothing mentions."""
        ids = [w.key[0] for w in keys]
        with self._ledger.reading() as connection:
            states = outbox.entity_states(connection, ids)
            rules = self._rules_at(connection)
        gone = [i for i in ids if i not in states]
        rows = [self._entity_row(state, rules) for state in states.values()]
        self._write(GraphBatch(entities=tuple(rows), removed_entities=tuple(gone)))
        with self._ledger.writing("a projection") as connection:
            outbox.put_entities(connection, [_entity_values(row) for row in rows], gone)
            outbox.acknowledge(connection, keys)

    def _entity_row(self, state: EntityState, rules: Rules) -> EntityRow:
        given = [rules.names[node] for node in state.nodes if node in rules.names]
        name = max(given)[1] if given else display_name(state.surfaces)
        aliases = tuple(sorted(set(state.surfaces) - {name}))
        known = self._ontology.entity_type(state.label)
        return EntityRow(
            id=state.id,
            label_id=state.label,
            label=known.label if known else state.label,
            name=name,
            aliases=aliases,
            value=state.value,
            n_mentions=state.surfaces.total(),
            search=_search_text(name, aliases),
        )

    def write_mentions(self, keys: Sequence[Waiting]) -> None:
        """Write where entities are mentioned."""
        pairs = [(w.key[0], w.key[1]) for w in keys]
        with self._ledger.reading() as connection:
            states = outbox.mention_states(connection, pairs)
        rows = tuple(
            MentionRow(
                entity=entity,
                chunk=chunk,
                starts=tuple(m[0] for m in own),
                ends=tuple(m[1] for m in own),
                texts=tuple(m[2] for m in own),
            )
            for (entity, chunk), own in states.items()
        )
        self._write(GraphBatch(mentions=rows, removed_mentions=tuple(p for p in pairs if p not in states)))
        self._done(keys)

    def write_facts(self, keys: Sequence[Waiting]) -> None:
        """Write facts, and retire those without evidence."""
        with self._ledger.reading() as connection:
            states = outbox.fact_states(connection, keys)
            rules = self._rules_at(connection)
        rows: list[FactRow] = []
        gone: list[FactKey] = []
        for state in states:
            row = self._fact_row(state, rules)
            if row is not None:
                rows.append(row)
            else:
                relation = self._relationship(state.relation)
                gone.append(FactKey(head=state.head, type=relation, tail=state.tail))
        self._write(GraphBatch(facts=tuple(rows), removed_facts=tuple(gone)))
        dropped = [fact_id(*w.key) for w in keys]
        with self._ledger.writing("a projection") as connection:
            written = [_fact_values(row) for row in rows]
            standing = {row.id for row in rows}
            outbox.put_facts(connection, written, [i for i in dropped if i not in standing])
            outbox.acknowledge(connection, keys)

    def _relationship(self, relation: str) -> str:
        known = self._ontology.relation_type(relation)
        return known.type if known else relation

    def _fact_row(self, state: FactState, rules: Rules) -> FactRow | None:
        evidence = [e for e in state.evidence if e.status != "rejected"]
        if not evidence or state.head == state.tail:
            return None
        judged = _judged(rules, state.relation, evidence)
        if judged == "rejected":
            return None
        person = judged == "accepted" or any(e.status in ("accepted", "added") for e in evidence)
        kept = evidence[:_MAX_EVIDENCE]
        return FactRow(
            id=fact_id(state.head, state.relation, state.tail),
            head=state.head,
            relation_id=state.relation,
            type=self._relationship(state.relation),
            tail=state.tail,
            score=1.0 if person else max(e.score for e in evidence),
            status="accepted" if person else "extracted",
            n_evidence=len(evidence),
            evidence_documents=tuple(e.document for e in kept),
            evidence_starts=tuple(e.start for e in kept),
            evidence_ends=tuple(e.end for e in kept),
            evidence_quotes=tuple(e.quote for e in kept),
            evidence_extractors=tuple(e.extractor for e in kept),
        )


def _judged(rules: Rules, relation: str, evidence: Sequence[EvidenceState]) -> str:
    """Return what was decided last about a fact; "" when nobody has judged it."""
    if not rules.facts:
        return ""
    found = (rules.facts.get((e.head_node, relation, e.tail_node), (0, "")) for e in evidence)
    return max(found, default=(0, ""))[1]


def _document_row(state: DocumentState) -> DocumentRow:
    return DocumentRow(
        id=state.id,
        name=state.name,
        source=state.source,
        sha256=state.sha256,
        language=state.language,
        media_type=state.media_type,
        n_chars=state.n_chars,
        n_chunks=state.n_chunks,
    )


def _entity_values(row: EntityRow) -> dict[str, object]:
    return {
        "id": row.id,
        "label": row.label_id,
        "name": row.name,
        "aliases": list(row.aliases),
        "value": row.value,
        "n_mentions": row.n_mentions,
        "search": row.search,
    }


def _fact_values(row: FactRow) -> dict[str, object]:
    return {
        "id": row.id,
        "head": row.head,
        "relation": row.relation_id,
        "tail": row.tail,
        "score": row.score,
        "status": row.status,
        "n_evidence": row.n_evidence,
    }


def _search_text(name: str, aliases: Sequence[str]) -> str:
    """Join what an entity can be found by: every folded spelling, and pinyin for Chinese ones."""
    names = dict.fromkeys(fold(text) for text in (name, *aliases))
    pinyin = dict.fromkeys(key for text in names if (key := pinyin_key(text)))
    return " ".join((*names, *pinyin))
