"""The order of things: read, chunk, extract, record, derive, project. The only module that knows it.

Reading and asking the model happen in the caller's thread; recording and deriving in one thread beside it, batch by
batch; a third brings the graph up to date with what stands by then. Whatever stops the process, the ledger holds what
was committed, and the same command goes on.
"""

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TypeVar

from graph_schema import Ontology, load_ontology
from kgbuilder.config import Workspace
from kgbuilder.corrections import correct, undo
from kgbuilder.derive import Deriver
from kgbuilder.errors import IngestError, ModelError, ParseError, StoreError
from kgbuilder.extract import Extractor, load_extractor
from kgbuilder.ids import content_id
from kgbuilder.ingest import Limits, chunk, find_files, read_isolated
from kgbuilder.ingest.files import printable
from kgbuilder.ledger import Ledger, Reading, derived, views
from kgbuilder.records import Chunk, Document, Extraction, Failure, Passage
from kgbuilder.resolve import Resolver
from kgbuilder.review import Request
from kgbuilder.score import Report, check_mapping, evaluate, load_mapping, read_annotated
from kgbuilder.stores import GraphStore, open_embedded

__all__ = [
    "BuildReport",
    "Progress",
    "build",
    "delete_document",
    "evaluate_extractor",
    "find_document",
    "open_deriver",
    "open_ledger",
    "open_ontology",
    "open_store",
    "record_corrections",
    "replay",
    "undo_event",
]

_BATCH_DOCUMENTS = 256
_BATCH_S = 2.0
_READ_AHEAD = 64
_READ_AHEAD_CHARS = 1_000_000
_SETTLED_S = 2.0
_MAX_UNDER_WAY = 2
_PROGRESS_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a build is. Totals are None until every file has been seen; times in seconds."""

    documents: int
    documents_total: int | None
    chunks: int
    chunks_total: int
    facts: int
    failed: int
    rate_per_s: float
    left_s: float | None
    current: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did and what stands after it; `cpu_s` is the time of this process by stage.

    `unanswered` says why, when the model was asked and answered nothing at all.
    """

    counts: views.Counts
    documents: int
    unreadable: tuple[IngestError, ...]
    unanswered: ModelError | None = None
    cancelled: bool
    seconds: float
    cpu_s: Mapping[str, float]


_T = TypeVar("_T")
OnProgress = Callable[[Progress], bool | None]


def open_ledger(workspace: Workspace) -> Ledger:
    """Open the ledger of a workspace."""
    return Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path)


def open_ontology(workspace: Workspace) -> Ontology:
    """Load the ontology of a workspace; a relative file name is relative to the workspace."""
    name = workspace.settings.ontology
    path = workspace.folder / name
    return load_ontology(path if path.is_file() else name)


def open_store(
    workspace: Workspace, *, profile: str = "worker", on_statement: Callable[[str, int], None] | None = None
) -> GraphStore:
    """Connect to the graph of a workspace; the embedded server is started or joined. Profile: "page" or "worker".

    `on_statement` is told the name of every statement sent, and how many rows it carries.
    """
    settings = workspace.settings.store
    if settings.uri == "embedded":
        return open_embedded(
            workspace.graph_folder,
            profile=profile,
            heap=settings.heap,
            idle_s=settings.idle_s,
            on_statement=on_statement,
        )
    return GraphStore.connect(
        settings.uri,
        auth=(settings.user, workspace.store_password()),
        database=settings.database or "neo4j",
        profile=profile,
        on_statement=on_statement,
    )


def open_deriver(workspace: Workspace, ledger: Ledger) -> Deriver:
    """Return what keeps the derived tables of a workspace true."""
    settings = workspace.settings.resolve
    resolver = Resolver(merge_score=settings.merge_score, suggest_score=settings.suggest_score)
    return Deriver(ledger, open_ontology(workspace), resolver)


def build(  # noqa: PLR0913 - one keyword for each thing a caller may say
    workspace: Workspace,
    paths: Sequence[str | Path],
    *,
    sources: Mapping[Path, str] | None = None,
    extractor: str | None = None,
    retry_failed: bool = False,
    wait: bool = False,
    author: str = "",
    on_progress: OnProgress | None = None,
    on_statement: Callable[[str, int], None] | None = None,
) -> BuildReport:
    """Read `paths`, extract what is new, and bring the graph up to date; also finish what an earlier build left.

    `sources` names files that are known under another name (uploads). With `retry_failed`, passages whose last attempt
    failed or could not be read are asked again. `on_progress` is called a few times a second; when it returns False the
    build stops after its batch, and can be taken up again.

    Raises StoreError when another build runs (unless `wait`), the ledger or the graph cannot be reached, and ModelError
    when the model refuses every request. A file that cannot be read never stops the others: it is in the report.
    """
    name = extractor or workspace.settings.extractor
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(workspace))
        stack.enter_context(ledger.building("a build", wait=wait))
        ontology = open_ontology(workspace)
        model = load_extractor(name, ontology, workspace.extractor_settings(name))
        stack.callback(model.close)
        store = stack.enter_context(open_store(workspace, on_statement=on_statement))
        run = _Build(
            workspace=workspace,
            ledger=ledger,
            deriver=open_deriver(workspace, ledger),
            store=store,
            model=model,
            author=author,
            retry_failed=retry_failed,
            on_progress=on_progress,
        )
        with ledger.writing("a build") as connection:
            ledger.put_extractor(connection, model.fingerprint, name=name, ontology=ontology.name)
        return run.run(paths, dict(sources or {}))


class _Clock:
    """CPU seconds by stage, each measured on the thread that runs it."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self._began = time.process_time()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.thread_time() - began

    def each(self, name: str, items: Iterable[_T]) -> Iterator[_T]:
        """Count what producing each item costs."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                item = next(iterator, _END)
            if isinstance(item, _End):
                return
            yield item

    def totals(self) -> dict[str, float]:
        """Return the stages, and "extract" for what all other threads used: the extractor's."""
        whole = time.process_time() - self._began
        return {**self.cpu_s, "extract and rest": whole - sum(self.cpu_s.values())}


class _End:
    """The end of an iterator."""


_END = _End()


@dataclass(slots=True)
class _Flight:
    """A document on its way: the passages it still waits for."""

    document_id: str
    text: str
    waiting: set[str]


@dataclass(slots=True)
class _Batch:
    """What the writer commits at once."""

    extractions: list[Extraction] = field(default_factory=list)
    complete: dict[str, str] = field(default_factory=dict)  # document id -> text
    passages: dict[str, Extraction] = field(default_factory=dict)
    registered: bool = False  # the graph has to be told though nothing was asked


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read whole, as it was then; `lines` has the hashes of the sources of its documents if many."""

    source: str
    stamp: str
    lines: frozenset[int]


class _CancelledError(Exception):
    """The caller wants the build to stop."""


class _Build:
    """One run of `build`."""

    def __init__(
        self,
        *,
        workspace: Workspace,
        ledger: Ledger,
        deriver: Deriver,
        store: GraphStore,
        model: Extractor,
        author: str,
        retry_failed: bool,
        on_progress: OnProgress | None,
    ) -> None:
        self._settings = workspace.settings
        self._ledger = ledger
        self._deriver = deriver
        self._model = model
        self._author = author
        self._retry_failed = retry_failed
        self._on_progress = on_progress
        self._began = time.monotonic()
        self._clock = _Clock()
        self._version = metadata.version("kgbuilder")
        self._flights: dict[str, _Flight] = {}
        self._asked: dict[str, list[str]] = {}  # passage id -> documents that wait for it
        self._answered: dict[str, str] = {}  # state of the passages answered since the ledger was looked at
        self._failed_again: set[str] = set()  # passages that are not asked a third time
        self._batch = _Batch()
        self._batch_began = time.monotonic()
        self._projector = _Projector(ledger, deriver, store, self._clock)
        self._writer = _Writer(ledger, deriver, self._projector, self._clock)
        self._unreadable: list[IngestError] = []
        self._n_documents = 0
        self._all_seen = False
        self._n_chunks = 0
        self._n_chunks_done = 0
        self._n_failed = 0
        self._n_answered = 0
        self._loss: Failure | None = None
        self._current = ""
        self._shown = 0.0

    def run(self, paths: Sequence[str | Path], sources: Mapping[Path, str]) -> BuildReport:
        cancelled = False
        try:
            with self._projector, self._writer:
                self._writer.put(_Batch())  # what an earlier run left on the outbox
                try:
                    self._extract(paths, sources)
                except _CancelledError:
                    cancelled = True
                finally:
                    self._flush()  # what was answered before an end, good or bad, is not asked again
        finally:
            self._show(force=True)
        with self._ledger.reading() as connection:
            counts = views.count(connection)
        return BuildReport(
            counts=counts,
            documents=self._n_documents,
            unreadable=tuple(self._unreadable),
            unanswered=self._unanswered(),
            cancelled=cancelled,
            seconds=time.monotonic() - self._began,
            cpu_s=self._clock.totals(),
        )

    def _unanswered(self) -> ModelError | None:
        if self._loss is None or self._n_answered:
            return None
        return ModelError(
            f"no passage was answered: {self._loss.what}", where=self._model.name, remedy=self._loss.remedy
        )

    def _extract(self, paths: Sequence[str | Path], sources: Mapping[Path, str]) -> None:
        answers = self._model.extract(self._passages(paths, sources))
        try:
            for extraction in answers:
                self._take(extraction)
                self._show()
        finally:
            close = getattr(answers, "close", None)
            if close is not None:
                close()

    # --- in: files to passages ----------------------------------------------------------------------------------------

    def _passages(self, paths: Sequence[str | Path], sources: Mapping[Path, str]) -> Iterator[Passage]:
        yield from self._left_over()
        ahead: list[Document] = []
        whole: list[_Read] = []
        for item in self._clock.each("read", self._read(paths, sources)):
            if isinstance(item, IngestError):
                self._fail(item)
            elif isinstance(item, _Read):
                whole.append(item)
            else:
                ahead.append(item)
            if len(ahead) >= _READ_AHEAD or sum(len(d.text) for d in ahead) > _READ_AHEAD_CHARS:
                yield from self._register(ahead, whole)
                ahead, whole = [], []
        yield from self._register(ahead, whole)
        self._all_seen = True

    def _read(
        self, paths: Sequence[str | Path], sources: Mapping[Path, str]
    ) -> Iterator["Document | IngestError | _Read"]:
        limits = Limits(max_file_bytes=self._settings.limits.file_mb * 1024 * 1024)
        for path in find_files(paths):
            if isinstance(path, IngestError):
                yield path
                continue
            self._current = printable(Path(path.name))
            source = sources.get(path, printable(path))
            stamp = self._stamp(path)
            if stamp and self._ledger.unchanged({source: stamp}):
                continue
            whole = True
            lines: set[int] = set()
            for item in read_isolated(path, source=source, limits=limits):
                if isinstance(item, IngestError):
                    whole = False
                elif item.source != source:
                    lines.add(hash(item.source))
                yield item
            if whole:
                yield _Read(source, stamp, frozenset(lines))

    def _stamp(self, path: Path) -> str:
        """Describe a file as it is now and what reads it; "" when it is so new that it may change unseen."""
        try:
            status = path.stat()
        except OSError:
            return ""
        if time.time() - status.st_mtime < _SETTLED_S:
            return ""
        chunking = self._settings.chunk
        how = (self._model.fingerprint, chunking.max_tokens, chunking.overlap_sentences, self._version)
        return content_id("file", status.st_size, status.st_mtime_ns, status.st_ino, *how)

    def _fail(self, error: IngestError) -> None:
        self._unreadable.append(error)
        with self._ledger.writing("a build") as connection:
            self._ledger.put_failure(connection, error.where, error)

    def _register(self, documents: Sequence[Document], whole: Sequence[_Read]) -> Iterator[Passage]:
        if not documents and not whole:
            return
        stamps = {file.source: file.stamp for file in whole if file.stamp}
        many = [file for file in whole if file.lines]
        with self._clock.stage("chunk"):
            readings = self._cut(documents)
        with self._clock.stage("register"):
            if stamps or many or not self._ledger.is_registered(readings):
                with self._ledger.writing("a build") as connection:
                    before, _ = self._ledger.last_event(connection, ("revise",))
                    left = self._ledger.register(connection, readings, author=self._author)
                    for file in many:
                        left += self._ledger.release(connection, file.source, file.lines, author=self._author)
                        self._ledger.drop_line_failures(connection, file.source)
                    self._deriver.retire(connection, left)
                    self._deriver.follow_revisions(connection, after=before)
                    self._ledger.put_stamps(connection, stamps)
                self._batch.registered = True
        texts = {r.document.id: (r.document.text, r.chunks) for r in readings}
        yield from self._open(texts)

    def _cut(self, documents: Sequence[Document]) -> list[Reading]:
        chunking = self._settings.chunk
        return [
            Reading(
                document=document,
                chunks=tuple(
                    chunk(document, max_tokens=chunking.max_tokens, overlap_sentences=chunking.overlap_sentences)
                ),
                extractor_id=self._model.fingerprint,
                max_tokens=chunking.max_tokens,
                overlap_sentences=chunking.overlap_sentences,
            )
            for document in documents
        ]

    def _left_over(self) -> Iterator[Passage]:
        with self._ledger.reading() as connection:
            documents = derived.waiting_documents(connection)
            if self._retry_failed:
                documents += derived.failed_documents(connection)
            extractors = derived.extractors_of(connection, documents)
        for document_id in dict.fromkeys(documents):
            with self._ledger.reading() as connection:
                if extractors[document_id] != self._model.fingerprint:
                    # Answered by another extractor, and left by a replay that was stopped.
                    if derived.attempted_among(connection, [document_id]):
                        self._complete(document_id, self._ledger.text(connection, document_id))
                    continue
                text = self._ledger.text(connection, document_id)
                chunks = tuple(derived.chunks(connection, [document_id]).get(document_id, ()))
            yield from self._open({document_id: (text, chunks)})

    def _open(self, documents: Mapping[str, tuple[str, tuple[Chunk, ...]]]) -> Iterator[Passage]:
        """Put documents on their way and yield the passages that have to be asked."""
        wanted = [c.passage_id for _, chunks in documents.values() for c in chunks]
        # Looked up before the ledger is read: what the writer commits in between is found in either.
        self._answered = {}
        unsettled = self._unsettled(wanted)
        with self._ledger.reading() as connection:
            states = self._ledger.attempt_states(connection, self._model.fingerprint, wanted) | unsettled
            finished = derived.finished_documents(connection, documents)
        for document_id, (text, chunks) in documents.items():
            if document_id in self._flights:
                continue
            self._n_documents += 1
            open_passages = {c.passage_id for c in chunks if self._is_open(c.passage_id, states)}
            self._n_chunks += len(chunks)
            self._n_chunks_done += sum(c.passage_id not in open_passages for c in chunks)
            if not open_passages:
                if document_id not in finished:
                    self._complete(document_id, text)
                continue
            self._flights[document_id] = _Flight(document_id, text, set(open_passages))
            for c in chunks:
                if c.passage_id not in open_passages:
                    continue
                first = c.passage_id not in self._asked
                waiting = self._asked.setdefault(c.passage_id, [])
                if document_id not in waiting:
                    waiting.append(document_id)
                if first:
                    yield Passage(id=c.passage_id, text=text[c.start : c.end], language=c.language)

    def _is_open(self, passage_id: str, states: Mapping[str, str]) -> bool:
        state = self._answered.get(passage_id, states.get(passage_id))
        return state is None or (self._retry_failed and state != "done" and passage_id not in self._failed_again)

    def _unsettled(self, passage_ids: Iterable[str]) -> dict[str, str]:
        """Return the state of the passages that are answered and not committed yet."""
        answers = [*self._writer.under_way(), self._batch.passages]
        return {p: held[p].state for p in passage_ids for held in answers if p in held}

    # --- out: answers to batches --------------------------------------------------------------------------------------

    def _take(self, extraction: Extraction) -> None:
        self._batch.extractions.append(extraction)
        self._n_failed += extraction.state != "done"
        self._answered[extraction.passage_id] = extraction.state
        if self._retry_failed and extraction.state != "done":
            self._failed_again.add(extraction.passage_id)
        if extraction.state == "failed":
            self._loss = extraction.failure
        else:
            self._n_answered += 1
        for document_id in self._asked.pop(extraction.passage_id, ()):
            flight = self._flights[document_id]
            flight.waiting.discard(extraction.passage_id)
            self._n_chunks_done += 1
            self._batch.passages[extraction.passage_id] = extraction
            if not flight.waiting:
                del self._flights[document_id]
                self._complete(document_id, flight.text)
        self._flush_when_due()

    def _complete(self, document_id: str, text: str) -> None:
        self._batch.complete[document_id] = text
        self._flush_when_due()

    def _flush_when_due(self) -> None:
        due = time.monotonic() - self._batch_began > _BATCH_S
        many = len(self._batch.complete) >= _BATCH_DOCUMENTS or len(self._batch.extractions) >= 4 * _BATCH_DOCUMENTS
        if due or many:
            self._flush()

    def _flush(self) -> None:
        if self._batch.extractions or self._batch.complete or self._batch.registered:
            self._writer.put(self._batch)
        self._batch = _Batch()
        self._batch_began = time.monotonic()

    def _show(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if self._on_progress is None or (not force and now - self._shown < _PROGRESS_S):
            return
        self._shown = now
        rate = self._n_chunks_done / max(now - self._began, 1e-9)
        total_known = self._all_seen
        left = (self._n_chunks - self._n_chunks_done) / rate if total_known and rate else None
        progress = Progress(
            documents=self._n_documents - len(self._flights),
            documents_total=self._n_documents if total_known else None,
            chunks=self._n_chunks_done,
            chunks_total=self._n_chunks,
            facts=self._projector.n_facts,
            failed=self._n_failed,
            rate_per_s=rate,
            left_s=left,
            current=self._current,
        )
        if self._on_progress(progress) is False and not force:
            raise _CancelledError


class _Projector:
    """The thread that brings the graph up to date: round after round, so what changes often meanwhile is written once.

    What stops a round is raised to whoever wakes it or waits for its end.
    """

    def __init__(self, ledger: Ledger, deriver: Deriver, store: GraphStore, clock: _Clock) -> None:
        self._ledger = ledger
        self._deriver = deriver
        self._store = store
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kgbuilder-projector")
        self._round: Future[None] | None = None
        self._lock = threading.Lock()
        self._is_running = False
        self._is_woken = False
        self.n_facts = 0

    def __enter__(self) -> "_Projector":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._round is not None:
                self._round.result()
        finally:
            self._thread.shutdown(wait=True)

    def wake(self) -> None:
        """Have what the ledger holds by now written: at once, or right after the round under way."""
        if self._round is not None and self._round.done():
            self._round.result()
        with self._lock:
            self._is_woken = self._is_running
            if self._is_running:
                return
            self._is_running = True
        self._round = self._thread.submit(self._project)

    def _project(self) -> None:
        while True:
            with self._clock.stage("project"):
                self._deriver.project(self._store)
            with self._ledger.reading() as connection:
                self.n_facts = views.n_facts(connection)
            with self._lock:
                if not self._is_woken:
                    self._is_running = False
                    return
                self._is_woken = False


class _Writer:
    """The thread that commits batches, each in one transaction of the ledger."""

    def __init__(self, ledger: Ledger, deriver: Deriver, projector: _Projector, clock: _Clock) -> None:
        self._ledger = ledger
        self._deriver = deriver
        self._projector = projector
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kgbuilder-writer")
        self._under_way: deque[tuple[Future[None], _Batch]] = deque()
        self._is_broken = False

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._thread.shutdown(wait=True)
        while kind is None and self._under_way:
            self._under_way.popleft()[0].result()

    def put(self, batch: _Batch) -> None:
        """Hand a batch over; waits while two are on their way. Raises what stopped an earlier one."""
        while len(self._under_way) >= _MAX_UNDER_WAY or (self._under_way and self._under_way[0][0].done()):
            self._under_way.popleft()[0].result()
        self._under_way.append((self._thread.submit(self._commit, batch), batch))

    def under_way(self) -> list[Mapping[str, Extraction]]:
        """Return the answers of the batches that may not be committed yet, oldest first."""
        return [batch.passages for _, batch in self._under_way]

    def _commit(self, batch: _Batch) -> None:
        if self._is_broken:
            return
        if batch.extractions or batch.complete:
            # Without what this batch answers, documents of a later one would be taken for read.
            self._is_broken = True
            self._record(batch)
            self._is_broken = False
        self._projector.wake()

    def _record(self, batch: _Batch) -> None:
        with self._ledger.writing("a build") as connection:
            with self._clock.stage("record"):
                self._ledger.put_attempts(connection, batch.extractions)
            with self._clock.stage("ground and resolve"):
                documents = derived.held_among(connection, list(batch.complete))
                # An answer to a passage that was asked before counts for every document that holds it.
                for extractor_id in {extraction.extractor for extraction in batch.extractions}:
                    shared = derived.finished_with(connection, extractor_id, batch.passages)
                    documents += [document for document in shared if document not in batch.complete]
                self._deriver.derive(connection, documents, texts=batch.complete, fresh=batch.passages)


def delete_document(workspace: Workspace, document_id: str, *, author: str = "") -> None:
    """Take a document out of the graph: its evidence goes, facts that others state too stay."""
    with open_ledger(workspace) as ledger, open_store(workspace) as store:
        deriver = open_deriver(workspace, ledger)
        with ledger.writing("a deletion") as connection:
            if document_id not in derived.held_among(connection, [document_id]):
                raise StoreError(
                    "no such document", where=document_id, remedy="kgbuilder status --documents lists them"
                )
            ledger.remove(connection, document_id, author=author)
            deriver.retire(connection, [document_id])
        deriver.project(store)


def record_corrections(workspace: Workspace, requests: Sequence[Request], *, author: str = "") -> list[str]:
    """Record what a person decided, all of it or nothing, and bring the graph up to date; return the events' ids."""
    with open_ledger(workspace) as ledger:
        deriver = open_deriver(workspace, ledger)
        with ledger.writing("a correction") as connection:
            events = correct(ledger, deriver, connection, requests, ontology=deriver.ontology, author=author)
        # Recorded stays recorded: a graph that cannot be reached now is brought up to date by the next command.
        with open_store(workspace) as store:
            deriver.project(store)
    return events


def undo_event(workspace: Workspace, event_id: str, *, author: str = "") -> str:
    """Take a correction back and bring the graph up to date; return the id of the event that says so."""
    with open_ledger(workspace) as ledger:
        deriver = open_deriver(workspace, ledger)
        with ledger.writing("a correction") as connection:
            made = undo(ledger, deriver, connection, event_id, author=author)
        with open_store(workspace) as store:
            deriver.project(store)
    return made


def find_document(workspace: Workspace, name: str) -> str:
    """Return the id of the document with this id, beginning of an id, or source."""
    with open_ledger(workspace) as ledger, ledger.reading() as connection:
        return views.find_document(connection, name)


def evaluate_extractor(
    workspace: Workspace,
    data: Path,
    *,
    extractor: str | None = None,
    limit: int = 0,
    mapping: Path | None = None,
    with_types: bool = False,
    n_worst: int = 20,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure an extractor on the first `limit` annotated records, on all for 0; see `score.evaluate`.

    Raises:
        ParseError: for a line that is no record, or a file without one.
        ConfigError: for an unknown extractor or wrong settings, or a mapping to what the ontology does not have.
    """
    name = extractor or workspace.settings.extractor
    ontology = open_ontology(workspace)
    mapped = load_mapping(mapping) if mapping else {}
    check_mapping(mapped, ontology, str(mapping))
    model = load_extractor(name, ontology, workspace.extractor_settings(name))
    try:
        records = itertools.islice(read_annotated(data), limit or None)
        report = evaluate(
            records,
            model,
            ontology,
            mapping=mapped,
            with_types=with_types,
            n_worst=n_worst,
            on_progress=on_progress,
        )
    finally:
        model.close()
    if not report.n_records:
        raise ParseError("there is no record", where=str(data), remedy="write one JSON object a line")
    return report


def replay(workspace: Workspace, *, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Drop the graph and everything derived, and compute both again from the ledger's truth."""
    with open_ledger(workspace) as ledger, ledger.building("a replay", wait=False), open_store(workspace) as store:
        deriver = open_deriver(workspace, ledger)
        with ledger.writing("a replay") as connection:
            ledger.rebuild_readings(connection, _chunker)
        store.migrate()
        store.clear()
        with ledger.reading() as connection:
            documents = derived.held_documents(connection)
        for begin in range(0, len(documents), _BATCH_DOCUMENTS):
            some = documents[begin : begin + _BATCH_DOCUMENTS]
            with ledger.writing("a replay") as connection:
                deriver.derive(connection, derived.attempted_among(connection, some))
            deriver.project(store)
            if on_progress:
                on_progress(min(begin + _BATCH_DOCUMENTS, len(documents)), len(documents))


def _chunker(document: Document, max_tokens: int, overlap_sentences: int) -> Iterable[Chunk]:
    return chunk(document, max_tokens=max_tokens, overlap_sentences=overlap_sentences)
