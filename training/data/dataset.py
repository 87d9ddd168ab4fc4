"""All that a model is trained and measured on: sources joined, split, and with no leak between the two."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph_schema import Ontology, load_ontology
from training.data.corpus import corpus_files, read_all_standoff, read_corpus
from training.data.folders import corpus_folder
from training.data.held_out import read_held_out
from training.data.leaks import Guard
from training.data.public import read_source
from training.data.real import read_real
from training.data.records import AnnotatedPassage, Example
from training.data.sources import load_sources
from training.data.splits import split_of, split_passages

__all__ = ["Dataset", "as_example", "load_dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Examples to train on, examples to choose thresholds on, and tests by name.

    Tests: `written` and `written_unseen` (see `splits`), `real_zh` and `real_en` (the held-out real sentences), and by
    its name each public source that has a part for testing. `n_leaks` counts, by source, the examples that were left
    out of training because they give away a tested one.
    """

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]
    n_leaks: Mapping[str, int]


def load_dataset(
    *, data: Path | None = None, real: Path | None = None, corpus: Path | None = None, seed: int = 0
) -> Dataset:
    """Load the written corpus, with `data` the public rows and the standoff sentences, with `real` the real ones too.

    A sentence of a public source that is annotated by this project comes in that form only.

    Raises:
        CorpusError: with the mistakes of the annotated text.
        ConfigError: when a folder lacks a source.
        IngestError: when a file cannot be read.
    """
    ontology = load_ontology("general")
    folder = corpus or corpus_folder()
    written = split_passages(read_corpus(corpus_files(corpus)), seed=seed)
    annotated = [*(read_real(real) if real else ()), *(read_all_standoff(data, folder=folder) if data else ())]
    held_out = frozenset(read_held_out(folder))
    tests = {
        "written": _examples(written.test, ontology),
        "written_unseen": _examples(written.test_unseen, ontology),
        "real_zh": _examples((p for p in annotated if p.id in held_out and p.language == "zh"), ontology),
        "real_en": _examples((p for p in annotated if p.id in held_out and p.language == "en"), ontology),
    }
    train, dev = [*_examples(written.train, ontology)], [*_examples(written.dev, ontology)]
    for passage in annotated:
        if passage.id not in held_out:
            (dev if split_of(passage.id, seed) == "dev" else train).append(as_example(passage, ontology))
    taken = held_out | {passage.id for passage in annotated}
    for name, split, example in _public(data, written.train, seed):
        if split == "test":
            tests[name] = (*tests.get(name, ()), example)
        elif example.id not in taken:
            (dev if split == "dev" else train).append(example)
    return _guarded(train, dev, tests)


def as_example(passage: AnnotatedPassage, ontology: Ontology) -> Example:
    """Return a passage that is annotated exhaustively as an example: nothing in it is open."""
    return Example(
        id=passage.id,
        language=passage.language,
        source=passage.source,
        text=passage.text,
        group=passage.id,
        mentions=passage.mentions,
        triples=passage.triples,
        exhaustive_types=frozenset(ontology.entity_types),
        relations=frozenset(ontology.relation_types),
    )


def _examples(passages: Iterable[AnnotatedPassage], ontology: Ontology) -> tuple[Example, ...]:
    return tuple(as_example(passage, ontology) for passage in passages)


def _public(data: Path | None, written: Sequence[AnnotatedPassage], seed: int) -> Iterator[tuple[str, str, Example]]:
    """Yield source, split and example of every public row."""
    if data is None:
        return
    places = {p.text[m.start : m.end] for p in written for m in p.mentions if m.type == "LOC"}
    for name, source in load_sources().items():
        for example in read_source(source, data, places=places):
            yield name, split_of(example.group, seed) if source.split == "group" else source.split, example


def _guarded(train: Sequence[Example], dev: Sequence[Example], tests: Mapping[str, tuple[Example, ...]]) -> Dataset:
    """Leave out of training, and of what thresholds are chosen on, what gives a tested example away."""
    others = [example for name, examples in tests.items() if name != "written_unseen" for example in examples]
    guard = Guard(others, tests["written_unseen"])
    kept: list[tuple[Example, ...]] = []
    n_leaks: dict[str, int] = {}
    for part in (train, dev):
        clean = []
        for example in part:
            if next(guard.leaks(example), None) is None:
                clean.append(example)
            else:
                n_leaks[example.source] = n_leaks.get(example.source, 0) + 1
        kept.append(tuple(clean))
    return Dataset(train=kept[0], dev=kept[1], tests=tests, n_leaks=n_leaks)
