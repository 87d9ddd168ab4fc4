"""Split passages so that what is tested was never trained on: by passage, and by the names that stand in it.

Passages that share a rare name, or that nearly repeat each other, stay together; such a family goes to a split by the
hash of its first member, so the same passages always fall the same way, and a new passage moves only what it links.
Names that many passages share (中国, 2008 Summer Olympics) cannot be kept apart: they make the difference between
`test` and `test_unseen`, which has the passages without any name that training has seen.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kgbuilder.normalize import fold
from training.data.duplicates import near_duplicates
from training.data.records import AnnotatedPassage, Candidate, Example, Mention

__all__ = ["NAME_TYPES", "Split", "Splits", "names", "split_of", "split_passages"]

Split = Literal["train", "dev", "test"]

NAME_TYPES = frozenset({"PER", "ORG", "LOC", "WORK", "EVENT", "PRODUCT"})
"""The types whose mentions are names; a TERM is a word of the language, TIME and NUM are values."""

_N_PARTS = 10
_MAX_LINKED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Passages by use: a tenth each for dev and test, by families. `test_unseen` is the part of `test` that has names,
    none of which training has seen."""

    train: tuple[AnnotatedPassage, ...]
    dev: tuple[AnnotatedPassage, ...]
    test: tuple[AnnotatedPassage, ...]
    test_unseen: tuple[AnnotatedPassage, ...]


def names(item: AnnotatedPassage | Example) -> frozenset[str]:
    """Return the names that stand in a passage or example, folded."""
    spans: list[Mention | Candidate] = [mention for mention in item.mentions if mention.type in NAME_TYPES]
    if isinstance(item, Example):
        spans.extend(candidate for candidate in item.candidates if candidate.types & NAME_TYPES)
    return frozenset(fold(item.text[span.start : span.end]) for span in spans)


def split_of(key: str, seed: int = 0) -> Split:
    """Return the split that `key` falls into: of ten equal parts one is dev and one is test."""
    digest = hashlib.sha256(f"{seed}:{key}".encode("utf-8", "surrogatepass")).digest()
    part = int.from_bytes(digest[:8], "big") % _N_PARTS
    return "test" if part == 0 else "dev" if part == 1 else "train"


def split_passages(passages: Sequence[AnnotatedPassage], *, seed: int = 0, max_linked: int = _MAX_LINKED) -> Splits:
    """Split passages by families; a name that at most `max_linked` of them have keeps those together."""
    named = [names(passage) for passage in passages]
    families = _families(passages, named, max_linked)
    parts: dict[Split, list[int]] = {"train": [], "dev": [], "test": []}
    for number, family in enumerate(families):
        parts[split_of(family, seed)].append(number)
    seen = frozenset[str]().union(*(named[number] for number in parts["train"]))
    unseen = [number for number in parts["test"] if named[number] and not named[number] & seen]
    return Splits(
        train=tuple(passages[number] for number in parts["train"]),
        dev=tuple(passages[number] for number in parts["dev"]),
        test=tuple(passages[number] for number in parts["test"]),
        test_unseen=tuple(passages[number] for number in unseen),
    )


def _families(passages: Sequence[AnnotatedPassage], named: Sequence[frozenset[str]], max_linked: int) -> list[str]:
    """Return for each passage the key of its family, the smallest hash among its members."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(named):
        for name in found:
            holders[name].append(number)
    links = [pair for held in holders.values() if len(held) <= max_linked for pair in pairwise(held)]
    links.extend(near_duplicates([passage.text for passage in passages]))
    roots = _roots(len(passages), links)
    hashes = [hashlib.sha256(fold(passage.text).encode("utf-8", "surrogatepass")).hexdigest() for passage in passages]
    smallest: dict[int, str] = {}
    for number, root in enumerate(roots):
        smallest[root] = min(smallest.get(root, hashes[number]), hashes[number])
    return [smallest[root] for root in roots]


def _roots(n_items: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Union-find: return for each item the smallest item it hangs together with."""
    parents = list(range(n_items))

    def root(item: int) -> int:
        while parents[item] != item:
            parents[item] = parents[parents[item]]
            item = parents[item]
        return item

    for one, other in links:
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    return [root(item) for item in range(n_items)]


def count_parts(splits: Splits) -> Mapping[str, int]:
    """Return the number of passages in each part."""
    return {
        "train": len(splits.train),
        "dev": len(splits.dev),
        "test": len(splits.test),
        "test_unseen": len(splits.test_unseen),
    }
