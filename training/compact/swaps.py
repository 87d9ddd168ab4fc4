"""Swap the names of an example with others of the same type, so that a name is not what is learnt."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from training.data import Example, Mention

__all__ = ["NamePools", "swap_names"]

_TYPES = frozenset({"PER", "ORG", "LOC", "WORK", "EVENT", "PRODUCT"})
_MIN_POOL = 8
_COMPOSED = 0.5


class NamePools:
    """The names of a training split by type, and by type and last character; parts of Chinese personal names."""

    def __init__(self, examples: Iterable[Example]) -> None:
        names: defaultdict[str, set[str]] = defaultdict(set)
        for example in examples:
            for mention in example.mentions:
                if mention.type in _TYPES:
                    names[mention.type].add(example.text[mention.start : mention.end])
        self._by_type: Mapping[str, Sequence[str]] = {type_: sorted(found) for type_, found in names.items()}
        by_end: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for type_, found in self._by_type.items():
            for name in found:
                by_end[type_, _ending(name)].append(name)
        self._by_end = by_end
        people = [name for name in self._by_type.get("PER", ()) if 2 <= len(name) <= 3 and not name.isascii()]
        self._surnames = [name[0] for name in people]
        self._given = [char for name in people for char in name[1:]]

    def draw(self, name: str, type_: str, rng: np.random.Generator) -> str:
        """Return a name of the same type, with the same ending where there are enough of those."""
        han = 2 <= len(name) <= 3 and not name.isascii()
        if type_ == "PER" and self._given and han and rng.random() < _COMPOSED:
            given = rng.choice(self._given, int(rng.integers(1, 3)))
            return str(rng.choice(self._surnames)) + "".join(given)
        pool: Sequence[str] = self._by_end.get((type_, _ending(name)), ())
        if len(pool) < _MIN_POOL:
            pool = self._by_type[type_]
        return pool[int(rng.integers(len(pool)))]


def swap_names(example: Example, pools: NamePools, rng: np.random.Generator, share: float = 0.7) -> Example:
    """Return the example with the names of a `share` of its entities swapped, offsets moved.

    Only an entity that goes by one name is swapped, and only where that name is no part of another or of the text
    around it.
    """
    texts: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    for mention in example.mentions:
        texts[mention.entity].add((example.text[mention.start : mention.end], mention.type))
    names = [name for found in texts.values() for name, _ in found]
    swaps: dict[int, str] = {}
    for entity, found in sorted(texts.items()):
        (name, type_), n_names = next(iter(found)), len(found)
        if n_names > 1 or type_ not in _TYPES or rng.random() >= share:
            continue
        n_marked = sum(1 for m in example.mentions if m.entity == entity)
        if example.text.count(name) == n_marked and sum(name in other for other in names) == 1:
            swaps[entity] = pools.draw(name, type_, rng)
    return _with_names(example, swaps) if swaps and not example.candidates else example


def _with_names(example: Example, swaps: Mapping[int, str]) -> Example:
    parts: list[str] = []
    mentions: list[Mention] = []
    at = length = 0
    for mention in sorted(example.mentions):
        parts.append(example.text[at : mention.start])
        name = swaps.get(mention.entity, example.text[mention.start : mention.end])
        start = length + len(parts[-1])
        parts.append(name)
        length = start + len(name)
        mentions.append(replace(mention, start=start, end=length))
        at = mention.end
    parts.append(example.text[at:])
    return replace(example, text="".join(parts), mentions=tuple(mentions))


def _ending(name: str) -> str:
    """Return the last character of a Chinese name, the last word of an English one that has several, else nothing."""
    if not name.isascii():
        return name[-1]
    return name.rsplit(maxsplit=1)[-1].lower() if " " in name.strip() else ""
