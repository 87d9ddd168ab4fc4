"""The worker with a build of the test's own: states, progress, cancel, failures, and ends of every kind."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from kgbuilder.errors import ModelError, StoreError
from kgbuilder.ledger import Ledger, jobs
from kgbuilder.ledger.views import Counts
from kgbuilder.pipeline import BuildReport, Progress
from tests.ui.filled import make
from ui import worker
from ui.jobs import build_payload, delete_payload, error_of, report_of
from ui.worker import is_running, run_worker

COUNTS = Counts(documents=1, chunks={}, entities=2, facts=3, evidence=4, quarantined=0, unreadable=0)


@pytest.fixture
def workspace(tmp_path: Path):
    return make(tmp_path / "ws")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The jobs of a workspace, seen from outside the worker."""

    ledger: Ledger

    def put(self, kind: str = "build", **payload: object) -> str:
        with self.ledger.writing() as connection:
            return jobs.enqueue(connection, kind, payload or build_payload({}), author="ada")

    def job(self, job_id: str) -> jobs.Job:
        with self.ledger.reading() as connection:
            return jobs.job(connection, job_id)

    def cancel(self, job_id: str) -> None:
        with self.ledger.writing() as connection:
            jobs.request_cancel(connection, job_id)

    def until(self, job_id: str, *states: str, seconds: float = 20) -> jobs.Job:
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id)).state not in states:
            assert time.monotonic() < deadline, f"still {job.state}: {job.progress}"
            time.sleep(0.02)
        return job


@pytest.fixture
def queue(workspace):
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger:
        yield Queue(ledger=ledger)


def progress(chunks: int, total: int = 10) -> Progress:
    return Progress(
        documents=0,
        documents_total=1,
        chunks=chunks,
        chunks_total=total,
        facts=chunks,
        failed=0,
        rate_per_s=2.0,
        left_s=3.0,
        current="a.txt",
    )


def report(*, cancelled: bool = False, unreadable: tuple = ()) -> BuildReport:
    return BuildReport(counts=COUNTS, documents=1, unreadable=unreadable, cancelled=cancelled, seconds=0.5, cpu_s={})


def slow_build(_workspace, _paths, *, on_progress, **_more) -> BuildReport:
    """A build that goes on until it is told to stop."""
    for n in range(10_000):
        if on_progress(progress(n % 10)) is False:
            return report(cancelled=True)
        time.sleep(0.02)
    raise AssertionError("nobody stopped it")


def started(workspace) -> threading.Thread:
    thread = threading.Thread(target=run_worker, args=(workspace,), kwargs={"once": True})
    thread.start()
    return thread


def test_a_build_gets_its_files_sources_and_author_and_is_done(workspace, queue, monkeypatch):
    asked = {}

    def build(_workspace, paths, **more) -> BuildReport:
        asked.update(more, paths=paths)
        return report()

    monkeypatch.setattr(worker, "build", build)
    job_id = queue.put(**build_payload({"uploads/x/a.txt": "upload:x/a.txt"}, retry_failed=True))
    run_worker(workspace, once=True)
    path = workspace.folder / "uploads/x/a.txt"
    assert asked["paths"] == [path]
    assert asked["sources"] == {path: "upload:x/a.txt"}
    assert (asked["author"], asked["retry_failed"], asked["wait"]) == ("ada", True, True)
    job = queue.job(job_id)
    assert job.state == "done"
    assert (report_of(job).documents, report_of(job).facts) == (1, 3)


def test_jobs_are_done_in_the_order_they_came(workspace, queue, monkeypatch):
    done = []
    monkeypatch.setattr(
        worker, "build", lambda *_, **more: done.append(next(iter(more["sources"].values()))) or report()
    )
    for name in ("one", "two", "three"):
        queue.put(**build_payload({name: name}))
    run_worker(workspace, once=True)
    assert done == ["one", "two", "three"]


def test_a_deletion_is_a_job_too(workspace, queue, monkeypatch):
    deleted = []
    monkeypatch.setattr(worker, "delete_document", lambda _, document_id, author: deleted.append((document_id, author)))
    job_id = queue.put("delete", **delete_payload("abc", "a.txt"))
    run_worker(workspace, once=True)
    assert deleted == [("abc", "ada")]
    assert queue.job(job_id).state == "done"


@pytest.mark.slow
def test_progress_is_written_while_a_batch_is_long(workspace, queue, monkeypatch):
    go_on = threading.Event()

    def build(*_, on_progress, **__) -> BuildReport:
        on_progress(progress(4))
        go_on.wait(20)
        return report()

    monkeypatch.setattr(worker, "build", build)
    monkeypatch.setattr(worker, "_HEARTBEAT_S", 0.3)
    job_id = queue.put()
    thread = started(workspace)
    deadline = time.monotonic() + 10
    while queue.job(job_id).progress.get("chunks") != 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first = queue.job(job_id).updated_at
    time.sleep(1.5)
    assert queue.job(job_id).updated_at > first
    go_on.set()
    thread.join()


@pytest.mark.slow
def test_progress_is_written_at_most_three_times_a_second(workspace, queue, monkeypatch):
    written = []
    set_progress = jobs.set_progress
    monkeypatch.setattr(worker, "build", slow_build)
    monkeypatch.setattr(jobs, "set_progress", lambda *a: written.append(time.monotonic()) or set_progress(*a))
    job_id = queue.put()
    thread = started(workspace)
    queue.until(job_id, "running")
    time.sleep(2)
    queue.cancel(job_id)
    thread.join()
    assert len(written) <= 3 * (written[-1] - written[0]) + 3


def test_a_running_job_stops_when_it_is_cancelled(workspace, queue, monkeypatch):
    monkeypatch.setattr(worker, "build", slow_build)
    job_id = queue.put()
    thread = started(workspace)
    queue.until(job_id, "running")
    queue.cancel(job_id)
    assert queue.until(job_id, "cancelled").state == "cancelled"
    thread.join()


@pytest.mark.parametrize(
    "error", [ModelError("no model answers", where="http://x", remedy="start it"), StoreError("disk full")]
)
def test_a_failure_is_kept_with_what_where_and_remedy_and_the_next_job_is_done(workspace, queue, monkeypatch, error):
    def build(*_, **more) -> BuildReport:
        if more["sources"]:
            raise error
        return report()

    monkeypatch.setattr(worker, "build", build)
    failed, done = queue.put(**build_payload({"a": "a"})), queue.put()
    run_worker(workspace, once=True)
    kept = error_of(queue.job(failed))
    assert kept is not None
    assert (kept.what, kept.where, kept.remedy) == (error.what, error.where, error.remedy)
    assert queue.job(failed).state == "failed"
    assert queue.job(done).state == "done"


def test_an_error_with_a_name_that_is_no_utf8_is_kept(workspace, queue, monkeypatch):
    def build(*_, **__) -> BuildReport:
        raise StoreError("cannot read", where="caf\udce9.txt")

    monkeypatch.setattr(worker, "build", build)
    job_id = queue.put()
    run_worker(workspace, once=True)
    assert error_of(queue.job(job_id)).where == "caf?.txt"


def test_a_fault_of_ours_is_kept_and_ends_the_worker(workspace, queue, monkeypatch):
    def build(*_, **__) -> BuildReport:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(worker, "build", build)
    job_id = queue.put()
    with pytest.raises(ZeroDivisionError):
        run_worker(workspace, once=True)
    job = queue.job(job_id)
    assert job.state == "failed"
    assert "ZeroDivisionError" in error_of(job).what


def test_a_second_worker_is_refused(workspace, queue, monkeypatch):
    monkeypatch.setattr(worker, "build", slow_build)
    monkeypatch.setattr(worker, "_LOCK_WAIT_S", 0.1)
    assert not is_running(workspace)
    job_id = queue.put()
    thread = started(workspace)
    queue.until(job_id, "running")
    assert is_running(workspace)
    with pytest.raises(StoreError, match="in use by a worker"):
        run_worker(workspace, once=True)
    queue.cancel(job_id)
    thread.join()
    assert not is_running(workspace)


def test_a_job_waits_for_a_build_that_was_started_elsewhere(workspace, queue, monkeypatch):
    monkeypatch.setattr(worker, "build", lambda *_, **__: report())
    job_id = queue.put()
    with queue.ledger.building("the command line", wait=False):
        thread = started(workspace)
        deadline = time.monotonic() + 10
        while not queue.job(job_id).progress.get("waits"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert queue.job(job_id).state == "running"
    assert queue.until(job_id, "done")
    thread.join()


def test_a_waiting_job_can_be_cancelled(workspace, queue, monkeypatch):
    monkeypatch.setattr(worker, "build", lambda *_, **__: report())
    job_id = queue.put()
    with queue.ledger.building("the command line", wait=False):
        thread = started(workspace)
        queue.until(job_id, "running")
        queue.cancel(job_id)
        queue.until(job_id, "cancelled")
    thread.join()


PROGRAM = """
import sys, time
from pathlib import Path
from kgbuilder.config import open_workspace
from ui import worker

def build(workspace, paths, *, on_progress, **more):
    from tests.ui import test_worker
    return test_worker.slow_build(workspace, paths, on_progress=on_progress)

worker.build = build
worker.run_worker(open_workspace(Path(sys.argv[1])))
"""


def in_process(workspace) -> subprocess.Popen:
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", PROGRAM, str(workspace.folder)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_puts_its_job_back(workspace, queue):
    job_id = queue.put()
    with in_process(workspace) as process:
        queue.until(job_id, "running")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    job = queue.job(job_id)
    assert job.state == "queued"
    assert job.progress["starts"] == 0


@pytest.mark.slow
def test_a_killed_worker_leaves_its_job_to_the_next(workspace, queue, monkeypatch):
    job_id = queue.put()
    with in_process(workspace) as process:
        queue.until(job_id, "running")
        while "starts" not in queue.job(job_id).progress:
            time.sleep(0.02)
        process.kill()
    assert queue.job(job_id).state == "running"
    monkeypatch.setattr(worker, "build", lambda *_, **__: report())
    run_worker(workspace, once=True)
    assert queue.job(job_id).state == "done"


def test_a_job_that_kills_its_worker_again_and_again_is_given_up(workspace, queue, monkeypatch):
    job_id = queue.put()
    with queue.ledger.writing() as connection:
        jobs.claim_job(connection)
        jobs.set_progress(connection, job_id, {"starts": 3})
    monkeypatch.setattr(worker, "build", lambda *_, **__: pytest.fail("it was begun a fourth time"))
    run_worker(workspace, once=True)
    job = queue.job(job_id)
    assert job.state == "failed"
    assert "died 3 times" in error_of(job).what


def test_a_cancel_that_comes_while_no_worker_lives_is_kept(workspace, queue, monkeypatch):
    job_id = queue.put()
    with queue.ledger.writing() as connection:
        jobs.claim_job(connection)
        jobs.request_cancel(connection, job_id)
    monkeypatch.setattr(worker, "build", lambda *_, **__: pytest.fail("it was cancelled"))
    run_worker(workspace, once=True)
    assert queue.job(job_id).state == "cancelled"
