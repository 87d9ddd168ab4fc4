"""The frame around the pages: navigation, language, style, and what is told when a page cannot be drawn."""

from collections.abc import Callable

import streamlit as st

from kgbuilder.errors import KGBuilderError
from ui import state
from ui.components.messages import show_error
from ui.i18n import t
from ui.pages import cypher, document, documents, entities, facts, home
from ui.theme import ICON, LOGO, stylesheet

__all__ = ["PAGES", "main"]

PAGES: dict[str, Callable[[], None]] = {
    "home": home.draw,
    "documents": documents.draw,
    "facts": facts.draw,
    "entities": entities.draw,
    "cypher": cypher.draw,
    "document": document.draw,
}
_HIDDEN = {"document"}


def main(start: str = "home") -> None:
    """Draw the frame and the page that the address names; `start` is the page at the root."""
    st.set_page_config(page_title="kgbuilder", page_icon=str(ICON), layout="wide")
    state.start_session()
    st.html(stylesheet(state.language()))
    pages = {
        name: st.Page(
            _guarded(draw),
            title=t(f"page.{name}"),
            url_path=name,
            default=name == start,
            visibility="hidden" if name in _HIDDEN else "visible",
        )
        for name, draw in PAGES.items()
    }
    state.put_pages(pages)
    chosen = st.navigation(list(pages.values()))
    st.logo(str(LOGO), size="large")
    with st.sidebar:
        st.segmented_control(
            t("language"),
            ["zh", "en"],
            format_func={"zh": "中文", "en": "English"}.__getitem__,
            required=True,
            key=state.LANGUAGE_KEY,
            label_visibility="collapsed",
            width="stretch",
        )
    state.set_parameters(lang=state.language())
    if trouble := state.take_trouble():
        show_error(trouble)
    chosen.run()


def _guarded(draw: Callable[[], None]) -> Callable[[], None]:
    """Show an error of ours in the page's place; the frame stays usable."""

    def drawn() -> None:
        try:
            draw()
        except KGBuilderError as error:
            show_error(error)
            st.button(t("error.again"), key="again")

    return drawn
