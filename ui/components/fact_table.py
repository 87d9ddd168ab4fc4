"""A table of facts; the one that is selected is shown with its evidence beside the table."""

from collections.abc import Sequence

import streamlit as st

from kgbuilder.errors import StoreError
from kgbuilder.ledger import browse, views
from kgbuilder.ledger.views import FactView
from ui import state
from ui.components.evidence import show_fact
from ui.components.messages import empty, show_error
from ui.components.table import Columns, choose_row
from ui.i18n import t
from ui.markup import one_line
from ui.names import Names

__all__ = ["fact_browser", "fact_columns"]

_MAX_EVIDENCE = 40
_CONTEXT_CHARS = 90


def fact_columns(facts: Sequence[FactView], names: Names) -> Columns:
    """Return facts as a table with headings in the language of the page."""
    return {
        t("fact.head"): [one_line(fact.head_name) for fact in facts],
        t("fact.relation"): [names.relation(fact.relation) for fact in facts],
        t("fact.tail"): [one_line(fact.tail_name) for fact in facts],
        t("fact.evidence"): [fact.n_evidence for fact in facts],
        t("fact.score"): [fact.score for fact in facts],
        t("fact.status"): [t(f"status.{fact.status}") for fact in facts],
    }


def fact_browser(facts: Sequence[FactView], names: Names, *, key: str, height: int = 560) -> None:
    """Draw the table and, beside it, the selected fact with its evidence; the address names the fact."""
    asked = state.parameter("fact")
    places = {fact.id: place for place, fact in enumerate(facts)}
    left, right = st.columns([12, 9], gap="medium")
    with left:
        row = choose_row(
            fact_columns(facts, names),
            key=key,
            height=height,
            first=places.get(asked, None if asked else 0),
            config={
                t("fact.evidence"): st.column_config.NumberColumn(width=60),
                t("fact.score"): st.column_config.ProgressColumn(width=80, min_value=0, max_value=1, format="%.2f"),
                t("fact.status"): st.column_config.TextColumn(width=75),
            },
        )
    with right:
        chosen = facts[row].id if row is not None else asked
        if not chosen:
            empty(t("fact.choose"), t("fact.choose_text"))
            return
        state.set_parameters(fact=chosen)
        _show(chosen, names)


def _show(fact_id: str, names: Names) -> None:
    try:
        with state.ledger().reading() as connection:
            fact = views.fact_view(connection, fact_id)
            found = views.evidence_of(connection, fact_id, limit=_MAX_EVIDENCE, context_chars=_CONTEXT_CHARS)
            pages = browse.pages_of(connection, {item.document_id for item in found})
    except StoreError as error:
        show_error(error)
        return
    show_fact(fact, found, pages, names)
