"""What the app and its worker write into a job's payload, progress and error, and read from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from kgbuilder.errors import KGBuilderError
from kgbuilder.ledger.jobs import ACTIVE, Job

if TYPE_CHECKING:
    from kgbuilder.pipeline import BuildReport

__all__ = [
    "Report",
    "build_payload",
    "delete_payload",
    "error_of",
    "error_text",
    "files_of",
    "is_active",
    "report_of",
    "report_values",
    "retry_payload",
    "shown_source",
    "starts_of",
]

_MAX_UNREADABLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a job did; `unreadable` lists files as (what, where, remedy), at most fifty of `n_unreadable`."""

    documents: int = 0
    facts: int = 0
    seconds: float = 0.0
    n_unreadable: int = 0
    unreadable: tuple[tuple[str, str, str], ...] = ()


# --- payload ----------------------------------------------------------------------------------------------------------


def build_payload(files: Mapping[str, str], *, retry_failed: bool = False, extractor: str = "") -> dict[str, object]:
    """Return the payload of a build.

    `files` maps paths relative to the workspace to the sources they stand for; `extractor` is the workspace's own
    unless given.
    """
    return {"files": dict(files), "retry_failed": retry_failed, "extractor": extractor}


def delete_payload(document_id: str, name: str) -> dict[str, object]:
    """Return the payload of a deletion."""
    return {"document": document_id, "name": name}


def retry_payload(job: Job) -> dict[str, object]:
    """Return the payload that does a job again, with the passages that failed in it."""
    return {**job.payload, "retry_failed": True} if job.kind == "build" else dict(job.payload)


def files_of(job: Job) -> list[str]:
    """Return the names of the files that a job reads."""
    files = job.payload.get("files")
    return [str(source).rpartition("/")[2] for source in files.values()] if isinstance(files, Mapping) else []


# --- progress and result ----------------------------------------------------------------------------------------------


def is_active(job: Job) -> bool:
    """Tell whether a job waits or runs."""
    return job.state in ACTIVE


def starts_of(job: Job) -> int:
    """Return how often a worker has begun this job and was lost."""
    n = job.progress.get("starts")
    return n if isinstance(n, int) else 0


def report_values(report: "BuildReport") -> dict[str, object]:
    """Return what a build did as values for the job's progress."""
    return {
        "documents": report.documents,
        "facts": report.counts.facts,
        "seconds": round(report.seconds, 1),
        "n_unreadable": len(report.unreadable),
        "unreadable": [
            [_storable(e.what), _storable(e.where), _storable(e.remedy)] for e in report.unreadable[:_MAX_UNREADABLE]
        ],
    }


def report_of(job: Job) -> Report:
    """Return what a job that is over did, as far as it is known."""
    found = job.progress.get("report")
    if not isinstance(found, Mapping):
        return Report()
    rows = found.get("unreadable")
    return Report(
        documents=int(found.get("documents", 0)),
        facts=int(found.get("facts", 0)),
        seconds=float(found.get("seconds", 0.0)),
        n_unreadable=int(found.get("n_unreadable", 0)),
        unreadable=tuple((str(a), str(b), str(c)) for a, b, c in rows) if isinstance(rows, Sequence) else (),
    )


def shown_source(source: str) -> str:
    """Return a source as people know it: an upload by the name of its file."""
    return source.partition("/")[2] if source.startswith("upload:") else source


# --- errors -----------------------------------------------------------------------------------------------------------


def error_text(error: KGBuilderError) -> str:
    """Return an error as text from which `error_of` makes it again."""
    parts = {"what": error.what, "where": error.where, "remedy": error.remedy}
    return orjson.dumps({name: _storable(text) for name, text in parts.items()}).decode()


def error_of(job: Job) -> KGBuilderError | None:
    """Return why a job failed."""
    if not job.error:
        return None
    try:
        found = orjson.loads(job.error)
    except orjson.JSONDecodeError:
        return KGBuilderError(job.error)
    return KGBuilderError(
        str(found.get("what", "")), where=str(found.get("where", "")), remedy=str(found.get("remedy", ""))
    )


def _storable(text: str) -> str:
    # A file name that is no UTF-8 has half surrogates in it, which neither JSON nor a database takes.
    return text.encode("utf-8", "replace").decode()
