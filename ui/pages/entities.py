"""Entities: find one by name; its page shows its facts, its neighbours, and every place that names it."""

from collections.abc import Sequence

import streamlit as st

from kgbuilder.ledger import browse, views
from kgbuilder.ledger.browse import page_at
from kgbuilder.ledger.views import EntityView, FactView
from kgbuilder.normalize import fold
from ui import state
from ui.components import graph
from ui.components.evidence import quote_html
from ui.components.fact_table import fact_browser
from ui.components.filters import choose, search_field
from ui.components.messages import empty, heading, section
from ui.components.table import Columns, choose_row, pages
from ui.i18n import t
from ui.markup import chip, clipped, entity_link, escaped, one_line
from ui.names import Names
from ui.theme import color_of

__all__ = ["draw", "grouped_html"]

_PAGE_ROWS = 200
_PAGE_QUOTES = 20
_MAX_FACTS = 500
_MAX_NEIGHBOURS = 40
_MAX_ALIASES = 30
_MAX_CHIPS = 24


def draw() -> None:
    """Draw the entity that the address names, or the list of all."""
    entity_id = state.parameter("id")
    if entity_id:
        _draw_entity(entity_id)
    else:
        _draw_list()


# --- the list ---------------------------------------------------------------------------------------------------------


def _draw_list() -> None:
    heading(t("entities.title"), t("entities.subtitle"))
    names = state.names()
    with state.ledger().reading() as connection:
        labels = dict(browse.entity_labels(connection))
    if not labels:
        empty(t("entities.none"), t("facts.none_text"))
        return
    left, right, _ = st.columns([4, 3, 4])
    with left:
        search = fold(search_field(t("entities.search"), key="entities-search"))
    with right:
        offered = {"": t("filter.any_type"), **{x: f"{names.entity_type(x)} ({n:,})" for x, n in labels.items()}}
        label = choose(offered, label=t("entity.type"), key="entities-label")
    with state.ledger().reading() as connection:
        total = views.n_entities(connection, search=search, label=label)
        page = pages(total, _PAGE_ROWS, key="entities-page")
        found = views.entity_views(connection, search=search, label=label, limit=_PAGE_ROWS, offset=page * _PAGE_ROWS)
    st.html(f'<div class="kg-quiet">{escaped(t("entities.found", n=f"{total:,}"))}</div>')
    if not found:
        empty(t("filter.nothing"), t("filter.nothing_text"))
        return
    row = choose_row(_columns(found, names), key="entities-table", height=640)
    if row is not None:
        state.go("entities", id=found[row].id)


def _columns(entities: Sequence[EntityView], names: Names) -> Columns:
    return {
        t("entity.name"): [one_line(e.name, 80) for e in entities],
        t("entity.type"): [names.entity_type(e.label) for e in entities],
        t("entity.mentions"): [e.n_mentions for e in entities],
        t("entity.aliases"): [one_line(" · ".join(e.aliases), 120) for e in entities],
        t("entity.value"): [one_line(e.value or "", 60) for e in entities],
    }


# --- one entity -------------------------------------------------------------------------------------------------------


def _draw_entity(entity_id: str) -> None:
    names = state.names()
    with state.ledger().reading() as connection:
        entity = views.entity_view(connection, entity_id)
        facts = views.fact_views(connection, entity=entity_id, limit=_MAX_FACTS)
        n_facts = views.n_facts(connection, entity=entity_id)
        picture = browse.around(connection, entity_id, limit=_MAX_NEIGHBOURS)
    _draw_head(entity, names)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        section(t("entity.facts"), t("facts.found", n=f"{n_facts:,}"))
        if facts:
            st.html(grouped_html(facts, entity, names))
        else:
            empty(t("entity.no_facts"), t("entity.no_facts_text"))
    with right:
        section(t("entity.neighbours"))
        clicked = graph.draw(picture, names, key=f"around-{entity_id}", centre=entity_id, height=430)
        if clicked and clicked != entity_id:
            state.go("entities", id=clicked)
    if facts:
        section(t("entity.evidence"))
        fact_browser(facts, names, key=f"entity-facts-{entity_id}", height=420)
    _draw_quotes(entity, names)


def _draw_head(entity: EntityView, names: Names) -> None:
    about = [t("entity.n_mentions", n=f"{entity.n_mentions:,}")]
    if entity.value:
        about.append(f"{t('entity.value')}: {one_line(entity.value)}")
    others = [alias for alias in entity.aliases if alias != entity.name]
    if others:
        shown = " · ".join(one_line(alias, 40) for alias in others[:_MAX_ALIASES])
        about.append(f"{t('entity.aliases')}: {shown}" + (" …" if len(others) > _MAX_ALIASES else ""))
    name = escaped(names.entity_type(entity.label))
    kind = f' <span class="kg-badge" style="--c:{color_of(entity.label)}">{name}</span>'
    heading(one_line(entity.name, 120), " · ".join(about), extra=kind)


def grouped_html(facts: Sequence[FactView], entity: EntityView, names: Names) -> str:
    """Return the facts of an entity grouped by relation and direction, each other end as a chip."""
    groups: dict[tuple[str, bool], list[FactView]] = {}
    for fact in facts:
        groups.setdefault((fact.relation, fact.head == entity.id), []).append(fact)
    ordered = sorted(groups.items(), key=lambda group: (not group[0][1], -len(group[1]), group[0][0]))
    return "".join(_group(relation, out, found, names) for (relation, out), found in ordered)


def _group(relation: str, out: bool, facts: Sequence[FactView], names: Names) -> str:
    chips = "".join(
        chip(
            fact.tail_name if out else fact.head_name,
            fact.tail_label if out else fact.head_label,
            href=entity_link(fact.tail if out else fact.head, names.language),
        )
        for fact in facts[:_MAX_CHIPS]
    )
    more = (
        f'<span class="kg-quiet">{escaped(t("home.more", n=len(facts) - _MAX_CHIPS))}</span>'
        if len(facts) > _MAX_CHIPS
        else ""
    )
    arrow = "→" if out else "←"
    name = escaped(clipped(names.relation(relation)))
    return f'<div class="kg-group"><h5><span>{arrow}</span>{name}</h5><div class="kg-chips">{chips}{more}</div></div>'


def _draw_quotes(entity: EntityView, names: Names) -> None:
    section(t("entity.places"), t("entity.n_mentions", n=f"{entity.n_mentions:,}"))
    page = pages(entity.n_mentions, _PAGE_QUOTES, key=f"quotes-{entity.id}")
    with state.ledger().reading() as connection:
        found = browse.quotes_of(connection, entity.id, limit=_PAGE_QUOTES, offset=page * _PAGE_QUOTES)
        held = browse.pages_of(connection, {item.document_id for item in found})
    st.html(
        "".join(
            quote_html(item, names.language, page=page_at(held.get(item.document_id, ()), item.start)) for item in found
        )
    )
