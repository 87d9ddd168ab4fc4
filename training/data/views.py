"""A passage laid out for looking things up: entities by number, triples by relation; and what words are used as."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kgbuilder.normalize import fold
from training.data.records import AnnotatedPassage, Mention, first_names

__all__ = ["View", "Vocabulary", "vocabulary_of"]

_VALUES = frozenset({"TIME", "NUM"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What words are used as in all passages.

    Folded, roles are the tails of occupation and position_held, countries those of nationality; `types` counts by name
    the passages that mark it, by type, values left out.
    """

    roles: frozenset[str]
    countries: frozenset[str]
    types: Mapping[str, Mapping[str, int]]


class View:
    """One passage with its entities by number and its triples by relation."""

    def __init__(self, passage: AnnotatedPassage) -> None:
        self.passage = passage
        self.first = first_names(passage.text, passage.mentions)
        self.used = {entity for triple in passage.triples for entity in (triple.head, triple.tail)}
        self._pairs: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
        for triple in passage.triples:
            self._pairs[triple.relation].add((triple.head, triple.tail))

    def pairs(self, relation: str) -> list[tuple[int, int]]:
        """Return heads and tails of a relation, in order."""
        return sorted(self._pairs.get(relation, ()))

    def has(self, head: int, relation: str, tail: int) -> bool:
        return (head, tail) in self._pairs.get(relation, ())

    def tails(self, head: int, relation: str) -> list[int]:
        return [tail for first, tail in self.pairs(relation) if first == head]

    def type(self, entity: int) -> str:
        return self.first[entity].type

    def name(self, entity: int) -> str:
        return self.text(self.first[entity])

    def text(self, mention: Mention) -> str:
        return self.passage.text[mention.start : mention.end]

    def marked(self) -> bytearray:
        """Return for each character whether it stands in a mark."""
        marked = bytearray(len(self.passage.text))
        for mention in self.passage.mentions:
            marked[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
        return marked


def vocabulary_of(passages: Iterable[AnnotatedPassage]) -> Vocabulary:
    """Collect what words are used as."""
    roles: set[str] = set()
    countries: set[str] = set()
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for passage in passages:
        view = View(passage)
        for relation, words in (("occupation", roles), ("position_held", roles), ("nationality", countries)):
            words.update(fold(view.name(tail)) for _, tail in view.pairs(relation))
        for name, type_ in {(view.text(mention), mention.type) for mention in passage.mentions}:
            if type_ not in _VALUES:
                types[name][type_] += 1
    return Vocabulary(roles=frozenset(roles), countries=frozenset(countries), types=types)
