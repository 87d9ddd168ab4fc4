"""Annotated passages, and the training examples made of them: immutable, slotted, built by keyword.

Offsets are half-open code points in `text`. An entity is a number within one passage: mentions with the same number
name the same thing. A triple relates two such numbers; where the relation is symmetric it stands once, and its mirror
is true too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["AnnotatedPassage", "Annotation", "Candidate", "Example", "Mention", "Triple", "first_names"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mention:
    """A span that names an entity; `type` is the id of an entity type."""

    start: int
    end: int
    type: str
    entity: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Triple:
    """A relation, by id, between two entities of one passage."""

    head: int
    relation: str
    tail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What is marked in a text: mentions by position, triples as written."""

    text: str
    mentions: tuple[Mention, ...] = ()
    triples: tuple[Triple, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedPassage:
    """A text annotated exhaustively: an unmarked span is no entity, an unlisted pair has no relation stated here.

    `where` is the file and line it was read from; `accepted` are the rules of `conventions` that it may break, with a
    reason written beside it. Neither takes part in comparisons.
    """

    id: str
    language: str
    source: str
    text: str
    mentions: tuple[Mention, ...] = ()
    triples: tuple[Triple, ...] = ()
    where: str = field(default="", compare=False)
    accepted: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Candidate:
    """A span that may be the argument of a relation and whose type is one of `types`, not known which.

    With no type it is no entity (a pronoun): a negative for every type, yet a head or tail of triples.
    """

    start: int
    end: int
    types: frozenset[str]
    entity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A passage with what its source says about it, and what it leaves open.

    A span that is neither a mention nor a candidate is a negative for each of `exhaustive_types`; where it overlaps a
    mention, for each of `partial_types` too; for all other types it is unknown.
    A pair of entities is a negative for each of `relations` in which it stands neither in `triples` nor in `unknown`
    nor in a group of `either`, of which at least one triple is true. With `marked_pairs` only pairs of entities that
    are marked here can be negatives, otherwise any two spans.
    Examples of one `group` (a document) belong into the same split.
    """

    id: str
    language: str
    source: str
    text: str
    group: str
    mentions: tuple[Mention, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    triples: tuple[Triple, ...] = ()
    either: tuple[tuple[Triple, ...], ...] = ()
    unknown: tuple[Triple, ...] = ()
    exhaustive_types: frozenset[str] = frozenset()
    partial_types: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()
    marked_pairs: bool = False


def first_names(text: str, mentions: Iterable[Mention]) -> dict[int, Mention]:
    """Return the first mention of each entity: the name it goes by where one must be chosen."""
    first: dict[int, Mention] = {}
    for mention in sorted(mentions):
        first.setdefault(mention.entity, mention)
    return first
