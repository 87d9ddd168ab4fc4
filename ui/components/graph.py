"""A picture of entities and the facts between them, drawn by ECharts in the browser; a click opens an entity."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import streamlit as st

from kgbuilder.ledger.browse import Picture
from ui.components.layout import places
from ui.markup import one_line
from ui.names import Names
from ui.theme import color_of

__all__ = ["draw", "legend", "spec"]

_MIN_SIZE = 11
_LABELS_BELOW = 45
_NAMED_LINES = 16


class _Link(TypedDict):
    source: int
    target: int
    value: str
    label: dict[str, bool]


def spec(
    picture: Picture, names: Names, *, centre: str = "", dark: bool = False, width: int = 900, height: int = 640
) -> dict[str, object]:
    """Return the ECharts option of a picture; nodes stand in the order of `picture.entities`.

    Texts go in as data: no HTML tooltips, no templates with names in them.
    """
    labels = list(dict.fromkeys(entity.label for entity in picture.entities))
    ink, line = ("#e4ebea", "#4a5a58") if dark else ("#26312f", "#b9c4c2")
    links = _links(picture, names, shown=bool(centre) and len(picture.lines) <= _NAMED_LINES)
    return {
        "animationDuration": 400,
        "tooltip": {"show": True, "renderMode": "richText", "confine": True},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "roam": True,
                "zoom": 0.92 if centre else 1.12,
                "scaleLimit": {"min": 0.5, "max": 6},
                "selectedMode": "single",
                "cursor": "pointer",
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 6,
                "categories": [{"name": names.entity_type(x), "itemStyle": {"color": color_of(x)}} for x in labels],
                "itemStyle": {"borderColor": "#101817" if dark else "#ffffff"},
                "label": {"position": "bottom", "distance": 3, "fontSize": 11, "color": ink, "minMargin": 3},
                # Names of lines are misplaced by it, so only where none are drawn.
                **({} if centre else {"labelLayout": {"hideOverlap": True}}),
                "lineStyle": {"color": line, "width": 1.2, "curveness": 0.08, "opacity": 0.9},
                "emphasis": {"focus": "adjacency", "label": {"show": True}, "lineStyle": {"width": 2.4}},
                "edgeLabel": {"fontSize": 10, "color": ink, "formatter": "{c}"},
                "data": _nodes(picture, labels, links, centre=centre, frame=(width, height)),
                "links": links,
            }
        ],
    }


def _nodes(
    picture: Picture,
    labels: Sequence[str],
    links: Sequence[_Link],
    *,
    centre: str,
    frame: tuple[int, int],
) -> list[dict[str, object]]:
    degrees = _degrees(picture)
    top = max(degrees.values(), default=1) or 1
    named = _label_from(degrees)
    widest = min(34.0, 220 / max(4, len(picture.entities)) ** 0.5)
    pairs = [(link["source"], link["target"]) for link in links]
    spots = places(len(picture.entities), pairs, width=frame[0], height=frame[1])
    return [
        {
            "id": entity.id,
            "name": _safe(one_line(entity.name, 28)),
            "value": degrees[entity.id],
            "x": x,
            "y": y,
            "symbolSize": round(_MIN_SIZE + widest * (degrees[entity.id] / top) ** 0.5 + 8 * (entity.id == centre)),
            "category": labels.index(entity.label),
            "label": {"show": degrees[entity.id] >= named},
            "itemStyle": {"borderWidth": 3 if entity.id == centre else 1.5},
        }
        for entity, (x, y) in zip(picture.entities, spots, strict=True)
    ]


def _degrees(picture: Picture) -> dict[str, int]:
    found = {entity.id: 0 for entity in picture.entities}
    for line in picture.lines:
        for end in {line.head, line.tail}:
            found[end] += 1
    return found


def _label_from(degrees: Mapping[str, int]) -> int:
    ranked = sorted(degrees.values(), reverse=True)
    return ranked[min(_LABELS_BELOW, len(ranked)) - 1] if ranked else 0


def _links(picture: Picture, names: Names, *, shown: bool) -> list[_Link]:
    # Several relations between the same two are one line with all their names.
    place = {entity.id: index for index, entity in enumerate(picture.entities)}
    together: dict[tuple[int, int], list[str]] = {}
    for line in picture.lines:
        together.setdefault((place[line.head], place[line.tail]), []).append(names.relation(line.relation))
    return [
        {
            "source": head,
            "target": tail,
            "value": _safe(" · ".join(dict.fromkeys(relations))),
            "label": {"show": shown},
        }
        for (head, tail), relations in together.items()
    ]


def _safe(text: str) -> str:
    # The chart refuses a specification with this sign in it, because there it would mark a script.
    return text.replace("--x_x--", "-x_x-")


def draw(picture: Picture, names: Names, *, key: str, centre: str = "", height: int = 520, alt: str = "") -> str:
    """Draw a picture; return the id of the entity that was clicked, or an empty string."""
    dark = st.context.theme.type == "dark"
    chart = st.echarts_chart(
        spec(picture, names, centre=centre, dark=dark), height=height, key=key, on_select="rerun", alt=alt or None
    )
    return clicked(picture, chart)


def clicked(picture: Picture, chart: object) -> str:
    """Return the id of the entity that a chart's state selects, or an empty string."""
    selection = chart.get("selection", {}) if isinstance(chart, Mapping) else {}
    for group in selection.get("selected", ()):
        if group.get("data_type") in ("node", "main"):
            for index in group.get("data_indices", ()):
                if 0 <= index < len(picture.entities):
                    return str(picture.entities[index].id)
    return ""


def legend(picture: Picture, names: Names) -> list[tuple[str, str]]:
    """Return the types in a picture with their colours, in the order of first appearance."""
    labels = dict.fromkeys(entity.label for entity in picture.entities)
    return [(names.entity_type(label), color_of(label)) for label in labels]
