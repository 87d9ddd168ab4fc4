"""Facts: find one by its names, relation, type, score or document, and see the sentences that state it."""

import streamlit as st

from kgbuilder.ledger import browse, views
from kgbuilder.normalize import fold
from ui import state
from ui.components.fact_table import fact_browser
from ui.components.messages import empty, heading
from ui.components.table import pages
from ui.i18n import t
from ui.markup import escaped

__all__ = ["draw"]

_PAGE_ROWS = 200
_STATUSES = ("extracted", "accepted", "added", "rejected")
_SCORES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)


def draw() -> None:
    """Draw the page."""
    heading(t("facts.title"), t("facts.subtitle"))
    names = state.names()
    with state.ledger().reading() as connection:
        relations = browse.fact_relations(connection)
        labels = browse.entity_labels(connection)
    if not relations:
        empty(t("facts.none"), t("facts.none_text"))
        return
    columns = st.columns([4, 3, 2, 2, 2])
    text = columns[0].text_input(
        t("facts.search"), key="facts-search", placeholder=t("facts.search"), label_visibility="collapsed"
    )
    numbers = dict(relations)
    relation = columns[1].selectbox(
        t("fact.relation"),
        ["", *numbers],
        format_func=lambda r: f"{names.relation(r)} ({numbers[r]:,})" if r else t("filter.any_relation"),
        key="facts-relation",
        label_visibility="collapsed",
    )
    label = columns[2].selectbox(
        t("entity.type"),
        ["", *dict(labels)],
        format_func=lambda x: names.entity_type(x) if x else t("filter.any_type"),
        key="facts-label",
        label_visibility="collapsed",
    )
    status = columns[3].selectbox(
        t("fact.status"),
        ["", *_STATUSES],
        format_func=lambda s: t(f"status.{s}") if s else t("filter.any_status"),
        key="facts-status",
        label_visibility="collapsed",
    )
    score = columns[4].selectbox(
        t("fact.score"),
        _SCORES,
        format_func=lambda s: t("filter.score", score=f"{s:.2f}") if s else t("filter.any_score"),
        key="facts-score",
        label_visibility="collapsed",
    )
    search = fold(text or "")
    with state.ledger().reading() as connection:
        total = browse.n_facts(
            connection, search=search, relation=relation, label=label, status=status, min_score=score
        )
        page = pages(total, _PAGE_ROWS, key="facts-page")
        found = views.fact_views(
            connection,
            search=search,
            relation=relation,
            label=label,
            status=status,
            min_score=score,
            limit=_PAGE_ROWS,
            offset=page * _PAGE_ROWS,
        )
    st.html(f'<div class="kg-quiet">{escaped(t("facts.found", n=f"{total:,}"))}</div>')
    if not found:
        empty(t("filter.nothing"), t("filter.nothing_text"))
        return
    fact_browser(found, names, key="facts-table", height=640)
