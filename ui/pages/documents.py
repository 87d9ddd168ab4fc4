"""Documents: bring files in, watch the jobs, see what became of each document."""

from collections.abc import Mapping, Sequence

import streamlit as st

from kgbuilder.ledger import browse, jobs, views
from kgbuilder.ledger.views import DocumentView
from ui import state
from ui.actions import delete_document, dismiss, retry_failed_chunks, take_uploads
from ui.components.filters import choose, search_field
from ui.components.job_list import job_list
from ui.components.messages import empty, heading, section
from ui.components.table import Columns, choose_row, pages
from ui.i18n import t
from ui.jobs import shown_source
from ui.markup import clipped, escaped, notice, one_line

__all__ = ["document_columns", "document_state", "draw"]

_PAGE_ROWS = 100
_TYPES = ["txt", "md", "html", "htm", "pdf", "docx", "csv", "jsonl"]
_STATES = ("pending", "done", "failed", "quarantined")
_UPLOAD = "upload"
_MAX_NAMED = 12


def draw() -> None:
    """Draw the page."""
    heading(t("documents.title"), t("documents.subtitle"))
    _draw_uploader()
    with state.ledger().reading() as connection:
        any_jobs = bool(jobs.jobs(connection, limit=1))
        unreadable = views.unreadable(connection)
        any_documents = bool(views.n_documents(connection))
    if any_jobs:
        section(t("documents.jobs"))
        job_list()
    if unreadable:
        _draw_unreadable(unreadable)
    section(t("documents.all"))
    if not any_documents:
        empty(t("documents.none"), t("documents.none_text"))
        return
    _draw_table()


# --- bringing files in ------------------------------------------------------------------------------------------------


def _draw_uploader() -> None:
    key = state.fresh_key(_UPLOAD)
    st.file_uploader(
        t("documents.upload"),
        type=_TYPES,
        accept_multiple_files=True,
        key=key,
        max_upload_size=state.workspace().settings.limits.file_mb,
        on_change=take_uploads,
        args=(_UPLOAD, key),
        help=t("documents.upload_help"),
    )


# --- files that could not be read -------------------------------------------------------------------------------------


def _draw_unreadable(rows: Sequence[Mapping[str, str]]) -> None:
    section(t("home.unreadable"), t("documents.unreadable_note"))
    for row in rows[:_MAX_NAMED]:
        text, action = st.columns([5, 1], vertical_alignment="center")
        text.html(notice(row["what"], [shown_source(row["where"] or row["source"]), row["remedy"]], tone="warn"))
        key = f"dismiss-{row['source']}"
        action.button(t("documents.dismiss"), key=key, width="stretch", on_click=dismiss, args=(row["source"],))
    if len(rows) > _MAX_NAMED:
        st.html(f'<div class="kg-more">{escaped(t("home.more", n=len(rows) - _MAX_NAMED))}</div>')


# --- the table --------------------------------------------------------------------------------------------------------


def document_state(document: DocumentView) -> str:
    """Return the state of a document as a whole: that of its chunk in the worst state."""
    for name in ("pending", "failed", "quarantined"):
        if document.chunks.get(name):
            return name
    return "done"


def document_columns(documents: Sequence[DocumentView]) -> Columns:
    """Return documents as a table with headings in the language of the page."""
    totals = [max(1, sum(d.chunks.values())) for d in documents]
    return {
        t("document.name"): [one_line(d.name, 80) for d in documents],
        t("document.state"): [t(f"chunk.{document_state(d)}") for d in documents],
        t("document.read"): [100 * d.chunks.get("done", 0) / n for d, n in zip(documents, totals, strict=True)],
        t("document.facts"): [d.n_facts for d in documents],
        t("document.chunks"): [sum(d.chunks.values()) for d in documents],
        t("document.failed"): [d.chunks.get("failed", 0) + d.chunks.get("quarantined", 0) for d in documents],
        t("document.chars"): [d.n_chars for d in documents],
        t("document.language"): [t(f"language.{d.language}") for d in documents],
        t("document.extractor"): [one_line(d.extractor, 30) for d in documents],
        t("document.warnings"): [one_line("; ".join(d.warnings), 120) for d in documents],
    }


def _draw_table() -> None:
    left, right, _ = st.columns([4, 2, 3])
    with left:
        text = search_field(t("documents.search"), key="documents-search")
    with right:
        states = {"": t("filter.any_state"), **{name: t(f"chunk.{name}") for name in _STATES}}
        wanted = choose(states, label=t("document.state"), key="documents-state")
    with state.ledger().reading() as connection:
        total = views.n_documents(connection, text=text, state=wanted)
        n_failed = views.n_documents(connection, state="failed") + views.n_documents(connection, state="quarantined")
    page = pages(total, _PAGE_ROWS, key="documents-page")
    with state.ledger().reading() as connection:
        found = views.document_views(connection, text=text, state=wanted, limit=_PAGE_ROWS, offset=page * _PAGE_ROWS)
    if not found:
        empty(t("filter.nothing"), t("filter.nothing_text"))
        return
    row = choose_row(
        document_columns(found),
        key="documents-table",
        config={
            t("document.name"): st.column_config.TextColumn(width="large"),
            t("document.read"): st.column_config.ProgressColumn(width=110, min_value=0, max_value=100, format="%d%%"),
        },
    )
    _draw_actions(found[row] if row is not None else None, n_failed)


def _draw_actions(chosen: DocumentView | None, n_failed: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(t("documents.open"), type="primary", disabled=chosen is None, key="open-document") and chosen:
            state.go("document", id=chosen.id)
        if st.button(t("documents.delete"), disabled=chosen is None, key="delete-document") and chosen:
            _confirm_delete(chosen)
        if n_failed:
            st.button(t("documents.retry_failed"), key="retry-failed", on_click=retry_failed_chunks)
        hint = one_line(chosen.name, 80) if chosen else t("documents.choose")
        st.html(f'<span class="kg-quiet"><bdi>{escaped(hint)}</bdi></span>')


def _confirm_delete(document: DocumentView) -> None:
    st.dialog(t("delete.title"), width="medium")(_draw_delete)(document)


def _draw_delete(document: DocumentView) -> None:
    names = state.names()
    with state.ledger().reading() as connection:
        leaving = browse.departure(connection, document.id)
    st.html(f"<p><b><bdi>{escaped(clipped(document.name, 120))}</bdi></b></p><p>{escaped(t('delete.text'))}</p>")
    lines = [
        t("delete.evidence", n=f"{leaving.n_evidence:,}"),
        t("delete.facts", n=f"{leaving.n_facts:,}"),
        t("delete.kept", n=f"{leaving.n_facts_kept:,}"),
        t("delete.entities", n=f"{leaving.n_entities:,}"),
    ]
    st.html('<ul class="kg-list">' + "".join(f"<li>{escaped(line)}</li>" for line in lines) + "</ul>")
    if leaving.facts:
        rows = "".join(
            f"<li><bdi>{escaped(clipped(head, 40))}</bdi> — {escaped(names.relation(relation))} → "
            f"<bdi>{escaped(clipped(tail, 40))}</bdi></li>"
            for head, relation, tail in leaving.facts[:_MAX_NAMED]
        )
        more = leaving.n_facts - min(_MAX_NAMED, len(leaving.facts))
        rest = f"<li>{escaped(t('home.more', n=more))}</li>" if more > 0 else ""
        st.html(f'<ul class="kg-list kg-quiet">{rows}{rest}</ul>')
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(t("delete.no"), key="delete-no"):
            st.rerun()
        named = (document.id, document.name)
        if st.button(t("delete.yes"), type="primary", key="delete-yes", on_click=delete_document, args=named):
            st.rerun()
