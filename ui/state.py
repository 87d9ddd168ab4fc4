"""What the app remembers: the session, and what all sessions share. The only module that touches the session state."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from graph_schema import Ontology
from kgbuilder.config import Workspace, open_workspace
from kgbuilder.errors import ConfigError, KGBuilderError
from kgbuilder.ledger import Ledger
from ui.names import Language, Names

if TYPE_CHECKING:
    from kgbuilder.stores import GraphStore

__all__ = [
    "LANGUAGE_KEY",
    "WORKSPACE_VARIABLE",
    "forget_store",
    "fresh_key",
    "go",
    "language",
    "ledger",
    "names",
    "page",
    "parameter",
    "put_change",
    "put_pages",
    "put_trouble",
    "remember",
    "renew",
    "selected_row",
    "set_parameters",
    "start_session",
    "start_value",
    "store",
    "take_change",
    "take_trouble",
    "value",
    "workspace",
]

WORKSPACE_VARIABLE = "KGBUILDER_WORKSPACE"
LANGUAGE_KEY = "language"
_LANGUAGES = ("zh", "en")
_PAGES = "pages"
_TROUBLE = "trouble"
_CHANGE = "change"


# --- the session ------------------------------------------------------------------------------------------------------


def start_session() -> None:
    """Choose the language on the first run of a session: from the address, else from the browser."""
    if st.session_state.get(LANGUAGE_KEY) not in _LANGUAGES:
        asked = st.query_params.get("lang", "")
        spoken = st.context.locale or ""
        fallback = "zh" if spoken.lower().startswith("zh") else "en"
        st.session_state[LANGUAGE_KEY] = asked if asked in _LANGUAGES else fallback


def language() -> Language:
    """Return the language of the page."""
    return str(st.session_state.get(LANGUAGE_KEY, "en"))


def put_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Remember the pages of this run by name."""
    st.session_state[_PAGES] = dict(pages)


def page(name: str) -> StreamlitPage:
    """Return a page by name."""
    return cast(StreamlitPage, st.session_state[_PAGES][name])


def go(name: str, **parameters: str) -> NoReturn:
    """Leave for another page."""
    st.switch_page(page(name), query_params={**parameters, "lang": language()})


def parameter(name: str) -> str:
    """Return a parameter of the address, or an empty string."""
    return str(st.query_params.get(name, ""))


def set_parameters(**parameters: str) -> None:
    """Write parameters into the address; an empty one is taken out."""
    for name, new in parameters.items():
        if new and st.query_params.get(name) != new:
            st.query_params[name] = new
        elif not new and name in st.query_params:
            del st.query_params[name]


def value(key: str, default: object = None) -> object:
    """Return what the session holds under `key`: the value of a widget, or what `renew` counted."""
    return st.session_state.get(key, default)


def remember(key: str, new: object) -> None:
    """Keep a value for the session; for a widget's key only before it is drawn, or in a callback."""
    st.session_state[key] = new


def start_value(key: str, first: object) -> None:
    """Give a widget the value it begins with."""
    if key not in st.session_state:
        st.session_state[key] = first


def put_trouble(error: KGBuilderError) -> None:
    """Keep an error for the page that is drawn next."""
    st.session_state[_TROUBLE] = error


def take_trouble() -> KGBuilderError | None:
    """Return the error that waits to be told, once."""
    found = st.session_state.pop(_TROUBLE, None)
    return found if isinstance(found, KGBuilderError) else None


def put_change() -> None:
    """Note that jobs were changed from this page."""
    st.session_state[_CHANGE] = True


def take_change() -> bool:
    """Tell, once, whether jobs were changed from this page."""
    return bool(st.session_state.pop(_CHANGE, False))


def fresh_key(key: str) -> str:
    """Return the key of a widget that `renew` can empty."""
    return f"{key}-{st.session_state.get(key, 0)}"


def renew(key: str) -> None:
    """Give the widget with `fresh_key(key)` a new key, so that it starts empty and lets its content go."""
    st.session_state[key] = int(st.session_state.get(key, 0)) + 1


def selected_row(key: str) -> int | None:
    """Return the row that is selected in the table with this key, by its box or by a click on one of its cells."""
    held = st.session_state.get(key)
    selection = held.get("selection", {}) if isinstance(held, Mapping) else {}
    cells, rows = selection.get("cells") or (), selection.get("rows") or ()
    if cells:
        return int(str(cast(Sequence[object], cells[0])[0]))
    return int(rows[0]) if rows else None


# --- shared by all sessions -------------------------------------------------------------------------------------------


def workspace() -> Workspace:
    """Return the workspace the app was started for. Raises ConfigError when it was started for none."""
    folder = os.environ.get(WORKSPACE_VARIABLE, "")
    if not folder:
        raise ConfigError("the app has no workspace", where=WORKSPACE_VARIABLE, remedy="start it with: kgbuilder app")
    return _workspace(folder)


@st.cache_resource(show_spinner=False)
def _workspace(folder: str) -> Workspace:
    return open_workspace(Path(folder))


def ledger() -> Ledger:
    """Return the ledger of the workspace."""
    return _ledger(str(workspace().folder))


@st.cache_resource(show_spinner=False, on_release=Ledger.close)
def _ledger(folder: str) -> Ledger:
    found = _workspace(folder)
    return Ledger.open(found.ledger_url, lock_path=found.lock_path)


def names() -> Names:
    """Return the names of types and relations in the language of the page."""
    return Names(ontology=_ontology(str(workspace().folder)), language=language())


@st.cache_resource(show_spinner=False)
def _ontology(folder: str) -> Ontology:
    from kgbuilder.pipeline import open_ontology

    return open_ontology(_workspace(folder))


def store() -> "GraphStore":
    """Return the graph store, connected so that it fails in seconds. Raises StoreError."""
    return _store(str(workspace().folder))


@st.cache_resource(show_spinner=False, on_release=lambda store: store.close())
def _store(folder: str) -> "GraphStore":
    from kgbuilder.pipeline import open_store

    return open_store(_workspace(folder), profile="page")


def forget_store() -> None:
    """Let the store go, so that the next use connects anew."""
    _store.clear()
