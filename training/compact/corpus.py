"""The examples of one language that a recipe trains on, chooses thresholds on and is tested on."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph_schema import load_ontology
from training.compact.recipe import Recipe
from training.data import Example, load_dataset, read_corpus, split_passages
from training.data.dataset import as_example
from training.data.sources import load_sources

__all__ = ["Corpus", "hash_examples", "licences", "load_corpus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Examples of one language by use; `exhaustive` of dev are those that thresholds are chosen on."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]

    @property
    def exhaustive(self) -> tuple[Example, ...]:
        return tuple(example for example in self.dev if example.source not in load_sources())


def load_corpus(recipe: Recipe, *, data: Path | None, real: Path | None) -> Corpus:
    """Load what the recipe's language has; with `corpus_only` the first `limit` passages of the written corpus."""
    if recipe.corpus_only:
        ontology = load_ontology("general")
        passages = [passage for passage in read_corpus() if passage.language == recipe.language][: recipe.limit]
        parts = split_passages(passages, seed=recipe.seed)
        train, dev, test = (
            tuple(as_example(p, ontology) for p in part) for part in (parts.train, parts.dev, parts.test)
        )
        return Corpus(train=train, dev=dev, tests={"written": test})
    dataset = load_dataset(data=data, real=real)
    tests = {name: _of(examples, recipe.language) for name, examples in dataset.tests.items()}
    return Corpus(
        train=_of(dataset.train, recipe.language),
        dev=_of(dataset.dev, recipe.language),
        tests={name: examples for name, examples in tests.items() if examples},
    )


def _of(examples: Sequence[Example], language: str) -> tuple[Example, ...]:
    return tuple(example for example in examples if example.language == language)


def hash_examples(examples: Sequence[Example]) -> dict[str, dict[str, object]]:
    """Return for each source the number of examples and the sha256 of all that they say, in order."""
    digests: dict[str, hashlib._Hash] = {}
    counts: dict[str, int] = {}
    for example in examples:
        digest = digests.setdefault(example.source, hashlib.sha256())
        counts[example.source] = counts.get(example.source, 0) + 1
        said = (example.id, example.text, example.mentions, example.candidates, example.triples, example.either)
        digest.update(repr(said).encode("utf-8", "surrogatepass"))
    return {name: {"n": counts[name], "sha256": digests[name].hexdigest()} for name in sorted(digests)}


def licences(examples: Sequence[Example]) -> dict[str, str]:
    """Return the licence of each source."""
    sources = load_sources()
    own = {"written": "CC0", "real": "annotations CC0; texts those of the public rows they stand in"}
    names = sorted({example.source for example in examples})
    return {name: own.get(name) or f"{sources[name].licence}; {sources[name].credit}" for name in names}
