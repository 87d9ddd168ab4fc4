"""Judge what an extractor says about an example, by the rules and masks of `training.compact.measure`."""

from collections.abc import Iterator
from dataclasses import dataclass

from kgbuilder.extract.compact.decode import Reading, ReadMention, ReadTriple
from kgbuilder.records import Extraction, TripleClaim
from kgbuilder.score import AnnotatedEntity
from kgbuilder.score.compare import Argument, Statement, compare_entities, compare_statements
from kgbuilder.score.report import JudgedText
from training.compact.measure import found_triples, gold_triples
from training.data import Candidate, Example, Mention

__all__ = ["Said", "found_items", "judge", "said", "stated_mentions"]

Item = tuple[object, object, object]
"""A triple as head, relation, tail; an argument is the number of an entity, or a text that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an extractor said: the first `n_stated` mentions are its entities, those after them arguments only."""

    reading: Reading
    n_stated: int
    failure: str = ""


def said(text: str, extraction: Extraction) -> Said:
    """Return the claims of an extraction as a reading of `text`; one that failed says nothing.

    A claim without a place is looked for in the text, and left out when it does not stand there.
    """
    if extraction.state != "done":
        reason = extraction.failure.what if extraction.failure else extraction.state
        return Said(reading=Reading(mentions=(), triples=()), n_stated=0, failure=reason)
    mentions: list[ReadMention] = []
    for claim in extraction.mentions:
        start = text.find(claim.text) if claim.start is None else claim.start
        if start >= 0:
            end = start + len(claim.text)
            mentions.append(ReadMention(start=start, end=end, type=claim.label, score=claim.score))
    n_stated = len(mentions)
    places = {(m.start, m.end): n for n, m in reversed([*enumerate(mentions)])}
    triples: list[ReadTriple] = []
    for triple in extraction.triples:
        head, tail = (_argument(text, triple, end, mentions, places) for end in ("head", "tail"))
        if head is not None and tail is not None:
            triples.append(ReadTriple(head=head, relation=triple.relation, tail=tail, score=triple.score))
    return Said(reading=Reading(mentions=tuple(mentions), triples=tuple(triples)), n_stated=n_stated)


def _argument(
    text: str, triple: TripleClaim, end: str, mentions: list[ReadMention], places: dict[tuple[int, int], int]
) -> int | None:
    """Return the number of the mention that is an argument; one that was not stated is added."""
    name, label, start = (
        (triple.head, triple.head_label, triple.head_start)
        if end == "head"
        else (triple.tail, triple.tail_label, triple.tail_start)
    )
    at = text.find(name) if start is None else start
    if at < 0:
        return None
    number = places.setdefault((at, at + len(name)), len(mentions))
    if number == len(mentions):
        mentions.append(ReadMention(start=at, end=at + len(name), type=label or "", score=triple.score))
    return number


def stated_mentions(example: Example, found: Said) -> list[ReadMention]:
    """Return the stated entities that the example can judge: types it closes, spans it does not leave open."""
    open_ = {(c.start, c.end, type_) for c in example.candidates for type_ in c.types}
    return [
        m
        for m in found.reading.mentions[: found.n_stated]
        if m.type in example.exhaustive_types and (m.start, m.end, m.type) not in open_
    ]


def found_items(example: Example, found: Said) -> Iterator[tuple[Item, ReadTriple]]:
    """Yield the stated triples that the example can judge, each as its item."""
    for triple in found.reading.triples:
        for item in found_triples(example, Reading(mentions=found.reading.mentions, triples=(triple,))):
            yield item, triple


def judge(example: Example, found: Said, *, name: str) -> JudgedText:
    """Compare what was said with what the example says; `name` is that of the set, the source of the scores."""
    things = _Things(example)
    gold = [
        _entity(example.text, m.start, m.end, m.type) for m in example.mentions if m.type in example.exhaustive_types
    ]
    stated = [_entity(example.text, m.start, m.end, m.type) for m in stated_mentions(example, found)]
    wanted = [things.statement(item) for item in gold_triples(example)]
    given = [things.stated(item, triple, found.reading) for item, triple in found_items(example, found)]
    return JudgedText(
        id=example.id,
        language=example.language,
        source=name,
        text=example.text,
        entities=compare_entities(gold, stated),
        triples=compare_statements(wanted, given),
        failure=found.failure,
    )


def _entity(text: str, start: int, end: int, type_: str) -> AnnotatedEntity:
    return AnnotatedEntity(text=text[start:end], type=type_, start=start, end=end)


class _Things:
    """The entities of an example by number, with the texts of their spans, and their types."""

    def __init__(self, example: Example) -> None:
        self._text = example.text
        self._names: dict[object, list[str]] = {}
        self._types: dict[object, str] = {}
        self._numbers: dict[str, int] = {}
        spans: list[Mention | Candidate] = [*example.mentions, *example.candidates]
        for span in spans:
            name = example.text[span.start : span.end]
            names = self._names.setdefault(span.entity, [])
            if name not in names:
                names.append(name)
            if isinstance(span, Mention):
                self._types.setdefault(span.entity, span.type)
            self._numbers.setdefault(name, span.entity)

    def statement(self, item: Item) -> Statement:
        """Return an annotated triple, by the first names of its entities."""
        head, relation, tail = item
        ends = [
            Argument(key=_key(end), names=tuple(self._names[end]), type=self._types.get(end, ""))
            for end in (head, tail)
        ]
        return Statement(head=ends[0], relation=str(relation), tail=ends[1])

    def stated(self, item: Item, triple: ReadTriple, reading: Reading) -> Statement:
        """Return a stated triple, by the names that were used; its item may have turned it round."""
        mentions = [reading.mentions[number] for number in (triple.head, triple.tail)]
        first = self._text[mentions[0].start : mentions[0].end]
        if self._numbers.get(first, first) != item[0]:
            mentions.reverse()
        ends = []
        for end, mention in zip((item[0], item[2]), mentions, strict=True):
            name = self._text[mention.start : mention.end]
            others = (other for other in self._names.get(end, ()) if other != name)
            ends.append(Argument(key=_key(end), names=(name, *others), type=mention.type))
        return Statement(head=ends[0], relation=triple.relation, tail=ends[1])


def _key(end: object) -> int | str:
    assert isinstance(end, int | str)
    return end
