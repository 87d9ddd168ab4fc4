"""The embedded graph server of a folder: joined by whoever needs it, started by the first, ended after the last."""

import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from kgbuilder.errors import StoreError
from kgbuilder.stores import broker
from kgbuilder.stores.address import Address

__all__ = ["Lease", "stop"]

_START_S = 75.0
_ANSWER_S = 5.0
_PAUSE_S = 0.05
_MIN_FREE_BYTES = 64 * 1024 * 1024
_INSTALL = "pip install arcadedb-embedded, or set store.uri to a Neo4j"


class Lease:
    """A share in the server of a folder: it runs at least until every lease is closed or its process is gone."""

    def __init__(self, folder: Path, *, heap: str = "1g", idle_s: float = 180.0) -> None:
        """Join the server of `folder`, or start it; the first to come sets its heap and how long it stays idle.

        Raises StoreError when it cannot be started.
        """
        self._folder = folder.resolve()
        self._heap = heap
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.address = self._take()

    def renew(self) -> Address:
        """Return where the server is now, and start it again when it is gone.

        Raises StoreError, also when the disk is full: then the server answers, but takes nothing.
        """
        _check_folder(self._folder)
        self.address = self._take()
        return self.address

    def _take(self) -> Address:
        with self._lock:
            before, self._connection = self._connection, None
            try:
                self._connection, state = _take(self._folder, self._heap, self._idle_s)
            finally:
                if before is not None:
                    before.close()
        return Address(
            uri=f"bolt://127.0.0.1:{state.bolt_port}",
            database=broker.DATABASE,
            user="root",
            password=state.root_password,
            reader=broker.READER,
            reader_password=state.reader_password,
            http_port=state.http_port,
        )

    def close(self) -> None:
        """Give the lease back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def stop(folder: Path) -> None:
    """End the server of `folder` whoever uses it, and return when its files are free."""
    state = _read_state(folder)
    with contextlib.suppress(OSError):
        if state is not None and (connection := _ask(state, "stop")) is not None:
            connection.close()
    deadline = time.monotonic() + _START_S
    while _is_locked(folder):
        if time.monotonic() > deadline:
            raise StoreError("the graph server does not end", where=str(folder), remedy="end the Java process by hand")
        time.sleep(_PAUSE_S)


def _take(folder: Path, heap: str, idle_s: float) -> tuple[socket.socket, broker.State]:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        state = _read_state(folder)
        if state is not None and (connection := _ask(state, "lease")) is not None:
            granted = _granted(connection, deadline, folder)
            if granted is not None:
                return connection, granted
            connection.close()
        elif _is_locked(folder):
            time.sleep(_PAUSE_S)  # a broker is about to listen, or about to be gone
        else:
            _start_broker(folder, heap, idle_s)
    raise StoreError(
        f"the embedded graph server does not answer after {_START_S:.0f} s",
        where=str(folder),
        remedy=f"see {folder / 'server.log'}; end a Java process that still uses this folder",
    )


def _read_state(folder: Path) -> broker.State | None:
    # Absent, half-written or of another version: the broker writes a new one.
    with contextlib.suppress(OSError, ValueError, TypeError):
        return broker.State(**json.loads((folder / broker.STATE_NAME).read_text(encoding="utf-8")))
    return None


def _ask(state: broker.State, want: str) -> socket.socket | None:
    """Connect to a broker and say what is wanted; None when no broker is there."""
    try:
        connection = socket.create_connection(("127.0.0.1", state.broker_port), timeout=_ANSWER_S)
    except OSError:
        return None
    try:
        if connection.recv(len(broker.GREETING), socket.MSG_WAITALL) == broker.GREETING:
            connection.sendall(json.dumps({"token": state.token, "want": want}).encode() + b"\n")
            return connection
    except OSError:
        pass
    connection.close()  # after a power cut another program may have the port
    return None


def _granted(connection: socket.socket, deadline: float, folder: Path) -> broker.State | None:
    """Wait for the server to be ready; None when the broker went away meanwhile. Raises StoreError when it failed."""
    connection.settimeout(max(0.1, deadline - time.monotonic()))
    answer = b""
    with contextlib.suppress(OSError):
        while not answer.endswith(b"\n"):
            data = connection.recv(65536)
            if not data:
                return None
            answer += data
    if not answer.endswith(b"\n"):
        return None
    found = json.loads(answer)
    if "what" in found:
        raise StoreError(found["what"], where=str(folder), remedy=found["remedy"])
    return broker.State(**found)


def _is_locked(folder: Path) -> bool:
    try:
        with (folder / broker.LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False


def _start_broker(folder: Path, heap: str, idle_s: float) -> None:
    package = _package()
    _check_folder(folder)
    command = [
        sys.executable,
        "-I",
        "-S",
        broker.__file__,
        str(folder),
        str(package / "jre" / "bin" / "java"),
        str(package / "jars" / "*"),
        heap,
        str(idle_s),
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_START_S, check=False
        )
    except subprocess.TimeoutExpired:
        return
    except OSError as error:
        what = f"the embedded graph server cannot be started: {error.strerror}"
        raise StoreError(what, where=str(folder), remedy="check this Python installation") from error
    if done.returncode in (0, broker.BUSY):
        return
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = {"what": f"the embedded graph server cannot be started: {done.stderr.strip()[-500:]}", "remedy": ""}
    raise StoreError(found["what"], where=str(folder), remedy=found["remedy"])


def _package() -> Path:
    """Return the folder of the wheel that brings the server and a Java for this platform; it is not imported."""
    spec = importlib.util.find_spec("arcadedb_embedded")
    if spec is None or spec.origin is None:
        raise StoreError("the embedded graph server is not installed", remedy=_INSTALL)
    package = Path(spec.origin).parent
    java = package / "jre" / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise StoreError("the embedded graph server has no Java for this platform", where=str(java), remedy=_INSTALL)
    return package


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        what = f"the folder of the graph cannot be written: {error.strerror}"
        remedy = "make it writable, free some space, or choose another workspace"
        raise StoreError(what, where=str(folder), remedy=remedy) from error
    if free < _MIN_FREE_BYTES:
        what = f"the disk is full: {free // 2**20} MB free, the embedded graph needs {_MIN_FREE_BYTES // 2**20} MB"
        raise StoreError(what, where=str(folder), remedy="free some space on that disk")
