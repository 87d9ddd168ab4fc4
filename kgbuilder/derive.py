"""From the ledger's truth to statements: ground, correct, normalise, resolve.

Everything here is a pure function of documents, attempts and events, so deriving on an empty database gives the same
mentions, triples and entities as deriving document by document in any order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graph_schema import Ontology
from kgbuilder import review
from kgbuilder.extract.ground import ground
from kgbuilder.ids import content_id
from kgbuilder.ingest import sentences
from kgbuilder.ledger import Connection, Ledger, derived
from kgbuilder.ledger.derived import LinkRow, MentionRow, NodeRow, TripleRow
from kgbuilder.normalize import fold, name_key, value
from kgbuilder.project import project
from kgbuilder.records import Chunk, Extraction, Grounded, Mention, Quarantined, Triple
from kgbuilder.resolve import Resolver, declarations, node_id
from kgbuilder.resolve.clustering import Partition
from kgbuilder.resolve.declarations import in_document
from kgbuilder.stores import GraphStore

__all__ = ["Deriver"]

_MAX_BLOCK = 200
_STRENGTH = {"extracted": 0, "added": 1, "accepted": 2}


@dataclass(slots=True)
class _Statements:
    """What one document states, ready for the ledger."""

    mentions: list[MentionRow] = field(default_factory=list)
    triples: list[TripleRow] = field(default_factory=list)
    quarantined: list[tuple[str, str, str, Quarantined]] = field(default_factory=list)
    nodes: list[NodeRow] = field(default_factory=list)
    declarations: list[tuple[str, str, str]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)


class Deriver:
    """Keeps the derived tables of one ledger true to its documents, attempts and events."""

    def __init__(self, ledger: Ledger, ontology: Ontology, resolver: Resolver) -> None:
        self._ledger = ledger
        self.ontology = ontology
        self._resolver = resolver
        self._rules = review.Rules()
        self._decided: Mapping[str, frozenset[str]] = {}  # node -> every node that decisions join it with or keep apart
        self._known: tuple[tuple[int, str], review.Rules] | None = None

    def derive(
        self,
        connection: Connection,
        document_ids: Sequence[str],
        *,
        texts: Mapping[str, str] | None = None,
        fresh: Mapping[str, Extraction] | None = None,
    ) -> None:
        """Compute again what documents state, and put on the outbox all that may have changed in the graph.

        `texts` and `fresh` spare reading back documents and extractions that the caller holds; all chunks of a
        document must have been attempted.
        """
        self._load_rules(connection)
        held = dict(texts or {})
        chunks = derived.chunks(connection, document_ids)
        extractors = derived.extractors_of(connection, document_ids)
        new = []
        for document_id in document_ids:
            if document_id not in held:
                held[document_id] = self._ledger.text(connection, document_id)
            own = chunks.get(document_id, [])
            answers = self._answers(connection, extractors[document_id], own, fresh or {})
            new.append(self._document_statements(document_id, held[document_id], extractors[document_id], own, answers))
        self._replace(connection, document_ids, held, new)
        derived.set_derived(connection, document_ids, True)

    def follow_revisions(self, connection: Connection, *, after: int) -> None:
        """Compute again what finished documents state that have become revisions since the event at `after`."""
        events = self._ledger.events(connection, after=after, kinds=("revise",))
        if revised := {str(event.payload["document"]) for event in events}:
            reached = sorted(revised | derived.revisions_of(connection, revised))
            self.derive(connection, sorted(derived.finished_documents(connection, reached)))

    def retire(self, connection: Connection, document_ids: Sequence[str]) -> None:
        """Take away all that rests on documents which no source holds any more."""
        self._load_rules(connection)
        chunks = [c.id for own in derived.chunks(connection, document_ids).values() for c in own]
        self._replace(connection, document_ids, {}, [])
        derived.drop_readings(connection, document_ids)
        derived.mark(connection, "chunk", [(chunk, "", "") for chunk in chunks])

    def resolve_again(self, connection: Connection, node_ids: Iterable[str]) -> None:
        """Compute the entities around nodes again after a decision about them, and mark what hangs on them."""
        self._load_rules(connection)
        # What a decision was about may be gone, and yet have bound what stands.
        bound = {other for node in node_ids for other in (node, *self._decided.get(node, ()))}
        seeds = list(derived.nodes(connection, sorted(bound)))
        moved = self._cluster(connection, seeds)
        derived.mark_nodes(connection, moved)
        entities = {e for e in derived.entities_of(connection, seeds).values() if e}
        derived.mark(connection, "entity", [(entity, "", "") for entity in entities])

    def mark_facts(self, connection: Connection, node_ids: Iterable[str]) -> None:
        """Mark every fact around nodes, after a person judged one of them."""
        self._load_rules(connection)
        entities = derived.entities_of(connection, node_ids)
        derived.mark_nodes(connection, {n: (None, e) for n, e in entities.items() if e})

    def project(self, store: GraphStore) -> int:
        """Bring the graph up to date with the ledger; return how many keys were waiting."""
        return project(self._ledger, store, self.ontology, self._rules_at)

    def _load_rules(self, connection: Connection) -> None:
        """Take the decisions as they stand; only for who holds the write lock: a projection may run beside."""
        rules = self._rules_at(connection)
        if rules is not self._rules:
            self._rules = rules
            self._decided = _groups(rules.constraints)

    def _rules_at(self, connection: Connection) -> review.Rules:
        """Return the decisions that stand in a transaction."""
        kinds = (*review.CORRECTION_KINDS, "revise")
        last = self._ledger.last_event(connection, kinds)
        known = self._known
        if known is None or known[0] != last:
            events = self._ledger.events(connection, kinds=kinds)
            known = last, review.build_rules((e.id, e.kind, e.payload) for e in events)
            self._known = known
        return known[1]

    # --- one document -------------------------------------------------------------------------------------------------

    def _answers(
        self, connection: Connection, extractor_id: str, chunks: Sequence[Chunk], fresh: Mapping[str, Extraction]
    ) -> Mapping[str, Extraction]:
        wanted = [c.passage_id for c in chunks if c.passage_id not in fresh]
        return {**fresh, **self._ledger.attempts(connection, extractor_id, wanted)} if wanted else fresh

    def _document_statements(
        self,
        document_id: str,
        text: str,
        extractor_id: str,
        chunks: Sequence[Chunk],
        extractions: Mapping[str, Extraction],
    ) -> _Statements:
        found = _Statements()
        drafts = _Drafts(document_id, text, extractor_id)
        for chunk in chunks:
            extraction = extractions.get(chunk.passage_id)
            if extraction is None:
                continue
            found.states[chunk.id] = extraction.state
            grounded = self._ground(chunk, text, extraction)
            drafts.add(chunk, grounded)
            found.quarantined += _quarantine_rows(chunk, (*extraction.quarantined, *grounded.quarantined))
        self._correct(drafts, document_id, text, chunks)
        self._name(drafts, found, document_id, text)
        return found

    def _ground(self, chunk: Chunk, text: str, extraction: Extraction) -> Grounded:
        passage = text[chunk.start : chunk.end]
        spans = [(s + chunk.start, e + chunk.start) for s, e in sentences(passage, chunk.language)]
        return ground(
            extraction,
            text=passage,
            document_id=chunk.document_id,
            offset=chunk.start,
            sentences=spans,
            ontology=self.ontology,
        )

    def _correct(self, drafts: "_Drafts", document_id: str, text: str, chunks: Sequence[Chunk]) -> None:
        changes = review.changes_for(self._rules, document_id, text)
        if changes:
            drafts.apply(changes, chunks)

    def _name(self, drafts: "_Drafts", found: _Statements, document_id: str, text: str) -> None:
        variants = review.variants_for(self._rules, document_id, text)
        mentions = drafts.mentions()
        renamed: dict[str, str] = {}
        origins: dict[tuple[int, int], str] = {}
        nodes: dict[str, NodeRow] = {}
        placed: list[tuple[Mention, _Place, NodeRow]] = []
        for mention, place in mentions:
            variant = variants.get((mention.start, mention.end), "")
            first = node_id(mention.label, name_key(mention.text, mention.label))
            node = self._node(mention.text, mention.label, variant)
            if node.id != first:
                origins[mention.start, mention.end] = first
            if node.label != mention.label:
                relabelled = _mention(document_id, mention, node.label)
                renamed[mention.id] = relabelled.id
                mention = relabelled  # noqa: PLW2901
            placed.append((mention, place, node))
        assigned = self._declare(placed, found, document_id, text)
        rows: dict[str, MentionRow] = {}
        for mention, place, node in placed:
            own = assigned.get(mention.id, node)
            nodes[own.id] = own
            row = MentionRow(
                id=mention.id,
                document_id=document_id,
                chunk_id=place.chunk_id,
                start=mention.start,
                end=mention.end,
                label=mention.label,
                text=mention.text,
                score=mention.score,
                status=place.status,
                node_id=own.id,
                origin=origins.get((mention.start, mention.end)),
            )
            held = rows.get(row.id)
            if held is None or _STRENGTH[held.status] < _STRENGTH[row.status]:
                rows[row.id] = row
        found.mentions = list(rows.values())
        found.nodes = list(nodes.values())
        found.triples = drafts.triples(rows, renamed)

    def _node(self, text: str, label: str, variant: str) -> NodeRow:
        if variant:
            # What a person split off keeps the type that its name had been given by then.
            label = self._retyped(text, label, "", until=self._rules.splits[variant])
        label = self._retyped(text, label, variant)
        own = node_id(label, name_key(text, label), variant)
        typed = value(text, label) if self._is_value(label) else None
        return NodeRow(
            id=own, label=label, key=name_key(text, label), variant=variant, value=typed.canonical if typed else None
        )

    def _retyped(self, text: str, label: str, variant: str, *, until: float = float("inf")) -> str:
        """Return the label that people gave a node by the decision `until`."""
        order = 0
        # A retyped entity may have been retyped again: follow later decisions only, so that a ring ends.
        while decision := self._rules.labels.get(node_id(label, name_key(text, label), variant)):
            if not order < decision[0] < until:
                break
            order, label = decision
        return label

    def _is_value(self, label: str) -> bool:
        known = self.ontology.entity_types.get(label)
        return known is not None and known.value

    def _declare(
        self,
        placed: Sequence[tuple[Mention, "_Place", NodeRow]],
        found: _Statements,
        document_id: str,
        text: str,
    ) -> dict[str, NodeRow]:
        declared = declarations(text, [(mention, node.id) for mention, _, node in placed])
        if not declared:
            return {}
        by_id = {node.id: node for _, _, node in placed}
        means = in_document(declared)
        found.declarations = [(document_id, short, long) for short, long in declared]
        return {mention.id: by_id[means[node.id]] for mention, _, node in placed if node.id in means}

    # --- into the tables ----------------------------------------------------------------------------------------------

    def _replace(
        self,
        connection: Connection,
        document_ids: Sequence[str],
        texts: Mapping[str, str],
        new: Sequence[_Statements],
    ) -> None:
        old_mentions, old_triples = derived.statements(connection, document_ids)
        mentions = [row for s in new for row in s.mentions]
        triples = [row for s in new for row in s.triples]
        old_declared = derived.declared_nodes(connection, document_ids)
        if old_mentions or old_triples or old_declared:
            derived.drop_statements(connection, document_ids)
        else:
            derived.drop_quarantined(connection, document_ids)
        fresh = derived.put_nodes(connection, [node for s in new for node in s.nodes])
        derived.put_statements(connection, texts, mentions, triples)
        derived.put_quarantined(connection, [row for s in new for row in s.quarantined])
        declarations = [row for s in new for row in s.declarations]
        derived.put_declarations(connection, declarations)
        derived.set_chunk_states(connection, {chunk: state for s in new for chunk, state in s.states.items()})
        before = derived.entities_of(connection, {m.node_id for m in old_mentions})
        gone = derived.count_surfaces(connection, _surface_deltas(old_mentions, mentions))
        declared = {node for _, short, long in declarations for node in (short, long)} | old_declared
        moved = self._resolve(connection, fresh, gone, declared)
        after = derived.entities_of(connection, {m.node_id for m in mentions})
        _mark_rows(connection, document_ids, before, old_mentions, old_triples)
        _mark_rows(connection, document_ids, after, mentions, triples)
        # What hangs on a new node has just been marked; only nodes that moved have more.
        derived.mark_nodes(connection, {node: change for node, change in moved.items() if change[0]})

    def _resolve(
        self, connection: Connection, fresh: Sequence[NodeRow], gone: Sequence[str], declared: Iterable[str]
    ) -> dict[str, tuple[str | None, str]]:
        neighbours = self._around(connection, gone)
        lost = derived.entities_of(connection, gone)
        derived.drop_nodes(connection, gone)
        derived.mark(connection, "entity", [(entity, "", "") for entity in lost.values() if entity])
        fresh = [node for node in fresh if node.id not in lost]
        self._link(connection, fresh)
        seeds = {node.id for node in fresh} | neighbours | set(declared)
        return self._cluster(connection, seeds)

    def _around(self, connection: Connection, gone: Sequence[str]) -> set[str]:
        if not gone:
            return set()
        entities = {e for e in derived.entities_of(connection, gone).values() if e}
        around = {node for nodes in derived.members(connection, entities).values() for node in nodes}
        return around - set(gone)

    def _link(self, connection: Connection, fresh: Sequence[NodeRow]) -> None:
        keys = {node.id: self._resolver.block_keys(node.label, node.key) for node in fresh}
        own = [(key, node) for node, block in keys.items() for key in block]
        derived.put_blocks(connection, own)
        blocks: dict[str, list[str]] = {}
        for key, node in derived.block_members(connection, (key for key, _ in own)):
            blocks.setdefault(key, []).append(node)
        # What merges for certain shares its first block; a crowd in another block tells nobody apart.
        certain = {block[0] for block in keys.values() if block}
        blocks = {key: some for key, some in blocks.items() if key in certain or len(some) <= _MAX_BLOCK}
        pairs = {(min(a, b), max(a, b)) for key, a in own for b in blocks.get(key, ()) if a != b}
        rows = derived.nodes(connection, {node for pair in pairs for node in pair})
        links = []
        for a, b in sorted(pairs):
            if rows[a].key == rows[b].key and rows[a].label == rows[b].label:
                continue  # one name that a person split: only a person joins it again
            found = self._resolver.compare(rows[a].label, rows[a].key, rows[b].label, rows[b].key)
            if found:
                links.append(LinkRow(a=a, b=b, score=found.score, reason=found.reason))
        derived.put_links(connection, links)

    def _cluster(self, connection: Connection, seeds: Iterable[str]) -> dict[str, tuple[str | None, str]]:
        """Compute the entities of the components around `seeds`; return the nodes whose entity changed."""
        component, links, declared = self._component(connection, seeds)
        if not component:
            return {}
        rows = derived.nodes(connection, component)
        # A decision also binds through a name that no document mentions now.
        bound = {other for node in rows for other in self._decided.get(node, ())}
        constraints = [c for c in self._rules.constraints if c[0] in bound]
        result = self._resolver.entities(
            {node: (row.label, row.key, row.variant) for node, row in rows.items()},
            [(link.a, link.b, link.score) for link in links if link.a in rows and link.b in rows],
            [(short, long) for short, long in declared if long in rows],
            constraints,
        )
        before = derived.entities_of(connection, rows)
        moved = {node: (before[node], entity) for node, entity in result.items() if before[node] != entity}
        derived.set_entities(connection, {node: entity for node, (_, entity) in moved.items()})
        self._record_merges(connection, links, result)
        return moved

    def _component(
        self, connection: Connection, seeds: Iterable[str]
    ) -> tuple[set[str], list[LinkRow], set[tuple[str, str]]]:
        """Collect every node that can share an entity with a seed, with the links and declarations among them."""
        component: set[str] = set()
        links: dict[tuple[str, str], LinkRow] = {}
        declared: set[tuple[str, str]] = set()
        frontier = set(derived.entities_of(connection, seeds))
        while frontier:
            component |= frontier
            found = derived.links_of(connection, frontier, min_score=self._resolver.merge_score)
            pairs = derived.declarations_of(connection, frontier)
            links.update(((link.a, link.b), link) for link in found)
            declared |= pairs
            near = {node for link in found for node in (link.a, link.b)}
            near |= {node for pair in pairs for node in pair}
            near |= {other for node in frontier for other in self._decided.get(node, ())}
            standing = derived.entities_of(connection, frontier)
            together = derived.members(connection, {e for e in standing.values() if e})
            near |= {node for nodes in together.values() for node in nodes}
            frontier = set(derived.entities_of(connection, near - component))
        return component, list(links.values()), declared

    def _record_merges(self, connection: Connection, links: Sequence[LinkRow], result: Mapping[str, str]) -> None:
        merged = [
            {"a": link.a, "b": link.b, "score": link.score, "reason": link.reason}
            for link in links
            if result.get(link.a) is not None and result.get(link.a) == result.get(link.b)
        ]
        if merged:
            self._ledger.append_once(connection, "merged", merged, author="resolver")


def _groups(constraints: Iterable[tuple[str, str, bool]]) -> dict[str, frozenset[str]]:
    """Return for each node the nodes that hang together with it by constraints of either kind, itself among them."""
    partition = Partition()
    groups: dict[str, set[str]] = {}
    nodes = {node for a, b, _ in constraints for node in (a, b) if partition.join(a, b)}
    for node in nodes:
        groups.setdefault(partition.find(node), set()).add(node)
    return {node: frozenset(group) for group in groups.values() for node in group}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mention was found and how it came to stand."""

    chunk_id: str
    status: str


class _Drafts:
    """The mentions and triples of one document while they are gathered from its chunks and corrected."""

    def __init__(self, document_id: str, text: str, extractor_id: str) -> None:
        self._document_id = document_id
        self._text = text
        self._extractor_id = extractor_id
        self._mentions: dict[str, tuple[Mention, _Place]] = {}
        self._triples: dict[str, tuple[Triple, _Place]] = {}

    def add(self, chunk: Chunk, grounded: Grounded) -> None:
        """Take what one chunk states; what two overlapping chunks state is kept once, with the better score."""
        place = _Place(chunk.id, "extracted")
        for mention in grounded.mentions:
            held = self._mentions.get(mention.id)
            if held is None or held[0].score < mention.score:
                self._mentions[mention.id] = (mention, held[1] if held else place)
        for triple in grounded.triples:
            known = self._triples.get(triple.id)
            if known is None or known[0].score < triple.score:
                self._triples[triple.id] = (triple, known[1] if known else place)

    def apply(self, changes: Sequence[review.Change], chunks: Sequence[Chunk]) -> None:
        """Lay the decisions of people over what was extracted."""
        keys = {m.id: (m.start, m.end, m.label) for m, _ in self._mentions.values()}
        places = {keys[mention_id]: place for mention_id, (_, place) in self._mentions.items()}
        mentions, triples = review.apply_changes(
            self._text,
            [
                review.DraftMention(start=m.start, end=m.end, label=m.label, score=m.score)
                for m, _ in self._mentions.values()
            ],
            [
                review.DraftTriple(
                    head=keys[t.head],
                    relation=t.relation,
                    tail=keys[t.tail],
                    score=t.score,
                    start=t.evidence_start,
                    end=t.evidence_end,
                )
                for t, _ in self._triples.values()
            ],
            changes,
            fold=fold,
        )
        self._mentions.clear()
        self._triples.clear()
        ids: dict[tuple[int, int, str], str] = {}
        for draft in mentions:
            key = (draft.start, draft.end, draft.label)
            mention = _mention_at(self._document_id, self._text, *key, score=draft.score)
            chunk_id = places[key].chunk_id if key in places else _chunk_at(chunks, draft.start)
            ids[key] = mention.id
            self._mentions[mention.id] = (mention, _Place(chunk_id, draft.status))
        for made in triples:
            triple = Triple(
                id=content_id("triple", self._document_id, ids[made.head], made.relation, ids[made.tail]),
                document_id=self._document_id,
                head=ids[made.head],
                relation=made.relation,
                tail=ids[made.tail],
                score=made.score,
                evidence_start=made.start,
                evidence_end=made.end,
            )
            self._triples[triple.id] = (triple, _Place(_chunk_at(chunks, made.start), made.status))

    def mentions(self) -> list[tuple[Mention, _Place]]:
        """Return the mentions by place."""
        return sorted(self._mentions.values(), key=lambda held: (held[0].start, held[0].end, held[0].label))

    def triples(self, mentions: Mapping[str, MentionRow], renamed: Mapping[str, str]) -> list[TripleRow]:
        """Return the triples as rows; `renamed` maps mentions to their id after retyping."""
        rows: dict[str, TripleRow] = {}
        for triple, place in self._triples.values():
            head, tail = renamed.get(triple.head, triple.head), renamed.get(triple.tail, triple.tail)
            row = TripleRow(
                id=content_id("triple", self._document_id, head, triple.relation, tail) if renamed else triple.id,
                document_id=self._document_id,
                chunk_id=place.chunk_id,
                head=head,
                relation=triple.relation,
                tail=tail,
                score=triple.score,
                status=place.status,
                start=triple.evidence_start,
                end=triple.evidence_end,
                quote=self._text[triple.evidence_start : triple.evidence_end],
                extractor_id=self._extractor_id,
                head_node=mentions[head].node_id,
                tail_node=mentions[tail].node_id,
            )
            rows[row.id] = row
        return list(rows.values())


def _mention_at(document_id: str, text: str, start: int, end: int, label: str, *, score: float) -> Mention:
    return Mention(
        id=content_id("mention", document_id, start, end, label),
        document_id=document_id,
        start=start,
        end=end,
        text=text[start:end],
        label=label,
        score=score,
    )


def _mention(document_id: str, mention: Mention, label: str) -> Mention:
    return Mention(
        id=content_id("mention", document_id, mention.start, mention.end, label),
        document_id=document_id,
        start=mention.start,
        end=mention.end,
        text=mention.text,
        label=label,
        score=mention.score,
    )


def _chunk_at(chunks: Sequence[Chunk], start: int) -> str:
    return next((c.id for c in chunks if c.start <= start < c.end), chunks[-1].id)


def _quarantine_rows(chunk: Chunk, quarantined: Iterable[Quarantined]) -> list[tuple[str, str, str, Quarantined]]:
    return [
        (content_id("quarantine", chunk.id, q.reason, q.claim, n), chunk.document_id, chunk.id, q)
        for n, q in enumerate(quarantined)
    ]


def _surface_deltas(old: Sequence[MentionRow], new: Sequence[MentionRow]) -> Counter[tuple[str, str]]:
    deltas: Counter[tuple[str, str]] = Counter()
    for row in new:
        deltas[row.node_id, row.text] += 1
    for row in old:
        deltas[row.node_id, row.text] -= 1
    return deltas


def _mark_rows(
    connection: Connection,
    document_ids: Sequence[str],
    entity_of: Mapping[str, str | None],
    mentions: Sequence[MentionRow],
    triples: Sequence[TripleRow],
) -> None:
    entities = {e for e in entity_of.values() if e}
    derived.mark(connection, "document", [(document_id, "", "") for document_id in document_ids])
    derived.mark(connection, "entity", [(entity, "", "") for entity in sorted(entities)])
    around = {(e, m.chunk_id, "") for m in mentions if (e := entity_of.get(m.node_id))}
    derived.mark(connection, "mention", sorted(around))
    facts = {
        (head, row.relation, tail)
        for row in triples
        if (head := entity_of.get(row.head_node)) and (tail := entity_of.get(row.tail_node))
    }
    derived.mark(connection, "fact", sorted(facts))
