"""What belongs together in a text that was read: short forms, repeated names, words that stand for a name.

An entity has no record of its own before resolution: there, mentions of one type whose names share a key are one node.
So a triple of a short form is moved to a mention of the full name, as the lexicon does, and the mention stays where it
is. Everything is a function of a text and what was read in it, in time that grows like n log n with both.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kgbuilder.extract.compact.anaphora import Anaphor, read_anaphor
from kgbuilder.extract.compact.declared import declared_names
from kgbuilder.extract.compact.decode import Reading, ReadTriple
from kgbuilder.extract.compact.entities import ALIAS, MAX_SHARING, Entities, find_entities, same_node
from kgbuilder.extract.compact.repeats import add_names, repeated

__all__ = ["link", "merge_triples", "resolve_anaphora"]

MAX_REACH_CHARS = 2_000
"""How far from the other argument a full name may stand: evidence reaches from one argument to the other."""


def link(text: str, reading: Reading, *, symmetric: Collection[str] = (), functional: Collection[str] = ()) -> Reading:
    """Return a reading in which all that is said of one thing stands on one name of it, and is said once.

    `symmetric` and `functional` are ids of relations: stated once for both directions, and true of one tail a head.
    """
    reading, declared = declared_names(text, reading)
    reading = add_names(reading, repeated(text, reading.mentions))
    reading, entities = resolve_anaphora(text, reading, find_entities(text, reading, declared))
    return merge_triples(reading, entities, symmetric=symmetric, functional=functional)


# --- words that stand for a name --------------------------------------------------------------------------------------


def resolve_anaphora(text: str, reading: Reading, entities: Entities) -> tuple[Reading, Entities]:
    """Leave out mentions that are no names, their triples moved to the one thing before them that can be meant.

    Where none or several can be meant the triples go too.
    """
    if -1 not in entities.of:
        return reading, entities
    meant = _antecedents(reading, entities)
    kept = [n for n, entity in enumerate(entities.of) if entity >= 0]
    numbers = {old: new for new, old in enumerate(kept)}
    numbers |= {anaphor: numbers[name] for anaphor, name in meant.items()}
    triples = [
        replace(triple, head=numbers[triple.head], tail=numbers[triple.tail])
        for triple in reading.triples
        if triple.head in numbers and triple.tail in numbers
    ]
    left = Reading(mentions=tuple(reading.mentions[n] for n in kept), triples=tuple(triples))
    names, of = tuple(entities.names[n] for n in kept), tuple(entities.of[n] for n in kept)
    return left, Entities(names=names, of=of, keys=entities.keys)


def _antecedents(reading: Reading, entities: Entities) -> dict[int, int]:
    """Return for mentions that are no names the last mention of what they mean."""
    meant: dict[int, int] = {}
    seen: dict[str, dict[int, int]] = {}
    genders: dict[int, str] = {}
    for n, mention in enumerate(reading.mentions):
        before = seen.setdefault(mention.type, {})
        if entities.of[n] >= 0:
            before[entities.of[n]] = n
            continue
        anaphor = read_anaphor(entities.names[n].text, mention.type)
        if anaphor is None or not anaphor.is_one or len(before) > MAX_SHARING:
            continue
        fitting = [e for e in before if _may_mean(anaphor, entities.keys[e].text, genders.get(e, ""))]
        if len(fitting) == 1:
            meant[n] = before[fitting[0]]
            if anaphor.gender:
                genders[fitting[0]] = anaphor.gender
    return meant


def _may_mean(anaphor: Anaphor, name: str, gender: str) -> bool:
    return anaphor.may_mean(name) and (not gender or not anaphor.gender or gender == anaphor.gender)


# --- what is said of one thing ----------------------------------------------------------------------------------------


def merge_triples(
    reading: Reading, entities: Entities, *, symmetric: Collection[str] = (), functional: Collection[str] = ()
) -> Reading:
    """Move triples to full names and keep of those that say the same the surest, of a functional relation the surest.

    What a thing would be to itself is left out, unless it is another name of it.
    """
    full = _full_mentions(entities)
    best: dict[tuple[int, str, int], tuple[float, int, int]] = {}
    surest: dict[tuple[int, str], tuple[float, int, int]] = {}
    moved: dict[tuple[int, str, int], ReadTriple] = {}
    for triple in reading.triples:
        placed = _placed(triple, reading, entities, full)
        if placed is None:
            continue
        if triple.relation in symmetric and placed.head > placed.tail:
            placed = replace(placed, head=placed.tail, tail=placed.head)
        key = _key(placed, entities, is_symmetric=triple.relation in symmetric)
        gap = abs(reading.mentions[triple.head].start - reading.mentions[triple.tail].start)
        rank = (-triple.score, gap, reading.mentions[triple.head].start)
        if key not in best or rank < best[key]:
            best[key], moved[key] = rank, placed
    for key, rank in best.items():
        surest[key[:2]] = min(rank, surest.get(key[:2], rank))
    kept = [t for key, t in moved.items() if t.relation not in functional or best[key] == surest[key[:2]]]
    return Reading(mentions=reading.mentions, triples=tuple(sorted(kept, key=lambda t: (t.head, t.tail, t.relation))))


def _key(triple: ReadTriple, entities: Entities, *, is_symmetric: bool) -> tuple[int, str, int]:
    head, tail = entities.of[triple.head], entities.of[triple.tail]
    if triple.relation == ALIAS and head == tail:
        # Each other name of one thing is said once.
        return head, f"{ALIAS} {entities.names[triple.tail].key}", tail
    return (min(head, tail), triple.relation, max(head, tail)) if is_symmetric else (head, triple.relation, tail)


def _full_mentions(entities: Entities) -> Mapping[int, Sequence[int]]:
    """Return the mentions by their full names for each entity, in text order."""
    full: dict[int, list[int]] = {}
    for n, entity in enumerate(entities.of):
        if entities.is_full(n):
            full.setdefault(entity, []).append(n)
    return full


def _placed(
    triple: ReadTriple, reading: Reading, entities: Entities, full: Mapping[int, Sequence[int]]
) -> ReadTriple | None:
    """Return a triple between full names, None for one of a thing with itself."""
    if entities.of[triple.head] == entities.of[triple.tail]:
        is_alias = triple.relation == ALIAS
        return triple if is_alias and not same_node(entities.names[triple.head], entities.names[triple.tail]) else None
    head = _full_near(triple.head, triple.tail, reading, entities, full)
    tail = _full_near(triple.tail, head, reading, entities, full)
    return replace(triple, head=head, tail=tail)


def _full_near(
    mention: int, other: int, reading: Reading, entities: Entities, full: Mapping[int, Sequence[int]]
) -> int:
    """Return the mention by its full name nearest to the other argument; itself where it has it, or none is near."""
    if entities.is_full(mention):
        return mention
    places = full.get(entities.of[mention], ())
    at = bisect_left(places, other)
    near = places[max(0, at - 1) : at + 1]
    start = reading.mentions[other].start
    found = min(near, key=lambda n: abs(reading.mentions[n].start - start), default=mention)
    return found if abs(reading.mentions[found].start - start) <= MAX_REACH_CHARS else mention
