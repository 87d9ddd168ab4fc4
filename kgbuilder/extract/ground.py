"""Ground what an extractor claims in the text of its passage: spans of the document, or quarantined with a reason."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from typing import Final, TypeVar

import orjson

from graph_schema import Ontology, RelationType
from kgbuilder.extract.alignment import Span, TextIndex
from kgbuilder.ids import content_id
from kgbuilder.records import Extraction, Grounded, Mention, MentionClaim, Quarantined, Triple, TripleClaim

__all__ = ["REASONS", "ground"]

NOT_A_NAME: Final = "not a name"
NOT_IN_THE_TEXT: Final = "not in the text"
UNKNOWN_TYPE: Final = "unknown type"
UNKNOWN_RELATION: Final = "unknown relation"
WRONG_SIGNATURE: Final = "wrong signature"
TYPE_UNKNOWN: Final = "type unknown"
CONFLICTING_TYPE: Final = "conflicting type"
SELF_RELATION: Final = "self relation"
TOO_MANY_MENTIONS: Final = "too many mentions"
TOO_MANY_CLAIMS: Final = "too many claims"

REASONS: Final = (
    NOT_A_NAME,
    NOT_IN_THE_TEXT,
    UNKNOWN_TYPE,
    UNKNOWN_RELATION,
    WRONG_SIGNATURE,
    TYPE_UNKNOWN,
    CONFLICTING_TYPE,
    SELF_RELATION,
    TOO_MANY_MENTIONS,
    TOO_MANY_CLAIMS,
)
"""Every reason for which a claim is quarantined here."""

MAX_NAME_CHARS: Final = 200
MAX_CLAIMS: Final = 1000
"""Claims of one kind looked at in one extraction: a passage does not hold more, a model that repeats itself does."""
MAX_MENTIONS: Final = 300
"""Mentions that the entity claims of one passage may make; arguments of triples come on top."""

_ClaimT = TypeVar("_ClaimT", MentionClaim, TripleClaim)


def ground(
    extraction: Extraction,
    *,
    text: str,
    document_id: str,
    offset: int,
    sentences: Sequence[Span],
    ontology: Ontology,
) -> Grounded:
    """Find every claim of `extraction` in `text`, the passage, which starts at `offset` in the document.

    `sentences` are spans of the document in order, at least those of the passage. Mentions come in text order, triples
    in claim order. Each distinct claim is grounded, or is in `quarantined` with one of `REASONS`, or is counted in a
    note "too many claims". What the extraction itself already holds in quarantine is not repeated.
    """
    grounding = _Grounding(text=text, document_id=document_id, offset=offset, sentences=sentences, ontology=ontology)
    grounding.add_mentions(grounding.bounded(extraction.mentions))
    for claim in grounding.bounded(extraction.triples):
        grounding.add_triple(claim)
    return grounding.result()


class _ClaimError(Exception):
    """Why a claim may not enter the graph."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class _Placed:
    """An entity claim with its type's id and the spans it may take."""

    claim: MentionClaim
    label: str
    spans: tuple[Span, ...]
    is_fixed: bool


_SpansByLabel = Mapping[str, Sequence[Span]]
"""Where the head or tail of a triple claim may stand, by the type it has there, most trusted type first."""


class _Grounding:
    """The work on one passage; spans are relative to the passage until a record is made."""

    def __init__(
        self, *, text: str, document_id: str, offset: int, sentences: Sequence[Span], ontology: Ontology
    ) -> None:
        self._text = text
        self._names = TextIndex(text)
        self._document_id = document_id
        self._offset = offset
        self._sentences = _within(sentences, offset, offset + len(text))
        self._ontology = ontology
        self._labels: dict[str, str | None] = {}
        self._mentions: dict[tuple[Span, str], Mention] = {}
        self._labels_at: dict[Span, list[str]] = {}
        self._triples: dict[str, Triple] = {}
        self._quarantined: list[Quarantined] = []

    def result(self) -> Grounded:
        """Return what was found so far, mentions in text order."""
        mentions = sorted(self._mentions.values(), key=lambda mention: (mention.start, mention.end, mention.label))
        return Grounded(
            mentions=tuple(mentions), triples=tuple(self._triples.values()), quarantined=tuple(self._quarantined)
        )

    def bounded(self, claims: Iterable[_ClaimT]) -> list[_ClaimT]:
        """Return the first of the distinct claims, and leave a note of how many were not looked at."""
        distinct = list(dict.fromkeys(claims))
        if len(distinct) > MAX_CLAIMS:
            self._note(TOO_MANY_CLAIMS, f"{len(distinct) - MAX_CLAIMS} claims after the first {MAX_CLAIMS}")
        return distinct[:MAX_CLAIMS]

    def add_mentions(self, claims: Iterable[MentionClaim]) -> None:
        """Make mentions of the entity claims: every place of a name that is not inside a longer name."""
        placed = [found for claim in claims if (found := self._place(claim))]
        nested = _nested({span for found in placed for span in found.spans})
        for found in placed:
            if not found.is_fixed:
                found.spans = _without(found.spans, nested)
        winners = self._winners(placed)
        for (span, _), found in winners.items():
            self._mention(span, found.label, found.claim.score)
        for found in placed:
            self._report_lost(found)

    def add_triple(self, claim: TripleClaim) -> None:
        """Make a triple of the claim, between the closest places of its head and tail."""
        try:
            self._ground_triple(claim)
        except _ClaimError as error:
            self._refuse(claim, error)

    def _place(self, claim: MentionClaim) -> _Placed | None:
        try:
            name = _checked(claim.text)
            label = self._label(claim.label)
            if label is None:
                raise _ClaimError(UNKNOWN_TYPE, f"the ontology has no entity type {claim.label[:MAX_NAME_CHARS]!r}")
            spans = self._spans(name, _start_of(claim.text, claim.start))
        except _ClaimError as error:
            self._refuse(claim, error)
            return None
        return _Placed(claim, label, spans, claim.start is not None)

    def _spans(self, name: str, start: int | None) -> tuple[Span, ...]:
        """Return where `name` stands: at `start` if it does, else at the place nearest to it, else everywhere."""
        exact = self._names.at(name, start) if start is not None else None
        if exact is not None:
            return (exact,)
        spans = self._names.find(name)
        if not spans:
            raise _ClaimError(NOT_IN_THE_TEXT, f"the passage does not contain {name!r}")
        if start is None:
            return spans
        return (min(spans, key=lambda span: (abs(span[0] - start), span)),)

    def _label(self, name: str) -> str | None:
        if name not in self._labels:
            found = self._ontology.entity_type(name)
            self._labels[name] = found.id if found else None
        return self._labels[name]

    def _key(self, span: Span, label: str) -> tuple[Span, str]:
        """Return what can be claimed once: a span, or in open mode a span with a type."""
        return span, label if self._ontology.open else ""

    def _winners(self, placed: Sequence[_Placed]) -> dict[tuple[Span, str], _Placed]:
        winners: dict[tuple[Span, str], _Placed] = {}
        for found in placed:
            for span in found.spans:
                key = self._key(span, found.label)
                if key not in winners or found.claim.score > winners[key].claim.score:
                    winners[key] = found
        if len(winners) <= MAX_MENTIONS:
            return winners
        # The first place of every name before the second of any.
        ranks: dict[tuple[Span, str], int] = {}
        for found in placed:
            for rank, span in enumerate(found.spans):
                key = self._key(span, found.label)
                ranks[key] = min(rank, ranks.get(key, rank))
        kept = sorted(winners, key=ranks.__getitem__)[:MAX_MENTIONS]
        self._note(TOO_MANY_MENTIONS, f"{len(winners) - MAX_MENTIONS} places of names after the first {MAX_MENTIONS}")
        return {key: winners[key] for key in kept}

    def _report_lost(self, found: _Placed) -> None:
        """Quarantine an entity claim that got none of its places."""
        others = [label for span in found.spans for label in self._labels_at.get(span, ())]
        if found.label in others:
            return
        if others:
            self._refuse(
                found.claim, _ClaimError(CONFLICTING_TYPE, f"the same words are {others[0]} with a better claim")
            )
        else:
            self._refuse(found.claim, _ClaimError(TOO_MANY_MENTIONS))

    def _ground_triple(self, claim: TripleClaim) -> None:
        head_name, tail_name = _checked(claim.head), _checked(claim.tail)
        relation = self._ontology.relation_type(claim.relation)
        if relation is None:
            raise _ClaimError(UNKNOWN_RELATION, f"the ontology has no relation {claim.relation[:MAX_NAME_CHARS]!r}")
        if head_name.casefold() == tail_name.casefold():
            raise _ClaimError(SELF_RELATION, "head and tail are the same name")
        heads = self._argument(head_name, _start_of(claim.head, claim.head_start), claim.head_label, relation.head)
        tails = self._argument(tail_name, _start_of(claim.tail, claim.tail_start), claim.tail_label, relation.tail)
        head_label, tail_label = self._fitting(heads, relation, tails)
        pair = self._closest(heads[head_label], tails[tail_label])
        if pair is None:
            raise _ClaimError(SELF_RELATION, "head and tail are the same words of the passage")
        head = self._mention(pair[0], head_label, claim.score)
        tail = self._mention(pair[1], tail_label, claim.score)
        self._add(head, relation, tail, claim.score)

    def _argument(
        self, name: str, start: int | None, label_name: str | None, allowed: tuple[str, ...]
    ) -> _SpansByLabel:
        """Find the places of an argument by type.

        Its types are those of its mentions, the claimed one first; without a mention there, the claimed type, or that
        of its mentions elsewhere, or else the only one that the relation allows.
        """
        spans = self._spans(name, start)
        label = self._label(label_name) if label_name else None
        mentioned: dict[str, list[Span]] = {label: []} if label else {}
        for span in spans:
            for known in self._labels_at.get(span, ()):
                mentioned.setdefault(known, []).append(span)
        mentioned = {known: at for known, at in mentioned.items() if at}
        if mentioned:
            return mentioned
        label = label or self._label_elsewhere(name) or _only(name, label_name, allowed)
        return {label: self._outside_mentions(spans)}

    def _label_elsewhere(self, name: str) -> str | None:
        labels = (label for span in self._names.find(name) for label in self._labels_at.get(span, ()))
        return next(labels, None)

    def _outside_mentions(self, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return _without(spans, _nested({*spans, *self._labels_at}))

    def _fitting(self, heads: _SpansByLabel, relation: RelationType, tails: _SpansByLabel) -> tuple[str, str]:
        """Choose the first types, in the order of trust, that may stand in `relation`."""
        pairs = [(head, tail) for head in heads for tail in tails]
        for head, tail in pairs:
            if self._ontology.allows(head, relation.id, tail):
                return head, tail
        stated = "; ".join(f"{head} {relation.id} {tail}" for head, tail in pairs)
        if any(self._ontology.allows(tail, relation.id, head) for head, tail in pairs):
            raise _ClaimError(WRONG_SIGNATURE, f"not allowed: {stated}; the reverse would fit")
        raise _ClaimError(WRONG_SIGNATURE, f"not allowed: {stated}")

    def _closest(self, heads: Sequence[Span], tails: Sequence[Span]) -> tuple[Span, Span] | None:
        """Choose the pair that does not overlap, in one sentence, nearest, earliest; None if all are the same span."""
        best: tuple[tuple[bool, bool, int, Span, Span], Span, Span] | None = None
        for head in heads:
            at = bisect_left(tails, head)
            # Tails are in order, so whatever is nearest to the head, or in its sentence, stands beside it.
            for tail in tails[max(0, at - 1) : at + 2]:
                if head != tail:
                    gap = max(tail[0] - head[1], head[0] - tail[1])
                    rank = (gap < 0, not self._in_one_sentence(head, tail), gap, head, tail)
                    if best is None or rank < best[0]:
                        best = (rank, head, tail)
        return best[1:] if best else None

    def _in_one_sentence(self, one: Span, other: Span) -> bool:
        return self._sentence_at(min(one[0], other[0])) == self._sentence_at(max(one[1], other[1]) - 1)

    def _sentence_at(self, position: int) -> int:
        return bisect_right(self._sentences, position, key=itemgetter(0)) - 1

    def _evidence(self, head: Mention, tail: Mention) -> Span:
        """Return the whole sentences that hold both mentions, within the passage, in document offsets."""
        start = min(head.start, tail.start) - self._offset
        end = max(head.end, tail.end) - self._offset
        first, last = self._sentence_at(start), self._sentence_at(end - 1)
        text_start, text_end = start, end
        if first >= 0 and self._sentences[first][1] > start:
            text_start = max(0, min(start, self._sentences[first][0]))
        if last >= 0:
            text_end = min(len(self._text), max(end, self._sentences[last][1]))
        while text_start < start and self._text[text_start].isspace():
            text_start += 1
        while text_end > end and self._text[text_end - 1].isspace():
            text_end -= 1
        return text_start + self._offset, text_end + self._offset

    def _mention(self, span: Span, label: str, score: float) -> Mention:
        known = self._mentions.get((span, label))
        if known is None:
            start, end = span[0] + self._offset, span[1] + self._offset
            known = Mention(
                id=content_id("mention", self._document_id, start, end, label),
                document_id=self._document_id,
                start=start,
                end=end,
                text=self._text[slice(*span)],
                label=label,
                score=score,
            )
            self._mentions[span, label] = known
            self._labels_at.setdefault(span, []).append(label)
        return known

    def _add(self, head: Mention, relation: RelationType, tail: Mention, score: float) -> None:
        triple_id = content_id("triple", self._document_id, head.id, relation.id, tail.id)
        known = self._triples.get(triple_id)
        if known is not None:
            self._triples[triple_id] = replace(known, score=max(known.score, score))
            return
        start, end = self._evidence(head, tail)
        self._triples[triple_id] = Triple(
            id=triple_id,
            document_id=self._document_id,
            head=head.id,
            relation=relation.id,
            tail=tail.id,
            score=score,
            evidence_start=start,
            evidence_end=end,
        )

    def _refuse(self, claim: MentionClaim | TripleClaim, error: _ClaimError) -> None:
        self._quarantined.append(Quarantined(reason=error.reason, claim=_claim_json(claim), detail=error.detail))

    def _note(self, reason: str, detail: str) -> None:
        self._quarantined.append(Quarantined(reason=reason, claim="{}", detail=detail))


def _within(sentences: Sequence[Span], start: int, end: int) -> list[Span]:
    """Return the sentences that touch document characters `start` to `end`, relative to `start`."""
    first = bisect_right(sentences, start, key=lambda sentence: sentence[1])
    last = bisect_left(sentences, end, key=lambda sentence: sentence[0])
    return [(one - start, other - start) for one, other in sentences[first:last]]


def _checked(text: str) -> str:
    name = text.strip()
    if len(name) > MAX_NAME_CHARS:
        raise _ClaimError(NOT_A_NAME, f"{len(name)} characters; a name has at most {MAX_NAME_CHARS}")
    if not any(char.isalnum() for char in name):
        raise _ClaimError(NOT_A_NAME, "no letter and no digit")
    return name


def _start_of(text: str, start: int | None) -> int | None:
    """Return where the name itself starts when the claim's text has white space before it."""
    return None if start is None else start + len(text) - len(text.lstrip())


def _nested(spans: Iterable[Span]) -> set[Span]:
    """Return the spans that lie inside another one."""
    inside: set[Span] = set()
    reached = -1
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        if span[1] <= reached:
            inside.add(span)
        reached = max(reached, span[1])
    return inside


def _without(spans: tuple[Span, ...], nested: set[Span]) -> tuple[Span, ...]:
    """Drop the nested spans unless there is no other."""
    return tuple(span for span in spans if span not in nested) or spans


def _only(name: str, label_name: str | None, allowed: tuple[str, ...]) -> str:
    if label_name:
        raise _ClaimError(UNKNOWN_TYPE, f"the ontology has no entity type {label_name[:MAX_NAME_CHARS]!r}")
    if len(allowed) != 1:
        raise _ClaimError(TYPE_UNKNOWN, f"no entity claim names {name!r}; the relation takes {_listed(allowed)}")
    return allowed[0]


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(labels) or "any type"


def _claim_json(claim: MentionClaim | TripleClaim) -> str:
    fields = {name: _shown(value) for name, value in asdict(claim).items() if value is not None}
    try:
        return orjson.dumps(fields).decode()
    except TypeError:
        # Lone surrogates, which only escapes can carry.
        return json.dumps(fields)


def _shown(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_NAME_CHARS:
        return value[:MAX_NAME_CHARS] + "…"
    return value
