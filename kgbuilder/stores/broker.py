"""The process that owns the embedded graph server of a folder: starts it, restarts it, ends it with its last user.

    python -I -S broker.py FOLDER JAVA JARS HEAP IDLE_S

Standard library only and run by path, so that it starts in a few milliseconds and stays small. It puts itself into the
background; the command returns 0 when the server answers, 75 when another broker has the folder, and 1 with a JSON
object {"what", "remedy"} on standard output when the server cannot be started.

A user connects to the broker's port, sends one line {"token", "want": "lease"} and keeps the connection open: that is
the lease. When no lease has been held for IDLE_S seconds the server is stopped. The folder is locked by a file that the
broker, the supervisor and the server hold open together, so no second server can start while any of them lives.
"""

import base64
import contextlib
import dataclasses
import errno
import fcntl
import http.client
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

__all__ = ["BUSY", "DATABASE", "GREETING", "LOCK_NAME", "READER", "STATE_NAME", "State", "main"]

DATABASE = "kg"
READER = "reader"
STATE_NAME = "broker.json"
LOCK_NAME = "broker.lock"
GREETING = b"kgbuilder-broker 1\n"
BUSY = 75

_START_S = 60.0
_STOP_S = 12.0
_TRIES = 3
_MAX_RESTARTS = 5
_RESTART_WINDOW_S = 300.0
_TICK_S = 0.02
_COMMAND_TIMEOUT_MS = 60_000
_MAX_MESSAGE_BYTES = 128 * 1024 * 1024
_LOG_TAIL_CHARS = 1500
_Headers = Mapping[str, str]
_NO_HEADERS: _Headers = {}
_HANDSHAKE = bytes.fromhex("6060b017" + "00000405" + "00000404" + "00000000" + "00000000")

_RIGHTS = {
    "databases": {
        "*": {
            "groups": {
                "admin": {
                    "resultSetLimit": -1,
                    "readTimeout": -1,
                    "access": ["updateSecurity", "updateSchema", "updateDatabaseSettings"],
                    "types": {"*": {"access": ["createRecord", "readRecord", "updateRecord", "deleteRecord"]}},
                },
                "reader": {
                    "resultSetLimit": -1,
                    "readTimeout": -1,
                    "access": [],
                    "types": {"*": {"access": ["readRecord"]}},
                },
                "*": {"resultSetLimit": -1, "readTimeout": -1, "access": [], "types": {"*": {"access": []}}},
            }
        }
    },
    "version": 2,
}


class _FailedError(Exception):
    """The server cannot be had."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what)


class _PortTakenError(Exception):
    """Another program took a port between our looking and the server's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, and where."""

    folder: Path
    java: str
    jars: str
    heap: str
    idle_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a user must know to reach broker and server. Kept in a file that only the owner of the folder may read."""

    broker_pid: int
    broker_port: int
    token: str
    server_pid: int
    bolt_port: int
    http_port: int
    root_password: str
    reader_password: str
    has_users: bool


def main(arguments: list[str]) -> int:
    """Take the folder, go into the background, and report how the start went."""
    folder, java, jars, heap, idle_s = arguments
    plan = Plan(folder=Path(folder), java=java, jars=jars, heap=heap, idle_s=float(idle_s))
    try:
        lock = os.open(plan.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    except OSError as error:
        sys.stdout.write(_report(_explained(error)))
        return 1
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _live_in_background(plan, lock, writing)
    os.close(writing)
    with os.fdopen(reading) as report:
        text = report.read() or _report(_FailedError("the broker ended without a word", "see broker.log in the folder"))
    if text == "ready":
        return 0
    sys.stdout.write(text)
    return 1


def _report(error: _FailedError) -> str:
    return json.dumps({"what": error.what, "remedy": error.remedy})


def _explained(error: OSError) -> _FailedError:
    place = f": {error.filename}" if error.filename else ""
    remedies = {
        errno.ENOSPC: "free some space on that disk",
        errno.EDQUOT: "free some space on that disk",
        errno.EACCES: "make the folder writable for this user",
        errno.EROFS: "choose a folder on a writable disk",
        errno.ENOEXEC: "install arcadedb-embedded for this platform, or set store.uri to a Neo4j",
    }
    remedy = remedies.get(error.errno or 0, "see broker.log in the folder")
    return _FailedError(f"the graph server cannot run: {error.strerror}{place}", remedy)


def _live_in_background(plan: Plan, lock: int, report: int) -> NoReturn:
    os.setsid()
    os.chdir(plan.folder)
    os.umask(0o077)
    _redirect_output(plan.folder / "broker.log")
    status = 1
    try:
        _Broker(plan, lock, report).run()
        status = 0
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(status)


def _redirect_output(log: Path) -> None:
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        out = empty
    os.dup2(out, 1)
    os.dup2(out, 2)


class _Broker:
    """One folder, one server, any number of leases."""

    def __init__(self, plan: Plan, lock: int, report: int) -> None:
        self._plan = plan
        self._lock = lock
        self._report = report
        self._selector = selectors.DefaultSelector()
        self._server: _Server | None = None
        self._leases: set[socket.socket] = set()
        self._idle_since = time.monotonic()
        self._stopping = False
        self._restarts: list[float] = []

    def run(self) -> None:
        """Serve until nobody needs the server any more or it cannot be kept alive."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            self._listen()
            self._start()
            self._idle_since = time.monotonic()
            self._tell_parent("ready")
            self._serve()
        except OSError as error:
            self._fail(_explained(error))
        except _FailedError as error:
            self._fail(error)
        finally:
            self._end()

    def _on_signal(self, *_: object) -> None:
        self._stopping = True

    def _tell_parent(self, text: str) -> None:
        if self._report >= 0:
            with contextlib.suppress(OSError):
                os.write(self._report, text.encode())
            os.close(self._report)
            self._report = -1

    def _fail(self, error: _FailedError) -> None:
        sys.stderr.write(f"{error.what} ({error.remedy})\n")
        self._tell_parent(_report(error))
        for lease in self._leases:
            _send(lease, {"what": error.what, "remedy": error.remedy})

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            (self._plan.folder / STATE_NAME).unlink(missing_ok=True)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        if self._server is not None:
            self._server.stop()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        before = _read_state(self._plan.folder)
        # What the last broker left is used again when it was killed, so that its users find the server where it was.
        self._state = State(
            broker_pid=os.getpid(),
            broker_port=self._listener.getsockname()[1],
            token=secrets.token_hex(16),
            server_pid=0,
            bolt_port=before.bolt_port if before and _is_free(before.bolt_port) else _free_port(),
            http_port=before.http_port if before and _is_free(before.http_port) else _free_port(),
            root_password=before.root_password if before else secrets.token_hex(16),
            reader_password=before.reader_password if before else secrets.token_hex(16),
            has_users=before.has_users if before else False,
        )
        _write_state(self._plan.folder, self._state)

    def _start(self) -> None:
        for attempt in range(_TRIES):
            try:
                self._start_once()
            except _PortTakenError:
                if attempt + 1 == _TRIES:
                    what = f"the graph server found its ports taken {_TRIES} times"
                    raise _FailedError(what, "try again") from None
                self._state = dataclasses.replace(self._state, bolt_port=_free_port(), http_port=_free_port())
            else:
                return

    def _start_once(self) -> None:
        server = _Server(self._plan, self._state, self._lock, has_users=self._state.has_users)
        self._server = server
        self._state = dataclasses.replace(self._state, server_pid=server.pid)
        _write_state(self._plan.folder, self._state)
        deadline = time.monotonic() + _START_S
        try:
            while not server.is_ready():
                if time.monotonic() > deadline:
                    remedy = f"see {server.log}; a busy machine may need another try"
                    raise _FailedError(f"the graph server does not answer after {_START_S:.0f} s", remedy)
                if self._stopping:
                    raise _FailedError("the graph server was told to stop while it started", "try again")
                self._poll(_TICK_S)
            server.create_reader()
        except (_PortTakenError, _FailedError):
            server.stop()
            raise
        self._selector.register(server.alive, selectors.EVENT_READ)
        if not self._state.has_users:
            self._state = dataclasses.replace(self._state, has_users=True)
            _write_state(self._plan.folder, self._state)
        for lease in self._leases:
            self._grant(lease)

    def _serve(self) -> None:
        while not self._stopping:
            left_s = self._idle_since + self._plan.idle_s - time.monotonic()
            if not self._leases and left_s <= 0:
                return
            self._poll(1.0 if self._leases else min(1.0, left_s))

    def _poll(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.fileobj, socket.socket):
                self._hear(key.fileobj, key.data)
            else:
                self._restart()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.settimeout(1.0)
            connection.sendall(GREETING)
            self._selector.register(connection, selectors.EVENT_READ, bytearray())

    def _hear(self, connection: socket.socket, heard: bytearray) -> None:
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        if not data or len(heard) > 4096:
            self._drop(connection)
            return
        heard += data
        if b"\n" not in heard:
            return
        want = self._wanted(bytes(heard))
        heard.clear()
        if want == "lease":
            self._leases.add(connection)
            self._grant(connection)
        elif want == "stop":
            self._stopping = True
        else:
            self._drop(connection)

    def _wanted(self, line: bytes) -> str:
        with contextlib.suppress(ValueError, AttributeError):
            asked = json.loads(line)
            if secrets.compare_digest(str(asked.get("token")), self._state.token):
                return str(asked.get("want"))
        return ""

    def _grant(self, lease: socket.socket) -> None:
        if self._server is not None and self._server.ready:
            _send(lease, dataclasses.asdict(self._state))

    def _drop(self, connection: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        connection.close()
        if connection in self._leases:
            self._leases.remove(connection)
            self._idle_since = time.monotonic()

    def _restart(self) -> None:
        server = self._server
        if server is None:
            return
        self._selector.unregister(server.alive)
        server.stop()
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < _RESTART_WINDOW_S] + [now]
        if len(self._restarts) > _MAX_RESTARTS:
            what = f"the graph server ended {len(self._restarts)} times in {_RESTART_WINDOW_S / 60:.0f} minutes"
            raise _FailedError(f"{what}: {server.log_tail()}", f"see {server.log}")
        sys.stderr.write("the graph server ended by itself and is started again\n")
        self._start()


def _send(connection: socket.socket, answer: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


class _Server:
    """The Java process, under a supervisor that ends it when this process is gone."""

    def __init__(self, plan: Plan, state: State, lock: int, *, has_users: bool) -> None:
        self._state = state
        self._has_users = has_users
        self.ready = False
        self.log = plan.folder / "server.log"
        _write_rights(plan.folder, keep_users=has_users)
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")), *_command(plan, state)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                cwd=plan.folder,
                pass_fds=(lock,),
                # In the environment, because the arguments of a process can be read by every user of the machine.
                env={**os.environ, "arcadedb.server.rootPassword": state.root_password},
            )
        assert self._process.stdout is not None
        self.alive = self._process.stdout
        self.pid = int(self.alive.readline() or 0)

    def is_ready(self) -> bool:
        """Look whether the server answers on both ports. Raises _FailedError when it never will."""
        if self._process.poll() is not None or 'Exception in thread "main"' in self._log_text():
            self._raise_failure()
        self.ready = _http_status(
            self._state.http_port, "GET", "/api/v1/ready"
        ) == http.client.NO_CONTENT and _bolt_answers(self._state.bolt_port)
        return self.ready

    def _raise_failure(self) -> NoReturn:
        text = self._log_text()
        if "Unable to listen" in text:
            raise _PortTakenError
        if "No space left on device" in text:
            raise _FailedError("the graph server cannot start: no space left on device", "free some space on that disk")
        if "Permission denied" in text or "AccessDenied" in text:
            what = f"the graph server cannot start: permission denied: {self.log_tail()}"
            raise _FailedError(what, "make the folder and what is in it writable for this user")
        raise _FailedError(f"the graph server cannot start: {self.log_tail()}", f"see {self.log}")

    def _log_text(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def log_tail(self) -> str:
        """Return the end of what the server printed."""
        return self._log_text()[-_LOG_TAIL_CHARS:].strip() or "it printed nothing"

    def create_reader(self) -> None:
        """Make the user that may read and nothing else, before anybody can ask the server for anything."""
        if self._has_users:
            return
        user = {"name": READER, "password": self._state.reader_password, "databases": {DATABASE: ["reader"]}}
        body = json.dumps({"command": f"create user {json.dumps(user)}"}).encode()
        credentials = base64.b64encode(f"root:{self._state.root_password}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
        status = _http_status(self._state.http_port, "POST", "/api/v1/server", body, headers)
        if status != http.client.OK:
            raise _FailedError(f"the graph server takes no read-only user (HTTP {status})", f"see {self.log}")

    def stop(self) -> None:
        """End the server, by force when it does not end by itself."""
        process = self._process
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode < 0 and self.pid:  # the supervisor was killed and may have left the server behind
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
        self.alive.close()


def _command(plan: Plan, state: State) -> list[str]:
    settings = {
        "server.rootPath": plan.folder,
        "server.mode": "development",
        "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
        "server.defaultDatabases": f"{DATABASE}[root]",
        "server.httpIncomingHost": "127.0.0.1",
        "server.httpIncomingPort": state.http_port,
        "bolt.host": "127.0.0.1",
        "bolt.port": state.bolt_port,
        "bolt.maxMessageSize": _MAX_MESSAGE_BYTES,
        "txWalFlush": 2,  # one fsync a commit
        "command.timeout": _COMMAND_TIMEOUT_MS,
        "opencypher.loadCsv.allowFileUrls": "false",
        "opencypher.loadCsv.allowRemoteUrls": "false",
        "polyglotEngineEnabled": "false",
    }
    return [
        plan.java,
        f"-Xmx{plan.heap}",
        # The quick compiler and the simple collector: on small batches they cost half the CPU of the defaults.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        "-Djava.awt.headless=true",
        *(f"-Darcadedb.{name}={value}" for name, value in settings.items()),
        "-cp",
        plan.jars,
        "com.arcadedb.server.ArcadeDBServer",
    ]


def _write_rights(folder: Path, *, keep_users: bool) -> None:
    config = folder / "config"
    config.mkdir(mode=0o700, exist_ok=True)
    if not keep_users:
        (config / "server-users.jsonl").unlink(missing_ok=True)
    (config / "server-groups.json").write_text(json.dumps(_RIGHTS), encoding="utf-8")


def _read_state(folder: Path) -> State | None:
    try:
        return State(**json.loads((folder / STATE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_state(folder: Path, state: State) -> None:
    text = json.dumps(dataclasses.asdict(state)).encode()
    unfinished = folder / f"{STATE_NAME}.new"
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text)
    finally:
        os.close(handle)
    unfinished.replace(folder / STATE_NAME)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def _http_status(port: int, method: str, path: str, body: bytes | None = None, headers: _Headers = _NO_HEADERS) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10 if body else 1)
    try:
        connection.request(method, path, body=body, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _bolt_answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
        probe.sendall(_HANDSHAKE)
        return probe.recv(4) not in (b"", b"\0\0\0\0")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
