"""The queue of long jobs that the app puts in and its worker takes out."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from kgbuilder.errors import StoreError
from kgbuilder.ids import content_id
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.ledger import now

__all__ = ["Job", "claim_job", "enqueue", "finish_job", "job", "jobs", "request_cancel", "requeue_lost", "set_progress"]

ACTIVE = ("queued", "running", "cancelling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. `state` is queued, running, cancelling, done, failed or cancelled."""

    id: str
    seq: int
    kind: str
    payload: Mapping[str, object]
    state: str
    progress: Mapping[str, object]
    error: str | None
    author: str
    created_at: str
    updated_at: str


def _job(row: sa.Row[*tuple[Any, ...]]) -> Job:
    values = dict(row._mapping)
    return Job(**{**values, "payload": orjson.loads(row.payload), "progress": orjson.loads(row.progress)})


def enqueue(connection: sa.Connection, kind: str, payload: Mapping[str, object], *, author: str) -> str:
    """Put a job at the end of the queue and return its id."""
    seq = (connection.execute(sa.select(sa.func.max(t.job.c.seq))).scalar() or 0) + 1
    body = orjson.dumps(payload).decode()
    job_id = content_id("job", seq, kind, body)
    row = {
        "id": job_id,
        "seq": seq,
        "kind": kind,
        "payload": body,
        "state": "queued",
        "progress": "{}",
        "author": author,
        "created_at": now(),
        "updated_at": now(),
    }
    connection.execute(sa.insert(t.job), [row])
    return job_id


def claim_job(connection: sa.Connection) -> Job | None:
    """Take the oldest queued job and mark it running; None when the queue is empty."""
    query = sa.select(t.job).where(t.job.c.state == "queued").order_by(t.job.c.seq).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    _set(connection, row.id, state="running")
    return job(connection, row.id)


def job(connection: sa.Connection, job_id: str) -> Job:
    """Return a job. Raises StoreError when there is none."""
    row = connection.execute(sa.select(t.job).where(t.job.c.id == job_id)).first()
    if row is None:
        raise StoreError("no such job", where=job_id, remedy="reload the list of jobs")
    return _job(row)


def jobs(connection: sa.Connection, *, limit: int = 50) -> list[Job]:
    """List the latest jobs, newest first."""
    return [_job(row) for row in connection.execute(sa.select(t.job).order_by(t.job.c.seq.desc()).limit(limit))]


def set_progress(connection: sa.Connection, job_id: str, progress: Mapping[str, object]) -> bool:
    """Write how far a job is; return False when someone wants it to stop."""
    _set(connection, job_id, progress=orjson.dumps(progress).decode())
    return job(connection, job_id).state != "cancelling"


def finish_job(connection: sa.Connection, job_id: str, state: str, *, error: str | None = None) -> None:
    """Mark a job done, failed or cancelled."""
    _set(connection, job_id, state=state, error=error)


def request_cancel(connection: sa.Connection, job_id: str) -> None:
    """Ask a job to stop: at once when it waits, after its batch when it runs."""
    state = job(connection, job_id).state
    if state == "queued":
        _set(connection, job_id, state="cancelled")
    elif state == "running":
        _set(connection, job_id, state="cancelling")


def requeue_lost(connection: sa.Connection, *, older_than_s: float) -> int:
    """Put jobs back whose worker has not been heard of for a while; what they did stands, so they resume."""
    before = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=older_than_s)).isoformat()
    lost = sa.and_(t.job.c.state.in_(("running", "cancelling")), t.job.c.updated_at < before)
    connection.execute(
        sa.update(t.job).where(lost, t.job.c.state == "cancelling").values(state="cancelled", updated_at=now())
    )
    return connection.execute(sa.update(t.job).where(lost).values(state="queued", updated_at=now())).rowcount


def _set(connection: sa.Connection, job_id: str, **values: object) -> None:
    connection.execute(sa.update(t.job).where(t.job.c.id == job_id).values(**values, updated_at=now()))
