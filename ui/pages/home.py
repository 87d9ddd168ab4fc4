"""Home: what is in the graph, what needs attention, where to begin."""

from collections.abc import Mapping, Sequence

import streamlit as st

from kgbuilder.ledger import browse, views
from kgbuilder.ledger.browse import Picture
from kgbuilder.ledger.views import Counts
from ui import state
from ui.components import graph
from ui.components.messages import empty, heading, section
from ui.i18n import t
from ui.jobs import shown_source
from ui.markup import bars, escaped, notice, stack, tiles
from ui.names import Names
from ui.theme import TONES, color_of

__all__ = ["STATE_TONES", "draw"]

STATE_TONES = {"done": "good", "pending": "busy", "quarantined": "warn", "failed": "bad"}
_MAX_NODES = 70
_MAX_BARS = 9
_MAX_FILES = 8


def draw() -> None:
    """Draw the page."""
    names = state.names()
    with state.ledger().reading() as connection:
        counts = views.count(connection)
        labels = browse.entity_labels(connection)
        relations = browse.fact_relations(connection)
        unreadable = views.unreadable(connection)
        picture = browse.busiest(connection, limit=_MAX_NODES, without=names.value_labels)
    heading(t("home.title"), t("home.subtitle"))
    if not counts.documents and not unreadable:
        _first_steps()
        return
    st.html(tiles(_numbers(counts, len(labels), len(relations))))
    left, right = st.columns([7, 3], gap="medium")
    with left:
        _draw_graph(picture, names)
    with right:
        section(t("home.types"))
        st.html(_bars([(names.entity_type(label), n, color_of(label)) for label, n in labels]))
        section(t("home.relations"))
        st.html(_bars([(names.relation(relation), n, TONES["quiet"]) for relation, n in relations]))
    _attention(counts, unreadable)


def _numbers(counts: Counts, n_types: int, n_relations: int) -> list[tuple[str, str, str]]:
    troubled = counts.chunks["failed"] + counts.chunks["quarantined"]
    return [
        (t("home.documents"), f"{counts.documents:,}", t("home.documents_note", n=f"{counts.chunks['total']:,}")),
        (t("home.entities"), f"{counts.entities:,}", t("home.entities_note", n=n_types)),
        (t("home.facts"), f"{counts.facts:,}", t("home.facts_note", n=n_relations)),
        (t("home.evidence"), f"{counts.evidence:,}", t("home.evidence_note")),
        (
            t("home.attention"),
            f"{troubled + counts.unreadable:,}",
            t("home.attention_note", chunks=troubled, files=counts.unreadable),
        ),
    ]


def _bars(rows: Sequence[tuple[str, int, str]]) -> str:
    left = len(rows) - _MAX_BARS
    return bars(rows[:_MAX_BARS], more=t("home.more", n=left) if left > 0 else "")


def _draw_graph(picture: Picture, names: Names) -> None:
    section(t("home.graph"), t("home.graph_note"))
    if not picture.lines:
        empty(t("home.no_graph"), t("home.no_graph_text"))
        return
    entity = graph.draw(picture, names, key="home-graph", height=600, alt=t("home.graph"))
    dots = "".join(
        f'<span style="--c:{color}"><i class="kg-dot"></i>{escaped(name)}</span>'
        for name, color in graph.legend(picture, names)
    )
    st.html(f'<div class="kg-legend">{dots}</div>')
    if entity:
        state.go("entities", id=entity)


def _attention(counts: Counts, unreadable: Sequence[Mapping[str, str]]) -> None:
    section(t("home.reading"))
    parts = [(t(f"chunk.{name}"), counts.chunks[name], tone) for name, tone in STATE_TONES.items()]
    st.html(stack(parts))
    if counts.quarantined:
        st.html(f'<div class="kg-quiet">{escaped(t("home.quarantined", n=f"{counts.quarantined:,}"))}</div>')
    if not unreadable:
        return
    section(t("home.unreadable"))
    st.html(
        "".join(
            notice(row["what"], [shown_source(row["where"] or row["source"]), row["remedy"]], tone="warn")
            for row in unreadable[:_MAX_FILES]
        )
    )
    if len(unreadable) > _MAX_FILES:
        st.html(f'<div class="kg-more">{escaped(t("home.more", n=len(unreadable) - _MAX_FILES))}</div>')


def _first_steps() -> None:
    steps = "".join(
        f"<li><b>{escaped(t(f'start.{n}'))}</b><p>{escaped(t(f'start.{n}_text'))}</p></li>" for n in (1, 2, 3)
    )
    st.html(f'<div class="kg-start"><h2>{escaped(t("start.title"))}</h2><ol>{steps}</ol></div>')
    if st.button(t("start.upload"), type="primary", key="start-upload"):
        state.go("documents")
    st.html(f'<p class="kg-quiet">{escaped(t("start.command"))} <code>kgbuilder build PATH</code></p>')
