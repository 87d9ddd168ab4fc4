"""Starting the app: ports, addresses, children that end with their parent."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest

from kgbuilder.errors import ConfigError
from tests.ui.filled import make
from ui import launch
from ui.launch import free_port, run_app
from ui.worker import is_running


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_is_named_with_a_remedy_at_once(taken, tmp_path):
    begin = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        run_app(tmp_path / "ws", port=taken, headless=True)
    assert time.monotonic() - begin < 10
    assert str(taken) in caught.value.what
    assert "--port" in caught.value.remedy


def test_without_a_port_the_next_free_one_is_taken(taken, monkeypatch):
    monkeypatch.setattr(launch, "DEFAULT_PORT", taken)
    assert free_port("127.0.0.1", None) > taken


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("203.0.113.7", 8501), ("no such host", 8501)])
def test_an_address_that_cannot_be_used_is_told(host, port):
    with pytest.raises(ConfigError, match=str(port)):
        free_port(host, port)


def test_what_a_container_sets_counts_where_nothing_is_given(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    assert launch._address("127.0.0.1") == "127.0.0.1"
    assert launch._address(None) == "0.0.0.0"
    assert launch._address("192.0.2.1") == "192.0.2.1"
    monkeypatch.delenv("STREAMLIT_SERVER_ADDRESS")
    assert launch._address(None) == "127.0.0.1"


def test_a_port_from_the_environment_must_be_one(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "many")
    with pytest.raises(ConfigError, match="not a port"):
        run_app(tmp_path / "ws", headless=True)


PROGRAM = """
import sys
from pathlib import Path
from ui.launch import run_app
run_app(Path(sys.argv[1]), headless=True)
"""


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            yield app
        finally:
            app.kill()


def address(app: subprocess.Popen[str]) -> str:
    assert app.stdout is not None
    return next(line for line in app.stdout if "kgbuilder is at" in line).split()[-1]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are counted in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_children_end_with_their_parent(tmp_path, number):
    workspace = make(tmp_path / "ws")
    with started(workspace.folder) as app:
        with urllib.request.urlopen(f"{address(app)}/_stcore/health", timeout=5) as answer:
            assert answer.status == 200
        deadline = time.monotonic() + 60
        while not is_running(workspace):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        born = children(app.pid)
        assert len(born) == 2
        app.send_signal(number)
        assert app.wait(20) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in born):
        assert time.monotonic() < deadline, born
        time.sleep(0.05)
    assert not is_running(workspace)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are counted in /proc")
def test_a_worker_that_dies_is_started_again(tmp_path):
    workspace = make(tmp_path / "ws")
    with started(workspace.folder) as app:
        address(app)
        worker, pages = children(app.pid)
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(now := children(app.pid)) < 2 or worker in now:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert pages in now
        app.terminate()
        assert app.wait(20) == 0


@pytest.mark.slow
def test_apps_that_start_together_serve_at_ports_of_their_own(tmp_path):
    folders = [make(tmp_path / name).folder for name in "ab"]
    with ExitStack() as stack:
        apps = [stack.enter_context(started(folder)) for folder in folders]
        assert len({address(app) for app in apps}) == 2


@pytest.mark.slow
def test_the_next_port_is_tried_when_another_program_was_faster(tmp_path, monkeypatch, taken):
    monkeypatch.setattr(
        launch, "_refusal", lambda _host, port, real=launch._refusal: next(refusals, real("127.0.0.1", port))
    )
    monkeypatch.setattr(launch, "DEFAULT_PORT", taken)
    refusals = iter([""])  # it looked free
    workspace = make(tmp_path / "ws")
    with launch._Pages.started(workspace, "127.0.0.1", None, Event()) as pages:
        assert pages is not None
        assert pages.port > taken
