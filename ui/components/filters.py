"""Fields that narrow a list down."""

from collections.abc import Mapping

import streamlit as st

__all__ = ["choose", "search_field"]


def choose(options: Mapping[str, str], *, label: str, key: str, hidden: bool = True) -> str:
    """Draw a choice of one of `options`, values by what they are called; return the value."""
    # The names are made before the widget: one that looked the language up when called would answer for another page.
    called = dict(options)
    value = st.selectbox(
        label,
        list(called),
        format_func=lambda option: called.get(option, option),
        key=key,
        label_visibility="collapsed" if hidden else "visible",
    )
    return value or ""


def search_field(label: str, *, key: str) -> str:
    """Draw a field to search with; return what stands in it."""
    return st.text_input(label, key=key, placeholder=label, label_visibility="collapsed") or ""
