"""Turn public rows into training examples: labels in our ontology, and masks for what a source leaves open."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from graph_schema import Ontology, load_ontology
from kgbuilder.normalize import fold
from training.data.records import Candidate, Example, Mention, Triple
from training.data.rows import Row, RowTriple, read_rows, row_file
from training.data.sources import Claim, Source

__all__ = ["read_source"]

_PRONOUN = re.compile(
    "I|(?i:i|me|my|mine|we|us|our|ours|you|your|yours|he|him|his|she|her|hers|it|its|they|them|their|theirs|who|whom|whose"
    "|which|that|where|when|here|there|this|these|those|himself|herself|itself|themselves)"
)
_ARTICLE = re.compile(r"(?:the|a|an)\s+", re.IGNORECASE)
_SMALL_WORD = re.compile("of|the|and|de|la|le|du|del|di|da|von|van|der|den|for|in|on|at|to|&|-")
_PART_OF_CHAIN = re.compile(r"..+?[省州县市区郡镇乡国].{2,}")
_UNCERTAIN = frozenset({"Negated", "Speculated"})
_DRUG, _EFFECT, _DISORDER = "Treatment.Drug", "Effect", "Treatment.Disorder"
_HARM = "Event:Adverse_event"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A marked span; `entity` is the key under which triples find it, `types` what it may be."""

    start: int
    end: int
    entity: int
    types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A relation as the source labels it, between entity keys; not `sure` where the text denies or doubts it."""

    head: int
    label: str
    tail: int
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What follows from the links of a row."""

    triples: frozenset[Triple]
    either: frozenset[tuple[Triple, ...]]
    unknown: frozenset[Triple]


def read_source(source: Source, folder: Path, *, places: Collection[str] = frozenset()) -> Iterator[Example]:
    """Yield an example for each row of a source; `places` are known places, by which chains of places are seen.

    Raises:
        ConfigError: when the folder has no such file.
        ParseError: for a line that is no row.
    """
    ontology = load_ontology("general")
    documents = _documents(source, folder)
    labels = {triple.relation for row in documents.values() for triple in row.triples}
    for row in read_rows(row_file(folder, source.name)):
        document = documents.get(source.document_of(row.id))
        yield _example(row, source, ontology, document, labels, places)


def _documents(source: Source, folder: Path) -> Mapping[str, Row]:
    if source.documents is None:
        return {}
    return {row.id: row for row in read_rows(row_file(folder, source.documents))}


def _example(
    row: Row, source: Source, ontology: Ontology, document: Row | None, labels: set[str], places: Collection[str]
) -> Example:
    spans = [*_spans(row, source, places)]
    types = _types_by_entity(spans)
    links = [link for link in _links(row, source, spans) if {link.head, link.tail} <= types.keys()]
    facts = _facts(links, source, types, ontology)
    if document is not None:
        facts = _with_document(facts, document, source, types, ontology)
    facts = _direct_places(facts)
    types = _narrowed(types, facts.triples, ontology)
    facts = _fitting(facts, types, ontology)
    return Example(
        id=f"{source.name}:{row.id}",
        language=row.lang,
        source=source.name,
        text=row.text,
        group=f"{source.name}:{source.document_of(row.id)}",
        mentions=tuple(
            Mention(start=span.start, end=span.end, type=next(iter(types[span.entity])), entity=span.entity)
            for span in spans
            if len(types[span.entity]) == 1
        ),
        candidates=tuple(
            Candidate(start=span.start, end=span.end, types=types[span.entity], entity=span.entity)
            for span in spans
            if len(types[span.entity]) != 1
        ),
        triples=tuple(sorted(facts.triples)),
        either=tuple(sorted(facts.either)),
        unknown=tuple(sorted(facts.unknown)),
        exhaustive_types=source.exhaustive,
        partial_types=source.partial,
        relations=_complete(row, source, labels),
        marked_pairs=source.complete == "pairs",
    )


def _spans(row: Row, source: Source, places: Collection[str]) -> Iterator[_Span]:
    """Yield the spans that count, in order and without overlap: of two that overlap the longer one."""
    keys: dict[tuple[str, frozenset[str]], int] = {}
    found: list[_Span] = []
    for entity in row.entities:
        types = source.entities.get(entity.type or "")
        if types is None:
            continue
        stated = entity.matches if entity.start is None else ((entity.start, entity.end or 0),)
        for start, end in stated:
            start_, kept = _trimmed(row.text, start, end, types, source, places)
            name = row.text[start_:end]
            key = entity.entity if entity.entity is not None else keys.setdefault((fold(name), types), len(keys))
            if kept is not None:
                found.append(_Span(start=start_, end=end, entity=key, types=kept))
    last = 0
    for span in sorted(_longest(found), key=lambda span: span.start):
        if span.start >= last:
            yield span
            last = span.end


def _longest(spans: Iterable[_Span]) -> Iterator[_Span]:
    taken: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    yield from taken


def _trimmed(
    text: str, start: int, end: int, types: frozenset[str], source: Source, places: Collection[str]
) -> tuple[int, frozenset[str] | None]:
    """Return where the name begins and what it may be; None where the source's span is none of our names."""
    if _is_pronoun(text[start:end]):
        return start, frozenset()
    if (source.names_only or source.max_words) and (article := _ARTICLE.match(text, start, end)):
        start = article.end()
    if source.names_only and not _is_proper(text[start:end]):
        return start, None
    if types & source.undivided and _is_chain(text[start:end], places):
        return start, None
    if source.max_words is not None and text[start:end].count(" ") >= source.max_words:
        return start, frozenset(load_ontology("general").entity_types)
    return start, types


def _is_pronoun(name: str) -> bool:
    """Say whether a name is a pronoun; US, IT and WHO are not."""
    return _PRONOUN.fullmatch(name) is not None and (name == "I" or not name.isupper())


def _is_proper(name: str) -> bool:
    words = name.split()
    if not words or _is_pronoun(words[0]):
        return False
    ends = words[0][0].isupper() and (words[-1][0].isupper() or words[-1][0].isdigit())
    return ends and all(_SMALL_WORD.fullmatch(word) or not word[0].islower() for word in words)


def _is_chain(name: str, places: Collection[str]) -> bool:
    """Say whether a Chinese place name begins with another one, as in 新泽西州爱迪生市 or 美国纽约."""
    if name.isascii():
        return False
    return _PART_OF_CHAIN.fullmatch(name) is not None or any(name[:at] in places for at in range(2, len(name) - 1))


def _types_by_entity(spans: Iterable[_Span]) -> dict[int, frozenset[str]]:
    """Return what each entity may be: where its spans differ, what all allow, else what the first says."""
    types: dict[int, frozenset[str]] = {}
    for span in spans:
        known = types.setdefault(span.entity, span.types)
        types[span.entity] = (known & span.types) or known
    return types


def _links(row: Row, source: Source, spans: Iterable[_Span]) -> Iterator[_Link]:
    if source.form == "events":
        yield from _event_links(row, spans)
        return
    by_end = {span.end: span.entity for span in spans}
    by_name = {fold(row.text[span.start : span.end]): span.entity for span in spans}
    for triple in row.triples:
        if source.form == "strings" or triple.head_span is None or triple.tail_span is None:
            head, tail = by_name.get(fold(triple.head)), by_name.get(fold(triple.tail))
        else:
            # By the end: a leading article may have gone.
            head, tail = by_end.get(triple.head_span[1]), by_end.get(triple.tail_span[1])
        if head is not None and tail is not None and head != tail:
            yield _Link(head=head, label=triple.relation, tail=tail)


def _event_links(row: Row, spans: Iterable[_Span]) -> Iterator[_Link]:
    """Join the drugs of a trigger with its effects, where the event is a harm, and with the disorders they are for."""
    by_end = {span.end: span.entity for span in spans}
    triggers: defaultdict[tuple[int, int] | None, list[RowTriple]] = defaultdict(list)
    for triple in row.triples:
        triggers[triple.head_span].append(triple)
    for arguments in triggers.values():
        sure = not any(triple.relation in _UNCERTAIN for triple in arguments)
        harm = any(triple.head_type == _HARM for triple in arguments)
        tails: defaultdict[str, list[int]] = defaultdict(list)
        for triple in arguments:
            if triple.tail_span and triple.tail_span[1] in by_end:
                tails[triple.relation].append(by_end[triple.tail_span[1]])
        for drug in tails[_DRUG]:
            for effect in tails[_EFFECT] if harm else ():
                yield _Link(head=drug, label="drug > effect", tail=effect, sure=sure)
            for disorder in tails[_DISORDER]:
                yield _Link(head=drug, label="drug > disorder", tail=disorder, sure=sure)


def _facts(links: Iterable[_Link], source: Source, types: Mapping[int, frozenset[str]], ontology: Ontology) -> _Facts:
    triples: set[Triple] = set()
    either: set[tuple[Triple, ...]] = set()
    unknown: set[Triple] = set()
    for link in links:
        for fact in source.relations.get(link.label, ()):
            possible = [(claim.sure, _triple(link, claim, ontology)) for claim in fact]
            possible = [(sure, triple) for sure, triple in possible if _allowed(triple, types, ontology)]
            certain = sorted({triple for sure, triple in possible if sure and link.sure})
            if len(certain) == 1:
                triples.add(certain[0])
            elif certain:
                either.add(tuple(certain))
            unknown.update(triple for sure, triple in possible if not (sure and link.sure))
    open_ = frozenset(group for group in either if not triples & set(group))
    return _Facts(triples=frozenset(triples), either=open_, unknown=frozenset(unknown - triples))


def _triple(link: _Link, claim: Claim, ontology: Ontology) -> Triple:
    head, tail = (link.tail, link.head) if claim.inverse else (link.head, link.tail)
    if ontology.relation_types[claim.relation].symmetric:
        head, tail = sorted((head, tail))
    return Triple(head=head, relation=claim.relation, tail=tail)


def _allowed(triple: Triple, types: Mapping[int, frozenset[str]], ontology: Ontology) -> bool:
    """Say whether some of the types that head and tail may have may stand in the relation; of a pronoun, any."""
    heads = types[triple.head] or frozenset(ontology.relation_types[triple.relation].head)
    tails = types[triple.tail] or frozenset(ontology.relation_types[triple.relation].tail)
    return any(ontology.allows(head, triple.relation, tail) for head in heads for tail in tails)


def _with_document(
    facts: _Facts, document: Row, source: Source, types: Mapping[int, frozenset[str]], ontology: Ontology
) -> _Facts:
    """Leave open what the whole document states but not this sentence."""
    links = [
        _Link(head=triple.head_entity, label=triple.relation, tail=triple.tail_entity, sure=False)
        for triple in document.triples
        if triple.head_entity is not None and triple.tail_entity is not None
        if {triple.head_entity, triple.tail_entity} <= types.keys()
    ]
    beyond = _facts(links, source, types, ontology).unknown
    known = facts.triples.union(*facts.either)
    return _Facts(triples=facts.triples, either=facts.either, unknown=(facts.unknown | beyond) - known)


def _direct_places(facts: _Facts) -> _Facts:
    """Leave open that A lies in C where A lies in B and B in C: our places are direct steps only."""
    within: defaultdict[int, set[int]] = defaultdict(set)
    for triple in facts.triples | facts.unknown:
        if triple.relation == "located_in":
            within[triple.head].add(triple.tail)
    skips = {
        triple
        for triple in facts.triples
        if triple.relation == "located_in"
        and any(triple.tail in within.get(step, ()) for step in within[triple.head] - {triple.head, triple.tail})
    }
    return _Facts(triples=facts.triples - skips, either=facts.either, unknown=facts.unknown | skips)


def _narrowed(
    types: Mapping[int, frozenset[str]], triples: Iterable[Triple], ontology: Ontology
) -> dict[int, frozenset[str]]:
    """Narrow what an entity may be by the relations it stands in: what has a director is a work."""
    narrowed = dict(types)
    for triple in triples:
        relation = ontology.relation_types[triple.relation]
        for entity, allowed in ((triple.head, relation.head), (triple.tail, relation.tail)):
            narrowed[entity] = narrowed[entity] & frozenset(allowed) or narrowed[entity]
    return narrowed


def _fitting(facts: _Facts, types: Mapping[int, frozenset[str]], ontology: Ontology) -> _Facts:
    """Leave open what the narrowed types no longer allow: the source uses one name in two senses."""
    wrong = {triple for triple in facts.triples if not _allowed(triple, types, ontology)}
    return _Facts(triples=facts.triples - wrong, either=facts.either, unknown=facts.unknown | wrong)


def _complete(row: Row, source: Source, labels: set[str]) -> frozenset[str]:
    if source.complete == "all":
        return source.relations_of(labels, sure=True)
    if source.complete == "row":
        return source.relations_of(row.annotated_relations or (), sure=True)
    if source.complete == "stated":
        return source.relations_of((triple.relation for triple in row.triples), sure=True)
    if source.complete == "pairs":
        return source.relations_of(source.relations, sure=False)
    return frozenset()
