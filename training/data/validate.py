"""What every annotation must fulfil, whatever file it comes from."""

from collections.abc import Iterator
from itertools import pairwise

from graph_schema import Ontology
from training.data.mistakes import Mistake
from training.data.records import Annotation, Mention

__all__ = ["validate"]


def validate(annotation: Annotation, ontology: Ontology, where: str) -> Iterator[Mistake]:
    """Yield every mistake of an annotation: spans, types, ids, and triples that the ontology does not allow."""
    yield from _wrong_spans(annotation, where)
    yield from _wrong_types(annotation, ontology, where)
    yield from _wrong_triples(annotation, ontology, where)


def _wrong_spans(annotation: Annotation, where: str) -> Iterator[Mistake]:
    text = annotation.text
    if not text.strip():
        yield Mistake(where=where, what="there is no text", remedy="write the passage, or take the line out")
    for mention in annotation.mentions:
        if not 0 <= mention.start < mention.end <= len(text):
            what = f"span {mention.start} to {mention.end} is empty or lies outside the {len(text)} characters"
            yield Mistake(where=where, what=what, remedy="count code points, end behind the last one")
            continue
        name = text[mention.start : mention.end]
        if name != name.strip():
            remedy = "leave the white space outside the mark"
            yield Mistake(where=where, what=f"{name!r} begins or ends with white space", remedy=remedy)
    for one, other in pairwise(sorted(annotation.mentions)):
        if one.end > other.start:
            what = f"{_name(text, one)!r} and {_name(text, other)!r} overlap"
            yield Mistake(where=where, what=what, remedy="mark the longer name only, or both side by side")


def _wrong_types(annotation: Annotation, ontology: Ontology, where: str) -> Iterator[Mistake]:
    types: dict[int, str] = {}
    for mention in annotation.mentions:
        if mention.type not in ontology.entity_types:
            remedy = f"known are {', '.join(ontology.entity_types)}"
            yield Mistake(where=where, what=f"unknown type {mention.type!r}", remedy=remedy)
        elif types.setdefault(mention.entity, mention.type) != mention.type:
            what = f"entity {mention.entity} is {types[mention.entity]} and {mention.type}"
            yield Mistake(where=where, what=what, remedy="give one thing one type, another thing its own id")


def _wrong_triples(annotation: Annotation, ontology: Ontology, where: str) -> Iterator[Mistake]:
    types = {mention.entity: mention.type for mention in annotation.mentions}
    seen: set[tuple[int, str, int]] = set()
    for triple in annotation.triples:
        fact = f"{triple.head} {triple.relation} {triple.tail}"
        relation = ontology.relation_types.get(triple.relation)
        if relation is None:
            remedy = "use an id of the ontology `general`"
            yield Mistake(where=where, what=f"unknown relation in {fact!r}", remedy=remedy)
            continue
        key = (triple.head, triple.relation, triple.tail)
        if relation.symmetric:
            key = (min(triple.head, triple.tail), triple.relation, max(triple.head, triple.tail))
        if key in seen:
            remedy = "state it once; a symmetric relation holds both ways"
            yield Mistake(where=where, what=f"{fact!r} stands twice", remedy=remedy)
        seen.add(key)
        if missing := [id_ for id_ in (triple.head, triple.tail) if id_ not in types]:
            what = f"{fact!r} names {missing[0]}, which is not marked"
            yield Mistake(where=where, what=what, remedy="mark the entity, or take the triple out")
        elif triple.head == triple.tail:
            remedy = "give an alias an id of its own"
            yield Mistake(where=where, what=f"{fact!r} relates an entity to itself", remedy=remedy)
        elif not ontology.allows(types[triple.head], triple.relation, types[triple.tail]):
            what = f"{fact!r}: {types[triple.head]} to {types[triple.tail]} is not allowed"
            remedy = f"{triple.relation} goes from {'/'.join(relation.head)} to {'/'.join(relation.tail)}"
            yield Mistake(where=where, what=what, remedy=remedy)


def _name(text: str, mention: Mention) -> str:
    return text[mention.start : mention.end]
