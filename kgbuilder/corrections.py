"""Take people's corrections: find what they name, write them as events, and bring the derived tables up to date.

Each correction is one event, whatever was clicked; the graph follows through the outbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph_schema import Ontology
from kgbuilder import review
from kgbuilder.derive import Deriver
from kgbuilder.errors import ParseError
from kgbuilder.ledger import Connection, Ledger, derived
from kgbuilder.ledger.derived import MentionRow, TripleRow
from kgbuilder.normalize import name_key
from kgbuilder.resolve import node_id

__all__ = ["correct", "undo"]

_ERROR_CLASSES = {
    "reject_mention": "hallucinated",
    "reject_triple": "hallucinated",
    "reject_fact": "hallucinated",
    "fix_span": "boundary",
    "fix_type": "type",
    "relabel": "type",
    "fix_relation": "relation type",
    "fix_fact_relation": "relation type",
    "reverse": "direction",
    "reverse_fact": "direction",
    "add_mention": "missed",
    "add_triple": "missed",
    "merge": "wrong split",
    "split": "wrong merge",
    "never_merge": "wrong merge",
    "rename": "bad normalisation",
}


@dataclass(slots=True)
class _Reach:
    """What an event touches: documents to derive again, nodes to resolve again, nodes whose facts are judged."""

    documents: set[str] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)


def correct(
    ledger: Ledger,
    deriver: Deriver,
    connection: Connection,
    requests: Sequence[review.Request],
    *,
    ontology: Ontology,
    author: str = "",
) -> list[str]:
    """Record corrections and derive what they reach; return the ids of their events, in order.

    All are recorded, or none: the caller holds the transaction. Raises ParseError or StoreError for one that names
    something which is not there.
    """
    desk = _Desk(ledger, connection, ontology)
    events: list[str] = []
    for request in requests:
        kind, payload = desk.event(request)
        if kind in _ERROR_CLASSES:
            payload = {**payload, "error_class": _ERROR_CLASSES[kind]}
        if request.comment:
            payload = {**payload, "comment": request.comment}
        events.append(ledger.append(connection, kind, payload, author=request.author or author))
        # One after the other: a later correction may name what an earlier one made.
        _refresh(deriver, connection, _reach(ledger, connection, kind, payload))
    return events


def undo(ledger: Ledger, deriver: Deriver, connection: Connection, event_id: str, *, author: str = "") -> str:
    """Take an event back and return the id of the event that says so."""
    payload = {"event": _known_event(ledger, connection, event_id)}
    made = ledger.append(connection, "undo", payload, author=author)
    _refresh(deriver, connection, _reach(ledger, connection, "undo", payload))
    return made


def _known_event(ledger: Ledger, connection: Connection, event_id: str) -> str:
    found = [e for e in ledger.events(connection, kinds=review.CORRECTION_KINDS) if e.id.startswith(event_id)]
    if len(found) == 1 and event_id:
        return found[0].id
    what = "no correction has this id" if not found else f"{len(found)} corrections begin so"
    raise ParseError(what, where=event_id or "event", remedy="kgbuilder show --events lists them")


class _Desk:
    """Turns what a person asks, by today's ids, into events that hold on to the words."""

    def __init__(self, ledger: Ledger, connection: Connection, ontology: Ontology) -> None:
        self._ledger = ledger
        self._connection = connection
        self._ontology = ontology

    def event(self, request: review.Request) -> tuple[str, dict[str, object]]:
        """Return the kind and payload of the event."""
        match request:
            case review.Judge():
                return self._judge(request)
            case review.FixSpan():
                return self._fix_span(request)
            case review.FixType():
                span = self._span(self._mention(request.target))
                return "fix_type", {"span": span, "label": self._label(request.label)}
            case review.FixRelation():
                return self._retell(request.target, "fix_relation", self._relation(request.relation))
            case review.Reverse():
                return self._retell(request.target, "reverse", "")
            case review.Add():
                return self._add(request)
            case review.Join():
                return self._join(request)
            case review.Split():
                return self._split(request)
            case review.Rename():
                return "rename", {"nodes": self._members(request.entity), "name": request.name}
            case review.Relabel():
                label = self._label(request.label)
                nodes = self._members(request.entity)
                return "relabel", {"nodes": nodes, "label": label, "became": self._became(nodes, label)}
            case review.Undo():
                return "undo", {"event": _known_event(self._ledger, self._connection, request.event)}

    def _judge(self, request: review.Judge) -> tuple[str, dict[str, object]]:
        kind, found = derived.find_target(self._connection, request.target)
        if isinstance(found, MentionRow):
            return f"{request.action}_mention", {"span": self._span(found)}
        if isinstance(found, TripleRow):
            return f"{request.action}_triple", {"triple": self._anchor(found)}
        if kind == "fact":
            return f"{request.action}_fact", {"fact": self._fact(request.target)[0]}
        raise ParseError(
            f"a {kind} cannot be {request.action}ed", where=request.target, remedy="name a mention, triple or fact"
        )

    def _fix_span(self, request: review.FixSpan) -> tuple[str, dict[str, object]]:
        row = self._mention(request.target)
        text = self._ledger.text(self._connection, row.document_id)
        review.span_at(row.document_id, text, start=request.start, end=request.end, label=row.label)
        words = text[request.start : request.end]
        return "fix_span", {"span": self._span(row), "start": request.start, "end": request.end, "text": words}

    def _retell(self, target: str, kind: str, relation: str) -> tuple[str, dict[str, object]]:
        named, found = derived.find_target(self._connection, target)
        extra = {"relation": relation} if relation else {}
        if isinstance(found, TripleRow):
            return kind, {"triple": self._anchor(found), **extra}
        if named != "fact":
            raise ParseError(f"a {named} has no relation", where=target, remedy="name a triple or a fact")
        fact, triples = self._fact(target)
        fact_kind = {"fix_relation": "fix_fact_relation", "reverse": "reverse_fact"}[kind]
        return fact_kind, {"fact": fact, "triples": [self._anchor(row) for row in triples], **extra}

    def _add(self, request: review.Add) -> tuple[str, dict[str, object]]:
        if (request.mention is None) == (request.triple is None):
            raise ParseError("give either a mention or a triple", where="add", remedy="see docs/corrections.md")
        text = self._ledger.text(self._connection, request.document)
        if not derived.held_among(self._connection, [request.document]):
            raise ParseError("the document is not in the graph", where=request.document, remedy="build it first")

        def place(at: review.Place) -> review.Span:
            label = self._label(at.label)
            return review.span_at(request.document, text, start=at.start, end=at.end, label=label)

        if request.mention:
            return "add_mention", {"span": place(request.mention).model_dump()}
        assert request.triple is not None
        head, tail = place(request.triple.head), place(request.triple.tail)
        anchor = review.TripleAnchor(
            head=head,
            relation=self._relation(request.triple.relation),
            tail=tail,
            start=min(head.start, tail.start),
            end=max(head.end, tail.end),
        )
        return "add_triple", {"triple": anchor.model_dump()}

    def _join(self, request: review.Join) -> tuple[str, dict[str, object]]:
        groups = [self._members(entity) for entity in request.entities]
        if request.action == "merge":
            return "merge", {"nodes": [node for group in groups for node in group]}
        if len(groups) != 2:
            raise ParseError("never_merge takes two entities", where="never_merge", remedy="give one event a pair")
        return "never_merge", {"left": groups[0], "right": groups[1]}

    def _split(self, request: review.Split) -> tuple[str, dict[str, object]]:
        members = self._members(request.entity)
        rows = derived.mentions_of(self._connection, members)
        chosen = [
            row
            for row in rows
            if row.id in request.mentions or row.document_id in request.documents or row.text in request.names
        ]
        if not chosen or len(chosen) == len(rows):
            raise ParseError(
                f"{len(chosen)} of {len(rows)} mentions are chosen",
                where=f"split {request.entity}",
                remedy="choose by mentions, documents or names some of its mentions, not all",
            )
        left = {row.node_id for row in rows if row not in chosen}
        whole = sorted({row.node_id for row in chosen} - left)
        spans = [row for row in chosen if row.node_id in left]
        return "split", {
            "spans": [self._span(row) for row in spans],
            # By its own name: a short form belongs to the node of its long form, and parts from it here.
            "names": sorted({(row.label, name_key(row.text, row.label)) for row in spans}),
            "out": whole,
            "rest": sorted(left),
        }

    # --- what ids stand for -------------------------------------------------------------------------------------------

    def _mention(self, target: str) -> MentionRow:
        kind, found = derived.find_target(self._connection, target)
        if isinstance(found, MentionRow):
            return found
        raise ParseError(f"this is a {kind}, not a mention", where=target, remedy="name a mention")

    def _span(self, row: MentionRow) -> dict[str, object]:
        text = self._ledger.text(self._connection, row.document_id)
        label = self._label_as_extracted(row)
        return review.span_at(row.document_id, text, start=row.start, end=row.end, label=label).model_dump()

    def _label_as_extracted(self, row: MentionRow) -> str:
        # Changes are laid over what was extracted, before the entity is given the type that a person chose.
        known = (
            label for label in self._ontology.entity_types if node_id(label, name_key(row.text, label)) == row.origin
        )
        return next(known, row.label)

    def _became(self, node_ids: Sequence[str], label: str) -> list[tuple[str, str]]:
        """Return which nodes the nodes of an entity become under another type, as (before, after)."""
        known = derived.nodes(self._connection, node_ids)
        return [
            (before, node_id(label, name_key(text, label), known[before].variant))
            for before, text in derived.surfaces_of(self._connection, node_ids)
            if name_key(text, known[before].label) == known[before].key
        ]

    def _anchor(self, row: TripleRow) -> dict[str, object]:
        head, tail = (derived.find_target(self._connection, m)[1] for m in (row.head, row.tail))
        assert isinstance(head, MentionRow)
        assert isinstance(tail, MentionRow)
        return {
            "head": self._span(head),
            "relation": row.relation,
            "tail": self._span(tail),
            "start": row.start,
            "end": row.end,
        }

    def _fact(self, fact_id: str) -> tuple[dict[str, object], list[TripleRow]]:
        head, relation, tail = derived.fact_key(self._connection, fact_id)
        nodes = derived.members(self._connection, [head, tail])
        fact: dict[str, object] = {"heads": nodes[head], "relation": relation, "tails": nodes[tail]}
        return fact, derived.triples_between(self._connection, nodes[head], relation, nodes[tail])

    def _members(self, entity_id: str) -> list[str]:
        found = derived.members(self._connection, [entity_id]).get(entity_id)
        if not found:
            raise ParseError("no such entity", where=entity_id, remedy="it may have been merged: search for its name")
        return found

    def _label(self, name: str) -> str:
        known = self._ontology.entity_type(name)
        if known is None:
            types = ", ".join(self._ontology.entity_types)
            raise ParseError(f"unknown type {name[:80]!r}", where="label", remedy=f"one of {types}")
        return known.id

    def _relation(self, name: str) -> str:
        known = self._ontology.relation_type(name)
        if known is None:
            raise ParseError(
                f"unknown relation {name[:80]!r}", where="relation", remedy="kgbuilder config --ontology lists them"
            )
        return known.id


def _refresh(deriver: Deriver, connection: Connection, reach: _Reach) -> None:
    documents = derived.held_among(connection, sorted(reach.documents))
    finished = derived.finished_documents(connection, documents)
    deriver.derive(connection, [document for document in documents if document in finished])
    deriver.resolve_again(connection, reach.nodes)
    deriver.mark_facts(connection, reach.judged)


def _reach(ledger: Ledger, connection: Connection, kind: str, payload: Mapping[str, object]) -> _Reach:
    reach = _Reach()
    match kind:
        case "undo":
            return _reach_of_undone(ledger, connection, str(payload["event"]))
        case "merge":
            reach.nodes.update(_names(payload["nodes"]))
        case "never_merge":
            reach.nodes.update((*_names(payload["left"]), *_names(payload["right"])))
        case "split":
            reach.documents.update(_documents(payload["spans"]))
            reach.nodes.update((*_names(payload["out"]), *_names(payload["rest"])))
        case "rename":
            reach.nodes.update(_names(payload["nodes"]))
        case "relabel":
            reach.nodes.update(_retyped_with(ledger, connection, payload))
            reach.judged.update(reach.nodes)
            reach.documents.update(derived.documents_of(connection, sorted(reach.nodes)))
        case "accept_fact" | "reject_fact" | "fix_fact_relation" | "reverse_fact":
            fact = review.NodePair.model_validate(payload["fact"])
            reach.judged.update((*fact.heads, *fact.tails))
            reach.documents.update(_documents(_heads(payload.get("triples", []))))
        case _ if "span" in payload:
            reach.documents.update(_documents([payload["span"]]))
        case _:
            reach.documents.update(_documents(_heads([payload["triple"]])))
    reach.documents |= derived.revisions_of(connection, reach.documents)
    return reach


def _reach_of_undone(ledger: Ledger, connection: Connection, event_id: str) -> _Reach:
    for event in ledger.events(connection, kinds=review.CORRECTION_KINDS):
        if event.id == event_id:
            return _reach(ledger, connection, event.kind, event.payload)
    return _Reach()


def _retyped_with(ledger: Ledger, connection: Connection, payload: Mapping[str, object]) -> set[str]:
    """Return the nodes of a retyping, and those that other retypings made of them or made them of."""
    found = _retyped_by(payload)
    groups = [_retyped_by(event.payload) for event in ledger.events(connection, kinds=("relabel",))]
    while near := [group for group in groups if group & found and not group <= found]:
        found = found.union(*near)
    return found


def _retyped_by(payload: Mapping[str, object]) -> set[str]:
    return {*_names(payload["nodes"]), *(after for _, after in review.became(payload))}


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _heads(triples: object) -> list[object]:
    anchors = triples if isinstance(triples, list | tuple) else []
    return [anchor["head"] for anchor in anchors if isinstance(anchor, Mapping)]


def _documents(spans: object) -> set[str]:
    held = spans if isinstance(spans, list | tuple) else []
    return {str(span["document"]) for span in held if isinstance(span, Mapping)}
