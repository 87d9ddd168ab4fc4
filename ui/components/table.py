"""A table from which one row is chosen by clicking anywhere in it."""

from collections.abc import Mapping, Sequence
from typing import Literal

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from ui import state

__all__ = ["Columns", "choose_row", "pages", "show_table"]

Columns = Mapping[str, Sequence[object]]
"""The columns of a table by their headings; all of one length."""

_ROWS_IN_FULL = 14


def show_table(columns: Columns, *, height: int = 560, key: str | None = None) -> None:
    """Draw a table to read; up to fourteen rows stand in full, more are scrolled."""
    st.dataframe(dict(columns), hide_index=True, height=_height(columns, height), key=key)


def choose_row(
    columns: Columns,
    *,
    key: str,
    height: int = 560,
    config: Mapping[str, ColumnConfig] | None = None,
    first: int | None = None,
) -> int | None:
    """Draw a table and return the row that is chosen in it; `first` is chosen to begin with."""
    st.dataframe(
        dict(columns),
        hide_index=True,
        height=_height(columns, height),
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        key=key,
        selection_default={"selection": {"rows": [] if first is None else [first]}},
        column_config=config,
    )
    row = state.selected_row(key)
    return row if row is not None and row < _n_rows(columns) else None


def pages(total: int, rows: int, *, key: str) -> int:
    """Draw the choice of a page, if there is more than one; return the chosen page, from 0."""
    n = max(1, -(-total // rows))
    return st.pagination(n, key=key) - 1 if n > 1 else 0


def _n_rows(columns: Columns) -> int:
    return max((len(column) for column in columns.values()), default=0)


def _height(columns: Columns, height: int) -> int | Literal["content"]:
    return "content" if _n_rows(columns) <= _ROWS_IN_FULL else height
