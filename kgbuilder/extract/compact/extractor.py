"""The compact extractor: small models of our own, one a language, on all cores, without a server.

A language that has no model yet is read by the lexicon.
"""

import hashlib
import itertools
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract.compact.decode import Reading, ReadMention, narrowed
from kgbuilder.extract.compact.known import KnownNames, with_known
from kgbuilder.extract.compact.link import link
from kgbuilder.extract.compact.model import CompactModel, model_files, model_folders
from kgbuilder.extract.lexicon import LexiconExtractor, OwnNames, read_own_names
from kgbuilder.ids import content_id
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, TripleClaim

__all__ = ["MODELS", "CompactExtractor", "create"]

MODELS = Path(__file__).parent / "models"
"""The models that come with the package, a folder each, named by language."""

_VERSION = "2"
_SETTINGS = frozenset({"cache_dir", "gazetteer", "models", "workers"})
_BATCH_PASSAGES = 16
_AHEAD = 2
_TRIES = 2
_SURROGATE = re.compile("[\ud800-\udfff]")


def create(ontology: Ontology, settings: Mapping[str, object]) -> "CompactExtractor":
    """Make the compact extractor.

    Settings: `models`, a folder with a model folder for each language instead of those of the package; `workers`, how
    many processes read, by default one a core; 0 reads in this process; `gazetteer` and `cache_dir` as the lexicon has
    them.

    Raises:
        ConfigError: for an unknown setting or a wrong value, a folder without a model, or a wrong gazetteer.
    """
    unknown = sorted(set(settings) - _SETTINGS)
    if unknown:
        remedy = f"use {', '.join(sorted(_SETTINGS))}"
        raise ConfigError(f"no setting {unknown[0]!r}", where="extractor compact", remedy=remedy)
    workers = settings.get("workers", _n_cores())
    if not isinstance(workers, int) or isinstance(workers, bool) or not 0 <= workers <= 256:
        raise ConfigError("`workers` is no number of processes", where="extractor compact", remedy="give 0 to 256")
    folder = Path(str(settings.get("models", MODELS)))
    models = model_folders(folder)
    if not models:
        remedy = "give a folder with zh/ or en/ in it, or install the package anew"
        raise ConfigError("no model here", where=str(folder), remedy=remedy)
    return CompactExtractor(ontology, models, n_workers=workers, own=read_own_names(ontology, settings))


class CompactExtractor:
    """Reads passages in batches, each in one of `n_workers` processes; what a passage holds comes from its text alone.

    Only types and relations of the ontology come out.
    """

    name = "compact"

    def __init__(
        self, ontology: Ontology, models: Mapping[str, Path], *, n_workers: int, own: OwnNames | None = None
    ) -> None:
        self._ontology = ontology
        self._models = dict(models)
        self._n_workers = n_workers
        self._own = own or OwnNames()
        self._pool: ProcessPoolExecutor | None = None
        self._reader: _Reader | None = None
        files = [path for _, folder in sorted(self._models.items()) for path in model_files(folder)]
        parts = (_lexicon(ontology, self._own).fingerprint, *sorted(self._models), *map(_hash, files))
        self.fingerprint = content_id("compact", _VERSION, ontology.name, ontology.fingerprint, *parts)

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        """Yield the extraction of each passage, in order."""
        batches = _batches(passages)
        if not self._n_workers:
            for batch in batches:
                yield from self._extractions(batch, self._read_here(batch))
            return
        under_way: deque[_Asked] = deque()
        for batch in batches:
            under_way.append(self._submit(batch))
            if len(under_way) >= _AHEAD * self._n_workers:
                yield from self._collect(under_way.popleft())
        while under_way:
            yield from self._collect(under_way.popleft())

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._reader = None

    def _submit(self, batch: list[Passage]) -> "_Asked":
        asked = [(passage.language, passage.text) for passage in batch]
        while True:
            pool = self._pool = self._pool or self._new_pool()
            try:
                return _Asked(batch, pool, pool.submit(_read, asked))
            except BrokenProcessPool:
                self._drop(pool)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._n_workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(self._ontology, self._models, self._own),
        )

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        pool.shutdown(wait=False)
        if self._pool is pool:
            self._pool = None

    def _collect(self, asked: "_Asked") -> Iterator[Extraction]:
        """Wait for a batch. When a process died meanwhile, each passage is asked for alone: one may be to blame."""
        try:
            found = asked.future.result()
        except BrokenProcessPool:
            self._drop(asked.pool)
            for passage in asked.batch:
                yield self._alone(passage)
        else:
            yield from self._extractions(asked.batch, found)

    def _alone(self, passage: Passage) -> Extraction:
        for _ in range(_TRIES):
            asked = self._submit([passage])
            try:
                [extraction] = self._extractions([passage], asked.future.result())
            except BrokenProcessPool:
                self._drop(asked.pool)
            else:
                return extraction
        failure = Failure(
            kind="died", what="the process that read this passage died", remedy="free some memory, then retry"
        )
        return Extraction(passage_id=passage.id, extractor=self.fingerprint, state="failed", failure=failure)

    def _read_here(self, batch: Sequence[Passage]) -> "list[_Found]":
        if self._reader is None:
            self._reader = _Reader(self._ontology, self._models, self._own)
        return self._reader.read([(passage.language, passage.text) for passage in batch])

    def _extractions(self, batch: Sequence[Passage], found: "Sequence[_Found]") -> Iterator[Extraction]:
        for passage, (mentions, triples) in zip(batch, found, strict=True):
            yield Extraction(
                passage_id=passage.id,
                extractor=self.fingerprint,
                state="done",
                mentions=tuple(mentions),
                triples=tuple(triples),
            )


_Found = tuple[list[MentionClaim], list[TripleClaim]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A batch on its way through a pool."""

    batch: list[Passage]
    pool: ProcessPoolExecutor
    future: Future[list[_Found]]


class _Reader:
    """The models of all languages, narrowed to what the ontology knows; each is loaded with its first passage."""

    def __init__(self, ontology: Ontology, folders: Mapping[str, Path], own: OwnNames) -> None:
        self._ontology = ontology
        self._folders = folders
        self._own = own
        self._models: dict[str, CompactModel] = {}
        self._known: dict[str, KnownNames] = {}
        self._lexicon = _lexicon(ontology, own)
        relations = ontology.relation_types.values()
        self._symmetric = frozenset(relation.id for relation in relations if relation.symmetric)
        self._functional = frozenset(relation.id for relation in relations if relation.functional)

    def read(self, passages: Sequence[tuple[str, str]]) -> list[_Found]:
        """Read (language, text) pairs, those of one language together."""
        found: list[_Found] = [([], []) for _ in passages]
        by_language: dict[str, list[int]] = {}
        for n, (language, _) in enumerate(passages):
            by_language.setdefault(language, []).append(n)
        for language, numbers in by_language.items():
            texts = [passages[n][1] for n in numbers]
            some = self._read_texts(language, texts) if language in self._folders else self._look_up(language, texts)
            for n, claims in zip(numbers, some, strict=True):
                found[n] = claims
        return found

    def _read_texts(self, language: str, texts: Sequence[str]) -> Iterator[_Found]:
        # A lone surrogate has no UTF-8 form; a mark of the same length keeps the offsets.
        marked = [_SURROGATE.sub("\ufffd", text) for text in texts]
        known = {text: self._names(language).find(text) for text in marked}
        readings = self._model(language).read(marked, known)
        linked = (self._linked(text, known[text], reading) for text, reading in zip(marked, readings, strict=True))
        return map(_claims, texts, linked)

    def _linked(self, text: str, known: Sequence[ReadMention], reading: Reading) -> Reading:
        reading = with_known(reading, known, self._ontology.allows)
        return link(text, reading, symmetric=self._symmetric, functional=self._functional)

    def _look_up(self, language: str, texts: Sequence[str]) -> Iterator[_Found]:
        passages = (Passage(id="", text=text, language=language) for text in texts)
        for extraction in self._lexicon.extract(passages):
            yield list(extraction.mentions), list(extraction.triples)

    def _names(self, language: str) -> KnownNames:
        if language not in self._known:
            own = self._own
            self._known[language] = KnownNames(own.entries, own.patterns, language, own.cache_dir)
        return self._known[language]

    def _model(self, language: str) -> CompactModel:
        if language not in self._models:
            model = CompactModel.load(self._folders[language])
            if not self._ontology.open:
                known = self._ontology.entity_types, self._ontology.relation_types
                model.settings = narrowed(model.settings, *known)
            self._models[language] = model
        return self._models[language]


_reader: _Reader | None = None


def _prepare(ontology: Ontology, folders: Mapping[str, Path], own: OwnNames) -> None:
    global _reader  # noqa: PLW0603 - one a worker process
    _reader = _Reader(ontology, folders, own)


def _read(passages: Sequence[tuple[str, str]]) -> list[_Found]:
    assert _reader is not None
    return _reader.read(passages)


def _lexicon(ontology: Ontology, own: OwnNames) -> LexiconExtractor:
    return LexiconExtractor(ontology, entries=own.entries, patterns=own.patterns, cache_dir=own.cache_dir)


def _claims(text: str, reading: Reading) -> _Found:
    mentions = [
        MentionClaim(text=text[m.start : m.end], label=m.type, start=m.start, score=round(m.score, 4))
        for m in reading.mentions
    ]
    triples = [
        TripleClaim(
            head=mentions[t.head].text,
            relation=t.relation,
            tail=mentions[t.tail].text,
            head_label=mentions[t.head].label,
            tail_label=mentions[t.tail].label,
            head_start=mentions[t.head].start,
            tail_start=mentions[t.tail].start,
            score=round(t.score, 4),
        )
        for t in reading.triples
        if mentions[t.head].text != mentions[t.tail].text
    ]
    return mentions, triples


def _batches(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    iterator = iter(passages)
    while batch := list(itertools.islice(iterator, _BATCH_PASSAGES)):
        yield batch


def _n_cores() -> int:
    """Return how many cores this process may use; where the system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        remedy = "install the package anew, or export the model again"
        raise ConfigError(f"the model is not whole: {error.strerror}", where=str(path), remedy=remedy) from error
