"""What names cost to normalise and resolve: python -m bench.resolve. CPU time: median, least and most of five runs."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import TypeVar

from bench.machine import machine, spread
from kgbuilder.normalize import name_key, value
from kgbuilder.resolve import MERGE_SCORE, Link, Node, block_keys, compare, resolve
from tests.resolve.memory import Memory
from tests.worlds import Language, World, WorldDocument

_N_NAMES = 100_000
_N_DOCUMENTS = 2_500
_N_RUNS = 5
_SHARES = {"PER": 0.36, "ORG": 0.28, "LOC": 0.12, "WORK": 0.12, "PRODUCT": 0.08, "EVENT": 0.04}
_LANGUAGES: tuple[Language, ...] = ("zh", "en")

T = TypeVar("T")


def main() -> None:
    """Print the machine, the commit and the table."""
    print(machine())
    names = list(_names(_N_NAMES))
    documents = list(World(n_entities=5_000, seed=1).documents(_N_DOCUMENTS))
    block_keys(Node.of("PER", name_key("張偉", "PER")))  # reads the dictionaries
    _measure_names(names, documents)
    _measure_resolution(names)
    _measure_documents(documents)


def _names(n_names: int) -> Iterator[tuple[str, str]]:
    world = World()
    for label, share in _SHARES.items():
        for n in range(int(n_names * share / 2)):
            for language in _LANGUAGES:
                entity = world.entity(language, label, n)
                yield entity.spellings[n % len(entity.spellings)], label


def _measure_names(names: Sequence[tuple[str, str]], documents: Sequence[WorldDocument]) -> None:
    shuffled = Random(0).sample(names, len(names))
    parts = _parts(shuffled)
    _report("name_key, new name, µs", [_each(_keys, part) for part in parts])
    _report("name_key, known name, µs", [_each(_keys, part) for part in parts[-1:] * _N_RUNS])
    values = [(m.text, m.label) for d in documents for m in d.mentions if m.label in ("TIME", "NUM")]
    _report("value, new text, µs", [_each(_values, part) for part in _parts(list(dict.fromkeys(values)))])


def _measure_resolution(names: Sequence[tuple[str, str]]) -> None:
    nodes = {node.id: node for text, label in names for node in [Node.of(label, name_key(text, label))]}
    _report("block_keys, µs", [_each(_blocks, part) for part in _parts(list(nodes.values()))])
    blocks: dict[str, list[Node]] = defaultdict(list)
    for node in nodes.values():
        for key in block_keys(node):
            blocks[key].append(node)
    pairs = list({(a.id, b.id): (a, b) for block in blocks.values() for a, b in combinations(block, 2)}.values())
    _report("compare, µs", [_each(_compare, Random(n).sample(pairs, 20_000)) for n in range(_N_RUNS)])
    largest = max(map(len, blocks.values()))
    print(f"{len(nodes):,} nodes, largest block {largest}, {len(pairs) / len(nodes):.1f} comparisons a node")
    start = time.process_time()
    links = [Link(a=a.id, b=b.id, score=found.score) for a, b in pairs if (found := compare(a, b)).score >= MERGE_SCORE]
    n_entities = len(set(resolve(nodes.values(), links).entities.values()))
    print(f"all compared and clustered in {time.process_time() - start:.1f} s: {n_entities:,} entities")


def _measure_documents(documents: Sequence[WorldDocument]) -> None:
    memory = Memory()
    times = []
    for part in _parts(documents):
        records = [(d.id, d.text, d.records()[0]) for d in part]
        start = time.process_time()
        for document_id, text, mentions in records:
            memory.add(document_id, text, mentions)
        times.append((time.process_time() - start) / len(part) * 1e3)
    _report("a document, name keys included, ms", times)
    gold = {r.id: g.entity for d in documents for g, r in zip(d.mentions, d.records()[0], strict=True)}
    found = {mention: entity for d in documents for mention, entity in memory.entity_of(d.id).items()}
    both = _n_pairs(Counter((gold[m], found[m]) for m in gold).values())
    precision, recall = (
        both / _n_pairs(Counter(found.values()).values()),
        both / _n_pairs(Counter(gold.values()).values()),
    )
    print(f"{len(gold):,} mentions, {len(memory.nodes):,} nodes; pairs: precision {precision:.5f}, recall {recall:.5f}")


def _keys(names: Sequence[tuple[str, str]]) -> None:
    for text, label in names:
        name_key(text, label)


def _values(values: Sequence[tuple[str, str]]) -> None:
    for text, label in values:
        value(text, label)


def _blocks(nodes: Sequence[Node]) -> None:
    for node in nodes:
        block_keys(node)


def _compare(pairs: Sequence[tuple[Node, Node]]) -> None:
    for a, b in pairs:
        compare(a, b)


def _parts(items: Sequence[T]) -> list[Sequence[T]]:
    size = len(items) // _N_RUNS
    return [items[n * size : (n + 1) * size] for n in range(_N_RUNS)]


def _n_pairs(counts: Iterable[int]) -> int:
    return sum(n * (n - 1) // 2 for n in counts)


def _each(work: Callable[[Sequence[T]], object], items: Sequence[T]) -> float:
    """Return microseconds an item."""
    start = time.process_time()
    work(items)
    return (time.process_time() - start) / len(items) * 1e6


def _report(what: str, times: Sequence[float]) -> None:
    print(f"  {what:38} {spread(times, '.3f')}")


if __name__ == "__main__":
    main()
