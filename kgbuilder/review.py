"""What people decide: corrections as events that hold on to the text, not to the ids of one extraction.

A correction names what it is about by place and words (`Span`), or by resolution nodes, so it still applies after
another model has read the document again, after the document was revised, and after a replay on an empty store.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kgbuilder.errors import ParseError
from kgbuilder.ids import content_id

__all__ = [
    "CORRECTION_KINDS",
    "Change",
    "DraftMention",
    "DraftTriple",
    "Request",
    "Rules",
    "Span",
    "TripleAnchor",
    "apply_changes",
    "became",
    "build_rules",
    "parse_request",
    "relocate",
    "span_at",
]

_CONTEXT_CHARS = 24


# --- anchors ----------------------------------------------------------------------------------------------------------


class _Anchor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Anchor):
    """A place in a document that can be found again in its next revision: offsets, words, and the words around."""

    document: str
    start: int
    end: int
    label: str
    text: str
    before: str = ""
    after: str = ""


class TripleAnchor(_Anchor):
    """A triple by its words: `start` and `end` are the evidence."""

    head: Span
    relation: str
    tail: Span
    start: int
    end: int


class NodePair(_Anchor):
    """A fact by the resolution nodes of its arguments."""

    heads: tuple[str, ...]
    relation: str
    tails: tuple[str, ...]


def span_at(document_id: str, text: str, *, start: int, end: int, label: str) -> Span:
    """Anchor characters `start` to `end` of a document. Raises ParseError when they are no words of it."""
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise ParseError(
            f"characters {start} to {end} are no words of the text, which has {len(text)}",
            where=f"document {document_id}",
            remedy="give start and end as half-open code points",
        )
    return Span(
        document=document_id,
        start=start,
        end=end,
        label=label,
        text=text[start:end],
        before=text[max(0, start - _CONTEXT_CHARS) : start],
        after=text[end : end + _CONTEXT_CHARS],
    )


def relocate(span: Span, document_id: str, text: str) -> Span | None:
    """Find an anchor in another revision of its document; None when it is gone or cannot be told apart."""
    for before, after in ((span.before, span.after), (span.before, ""), ("", span.after), ("", "")):
        wanted = before + span.text + after
        at = text.find(wanted)
        if at < 0 or text.find(wanted, at + 1) >= 0:
            continue
        start = at + len(before)
        return span_at(document_id, text, start=start, end=start + len(span.text), label=span.label)
    return None


# --- what a person asks -----------------------------------------------------------------------------------------------


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    author: str = ""
    comment: str = ""


class Place(BaseModel):
    """A span with its type, as a person gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start: int
    end: int
    label: str


class NewTriple(BaseModel):
    """A triple as a person gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    head: Place
    relation: str
    tail: Place


class Judge(_Request):
    """Accept or reject a mention, a triple or a fact."""

    action: Literal["accept", "reject"]
    target: str


class FixSpan(_Request):
    """Move the ends of a mention."""

    action: Literal["fix_span"]
    target: str
    start: int
    end: int


class FixType(_Request):
    """Give one mention another type."""

    action: Literal["fix_type"]
    target: str
    label: str


class FixRelation(_Request):
    """Give a triple, or every triple behind a fact, another relation."""

    action: Literal["fix_relation"]
    target: str
    relation: str


class Reverse(_Request):
    """Turn a triple or fact round."""

    action: Literal["reverse", "fix_direction"]
    target: str


class Add(_Request):
    """Add a mention or a triple that was missed."""

    action: Literal["add"]
    document: str
    mention: Place | None = None
    triple: NewTriple | None = None


class Join(_Request):
    """Say that entities are one, or that they never are."""

    action: Literal["merge", "never_merge"]
    entities: tuple[str, ...] = Field(min_length=2)


class Split(_Request):
    """Take names, mentions or whole documents out of an entity; they become another."""

    action: Literal["split"]
    entity: str
    mentions: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Rename(_Request):
    """Give an entity the name to show."""

    action: Literal["rename"]
    entity: str
    name: str = Field(min_length=1, max_length=500)


class Relabel(_Request):
    """Give an entity another type, wherever it is mentioned."""

    action: Literal["relabel"]
    entity: str
    label: str


class Undo(_Request):
    """Take an event back; undoing an undo brings it again."""

    action: Literal["undo"]
    event: str


Request = Annotated[
    Judge | FixSpan | FixType | FixRelation | Reverse | Add | Join | Split | Rename | Relabel | Undo,
    Field(discriminator="action"),
]
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


def parse_request(line: bytes | str, *, where: str) -> Request:
    """Read one correction from JSON. Raises ParseError that lists every mistake in it."""
    try:
        return _REQUEST.validate_json(line)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in error.errors())
        raise ParseError(problems, where=where, remedy="see docs/corrections.md for the form of each action") from error


# --- events and rules -------------------------------------------------------------------------------------------------

CORRECTION_KINDS = (
    "accept_mention",
    "reject_mention",
    "fix_span",
    "fix_type",
    "add_mention",
    "accept_triple",
    "reject_triple",
    "fix_relation",
    "reverse",
    "add_triple",
    "accept_fact",
    "reject_fact",
    "fix_fact_relation",
    "reverse_fact",
    "merge",
    "never_merge",
    "split",
    "rename",
    "relabel",
    "undo",
)
"""The kinds of event that a person makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One effective event on the text of one document."""

    kind: str
    event_id: str
    span: Span | None = None
    triple: TripleAnchor | None = None
    start: int = 0
    end: int = 0
    text: str = ""
    label: str = ""
    relation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every decision that stands, in the order it was made."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    variants: dict[tuple[str, int, int], str] = field(default_factory=dict)
    variant_spans: dict[str, list[tuple[Span, str]]] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)  # event of a split -> order of the decision
    labels: dict[str, tuple[int, str]] = field(default_factory=dict)  # node -> (order of the decision, new label)
    constraints: list[tuple[str, str, bool]] = field(default_factory=list)  # (node, node, together?)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)  # node -> (order of the decision, name)
    facts: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)  # -> (order, status)
    ancestors: dict[str, list[str]] = field(default_factory=dict)  # document -> the documents it replaced


def build_rules(events: Iterable[tuple[str, str, Mapping[str, object]]]) -> Rules:
    """Make the rules of the events that are not undone; each event is (id, kind, payload), oldest first."""
    events = list(events)
    undone: set[str] = set()
    for event_id, kind, payload in reversed(events):
        if kind == "undo" and event_id not in undone:
            undone.add(str(payload["event"]))
    rules = Rules()
    for order, (event_id, kind, payload) in enumerate(events, 1):
        if event_id not in undone and kind != "undo":
            _add_rule(rules, order, event_id, kind, payload)
    return rules


def _add_rule(rules: Rules, order: int, event_id: str, kind: str, payload: Mapping[str, object]) -> None:
    match kind:
        case "revise":
            chain = rules.ancestors.setdefault(str(payload["document"]), [])
            chain.append(str(payload["replaces"]))
        case "merge":
            nodes = _strings(payload["nodes"])
            rules.constraints.extend([(nodes[0], other, True) for other in nodes[1:]])
        case "never_merge":
            pairs = [(a, b) for a in _strings(payload["left"]) for b in _strings(payload["right"])]
            rules.constraints.extend([(a, b, False) for a, b in pairs])
        case "split":
            rules.splits[event_id] = order
            for span in _spans(payload["spans"]):
                rules.variants[span.document, span.start, span.end] = event_id
                rules.variant_spans.setdefault(span.document, []).append((span, event_id))
            names = payload["names"]
            split = [_strings(pair) for pair in names] if isinstance(names, list) else []
            out = [*_strings(payload["out"]), *(content_id("node", label, key, event_id) for label, key in split)]
            rest = _strings(payload["rest"])
            rules.constraints.extend([(out[0], other, True) for other in out[1:]])
            rules.constraints.extend([(a, b, False) for a in out for b in rest])
        case "rename":
            rules.names.update(dict.fromkeys(_strings(payload["nodes"]), (order, str(payload["name"]))))
        case "relabel":
            rules.labels.update(dict.fromkeys(_strings(payload["nodes"]), (order, str(payload["label"]))))
            _carry_over(rules, became(payload))
        case "accept_fact" | "reject_fact" | "fix_fact_relation" | "reverse_fact":
            _add_fact_rule(rules, order, event_id, kind, payload)
        case _:
            change = _change(event_id, kind, payload)
            rules.changes.setdefault(_document_of(change), []).append(change)


def became(payload: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return which node each node of a retyped entity became, as (before, after)."""
    pairs = payload.get("became", ())
    found = (_strings(pair) for pair in pairs) if isinstance(pairs, list | tuple) else ()
    return tuple((before, after) for before, after in found)


def _carry_over(rules: Rules, pairs: Iterable[tuple[str, str]]) -> None:
    """Let what was decided about nodes hold for what they became, and keep these one entity."""
    after: dict[str, list[str]] = {}
    for old, new in pairs:
        after.setdefault(old, []).append(new)
    for old, nodes in after.items():
        if old in rules.names:
            rules.names.update(dict.fromkeys(nodes, rules.names[old]))
    for (head, relation, tail), judged in list(rules.facts.items()):
        for h in after.get(head, (head,)):
            rules.facts.update(dict.fromkeys(((h, relation, t) for t in after.get(tail, (tail,))), judged))
    for a, b, together in list(rules.constraints):
        if a in after or b in after:
            rules.constraints.extend((x, y, together) for x in after.get(a, (a,)) for y in after.get(b, (b,)))
    first, *others = dict.fromkeys(new for nodes in after.values() for new in nodes) or ("",)
    rules.constraints.extend((first, other, True) for other in others)


def _add_fact_rule(rules: Rules, order: int, event_id: str, kind: str, payload: Mapping[str, object]) -> None:
    pair = NodePair.model_validate(payload["fact"])
    status = (order, "accepted" if kind == "accept_fact" else "rejected")
    rules.facts.update(dict.fromkeys(((h, pair.relation, t) for h in pair.heads for t in pair.tails), status))
    single = {"fix_fact_relation": "fix_relation", "reverse_fact": "reverse"}.get(kind)
    if single is None:
        return
    relation = str(payload.get("relation", pair.relation))
    for triple in payload["triples"]:  # type: ignore[attr-defined]
        anchor = TripleAnchor.model_validate(triple)
        change = Change(kind=single, event_id=event_id, triple=anchor, relation=relation)
        rules.changes.setdefault(anchor.head.document, []).append(change)
    heads, tails = (pair.tails, pair.heads) if single == "reverse" else (pair.heads, pair.tails)
    rules.facts.update(dict.fromkeys(((h, relation, t) for h in heads for t in tails), (order, "accepted")))


def _change(event_id: str, kind: str, payload: Mapping[str, object]) -> Change:
    return Change(
        kind=kind,
        event_id=event_id,
        span=Span.model_validate(payload["span"]) if "span" in payload else None,
        triple=TripleAnchor.model_validate(payload["triple"]) if "triple" in payload else None,
        start=int(str(payload.get("start", 0))),
        end=int(str(payload.get("end", 0))),
        text=str(payload.get("text", "")),
        label=str(payload.get("label", "")),
        relation=str(payload.get("relation", "")),
    )


def _document_of(change: Change) -> str:
    anchor = change.span or (change.triple.head if change.triple else None)
    if anchor is None:
        raise ParseError(f"an event of kind {change.kind} has no place", where=f"event {change.event_id}")
    return anchor.document


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _spans(value: object) -> tuple[Span, ...]:
    return tuple(Span.model_validate(item) for item in value) if isinstance(value, list | tuple) else ()


def changes_for(rules: Rules, document_id: str, text: str) -> list[Change]:
    """Return the changes on a document, with those on the revisions before it found again in its text."""
    changes = list(rules.changes.get(document_id, ()))
    for ancestor in _lineage(rules, document_id):
        moved = (_moved(change, document_id, text) for change in rules.changes.get(ancestor, ()))
        changes[:0] = [change for change in moved if change]
    return changes


def variants_for(rules: Rules, document_id: str, text: str) -> dict[tuple[int, int], str]:
    """Return which mentions of a document a person split off: (start, end) to the id of the split."""
    found: dict[tuple[int, int], str] = {}
    for ancestor in reversed(_lineage(rules, document_id)):
        for span, variant in rules.variant_spans.get(ancestor, ()):
            if place := relocate(span, document_id, text):
                found[place.start, place.end] = variant
    found.update({(s.start, s.end): v for s, v in rules.variant_spans.get(document_id, ())})
    return found


def _lineage(rules: Rules, document_id: str) -> list[str]:
    # Nearest first. A text that comes back to an earlier form makes a ring, so each document counts once.
    found: dict[str, None] = {}
    waiting = list(rules.ancestors.get(document_id, ()))
    while waiting:
        ancestor = waiting.pop(0)
        if ancestor != document_id and ancestor not in found:
            found[ancestor] = None
            waiting += rules.ancestors.get(ancestor, ())
    return list(found)


def _moved(change: Change, document_id: str, text: str) -> Change | None:
    if change.span:
        span = relocate(change.span, document_id, text)
        if span is None:
            return None
        by = span.start - change.span.start
        start, end = change.start + by, change.end + by
        # New ends that would stand around other words say nothing about this text.
        if change.kind == "fix_span" and not (0 <= start < end <= len(text) and change.text in ("", text[start:end])):
            return None
        return replace(change, span=span, start=start, end=end)
    if change.triple is None:
        return None
    head, tail = (relocate(s, document_id, text) for s in (change.triple.head, change.triple.tail))
    if head is None or tail is None:
        # A triple is rejected by its words, which need no place of their own: they may stand here twice.
        rejects = change.kind in ("reject_triple", "fix_relation", "reverse")
        return replace(change, kind="reject_triple") if rejects else None
    by = head.start - change.triple.head.start
    start, end = change.triple.start + by, change.triple.end + by
    places = (head.start, head.end, tail.start, tail.end)
    anchor = TripleAnchor(
        head=head,
        relation=change.triple.relation,
        tail=tail,
        start=max(0, min(start, *places)),
        end=min(len(text), max(end, *places)),
    )
    return replace(change, triple=anchor)


# --- applying changes to one document ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftMention:
    """A mention of one document before it has an id. `status` is extracted, accepted or added."""

    start: int
    end: int
    label: str
    score: float
    status: str = "extracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTriple:
    """A triple of one document; head and tail are (start, end, label) of mentions, start and end its evidence."""

    head: tuple[int, int, str]
    relation: str
    tail: tuple[int, int, str]
    score: float
    start: int
    end: int
    status: str = "extracted"


Drafts = tuple[dict[tuple[int, int, str], DraftMention], dict[tuple[object, ...], DraftTriple]]


def apply_changes(
    text: str,
    mentions: Sequence[DraftMention],
    triples: Sequence[DraftTriple],
    changes: Sequence[Change],
    *,
    fold: Callable[[str], str],
) -> tuple[list[DraftMention], list[DraftTriple]]:
    """Lay the decisions of people over what a machine extracted from one text, in the order they were made.

    A rejected triple stays in the result with status "rejected", so that it can be shown and brought back. `fold` makes
    spellings of one name equal: a triple is found again by its folded words, not by its offsets.
    """
    book = _Book(text, mentions, triples, fold)
    for change in changes:
        book.apply(change)
    return list(book.mentions.values()), list(book.triples.values())


class _Book:
    """The mentions and triples of one document while changes are laid over them."""

    def __init__(
        self,
        text: str,
        mentions: Sequence[DraftMention],
        triples: Sequence[DraftTriple],
        fold: Callable[[str], str],
    ) -> None:
        self.text = text
        self.fold = fold
        self.mentions = {(m.start, m.end, m.label): m for m in mentions}
        self.triples = {(t.head, t.relation, t.tail): t for t in triples}

    def apply(self, change: Change) -> None:
        if change.span:
            self._apply_to_mention(change, change.span)
        elif change.triple:
            self._apply_to_triple(change, change.triple)

    def _apply_to_mention(self, change: Change, span: Span) -> None:
        old = (span.start, span.end, span.label)
        match change.kind:
            case "accept_mention":
                self._ensure(span, "accepted")
            case "add_mention":
                self._ensure(span, "added")
            case "reject_mention":
                self.mentions.pop(old, None)
                self.triples = {k: t for k, t in self.triples.items() if old not in (t.head, t.tail)}
            case "fix_span":
                self._replace(old, (change.start, change.end, span.label))
            case "fix_type":
                self._replace(old, (span.start, span.end, change.label))

    def _ensure(self, span: Span, status: str) -> tuple[int, int, str]:
        key = (span.start, span.end, span.label)
        held = self.mentions.get(key)
        self.mentions[key] = DraftMention(
            start=span.start, end=span.end, label=span.label, score=held.score if held else 1.0, status=status
        )
        return key

    def _replace(self, old: tuple[int, int, str], new: tuple[int, int, str]) -> None:
        held = self.mentions.pop(old, None)
        score = held.score if held else 1.0
        self.mentions[new] = DraftMention(start=new[0], end=new[1], label=new[2], score=score, status="accepted")
        moved = {}
        for triple in self.triples.values():
            head, tail = (new if argument == old else argument for argument in (triple.head, triple.tail))
            start, end = min(triple.start, head[0], tail[0]), max(triple.end, head[1], tail[1])
            moved[head, triple.relation, tail] = replace(triple, head=head, tail=tail, start=start, end=end)
        self.triples = moved

    def _apply_to_triple(self, change: Change, anchor: TripleAnchor) -> None:
        match change.kind:
            case "reject_triple":
                self._judge(anchor, "rejected")
            case "accept_triple":
                self._state(anchor, anchor.relation, "accepted")
            case "add_triple":
                self._state(anchor, anchor.relation, "added")
            case "fix_relation":
                self._judge(anchor, "rejected")
                self._state(anchor, change.relation, "accepted")
            case "reverse":
                self._judge(anchor, "rejected")
                turned = anchor.model_copy(update={"head": anchor.tail, "tail": anchor.head})
                self._state(turned, anchor.relation, "accepted")

    def _judge(self, anchor: TripleAnchor, status: str) -> bool:
        wanted = (self.fold(anchor.head.text), anchor.relation, self.fold(anchor.tail.text))
        found = [key for key, triple in self.triples.items() if self._words(triple) == wanted]
        for key in found:
            self.triples[key] = replace(self.triples[key], status=status)
        return bool(found)

    def _words(self, triple: DraftTriple) -> tuple[str, str, str]:
        head, tail = (self.fold(self.text[a[0] : a[1]]) for a in (triple.head, triple.tail))
        return head, triple.relation, tail

    def _state(self, anchor: TripleAnchor, relation: str, status: str) -> None:
        if self._judge(anchor.model_copy(update={"relation": relation}), status):
            return
        head, tail = self._argument(anchor.head), self._argument(anchor.tail)
        self.triples[head, relation, tail] = DraftTriple(
            head=head,
            relation=relation,
            tail=tail,
            score=1.0,
            start=min(anchor.start, head[0], tail[0]),
            end=max(anchor.end, head[1], tail[1]),
            status=status,
        )

    def _argument(self, span: Span) -> tuple[int, int, str]:
        # A person may have retyped the mention since; the place counts, not the label it had.
        for key in self.mentions:
            if key[:2] == (span.start, span.end):
                return key
        return self._ensure(span, "added")
