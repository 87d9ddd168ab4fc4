"""A real Neo4j community server for the tests: jars from Maven Central (pom.xml), one child process, Bolt on loopback.

GPL-3.0 software, run as a process of its own and never shipped. Needs `mvn` once (about 125 MB) and Java 17 or later.
"""

import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from kgbuilder.stores import supervisor

POM = Path(__file__).with_name("pom.xml")
MIN_JAVA = 17

CONFIG = """\
server.default_listen_address=127.0.0.1
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
dbms.security.auth_enabled=true
dbms.security.auth_lock_time=1s
dbms.security.allow_csv_import_from_file_urls=false
server.directories.import=import
server.memory.pagecache.size=128m
db.transaction.timeout=60s
dbms.memory.transaction.total.max={transaction_memory}
db.tx_log.rotation.retention_policy=2 files
db.tx_log.preallocate=false
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
internal.server.bolt.connection_shutdown_wait_time=1s
"""


class UnavailableError(Exception):
    """This machine cannot run the server; the message says why."""


def cache() -> Path:
    """Where the jars are kept between runs."""
    return Path(os.environ.get("KGBUILDER_NEO4J_CACHE") or Path.home() / ".cache" / "kgbuilder-neo4j")


def java() -> str:
    """Return a Java that is new enough."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise UnavailableError("no java on this machine")
    text = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', text)
    if version is None or int(version[1]) < MIN_JAVA:
        raise UnavailableError(f"Java {MIN_JAVA} is needed: {text.splitlines()[:1]}")
    return found


def jars() -> Path:
    """Return the folder of the server's jars; downloads once, also when several processes ask at the same time."""
    folder = cache() / f"lib-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("no mvn on this machine")
    cache().mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=cache()))
    command = [maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={unfinished}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode:
            raise UnavailableError(f"mvn failed: {(done.stdout + done.stderr)[-1000:]}")
        if not folder.is_dir():
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


class Neo4jServer:
    """One server in one folder; it never outlives the process that made it."""

    def __init__(self, home: Path, *, heap: str = "512m", transaction_memory: str = "64m") -> None:
        self.home = home
        self.user, self.password = "neo4j", secrets.token_hex(8)
        self.port = _free_port()
        self.uri = f"bolt://127.0.0.1:{self.port}"
        self.pid = 0
        self._heap = heap
        self._transaction_memory = transaction_memory
        self._java = java()
        self._jars = jars()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 180.0) -> "Neo4jServer":
        """Start, or start again on the same port, and wait until Bolt answers."""
        self._prepare()
        command = self._command("org.neo4j.server.CommunityEntryPoint", f"--home-dir={self.home}")
        command += [f"--config-dir={self.home / 'conf'}", "--console-mode"]
        with (self.home / "console.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self.pid = int(self._process.stdout.readline())
        deadline = time.monotonic() + timeout_s
        while not _bolt_answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (self.home / "console.log").read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"Neo4j does not start: {tail}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End the server as an operator would."""
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.wait(60)
            self._process.stdout.close()
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def _prepare(self) -> None:
        if (self.home / "conf").is_dir():
            return
        for name in ("conf", "data", "logs", "run", "plugins", "import", "licenses"):
            (self.home / name).mkdir(parents=True)
        config = CONFIG.format(port=self.port, transaction_memory=self._transaction_memory)
        (self.home / "conf" / "neo4j.conf").write_text(config)
        # Without this, the password would be "neo4j" and expired.
        subprocess.run(
            self._command("org.neo4j.cli.AdminTool", "dbms", "set-initial-password", self.password),
            check=True,
            capture_output=True,
            env={**os.environ, "NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")},
        )

    def _command(self, *arguments: str) -> list[str]:
        # The quick compiler: a test run is too short to repay the other.
        options: Sequence[str] = ("-Xms64m", f"-Xmx{self._heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        return [self._java, *options, "-cp", str(self._jars / "*"), *arguments]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _bolt_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(bytes.fromhex("6060b017" + "00000405" + "00000404" + "00000000" + "00000000"))
            return probe.recv(4) not in (b"", b"\0\0\0\0")
    except OSError:
        return False
