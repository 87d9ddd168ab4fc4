"""Headings, empty states and errors, drawn alike on every page."""

from collections.abc import Iterable

import streamlit as st

from kgbuilder.errors import KGBuilderError
from ui.i18n import t
from ui.markup import escaped, notice

__all__ = ["empty", "heading", "section", "show_error", "tell"]


def heading(title: str, subtitle: str = "", *, extra: str = "") -> None:
    """Draw the heading of a page; `extra` is markup that stands beside the title."""
    sub = f'<p class="kg-sub">{escaped(subtitle)}</p>' if subtitle else ""
    st.html(f'<header class="kg-head"><h1>{escaped(title)}{extra}</h1>{sub}</header>')


def section(title: str, note: str = "") -> None:
    """Draw the heading of a part of a page."""
    st.html(f'<h3 class="kg-section">{escaped(title)}<small>{escaped(note)}</small></h3>')


def empty(title: str, text: str) -> None:
    """Say that there is nothing here yet, and what would bring something."""
    st.html(f'<div class="kg-empty" role="status"><h4>{escaped(title)}</h4><p>{escaped(text)}</p></div>')


def show_error(error: KGBuilderError) -> None:
    """Show what went wrong, where, and what to do."""
    lines = [f"{t('error.where')} {error.where}" if error.where else "", error.remedy]
    st.html(notice(error.what, [line for line in lines if line], tone="bad"))


def tell(title: str, lines: Iterable[str] = (), *, tone: str = "quiet") -> None:
    """Show a card that tells something."""
    st.html(notice(title, lines, tone=tone))
