"""Builds whose graph, ledger or disk fails under them: a clear message soon, and nothing lost or doubled."""

import fcntl
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kgbuilder.stores.broker import STATE_NAME
from kgbuilder.stores.embedded import stop
from tests.e2e.conftest import MakeProgram, emptied
from tests.e2e.program import Outcome, Place, Program
from tests.e2e.test_kill import waiting
from tests.servers.model import ModelServer
from tests.servers.neo4j_server import Neo4jServer

pytestmark = [pytest.mark.server, pytest.mark.slow]

PATIENCE_S = 10.0


def refused(program: Program, *arguments: str, status: int = 1, **environment: str) -> Outcome:
    """Run a command that must fail soon with one clear message."""
    done = program.run(*arguments, status=status, environment=environment)
    assert done.seconds < PATIENCE_S
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1, done.err
    assert done.err.rstrip().endswith(")"), done.err  # the remedy
    return done


# --- a server that dies -----------------------------------------------------------------------------------------------


@pytest.fixture
def own_graph(tmp_path: Path) -> Iterator[Path]:
    """The folder of an embedded graph that may be treated badly."""
    folder = tmp_path / "own-graph"
    yield folder
    stop(folder)


def state_of(graph: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((graph / STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def await_writing(process: subprocess.Popen[str], program: Program) -> None:
    """Return while the graph is behind the ledger."""
    while process.poll() is None and not waiting(program.workspace / "ledger.db"):
        time.sleep(0.002)


@pytest.mark.xdist_group("embedded")
@pytest.mark.parametrize("victim", ["server_pid", "broker_pid"])
def test_an_embedded_server_killed_while_it_is_written_costs_nothing(
    victim: str, wanted: dict[str, bytes], own_graph: Path, program: MakeProgram, desk: Path, model: ModelServer
) -> None:
    made = program(desk, Place(name="own", graph=str(own_graph)), workspace="made")
    made.ask(model)
    with made.start("build", "docs") as process:
        await_writing(process, made)
        before = state_of(own_graph)
        os.kill(before[victim], signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert state_of(own_graph)["server_pid"] != before["server_pid"]
    assert waiting(made.workspace / "ledger.db") == 0
    assert made.exported() == wanted


@pytest.mark.xdist_group("neo4j")
def test_a_neo4j_that_is_killed_and_started_again_costs_nothing(
    neo4j: Place,
    neo4j_server: Neo4jServer,
    program: MakeProgram,
    desk: Path,
    model: ModelServer,
    request: pytest.FixtureRequest,
) -> None:
    whole = program(desk, emptied(request, "neo4j"), workspace="whole")
    whole.ask(model)
    whole.run("build", "docs")
    wanted = whole.exported()
    made = program(desk, emptied(request, "neo4j"), workspace="made")
    made.ask(model)
    with made.start("build", "docs") as process:
        await_writing(process, made)
        neo4j_server.kill()
        neo4j_server.start()
        out, err = process.communicate(timeout=150)
    assert process.returncode == 0, out + err
    assert made.exported() == wanted


# --- a server that cannot be used -------------------------------------------------------------------------------------


@pytest.mark.xdist_group("neo4j")
def test_a_wrong_password_and_a_missing_one(neo4j: Place, program: MakeProgram, desk: Path, model: ModelServer) -> None:
    made = program(desk, neo4j)
    made.ask(model)
    done = refused(made, "build", "docs", KGBUILDER_STORE_PASSWORD="wrong-password-f00")
    assert "password" in done.err
    assert "KGBUILDER_STORE_PASSWORD" in done.err
    assert neo4j.uri in done.err
    assert "wrong-password-f00" not in done.said
    done = refused(made, "query", "RETURN 1", status=2, KGBUILDER_STORE_PASSWORD="")
    assert "KGBUILDER_STORE_PASSWORD" in done.err
    assert neo4j.password.encode() not in (made.workspace / "ledger.db").read_bytes()


@pytest.fixture
def closed_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_neo4j_that_is_not_up(closed_port: int, program: MakeProgram, desk: Path, model: ModelServer) -> None:
    uri = f"bolt://127.0.0.1:{closed_port}"
    made = program(desk, Place(name="away", uri=uri, user="neo4j", password="x"))
    made.ask(model)
    for arguments in (["build", "docs"], ["query", "RETURN 1"], ["replay"], ["export"]):
        done = refused(made, *arguments)
        assert uri in done.err
        assert "is not up" in done.err
    assert "FAIL graph" in made.run("doctor", status=1).out
    assert model.counts["requests"] == 0


def test_what_listens_at_the_address_is_no_graph(program: MakeProgram, desk: Path, model: ModelServer) -> None:
    uri = f"bolt://127.0.0.1:{model.port}"
    made = program(desk, Place(name="wrong", uri=uri, user="neo4j", password="x"))
    made.ask(model)
    assert uri in refused(made, "build", "docs").err


# --- taking turns -----------------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("embedded")
def test_of_two_builds_at_once_one_is_refused_or_waits_when_told_to(
    wanted: dict[str, bytes], program: MakeProgram, desk: Path, model: ModelServer, request: pytest.FixtureRequest
) -> None:
    model.script.latency_s = 2.0
    made = program(desk, emptied(request, "embedded"), workspace="made")
    made.ask(model, concurrency=16)
    with made.start("build", "docs") as first:
        while first.poll() is None and not (made.workspace / "locks" / "build.lock").exists():
            time.sleep(0.01)
        done = refused(made, "build", "docs")
        assert f"in use by a build (process {first.pid})" in done.err
        assert "--wait" in done.err
        assert "in use" in refused(made, "replay").err
        assert made.json("status")["chunks"]["done"] < 60  # reading is free
        second = made.run("build", "docs", "--wait")
        assert first.wait(60) == 0
        first.communicate()
    assert "nothing has changed" in second.out or "0 documents" in second.out or "40 documents" in second.out
    assert made.exported() == wanted


def test_a_port_that_is_taken(program: MakeProgram, tmp_path: Path) -> None:
    made = program(tmp_path, Place(name="none"))
    made.configure()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused(made, "app", "--port", str(port), "--headless", status=2)
    assert f"port {port}" in done.err
    assert "--port" in done.err


# --- a disk that is full ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount small file systems in memory; only root can."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no small disk can be mounted: {done.stderr.decode(errors='replace').strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def grow(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


@pytest.mark.xdist_group("embedded")
def test_a_ledger_on_a_full_disk(
    wanted: dict[str, bytes],
    small_disk: Callable[[str], Path],
    program: MakeProgram,
    desk: Path,
    model: ModelServer,
    request: pytest.FixtureRequest,
) -> None:
    disk = small_disk("700k")
    made = program(desk, emptied(request, "embedded"), workspace=f"{disk.name}/made")
    made.ask(model)
    done = refused(made, "build", "docs")
    assert "full" in done.err
    assert "free some disk space" in done.err
    grow(disk, "100m")
    made.run("build", "docs")
    assert made.exported() == wanted


@pytest.mark.xdist_group("embedded")
def test_a_ledger_that_may_not_grow(
    wanted: dict[str, bytes],
    program: MakeProgram,
    desk: Path,
    model: ModelServer,
    request: pytest.FixtureRequest,
) -> None:
    made = program(desk, emptied(request, "embedded"), workspace="made")
    made.ask(model)
    limit = 400_000
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, whole[1]))
    try:
        done = refused(made, "build", "docs")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    assert "disk" in done.err
    made.run("build", "docs")
    assert made.exported() == wanted


@pytest.mark.xdist_group("embedded")
def test_a_graph_on_a_disk_that_is_too_small(
    small_disk: Callable[[str], Path], program: MakeProgram, desk: Path, model: ModelServer
) -> None:
    disk = small_disk("20m")
    made = program(desk, Place(name="own", graph=str(disk)))
    made.ask(model)
    done = refused(made, "build", "docs")
    assert "full" in done.err
    assert "free some space" in done.err


@pytest.mark.xdist_group("embedded")
def test_a_graph_whose_disk_fills_up_while_it_is_written(
    wanted: dict[str, bytes], small_disk: Callable[[str], Path], program: MakeProgram, desk: Path, model: ModelServer
) -> None:
    disk = small_disk("300m")
    graph = disk / "graph"
    made = program(desk, Place(name="own", graph=str(graph)), workspace="made")
    made.ask(model)
    made.run("build", "docs/000.txt")
    filler = disk / "filler"
    filler.write_bytes(b"\0" * (free_bytes(disk) - 200_000))
    try:
        done = made.run("build", "docs", status=None)
        assert done.status == 1, done.said
        assert "error: " in done.err
    finally:
        filler.unlink()
    made.run("build", "docs")
    assert made.exported() == wanted
    stop(graph)


def free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


# --- a ledger that cannot be used -------------------------------------------------------------------------------------


@pytest.fixture
def ledger(program: MakeProgram, tmp_path: Path) -> Program:
    """A workspace with an empty ledger, and no graph behind it."""
    made = program(tmp_path, Place(name="none"))
    made.configure()
    made.run("status")
    return made


def test_a_ledger_that_another_program_holds(ledger: Program) -> None:
    (ledger.folder / "a.txt").write_text("Some text.", encoding="utf-8")
    with closing(sqlite3.connect(ledger.workspace / "ledger.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = refused(ledger, "correct", "-")
        assert "locked" in done.err
        assert "another program" in done.err


@pytest.mark.parametrize("spoil", ["header", "middle", "other"])
def test_a_ledger_that_is_damaged(ledger: Program, spoil: str) -> None:
    path = ledger.workspace / "ledger.db"
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (ledger.workspace / name).unlink(missing_ok=True)
    data = bytearray(path.read_bytes())
    if spoil == "header":
        data[:100] = os.urandom(100)
    elif spoil == "middle":
        data[4096:] = os.urandom(len(data) - 4096)
    else:
        data = bytearray(b"%PDF-1.7 something else entirely\n" * 500)
    path.write_bytes(bytes(data))
    done = refused(ledger, "status")
    assert str(path) in done.err
    assert "backup" in done.err or "move it away" in done.err


def test_a_ledger_of_a_newer_version(ledger: Program) -> None:
    with closing(sqlite3.connect(ledger.workspace / "ledger.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    done = refused(ledger, "status")
    assert "newer version" in done.err
    assert "update kgbuilder" in done.err


def test_a_writer_that_holds_the_ledger_for_long_is_named(ledger: Program) -> None:
    path = ledger.workspace / "locks" / "write.lock"
    path.parent.mkdir(exist_ok=True)
    done: list[Outcome] = []
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("a build (process 4711)")
        file.flush()
        waiter = threading.Thread(target=lambda: done.append(ledger.run("undo", "x", status=None)))
        waiter.start()
        waiter.join(3)
        assert waiter.is_alive()  # one batch of a build may take a moment
        fcntl.flock(file, fcntl.LOCK_UN)
        waiter.join(60)
    assert done[0].status == 1
    assert "no correction has this id" in done[0].err
