"""The worker: a process of its own that takes jobs from the ledger, one at a time, and does them.

It may be killed at any moment: what a job did stands in the ledger, and the next worker takes it up again.
"""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal

from kgbuilder.config import Workspace
from kgbuilder.errors import KGBuilderError, StoreError
from kgbuilder.ledger import Ledger, jobs
from kgbuilder.ledger.engine import lock
from kgbuilder.ledger.jobs import Job
from kgbuilder.pipeline import Progress, build, delete_document, open_ledger
from ui.jobs import error_text, report_values, starts_of

__all__ = ["is_running", "run_worker"]

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.3
_PULSE_S = 0.35
_HEARTBEAT_S = 2.0
_TROUBLE_S = 2.0
_LOCK_WAIT_S = 2.0
_MAX_STARTS = 3


def run_worker(workspace: Workspace, *, once: bool = False, wait: bool = False) -> None:
    """Do jobs until a signal ends it; with `once`, until the queue is empty.

    A workspace has one worker: a second one raises StoreError, or stands by for the first with `wait`.
    """
    stop = threading.Event()
    with _ended_by_signal(stop), contextlib.ExitStack() as stack:
        if not _enter_lock(stack, workspace, stop, wait=wait):
            return
        ledger = stack.enter_context(open_ledger(workspace))
        with ledger.writing("the worker") as connection:
            jobs.requeue_lost(connection, older_than_s=0.0)  # whoever ran them is gone: we hold the lock
        while not stop.is_set():
            job = _next_job(ledger)
            if job is not None:
                _do(workspace, ledger, job, stop)
            elif once:
                return
            else:
                stop.wait(_IDLE_S)


def is_running(workspace: Workspace) -> bool:
    """Tell whether a worker of this workspace is alive."""
    return _is_held(_worker_lock(workspace))


def _worker_lock(workspace: Workspace) -> Path:
    return workspace.lock_path.with_name("worker.lock")


def _is_held(path: Path) -> bool:
    import fcntl

    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _enter_lock(stack: contextlib.ExitStack, workspace: Workspace, stop: threading.Event, *, wait: bool) -> bool:
    while not stop.is_set():
        try:
            stack.enter_context(lock(_worker_lock(workspace), wait_s=_LOCK_WAIT_S, holder="a worker"))
        except StoreError:
            if not wait:
                raise
        else:
            return True
    return False


@contextlib.contextmanager
def _ended_by_signal(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT; only the main thread of a process can listen to them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _next_job(ledger: Ledger) -> Job | None:
    try:
        with ledger.reading() as connection:
            if not any(job.state == "queued" for job in jobs.jobs(connection, limit=1000)):
                return None
        with ledger.writing("the worker") as connection:
            return jobs.claim_job(connection)
    except StoreError as error:
        _LOG.warning("the ledger cannot be reached: %s", error)
        time.sleep(_TROUBLE_S)
        return None


# --- one job ----------------------------------------------------------------------------------------------------------


def _do(workspace: Workspace, ledger: Ledger, job: Job, stop: threading.Event) -> None:
    n_starts = starts_of(job) + 1
    if n_starts > _MAX_STARTS:
        lost = StoreError(
            f"the worker died {_MAX_STARTS} times while it did this",
            remedy="see its log; a file may be too large for this machine: upload the files in smaller groups",
        )
        _finish(ledger, job, "failed", {**job.progress, "starts": 0}, error=error_text(lost))
        return
    with _Pulse(ledger, job, n_starts) as pulse, _Recorded(ledger, job, pulse):
        state, result = _perform(workspace, job, pulse, stop)
        pulse.end()
        # A job that is put back by a clean end has not been lost.
        values = {**pulse.values, **result, "starts": n_starts - 1 if state == "queued" else 0}
        _finish(ledger, job, state, values)


def _perform(
    workspace: Workspace, job: Job, pulse: "_Pulse", stop: threading.Event
) -> tuple[str, Mapping[str, object]]:
    """Do what the job says; return the state it is left in, and its result."""
    if job.kind == "delete":
        delete_document(workspace, str(job.payload.get("document", "")), author=job.author)
        return "done", {}
    if not _await_builds(workspace, pulse, stop):
        return _left(pulse), {}

    def on_progress(progress: Progress) -> bool:
        pulse.show(asdict(progress))
        return not (stop.is_set() or pulse.cancelled.is_set())

    files = job.payload.get("files")
    sources = {workspace.folder / path: str(name) for path, name in files.items()} if isinstance(files, dict) else {}
    report = build(
        workspace,
        list(sources),
        sources=sources,
        extractor=str(job.payload.get("extractor") or "") or None,
        retry_failed=bool(job.payload.get("retry_failed")),
        wait=True,
        author=job.author,
        on_progress=on_progress,
    )
    return _left(pulse) if report.cancelled else "done", {"report": report_values(report)}


def _left(pulse: "_Pulse") -> Literal["cancelled", "queued"]:
    return "cancelled" if pulse.cancelled.is_set() else "queued"


def _await_builds(workspace: Workspace, pulse: "_Pulse", stop: threading.Event) -> bool:
    """Wait for a build that was started elsewhere; return False when the job shall not wait any more."""
    while _is_held(workspace.lock_path.with_name("build.lock")):
        pulse.show({"waits": True})
        if stop.wait(_IDLE_S) or pulse.cancelled.is_set():
            return False
    return True


def _finish(ledger: Ledger, job: Job, state: str, values: Mapping[str, object], *, error: str | None = None) -> None:
    with ledger.writing("the worker") as connection:
        jobs.set_progress(connection, job.id, values)
        jobs.finish_job(connection, job.id, state, error=error)


class _Pulse:
    """Writes a job's progress from a thread of its own, at most three times a second, and hears when to stop.

    A batch may take long, and its transaction holds the ledger's lock: progress is never written from inside it.
    """

    def __init__(self, ledger: Ledger, job: Job, n_starts: int) -> None:
        self._ledger = ledger
        self._job = job
        self._starts = n_starts
        self._latest: Mapping[str, object] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kgbuilder-pulse", daemon=True)
        self.cancelled = threading.Event()

    @property
    def values(self) -> dict[str, object]:
        """The progress as last shown."""
        return {**self._latest, "starts": self._starts}

    def show(self, values: Mapping[str, object]) -> None:
        """Hand over the progress; it is written soon."""
        self._latest = values

    def end(self) -> None:
        """Write no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> "_Pulse":
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _run(self) -> None:
        written, at = self._latest, time.monotonic()
        while not self._over.wait(_PULSE_S):
            latest = self._latest
            if latest is not written or time.monotonic() - at >= _HEARTBEAT_S:
                self._write()
                written, at = latest, time.monotonic()

    def _write(self) -> None:
        try:
            with self._ledger.writing("the worker") as connection:
                if not jobs.set_progress(connection, self._job.id, self.values):
                    self.cancelled.set()
        except StoreError as error:
            _LOG.warning("progress cannot be written: %s", error)


class _Recorded:
    """Records in the job why its work ended early. An error of ours ends there; any other goes on to end the worker."""

    def __init__(self, ledger: Ledger, job: Job, pulse: _Pulse) -> None:
        self._ledger = ledger
        self._job = job
        self._pulse = pulse

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        self._pulse.end()
        known = isinstance(error, KGBuilderError)
        shown = error if isinstance(error, KGBuilderError) else _unexpected(error)
        _LOG.error("job %s failed: %s", self._job.id, str(shown).encode("utf-8", "backslashreplace").decode())
        _finish(self._ledger, self._job, "failed", {**self._pulse.values, "starts": 0}, error=error_text(shown))
        return known


def _unexpected(error: BaseException) -> KGBuilderError:
    return KGBuilderError(
        f"unexpected {type(error).__name__}: {error}",
        where="worker",
        remedy="this is a fault in kgbuilder: please report it with the log of the worker",
    )
