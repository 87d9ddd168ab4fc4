"""Which names in a text are one thing: those that share a key, and short forms with their full names."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kgbuilder.extract.compact.anaphora import read_anaphor
from kgbuilder.extract.compact.declared import Declared
from kgbuilder.extract.compact.decode import Reading
from kgbuilder.extract.compact.short_forms import Name, is_unordered, is_verified, long_keys, name_size, short_keys
from kgbuilder.normalize.abbreviations import is_abbreviation, is_other_script

__all__ = ["ALIAS", "MAX_SHARING", "Entities", "find_entities", "same_node"]

ALIAS = "alias"
"""The relation between two names of one thing: the only one that an entity may have with itself."""

MAX_SHARING = 32
"""Of so many names with one short form nobody looks for the one that is meant."""

_WIFE = re.compile(r"\b(?:Mrs|Mme|Madame|Lady)\.?\s$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """Which mentions of a reading are one thing: `of` has the number of each one's entity, -1 for what is no name.

    `names` are those of the mentions; the entity's own name, the full one, has the number of the entity in `keys`.
    """

    names: tuple[Name, ...]
    of: tuple[int, ...]
    keys: tuple[Name, ...]

    def is_full(self, mention: int) -> bool:
        """Say whether a mention has the full name of its entity."""
        return self.of[mention] >= 0 and same_node(self.names[mention], self.keys[self.of[mention]])


def find_entities(text: str, reading: Reading, declared: Iterable[Declared] = ()) -> Entities:
    """Say which mentions are one thing: those whose names share a key, and short forms with their full names.

    A short form is linked when it is declared, or when one longer thing in the text could be meant by it; with two it
    stays by itself, and so does a name that some relation holds between itself and the longer one.
    """
    names = tuple(Name.of(text[m.start : m.end], m.type) for m in reading.mentions)
    groups = _Groups(names)
    of = groups.numbers
    for n, mention in enumerate(reading.mentions):
        if names[n].family == "person" and _WIFE.search(text, max(0, mention.start - 10), mention.start):
            groups.alone.add(of[n])
    said = {(of[t.head], of[t.tail]) for t in reading.triples if t.relation != ALIAS}
    groups.apart = said | {(tail, head) for head, tail in said}
    groups.declare([*declared, *_aliases(reading, names)])
    groups.infer()
    return Entities(
        names=names,
        of=tuple(-1 if group < 0 else groups.root(group) for group in of),
        keys=tuple(groups.names),
    )


def _aliases(reading: Reading, names: Sequence[Name]) -> Iterator[Declared]:
    """Yield what the reading says is another name, where it has the form of a short one."""
    for triple in reading.triples:
        short, full = sorted((names[triple.head], names[triple.tail]), key=lambda name: len(name.key))
        if triple.relation == ALIAS and short.type == full.type and not (_is_anaphor(short) or _is_anaphor(full)):
            shared = {*short_keys(short)} & {*long_keys(full)}
            of_letters = is_abbreviation(short.text, full.text) or is_other_script(short.text, full.text)
            if of_letters or any(is_verified(key, short, full) for key in shared):
                yield short, full


class _Groups:
    """Names by type and key, numbered in text order, and what each is a short form of."""

    def __init__(self, mentions: Sequence[Name]) -> None:
        """Take the names of the mentions in order; those that are no names get the number -1."""
        known: dict[tuple[str, str], int] = {}
        self.names: list[Name] = []
        self.numbers: list[int] = []
        self.alone: set[int] = set()
        self.apart: set[tuple[int, int]] = set()
        for name in mentions:
            if not name.key or _is_anaphor(name):
                self.numbers.append(-1)
                continue
            number = known.setdefault((name.type, name.key), len(self.names))
            if number == len(self.names):
                self.names.append(name)
            self.numbers.append(number)
        self._known = known
        self._parent = list(range(len(self.names)))

    def root(self, group: int) -> int:
        """Return the group of the full name."""
        root = group
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[group] != root:
            self._parent[group], group = root, self._parent[group]
        return root

    def declare(self, declared: Iterable[Declared]) -> None:
        """Link what a text declares; what it declares to stand for two things stands for itself."""
        means: dict[int, dict[int, None]] = {}
        for short, full in declared:
            one, other = (self._known.get((name.type, name.key)) for name in (short, full))
            if one is not None and other is not None and one != other:
                means.setdefault(one, {})[other] = None
        for short_, fulls in means.items():
            self.alone.add(short_)
            if len({self.root(full) for full in fulls}) == 1:
                self._join(short_, next(iter(fulls)))

    def infer(self) -> None:
        """Link each name that is not settled to the one longer name that it may be short for, the longest first."""
        index: dict[tuple[str, str], list[int]] = {}
        by_length = sorted(range(len(self.names)), key=lambda n: (-name_size(self.names[n]), n))
        for group in by_length:
            if group not in self.alone:
                self._infer(group, index)
            name = self.names[group]
            for key in dict.fromkeys(long_keys(name)):
                sharing = index.setdefault((name.type, key), [])
                if len(sharing) <= MAX_SHARING:
                    sharing.append(group)

    def _infer(self, group: int, index: Mapping[tuple[str, str], list[int]]) -> None:
        name = self.names[group]
        fitting: dict[int, bool] = {}
        for key in short_keys(name):
            sharing = index.get((name.type, key), ())
            if len(sharing) > MAX_SHARING:
                return
            for full in sharing:
                if is_verified(key, name, self.names[full]):
                    fitting[full] = is_unordered(key) or fitting.get(full, False)
        if len({self.root(full) for full in fitting}) != 1:
            return
        is_behind = any(full < group or unordered for full, unordered in fitting.items())
        related = [full for full in (*fitting, self.root(next(iter(fitting)))) if (group, full) in self.apart]
        if is_behind and not related:
            self._join(group, next(iter(fitting)))

    def _join(self, short: int, full: int) -> None:
        if self.root(full) != short and self.root(short) == short:
            self._parent[short] = self.root(full)


def same_node(one: Name, other: Name) -> bool:
    """Say whether two names belong to one node, whatever their spelling."""
    return (one.type, one.key) == (other.type, other.key)


def _is_anaphor(name: Name) -> bool:
    return read_anaphor(name.text, name.type) is not None
