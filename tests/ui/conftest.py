"""Pages drawn without a browser, on workspaces filled by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kgbuilder.config import Workspace
from tests.ui.filled import SAMPLE, make
from ui import state

Draw = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Let the databases go that the pages of a test opened."""
    yield
    st.cache_resource.clear()


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Return a function that draws one page of a workspace in a language."""

    def drawn(workspace: Workspace, page: str, language: str = "en", **parameters: str) -> AppTest:
        monkeypatch.setenv(state.WORKSPACE_VARIABLE, str(workspace.folder))
        app = AppTest.from_string(f"from ui.app import main\nmain({page!r})", default_timeout=30)
        for name, value in {"lang": language, **parameters}.items():
            app.query_params[name] = value
        return app.run()

    return drawn


@pytest.fixture
def sample(tmp_path: Path) -> Workspace:
    """A workspace with a few documents in both languages, one of them failed."""
    return make(tmp_path / "sample", SAMPLE)


@pytest.fixture
def blank(tmp_path: Path) -> Workspace:
    """A workspace that has read nothing yet."""
    return make(tmp_path / "blank")
