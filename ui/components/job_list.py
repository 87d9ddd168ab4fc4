"""The jobs: what waits, how far what runs is, what became of the rest. Draws itself again while one is on."""

from collections.abc import Mapping

import streamlit as st

from kgbuilder.errors import KGBuilderError
from kgbuilder.ledger import jobs
from kgbuilder.ledger.jobs import Job
from ui import state
from ui.actions import cancel_job, retry_job
from ui.components.messages import show_error, tell
from ui.i18n import t
from ui.jobs import Report, error_of, files_of, is_active, report_of, shown_source
from ui.markup import badge, clipped, escaped, notice
from ui.worker import is_running

__all__ = ["job_html", "job_list"]

_POLL_S = 0.5
_SHOWN = 4
_TONES = {
    "queued": "quiet",
    "running": "busy",
    "cancelling": "warn",
    "done": "good",
    "failed": "bad",
    "cancelled": "quiet",
}


def job_list() -> None:
    """Draw the latest jobs; while one is active they are read again twice a second."""
    with state.ledger().reading() as connection:
        active = any(is_active(job) for job in jobs.jobs(connection))
    state.take_change()  # the whole page is being drawn: it is in already
    st.fragment(_draw, run_every=_POLL_S if active else None)(active)


def _draw(was_active: bool) -> None:
    if state.take_change():
        st.rerun()  # this part alone would not begin to poll
    try:
        with state.ledger().reading() as connection:
            latest = jobs.jobs(connection)
    except KGBuilderError as error:
        show_error(error)
        return
    if was_active and not any(is_active(job) for job in latest):
        st.rerun()  # what a job changed stands all over the page
    if any(is_active(job) for job in latest) and not is_running(state.workspace()):
        tell(t("jobs.no_worker"), [t("jobs.no_worker_text")], tone="warn")
    for job in latest[:_SHOWN]:
        _draw_job(job)
    if older := latest[_SHOWN:]:
        with st.expander(t("jobs.older", n=len(older))):
            st.html("".join(job_html(job) for job in older))


def _draw_job(job: Job) -> None:
    if not (may_cancel := job.state in ("queued", "running")) and not _may_retry(job):
        st.html(job_html(job))
        return
    text, action = st.columns([7, 1], vertical_alignment="center")
    text.html(job_html(job))
    if may_cancel:
        action.button(t("jobs.cancel"), key=f"cancel-{job.id}", width="stretch", on_click=cancel_job, args=(job,))
    else:
        action.button(t("jobs.retry"), key=f"retry-{job.id}", width="stretch", on_click=retry_job, args=(job,))


def _may_retry(job: Job) -> bool:
    return job.state in ("failed", "cancelled") or (job.state == "done" and report_of(job).n_unreadable > 0)


def job_html(job: Job) -> str:
    """Return one job as a card: name, state, progress, and what came of it."""
    name = escaped(clipped(_title(job), 120))
    head = f'<div class="kg-job-head"><b><bdi>{name}</bdi></b>{badge(t(f"job.{job.state}"), _TONES[job.state])}</div>'
    parts = [head]
    report = report_of(job)
    if is_active(job):
        parts.append(_progress(job.progress))
    elif job.state == "done" and job.kind == "build":
        parts.append(f'<div class="kg-quiet">{escaped(_result(report))}</div>')
    if failure := error_of(job):
        parts.append(notice(failure.what, [shown_source(failure.where), failure.remedy], tone="bad"))
    parts += [notice(what, [shown_source(where), remedy], tone="warn") for what, where, remedy in report.unreadable[:5]]
    return f'<div class="kg-job" data-state="{job.state}">{"".join(parts)}</div>'


def _title(job: Job) -> str:
    if job.kind == "delete":
        return t("jobs.delete", name=job.payload.get("name", ""))
    names = files_of(job)
    if not names:
        return t("jobs.retry_chunks")
    return names[0] if len(names) == 1 else t("jobs.files", name=names[0], n=len(names))


def _progress(progress: Mapping[str, object]) -> str:
    done, total = _number(progress, "chunks"), _number(progress, "chunks_total")
    share = min(1.0, done / total) if total else 0.0
    facts: list[str] = []
    if total:
        facts.append(t("jobs.chunks", done=f"{done:,.0f}", total=f"{total:,.0f}"))
    if rate := _number(progress, "rate_per_s"):
        facts.append(t("jobs.rate", rate=f"{rate:,.1f}"))
    if progress.get("left_s") is not None:
        facts.append(t("jobs.left", time=_duration(_number(progress, "left_s"))))
    if n := _number(progress, "failed"):
        facts.append(t("jobs.n_failed", n=f"{n:,.0f}"))
    current = str(progress.get("current") or "") if progress.get("documents_total") != 1 else ""
    if total and done >= total:
        facts.append(t("jobs.finishing"))
    line = " · ".join(facts) or t("jobs.waits" if progress.get("waits") else "jobs.waiting")
    moving = "" if total else " kg-moving"
    return (
        f'<div class="kg-progress{moving}" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share * 100:.0f}"><i style="width:{share * 100:.1f}%"></i></div>'
        f'<div class="kg-job-line"><span>{escaped(line)}</span><bdi>{escaped(clipped(current))}</bdi></div>'
    )


def _number(values: Mapping[str, object], name: str) -> float:
    found = values.get(name)
    return float(found) if isinstance(found, int | float) else 0.0


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 60:
        return t("time.seconds", n=whole)
    return t("time.minutes", n=whole // 60) if whole < 5400 else t("time.hours", n=f"{whole / 3600:.1f}")


def _result(report: Report) -> str:
    done = t("jobs.result", n=f"{report.documents:,}", seconds=f"{report.seconds:.1f}")
    return f"{done} · {t('jobs.unreadable', n=report.n_unreadable)}" if report.n_unreadable else done
