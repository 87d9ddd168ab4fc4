"""One document: its text with the mentions in it, its facts, and what became of each chunk."""

import streamlit as st

from kgbuilder.ledger import browse, views
from kgbuilder.ledger.browse import ChunkRow
from kgbuilder.ledger.views import ChunkView, DocumentView
from ui import state
from ui.components.fact_table import fact_browser
from ui.components.filters import choose
from ui.components.messages import empty, heading
from ui.components.table import Columns, choose_row, pages
from ui.highlight import Span, marked
from ui.i18n import t
from ui.jobs import shown_source
from ui.markup import badge, entity_link, escaped, notice, one_line
from ui.names import Names
from ui.pages.documents import document_state
from ui.pages.home import STATE_TONES
from ui.theme import color_of

__all__ = ["draw"]

_WINDOW_CHARS = 6_000
_CHUNK_ROWS = 200
_MAX_FACTS = 500
_MAX_REPLY_CHARS = 40_000
_PARTS = ("text", "facts", "chunks")


def draw() -> None:
    """Draw the page of the document that the address names."""
    document_id = state.parameter("id")
    with state.ledger().reading() as connection:
        document = browse.document_view(connection, document_id)
    names = state.names()
    marks = badge(t(f"chunk.{document_state(document)}"), STATE_TONES[document_state(document)])
    heading(one_line(document.name, 120), _facts_about(document), extra=f" {marks}")
    for warning in document.warnings:
        st.html(notice(warning, tone="warn"))
    part = st.segmented_control(
        t("document.part"),
        _PARTS,
        default=_PARTS[0],
        required=True,
        format_func={name: t(f"document.part_{name}") for name in _PARTS}.__getitem__,
        key="document-part",
        label_visibility="collapsed",
    )
    if part == "facts":
        _draw_facts(document.id, names)
    elif part == "chunks":
        _draw_chunks(document)
    else:
        _draw_text(document, names)


def _facts_about(document: DocumentView) -> str:
    about = [
        t(f"language.{document.language}"),
        t("document.n_chars", n=f"{document.n_chars:,}"),
        t("document.n_chunks", n=f"{sum(document.chunks.values()):,}"),
        t("document.n_facts", n=f"{document.n_facts:,}"),
        document.media_type,
        one_line(", ".join(map(shown_source, document.sources)), 120),
    ]
    return " · ".join(part for part in about if part)


# --- the text ---------------------------------------------------------------------------------------------------------


def _draw_text(document: DocumentView, names: Names) -> None:
    n_windows = max(1, -(-document.n_chars // _WINDOW_CHARS))
    asked = state.parameter("at")
    at = min(int(asked), document.n_chars - 1) if asked.isdecimal() and document.n_chars else 0
    first = at // _WINDOW_CHARS + 1
    window = (st.pagination(n_windows, default=first, key="document-window") if n_windows > 1 else 1) - 1
    start = window * _WINDOW_CHARS
    end = min(start + _WINDOW_CHARS, document.n_chars)
    with state.ledger().reading() as connection:
        text = browse.text_between(connection, document.id, start, end)
        mentions = browse.mentions_between(connection, document.id, start, end)
    if not text:
        empty(t("document.no_text"), t("document.no_text_text"))
        return
    spans = [
        Span(
            start=mention.start - start,
            end=mention.end - start,
            color=color_of(mention.label),
            title=f"{one_line(mention.text, 100)} · {names.entity_type(mention.label)} · {mention.score:.2f}",
            href=entity_link(mention.entity_id, names.language) if mention.entity_id else "",
        )
        for mention in mentions
    ]
    found: dict[str, int] = {}
    for mention in mentions:
        found[mention.label] = found.get(mention.label, 0) + 1
    dots = "".join(
        f'<span style="--c:{color_of(label)}"><i class="kg-dot"></i>'
        f"{escaped(names.entity_type(label))} <b>{n}</b></span>"
        for label, n in sorted(found.items(), key=lambda item: -item[1])
    )
    note = escaped(t("evidence.span", start=f"{start:,}", end=f"{end:,}"))
    st.html(f'<div class="kg-legend">{dots}<span class="kg-quiet">{note}</span></div>')
    st.html(f'<article class="kg-page" dir="auto">{marked(text, spans)}</article>')


# --- facts and chunks -------------------------------------------------------------------------------------------------


def _draw_facts(document_id: str, names: Names) -> None:
    with state.ledger().reading() as connection:
        facts = views.fact_views(connection, document=document_id, limit=_MAX_FACTS)
    if not facts:
        empty(t("document.no_facts"), t("document.no_facts_text"))
        return
    fact_browser(facts, names, key="document-facts")


def _draw_chunks(document: DocumentView) -> None:
    states = {"": t("filter.any_state"), **{s: t(f"chunk.{s}") for s in STATE_TONES if document.chunks.get(s)}}
    column, _ = st.columns([1, 3])
    with column:
        wanted = choose(states, label=t("document.state"), key="chunks-state")
    with state.ledger().reading() as connection:
        total = browse.n_chunks(connection, document.id, state=wanted)
    page = pages(total, _CHUNK_ROWS, key="chunks-page")
    with state.ledger().reading() as connection:
        rows = browse.chunk_rows(connection, document.id, state=wanted, limit=_CHUNK_ROWS, offset=page * _CHUNK_ROWS)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        row = choose_row(_chunk_columns(rows), key="chunks-table")
    with right:
        if row is None:
            empty(t("chunk.choose"), t("chunk.choose_text"))
            return
        with state.ledger().reading() as connection:
            chunk = browse.chunk_detail(connection, rows[row].id)
            text = browse.text_between(connection, document.id, chunk.start, chunk.end)
        _draw_chunk(chunk, text)


def _chunk_columns(rows: list[ChunkRow]) -> Columns:
    return {
        "#": [row.seq + 1 for row in rows],
        t("document.state"): [t(f"chunk.{row.state}") for row in rows],
        t("chunk.place"): [f"{row.start:,}–{row.end:,}" for row in rows],
        t("chunk.set_aside"): [row.n_quarantined for row in rows],
        t("chunk.problem"): [one_line(row.problem, 120) for row in rows],
    }


def _draw_chunk(chunk: ChunkView, text: str) -> None:
    st.html(
        f'<div class="kg-panel"><h4 class="kg-h4">{escaped(t("chunk.title", n=chunk.seq + 1))} '
        f"{badge(t(f'chunk.{chunk.state}'), STATE_TONES[chunk.state])}</h4>"
        f'<p class="kg-text kg-clip" dir="auto">{escaped(text)}</p></div>'
    )
    if chunk.failure:
        lines = [str(chunk.failure.get("remedy") or "")]
        st.html(notice(str(chunk.failure.get("what") or chunk.failure.get("kind") or ""), lines, tone="bad"))
    if chunk.quarantined:
        items = "".join(
            f'<li><b>{escaped(t_reason(claim["reason"]))}</b> <span class="kg-quiet">{escaped(claim["detail"])}</span>'
            f'<pre class="kg-pre">{escaped(claim["claim"][:2000])}</pre></li>'
            for claim in chunk.quarantined
        )
        st.html(f'<h4 class="kg-h4">{escaped(t("chunk.set_aside"))}</h4><ul class="kg-claims">{items}</ul>')
    st.html(f'<h4 class="kg-h4">{escaped(t("chunk.replies"))}</h4>')
    if not chunk.replies:
        st.html(f'<p class="kg-quiet">{escaped(t("chunk.no_replies"))}</p>')
    for reply in chunk.replies:
        about = " · ".join(str(reply.get(name)) for name in ("task", "model", "decode", "finish") if reply.get(name))
        shown = str(reply.get("text", ""))[:_MAX_REPLY_CHARS]
        st.html(f'<div class="kg-quiet">{escaped(about)}</div><pre class="kg-pre">{escaped(shown)}</pre>')


def t_reason(reason: str) -> str:
    """Return a reason for setting a claim aside; one that has no translation is shown as it stands."""
    return one_line(reason, 200)
