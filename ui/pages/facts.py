"""Facts: find one by its names, relation, type, score or document, and see the sentences that state it."""

from collections.abc import Mapping
from typing import TypedDict

import streamlit as st

from kgbuilder.ledger import browse, views
from kgbuilder.normalize import fold
from ui import state
from ui.components.fact_table import fact_browser
from ui.components.filters import choose, search_field
from ui.components.messages import empty, heading
from ui.components.table import pages
from ui.i18n import t
from ui.markup import escaped
from ui.names import Names

__all__ = ["draw"]

_PAGE_ROWS = 200
_STATUSES = ("extracted", "accepted", "added", "rejected")
_SCORES = ("0.50", "0.70", "0.80", "0.90", "0.95")


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
    wanted = _filters(dict(relations), dict(labels), names)
    with state.ledger().reading() as connection:
        total = views.n_facts(connection, **wanted)
        page = pages(total, _PAGE_ROWS, key="facts-page")
        found = views.fact_views(connection, **wanted, limit=_PAGE_ROWS, offset=page * _PAGE_ROWS)
    st.html(f'<div class="kg-quiet">{escaped(t("facts.found", n=f"{total:,}"))}</div>')
    if not found:
        empty(t("filter.nothing"), t("filter.nothing_text"))
        return
    fact_browser(found, names, key="facts-table", height=640)


class _Filters(TypedDict):
    search: str
    relation: str
    label: str
    status: str
    min_score: float


def _filters(relations: Mapping[str, int], labels: Mapping[str, int], names: Names) -> _Filters:
    columns = st.columns([4, 3, 2, 2, 2])
    with columns[0]:
        text = search_field(t("facts.search"), key="facts-search")
    with columns[1]:
        offered = {"": t("filter.any_relation"), **{r: f"{names.relation(r)} ({n:,})" for r, n in relations.items()}}
        relation = choose(offered, label=t("fact.relation"), key="facts-relation")
    with columns[2]:
        offered = {"": t("filter.any_type"), **{label: names.entity_type(label) for label in labels}}
        label = choose(offered, label=t("entity.type"), key="facts-label")
    with columns[3]:
        offered = {"": t("filter.any_status"), **{status: t(f"status.{status}") for status in _STATUSES}}
        status = choose(offered, label=t("fact.status"), key="facts-status")
    with columns[4]:
        offered = {"": t("filter.any_score"), **{score: t("filter.score", score=score) for score in _SCORES}}
        score = choose(offered, label=t("fact.score"), key="facts-score")
    return {
        "search": fold(text),
        "relation": relation,
        "label": label,
        "status": status,
        "min_score": float(score or 0),
    }
