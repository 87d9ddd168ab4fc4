"""Cypher: ask the graph anything; nothing can be changed from here."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

import streamlit as st

from kgbuilder.errors import ParseError, QueryRefused, StoreError
from kgbuilder.stores import QueryResult
from ui import state
from ui.components.filters import choose
from ui.components.messages import empty, heading, show_error
from ui.components.table import show_table
from ui.i18n import t
from ui.markup import escaped, notice, one_line, printable
from ui.names import Names

__all__ = ["csv_text", "draw", "examples", "parse_parameters", "plain"]

_MAX_CELL_CHARS = 300
_QUERY, _PARAMETERS = "cypher-query", "cypher-parameters"
_EXAMPLE, _TAKEN, _RESULT = "cypher-example", "cypher-taken", "cypher-result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query to begin with."""

    key: str
    cypher: str
    parameters: str = "{}"


def examples(names: Names) -> tuple[Example, ...]:
    """Return the queries that are offered; labels and relations are those of the ontology."""
    relation = next(iter(names.ontology.relation_types.values()), None)
    kind = next(iter(names.ontology.entity_types.values()), None)
    label = kind.label if kind else "Entity"
    found = [
        Example(key="counts", cypher="MATCH (e:Entity)\nRETURN labels(e) AS labels, count(*) AS n\nORDER BY n DESC"),
        Example(
            key="facts",
            cypher="MATCH (h:Entity)-[r]->(t:Entity)\nRETURN h.name AS head, type(r) AS relation, t.name AS tail,\n"
            "       r.score AS score, r.n_evidence AS evidence\nORDER BY evidence DESC\nLIMIT 50",
        ),
        Example(
            key="hubs",
            cypher=f"MATCH (e:{label})-[r]-(:Entity)\nRETURN e.name AS name, count(r) AS facts\n"
            "ORDER BY facts DESC\nLIMIT 20",
        ),
        Example(
            key="search",
            cypher="MATCH (e:Entity)\nWHERE e.name CONTAINS $text\n"
            "RETURN e.name AS name, e.n_mentions AS mentions\nLIMIT 50",
            parameters='{"text": "a"}',
        ),
        Example(
            key="documents",
            cypher="MATCH (e:Entity)-[m:MENTIONED_IN]->(c:Chunk)-[:PART_OF]->(d:Document)\n"
            "RETURN d.name AS document, count(DISTINCT e) AS entities\nORDER BY entities DESC\nLIMIT 50",
        ),
    ]
    if relation:
        found.insert(
            2,
            Example(
                key="relation",
                cypher=f"MATCH (h:Entity)-[r:{relation.type}]->(t:Entity)\n"
                "RETURN h.name AS head, t.name AS tail, r.score AS score\nLIMIT 50",
            ),
        )
    return tuple(found)


def draw() -> None:
    """Draw the page."""
    heading(t("cypher.title"), t("cypher.subtitle"))
    offered = {example.key: example for example in examples(state.names())}
    state.start_value(_QUERY, offered["facts"].cypher)
    state.start_value(_PARAMETERS, "{}")
    limits = state.workspace().settings.limits
    left, right = st.columns([3, 1], gap="medium")
    with right:
        named = {"": t("cypher.choose"), **{key: t(f"cypher.example_{key}") for key in offered}}
        chosen = choose(named, label=t("cypher.examples"), key=_EXAMPLE, hidden=False)
        if chosen and chosen != state.value(_TAKEN):
            _take(offered[chosen])
        state.remember(_TAKEN, chosen)
        st.text_area(t("cypher.parameters"), key=_PARAMETERS, height=92, help=t("cypher.parameters_help"))
        limited = t("cypher.limits", rows=f"{limits.query_rows:,}", s=f"{limits.query_s:g}")
        st.html(f'<p class="kg-quiet">{escaped(limited)}</p>')
    with left:
        cypher = st.text_area(t("cypher.query"), key=_QUERY, height=210)
        run = st.button(t("cypher.run"), type="primary", key="cypher-run", shortcut="ctrl+enter")
    if run:
        _run(cypher or "", limits.query_rows, limits.query_s)
    result = state.value(_RESULT)
    if isinstance(result, QueryResult):
        _draw_result(result)
    elif isinstance(result, QueryRefused):
        st.html(notice(t("cypher.refused"), [result.what, result.remedy], tone="warn"))
    elif isinstance(result, ParseError):
        show_error(result)
    elif isinstance(result, StoreError):
        st.html(notice(t("cypher.down"), [result.what, result.where, result.remedy], tone="bad"))
    else:
        empty(t("cypher.none"), t("cypher.none_text"))


def _take(example: Example) -> None:
    state.remember(_QUERY, example.cypher)
    state.remember(_PARAMETERS, example.parameters)


def _run(cypher: str, max_rows: int, timeout_s: float) -> None:
    try:
        parameters = parse_parameters(str(state.value(_PARAMETERS) or ""))
        with st.spinner(t("cypher.running")):
            result: object = state.store().read(cypher, parameters, max_rows=max_rows, timeout_s=timeout_s)
    except (QueryRefused, ParseError) as error:
        result = error
    except StoreError as error:
        state.forget_store()
        result = error
    state.remember(_RESULT, result)


def parse_parameters(text: str) -> dict[str, object]:
    """Read the parameters of a query. Raises ParseError, with the place, when they are no JSON object."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParseError(
            t("cypher.not_json"), where=f"{error.lineno}:{error.colno}", remedy=t("cypher.parameters_help")
        ) from error
    if not isinstance(found, dict):
        raise ParseError(t("cypher.not_json"), remedy=t("cypher.parameters_help"))
    return found


# --- the result -------------------------------------------------------------------------------------------------------


def plain(value: object) -> object:
    """Return a value of a result as JSON has it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return printable(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {printable(str(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(inner) for inner in value]
    return printable(str(value))


def _cell(value: object) -> object:
    made = plain(value)
    if isinstance(made, dict | list):
        return one_line(json.dumps(made, ensure_ascii=False), _MAX_CELL_CHARS)
    return one_line(made, _MAX_CELL_CHARS) if isinstance(made, str) else made


def csv_text(result: QueryResult) -> str:
    """Return a result as CSV; a cell that a spreadsheet would take for a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_inert(key) for key in result.keys])
    for row in result.rows:
        cells = [plain(value) for value in row]
        writer.writerow([_inert(json.dumps(c, ensure_ascii=False) if isinstance(c, dict | list) else c) for c in cells])
    return out.getvalue()


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell


def _draw_result(result: QueryResult) -> None:
    about = t("cypher.rows", n=f"{len(result.rows):,}", ms=f"{result.elapsed_s * 1000:,.0f}")
    st.html(f'<p class="kg-quiet">{escaped(about)}</p>')
    if result.truncated:
        st.html(notice(t("cypher.truncated", n=f"{len(result.rows):,}"), tone="warn"))
    if not result.rows:
        empty(t("cypher.no_rows"), t("cypher.no_rows_text"))
        return
    table, raw = st.tabs([t("cypher.table"), "JSON"])
    with table:
        columns = [_column([_cell(value) for value in column]) for column in zip(*result.rows, strict=True)]
        frame = {_heading(n, key, result.keys): columns[n] for n, key in enumerate(result.keys)}
        show_table(frame)
    with raw:
        rows = [dict(zip(result.keys, (plain(v) for v in row), strict=True)) for row in result.rows[:200]]
        st.html(f'<pre class="kg-pre kg-tall">{escaped(json.dumps(rows, ensure_ascii=False, indent=2))}</pre>')
    st.download_button(
        t("cypher.csv"),
        csv_text(result).encode("utf-8-sig"),
        file_name="result.csv",
        mime="text/csv",
        on_click="ignore",
    )


def _column(cells: list[object]) -> list[object]:
    """Return the cells of a column in one type: text, when they are of several."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} or len(kinds) < 2:
        return cells
    return [cell if cell is None else str(cell) for cell in cells]


def _heading(n: int, key: str, keys: Sequence[str]) -> str:
    name = one_line(key)
    return name if name and list(keys).count(key) == 1 else f"{name} {n + 1}"
