"""Start the app: the pages and the worker as child processes that end with this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from kgbuilder.config import Workspace, init_workspace, open_workspace
from kgbuilder.errors import ConfigError, StoreError
from kgbuilder.ledger import Ledger

__all__ = ["DEFAULT_PORT", "free_port", "run_app"]

DEFAULT_PORT = 8501
_HOST = "127.0.0.1"
_TRIES = 50
_START_S = 60.0
_STOP_S = 15.0
_POLL_S = 0.2
_RESTART_S = 3.0

Announce = Callable[[str], None]


def run_app(
    workspace_folder: Path,
    *,
    port: int | None = None,
    host: str | None = None,
    headless: bool = False,
    with_worker: bool = True,
    announce: Announce | None = None,
) -> None:
    """Serve the pages of a workspace until a signal ends it; make the workspace when there is none.

    Without `port` the first free one from 8501 on is taken. `host` is 127.0.0.1 unless given; STREAMLIT_SERVER_ADDRESS
    and STREAMLIT_SERVER_PORT stand in for arguments that are left out. `announce` hears the address once pages answer.

    Raises ConfigError for a port that is taken, StoreError when the ledger cannot be opened or the pages do not start.
    """
    say = announce or _say
    init_workspace(workspace_folder)
    workspace = open_workspace(workspace_folder)
    # Migrated here, before two children would both do it.
    Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path).close()
    address = _address(host)
    asked = port or _port_from_environment()
    free_port(address, asked)
    with _stopped_by_signal() as stop, contextlib.ExitStack() as stack:
        worker = _Worker(workspace) if with_worker else None
        if worker:
            stack.callback(worker.end)
            worker.keep()
        pages = stack.enter_context(_Pages.started(workspace, address, asked, stop))
        if pages is None:
            return
        if not asked and pages.port != DEFAULT_PORT:
            say(f"port {DEFAULT_PORT} is taken; using {pages.port}")
        say(f"kgbuilder is at {pages.url}")
        if not headless and _has_display():
            _open_browser(pages.url)
        while not stop.wait(_POLL_S):
            if not pages.alive:
                raise StoreError(
                    "the pages have ended", where=pages.url, remedy="see the messages above, then start again"
                )
            if worker:
                worker.keep()


def free_port(host: str, port: int | None) -> int:
    """Return `port` if nothing listens there, or without one the first free port from 8501 on.

    Raises ConfigError when the port is taken or the address is not of this machine.
    """
    reason = ""
    for candidate in [port] if port else range(DEFAULT_PORT, DEFAULT_PORT + _TRIES):
        reason = _refusal(host, candidate)
        if not reason:
            return candidate
    if port:
        raise ConfigError(
            f"port {port} cannot be used: {reason}",
            where=f"{host}:{port}",
            remedy="choose another with --port, or stop the program that listens there",
        )
    raise ConfigError(
        f"no port from {DEFAULT_PORT} to {DEFAULT_PORT + _TRIES - 1} is free: {reason}",
        where=host,
        remedy="give a free one with --port",
    )


def _refusal(host: str, port: int) -> str:
    """Say why nothing can listen at a port; empty when it is free."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            return getattr(error, "strerror", None) or str(error)
    return ""


def _address(host: str | None) -> str:
    return host or os.environ.get("STREAMLIT_SERVER_ADDRESS") or _HOST


def _port_from_environment() -> int | None:
    value = os.environ.get("STREAMLIT_SERVER_PORT", "")
    if value and not value.isdecimal():
        raise ConfigError("not a port", where="STREAMLIT_SERVER_PORT", remedy="set a number such as 8501")
    return int(value) if value else None


def _flags(workspace: Workspace, host: str, port: int) -> list[str]:
    return [
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        f"--server.maxUploadSize={workspace.settings.limits.file_mb}",
        "--browser.gatherUsageStats=false",
        "--logger.level=warning",
    ]


class _Pages:
    """The process that serves the pages at one port.

    Its first printed address says that its own server listens: that something answers at the port is no proof, as two
    apps that start together may both have found it free.
    """

    def __init__(self, workspace: Workspace, host: str, port: int) -> None:
        self.port = port
        self.url = f"http://{_reachable(host)}:{port}"
        self._listens = threading.Event()
        self._process = _start("pages", *_flags(workspace, host, port), folder=workspace.folder, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, name="kgbuilder-pages", daemon=True)
        self._reader.start()

    @classmethod
    @contextlib.contextmanager
    def started(
        cls, workspace: Workspace, host: str, port: int | None, stop: threading.Event
    ) -> "Iterator[_Pages | None]":
        """Give the pages once they answer, at `port` or the first free one; None when `stop` came first."""
        for _ in range(_TRIES):
            pages = cls(workspace, host, free_port(host, port))
            try:
                if stop.is_set() or pages._await(stop):
                    yield None if stop.is_set() else pages
                    return
            finally:
                pages._end()
            if port or not _refusal(host, pages.port):
                break  # another port would not help
        raise StoreError("the pages did not start", where=pages.url, remedy="see the messages above")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _await(self, stop: threading.Event) -> bool:
        """Wait until the pages answer or `stop` is set; False when they ended before."""
        deadline = time.monotonic() + _START_S
        while not stop.is_set():
            if not self.alive:
                return False
            if self._listens.is_set() and _answers(self.url):
                return True
            if time.monotonic() > deadline:
                raise StoreError(f"the pages do not answer after {_START_S:.0f} s", where=self.url, remedy="try again")
            stop.wait(_POLL_S)
        return True

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:  # to the end, or the pipe fills
                if b"://" in line:
                    self._listens.set()

    def _end(self) -> None:
        _end(self._process)
        self._reader.join(_STOP_S)


def _start(kind: str, *arguments: str, folder: Path, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "KGBUILDER_WORKSPACE": str(folder),
        "PYTHONUNBUFFERED": "1",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    # A session of its own: the terminal's Ctrl-C reaches us alone, and we end the children in order.
    return subprocess.Popen(
        [sys.executable, "-m", "ui.child", kind, *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        env=environment,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin:
        process.stdin.close()


class _Worker:
    """Keeps one worker alive: one that died is started again after a short while."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def keep(self) -> None:
        """Start the worker when none is alive."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() >= self._not_before:
            self.end()
            self._process = _start("worker", str(self._workspace.folder), folder=self._workspace.folder)
            self._not_before = time.monotonic() + _RESTART_S

    def end(self) -> None:
        """End the worker; its job goes back to the queue."""
        if self._process is not None:
            _end(self._process)
            self._process = None


@contextlib.contextmanager
def _stopped_by_signal() -> Iterator[threading.Event]:
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/_stcore/health", timeout=2) as r:
            return bool(r.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _has_display() -> bool:
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
