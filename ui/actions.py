"""What people set off from a page: jobs, mostly. Made for `on_click`: one that fails is told on the page drawn next."""

from collections.abc import Mapping

from kgbuilder.errors import KGBuilderError
from kgbuilder.ledger import jobs
from kgbuilder.ledger.jobs import Job
from ui import state
from ui.jobs import build_payload, delete_payload, retry_payload
from ui.uploads import save

__all__ = ["cancel_job", "delete_document", "dismiss", "retry_failed_chunks", "retry_job", "take_uploads"]

_AUTHOR = "app"
_TAKEN = "uploads-taken"


def take_uploads(name: str, key: str) -> None:
    """Keep the files of an uploader on disk, queue one job for all of them, and let their bytes go."""
    uploads = state.value(key)
    # The browser may send the files of an uploader again while the page is drawn without it.
    if not isinstance(uploads, list) or not uploads or state.value(_TAKEN) == key:
        return
    state.remember(_TAKEN, key)
    folder = state.workspace().uploads
    try:
        stored = [save(folder, upload) for upload in uploads]
    except KGBuilderError as error:
        state.put_trouble(error)
        return
    _enqueue("build", build_payload({kept.path: kept.source for kept in stored}))
    state.renew(name)


def cancel_job(job: Job) -> None:
    """Ask a job to stop."""
    try:
        with state.ledger().writing("the app") as connection:
            jobs.request_cancel(connection, job.id)
    except KGBuilderError as error:
        state.put_trouble(error)


def retry_job(job: Job) -> None:
    """Queue again what a job was about."""
    _enqueue(job.kind, retry_payload(job))


def retry_failed_chunks() -> None:
    """Queue a job that asks again for every passage without a usable answer."""
    _enqueue("build", build_payload({}, retry_failed=True))


def delete_document(document_id: str, name: str) -> None:
    """Queue the deletion of a document."""
    _enqueue("delete", delete_payload(document_id, name))


def dismiss(source: str) -> None:
    """Forget that a file could not be read."""
    try:
        with state.ledger().writing("the app") as connection:
            state.ledger().drop_failure(connection, source)
    except KGBuilderError as error:
        state.put_trouble(error)


def _enqueue(kind: str, payload: Mapping[str, object]) -> None:
    try:
        with state.ledger().writing("the app") as connection:
            jobs.enqueue(connection, kind, payload, author=_AUTHOR)
    except KGBuilderError as error:
        state.put_trouble(error)
    state.put_change()
