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
    chosen = free_port(address, port or _port_from_environment())
    if port is None and chosen != DEFAULT_PORT and not _port_from_environment():
        say(f"port {DEFAULT_PORT} is taken; using {chosen}")
    with _stopped_by_signal() as stop, contextlib.ExitStack() as stack:
        pages = stack.enter_context(_child("pages", *_flags(workspace, address, chosen), folder=workspace.folder))
        worker = _Worker(workspace) if with_worker else None
        if worker:
            stack.callback(worker.end)
            worker.keep()
        url = f"http://{_reachable(address)}:{chosen}"
        if not _await_pages(pages, url, stop):
            return
        say(f"kgbuilder is at {url}")
        if not headless and _has_display():
            _open_browser(url)
        while not stop.wait(_POLL_S):
            if pages.poll() is not None:
                raise StoreError("the pages have ended", where=url, remedy="see the messages above, then start again")
            if worker:
                worker.keep()


def free_port(host: str, port: int | None) -> int:
    """Return `port` if nothing listens there, or without one the first free port from 8501 on.

    Raises ConfigError when the port is taken or the address is not of this machine.
    """
    for candidate in [port] if port else range(DEFAULT_PORT, DEFAULT_PORT + _TRIES):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                continue
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


def _address(host: str | None) -> str:
    # What a container sets in the environment counts more than the default of the command line.
    if host and host != _HOST:
        return host
    return os.environ.get("STREAMLIT_SERVER_ADDRESS") or _HOST


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


@contextlib.contextmanager
def _child(kind: str, *arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = _start(kind, *arguments, folder=folder)
    try:
        yield process
    finally:
        _end(process)


def _start(kind: str, *arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "KGBUILDER_WORKSPACE": str(folder), "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    # A session of its own: the terminal's Ctrl-C reaches us alone, and we end the children in order.
    return subprocess.Popen(
        [sys.executable, "-m", "ui.child", kind, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
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


def _await_pages(pages: subprocess.Popen[bytes], url: str, stop: threading.Event) -> bool:
    deadline = time.monotonic() + _START_S
    while not stop.is_set():
        if pages.poll() is not None:
            raise StoreError("the pages did not start", where=url, remedy="see the messages above")
        if _answers(url):
            return True
        if time.monotonic() > deadline:
            raise StoreError(f"the pages do not answer after {_START_S:.0f} s", where=url, remedy="try again")
        stop.wait(_POLL_S)
    return False


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
