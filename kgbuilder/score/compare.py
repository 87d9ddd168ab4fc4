"""Compare what was predicted about one text with what is annotated, and put every difference into a class.

A wrong prediction and a missed item are paired, each with at most one other, when one explains the other; a pair is one
error. So the classes other than `invented` count each missed item once, and those other than `missed` each wrong
prediction once. Closer pairs are made first: by the order of the classes given here, then by what they have in common,
then by their order in the text.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kgbuilder.score.annotated import AnnotatedEntity, AnnotatedText, AnnotatedTriple

__all__ = [
    "ENTITY_ERRORS",
    "INVENTED",
    "MISSED",
    "TRIPLE_ERRORS",
    "Argument",
    "Comparison",
    "Mistake",
    "Statement",
    "compare_entities",
    "compare_statements",
    "statements",
]

MISSED, INVENTED = "missed", "invented"

ENTITY_ERRORS: Mapping[str, str] = {
    "type": "the span is that of a missed entity, the type another",
    "boundary": "it overlaps a missed entity of the same type, and begins or ends elsewhere",
    "boundary_and_type": "it overlaps a missed entity of another type, and begins or ends elsewhere",
    MISSED: "an annotated entity that was not predicted, and that no wrong prediction is paired with",
    INVENTED: "a wrong prediction that is paired with no missed entity",
}
"""Classes of errors over entities with what they mean, in the order in which pairs are made."""

TRIPLE_ERRORS: Mapping[str, str] = {
    "direction": "relation, head and tail are those of a missed triple, but head and tail have changed places",
    "argument_type": "head and tail are those of a missed triple, but one of them was given another type, and so "
    "another relation was stated (where types of arguments count, also the same relation)",
    "wrong_relation": "head and tail, in either order, are those of a missed triple, the relation is another",
    "argument_boundary": "the relation is that of a missed triple, and so are head and tail up to their boundaries: of "
    "the two names that differ one contains the other",
    MISSED: "an annotated triple that was not predicted, and that no wrong prediction is paired with",
    INVENTED: "a wrong prediction that is paired with no missed triple",
}
"""Classes of errors over triples with what they mean, in the order in which pairs are made."""

Item = TypeVar("Item", AnnotatedEntity, AnnotatedTriple)
Key = tuple[int | str, ...]
_Link = tuple[str, float, int, int]
"""Class, closeness (more is closer), number of the missed item, number of the wrong prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake(Generic[Item]):
    """One error: a missed item, a wrong prediction, or both as a pair."""

    kind: str
    gold: Item | None = None
    predicted: Item | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Generic[Item]):
    """The items of one text without repeats, in order; counts by type (by relation, for triples)."""

    gold: tuple[Item, ...]
    predicted: tuple[Item, ...]
    n_gold: Mapping[str, int]
    n_predicted: Mapping[str, int]
    n_correct: Mapping[str, int]
    mistakes: tuple[Mistake[Item], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """Head or tail of a statement: arguments with one `key` are the same thing, by whatever of its `names`.

    The key is the number of an entity of the text, or a name that belongs to none; `names[0]` is the one that was used.
    """

    key: int | str
    names: tuple[str, ...]
    type: str = ""

    @property
    def order(self) -> Key:
        """A form of the key that can be sorted: numbers before names."""
        return (0, self.key, "") if isinstance(self.key, int) else (1, 0, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A triple with its arguments looked up; `symmetric` when head and tail may change places."""

    head: Argument
    relation: str
    tail: Argument
    symmetric: bool = False

    def as_triple(self) -> AnnotatedTriple:
        """Return the triple by the names that were used."""
        return AnnotatedTriple(
            head=self.head.names[0],
            relation=self.relation,
            tail=self.tail.names[0],
            head_type=self.head.type,
            tail_type=self.tail.type,
        )


# --- entities ---------------------------------------------------------------------------------------------------------


def compare_entities(
    gold: Sequence[AnnotatedEntity], predicted: Sequence[AnnotatedEntity]
) -> Comparison[AnnotatedEntity]:
    """Compare by span and type; by text and type when one of them has no offsets."""
    by_span = all(entity.start is not None for entity in (*gold, *predicted))
    wanted, given = (_keyed_entities(entities, by_span) for entities in (gold, predicted))
    lost = [entity for key, entity in wanted.items() if key not in given]
    wrong = [entity for key, entity in given.items() if key not in wanted]
    links = _span_links(lost, wrong) if by_span else _name_links(lost, wrong)
    return Comparison(
        gold=tuple(wanted.values()),
        predicted=tuple(given.values()),
        n_gold=Counter(entity.type for entity in wanted.values()),
        n_predicted=Counter(entity.type for entity in given.values()),
        n_correct=Counter(entity.type for key, entity in given.items() if key in wanted),
        mistakes=tuple(_mistakes(lost, wrong, links, ENTITY_ERRORS)),
    )


def _keyed_entities(entities: Iterable[AnnotatedEntity], by_span: bool) -> dict[Key, AnnotatedEntity]:
    keyed: dict[Key, AnnotatedEntity] = {}
    for entity in entities:
        span = (entity.start or 0, entity.end or 0) if by_span else (entity.text,)
        keyed.setdefault((*span, entity.type), entity)
    return dict(sorted(keyed.items(), key=lambda item: item[0]))


def _span_links(lost: Sequence[AnnotatedEntity], wrong: Sequence[AnnotatedEntity]) -> list[_Link]:
    """Link what overlaps. The places of all missed spans are listed once, so that long texts take linear time."""
    at: defaultdict[int, list[int]] = defaultdict(list)
    for n, entity in enumerate(lost):
        for place in range(entity.start or 0, entity.end or 0):
            at[place].append(n)
    links: list[_Link] = []
    for m, entity in enumerate(wrong):
        places = range(entity.start or 0, entity.end or 0)
        overlaps = Counter(n for place in places if place in at for n in at[place])
        for n, overlap in overlaps.items():
            other = lost[n]
            same_span = (entity.start, entity.end) == (other.start, other.end)
            links.append((_entity_kind(same_span, entity.type == other.type), overlap, n, m))
    return links


def _name_links(lost: Sequence[AnnotatedEntity], wrong: Sequence[AnnotatedEntity]) -> list[_Link]:
    return [
        (
            _entity_kind(entity.text == other.text, entity.type == other.type),
            min(len(entity.text), len(other.text)),
            n,
            m,
        )
        for m, entity in enumerate(wrong)
        for n, other in enumerate(lost)
        if _is_near(entity.text, other.text)
    ]


def _entity_kind(same_span: bool, same_type: bool) -> str:
    if same_span:
        return "type"
    return "boundary" if same_type else "boundary_and_type"


# --- triples ----------------------------------------------------------------------------------------------------------


def statements(
    said: AnnotatedText, *, about: AnnotatedText, symmetric: frozenset[str] = frozenset()
) -> list[Statement]:
    """Look up the arguments of the triples that `said` states among the entities of `about`, which is annotated.

    A name that is a mention of a numbered entity stands for that entity. Where a triple does not say the type of an
    argument, it is that of the entity of this name in `said`. `symmetric` are relations.
    """
    numbers: dict[int | str, int] = {}
    keys: dict[str, int] = {}
    names: defaultdict[int, list[str]] = defaultdict(list)
    for entity in about.entities:
        if entity.entity is not None and entity.text not in keys:
            key = numbers.setdefault(entity.entity, len(numbers))
            keys[entity.text] = key
            names[key].append(entity.text)
    types: dict[str, str] = {}
    for entity in said.entities:
        types.setdefault(entity.text, entity.type)

    def argument(name: str, type_: str) -> Argument:
        key = keys.get(name)
        others = () if key is None else tuple(other for other in names[key] if other != name)
        return Argument(key=name if key is None else key, names=(name, *others), type=type_ or types.get(name, ""))

    return [
        Statement(
            head=argument(triple.head, triple.head_type),
            relation=triple.relation,
            tail=argument(triple.tail, triple.tail_type),
            symmetric=triple.relation in symmetric,
        )
        for triple in said.triples
    ]


def compare_statements(
    gold: Sequence[Statement], predicted: Sequence[Statement], *, with_types: bool = False
) -> Comparison[AnnotatedTriple]:
    """Compare by relation and the keys of head and tail; `with_types` asks that their types are the same too."""
    wanted, given = (_keyed_statements(said, with_types) for said in (gold, predicted))
    lost = [statement for key, statement in wanted.items() if key not in given]
    wrong = [statement for key, statement in given.items() if key not in wanted]
    lost_triples, wrong_triples = ([statement.as_triple() for statement in part] for part in (lost, wrong))
    return Comparison(
        gold=tuple(statement.as_triple() for statement in wanted.values()),
        predicted=tuple(statement.as_triple() for statement in given.values()),
        n_gold=Counter(statement.relation for statement in wanted.values()),
        n_predicted=Counter(statement.relation for statement in given.values()),
        n_correct=Counter(statement.relation for key, statement in given.items() if key in wanted),
        mistakes=tuple(_mistakes(lost_triples, wrong_triples, _statement_links(lost, wrong), TRIPLE_ERRORS)),
    )


def _keyed_statements(said: Iterable[Statement], with_types: bool) -> dict[Key, Statement]:
    keyed: dict[Key, Statement] = {}
    for statement in said:
        ends = (statement.head, statement.tail)
        if statement.symmetric and statement.tail.order < statement.head.order:
            ends = (statement.tail, statement.head)
        types = tuple(end.type for end in ends) if with_types else ()
        keyed.setdefault((*ends[0].order, *ends[1].order, statement.relation, *types), statement)
    return dict(sorted(keyed.items(), key=lambda item: item[0]))


def _statement_links(lost: Sequence[Statement], wrong: Sequence[Statement]) -> list[_Link]:
    by_pair: defaultdict[frozenset[int | str], list[int]] = defaultdict(list)
    by_relation: defaultdict[str, list[int]] = defaultdict(list)
    for n, statement in enumerate(lost):
        by_pair[_pair(statement)].append(n)
        by_relation[statement.relation].append(n)
    links: list[_Link] = []
    for m, statement in enumerate(wrong):
        links += [(*_kind_by_pair(lost[n], statement), n, m) for n in by_pair.get(_pair(statement), ())]
        for n in by_relation.get(statement.relation, ()):
            n_same = _n_same_ends(lost[n], statement)
            if n_same is not None:
                links.append(("argument_boundary", n_same, n, m))
    return links


def _pair(statement: Statement) -> frozenset[int | str]:
    return frozenset((statement.head.key, statement.tail.key))


def _kind_by_pair(gold: Statement, predicted: Statement) -> tuple[str, float]:
    """Return class and closeness of two statements about the same two things."""
    in_order = gold.head.key == predicted.head.key
    if gold.relation == predicted.relation:
        return ("argument_type", 1) if in_order or gold.symmetric else ("direction", 0)
    ends = ((gold.head, predicted.head), (gold.tail, predicted.tail))
    if in_order and any(one.type and other.type and one.type != other.type for one, other in ends):
        return "argument_type", 0
    return "wrong_relation", in_order


def _n_same_ends(gold: Statement, predicted: Statement) -> int | None:
    """Return how many of head and tail are the same when the others are up to their boundaries, else None."""
    orders = [(predicted.head, predicted.tail)]
    if gold.symmetric:
        orders.append((predicted.tail, predicted.head))
    for head, tail in orders:
        same = [gold.head.key == head.key, gold.tail.key == tail.key]
        near = [_is_near_any(gold.head, head), _is_near_any(gold.tail, tail)]
        if not all(same) and all(one or other for one, other in zip(same, near, strict=True)):
            return sum(same)
    return None


def _is_near_any(gold: Argument, predicted: Argument) -> bool:
    return any(_is_near(name, predicted.names[0]) for name in gold.names)


def _is_near(one: str, other: str) -> bool:
    return bool(one) and bool(other) and (one in other or other in one)


# --- pairs ------------------------------------------------------------------------------------------------------------


def _mistakes(
    lost: Sequence[Item], wrong: Sequence[Item], links: Iterable[_Link], kinds: Iterable[str]
) -> list[Mistake[Item]]:
    """Make pairs of the closest links first; what is left is missed or invented. In the order of the text."""
    ranks = {kind: rank for rank, kind in enumerate(kinds)}
    of_lost: dict[int, tuple[str, int]] = {}
    taken: set[int] = set()
    for kind, _, n, m in sorted(links, key=lambda link: (ranks[link[0]], -link[1], *link[2:])):
        if n not in of_lost and m not in taken:
            of_lost[n] = (kind, m)
            taken.add(m)
    mistakes: list[Mistake[Item]] = []
    for n, item in enumerate(lost):
        kind, m = of_lost.get(n, (MISSED, -1))
        mistakes.append(Mistake(kind=kind, gold=item, predicted=wrong[m] if m >= 0 else None))
    for m, item in enumerate(wrong):
        if m not in taken:
            mistakes.append(Mistake(kind=INVENTED, predicted=item))
    return mistakes
