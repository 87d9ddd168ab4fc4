"""The real app, started as a user would, driven by headless Chromium. One app serves all tests of the folder."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from kgbuilder.config import init_workspace, open_workspace
from kgbuilder.pipeline import build
from tests.browser.driving import ODD_REPLY, TEXTS, App, Open, settle

PROGRAM = """
import sys
from pathlib import Path
from ui.launch import run_app
run_app(Path(sys.argv[1]), headless=True)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one the tests are skipped, but not where CI counts on them."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class SlowModel(http.server.BaseHTTPRequestHandler):
    """A model server that takes its time and answers what nobody asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.5)
        message = {"role": "assistant", "content": ODD_REPLY}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def slow_model() -> Iterator[str]:
    """The base URL of a slow model."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowModel) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


@pytest.fixture(scope="module")
def app(browser: Browser, slow_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A workspace with a few documents, built by the pipeline, and the app that serves it."""
    folder = tmp_path_factory.mktemp("app")
    files = folder / "files"
    files.mkdir()
    for name, text in TEXTS.items():
        (files / name).write_text(text, encoding="utf-8")
    init_workspace(folder / "ws", extractor="lexicon")
    with (folder / "ws" / "kgbuilder.yaml").open("a") as settings:
        settings.write(f"extractors: {{endpoint: {{url: '{slow_model}', model: slow, concurrency: 2}}}}\n")
    workspace = open_workspace(folder / "ws")
    build(workspace, [files])
    command = [sys.executable, "-c", PROGRAM, str(workspace.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        while not url and (line := process.stdout.readline()):
            url = line.strip().partition("kgbuilder is at ")[2]
        assert url, "the app has not started"
        yield App(url=url, workspace=workspace)
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture
def open_page(browser: Browser, app: App) -> Iterator[Open]:
    """Return a function that opens a page; afterwards nothing may have left the machine, and no script have run."""
    external: list[str] = []
    errors: list[str] = []
    contexts = []

    def watched(url: str) -> None:
        if not url.startswith((app.url, app.url.replace("http", "ws", 1), "data:", "blob:")):
            external.append(url)

    def opened(
        path: str = "/", *, locale: str = "en-US", dark: bool = False, size: tuple[int, int] = (1440, 960)
    ) -> Page:
        context = browser.new_context(
            locale=locale,
            color_scheme="dark" if dark else "light",
            viewport={"width": size[0], "height": size[1]},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: watched(request.url))
        page.on("websocket", lambda socket: watched(socket.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(app.url + path)
        settle(page)
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.pwned") is None
            assert page.locator('[data-testid="stException"]').count() == 0
        context.close()
    assert external == []
    assert errors == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are put, for people to look at."""
    folder = os.environ.get("KGBUILDER_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(folder)
    return tmp_path_factory.mktemp("pictures")
