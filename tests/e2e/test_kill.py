"""What the graph is after kills, second runs, replays and removals: always the same, byte for byte."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgbuilder import pipeline
from kgbuilder.config import open_workspace
from kgbuilder.stores import GraphStore, open_embedded
from tests.e2e.conftest import MakeProgram, emptied
from tests.e2e.program import Place, Program
from tests.servers.model import ModelServer

pytestmark = [pytest.mark.server, pytest.mark.slow]

N_KILLS = 10
SEED = 20261121
LATENCY_S = 0.25
READS = {"schema_version", "count_nodes", "count_facts", "list_documents", "list_entities", "list_facts", "read"}


@pytest.fixture
def slow(model: ModelServer) -> ModelServer:
    """The model, slow enough that a build lasts some seconds."""
    model.script.latency_s = LATENCY_S
    return model


def built(program: Program, model: ModelServer) -> float:
    program.ask(model, concurrency=8)
    return program.run("build", "docs").seconds


def killed_after(program: Program, seconds: float) -> bool:
    """Start a build and kill it after `seconds`; return whether it was still running."""
    with program.start("build", "docs") as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), out + err
    return process.returncode != 0


def test_ten_kills_at_random_moments_leave_no_trace(
    place: Place, program: MakeProgram, desk: Path, slow: ModelServer, request: pytest.FixtureRequest
) -> None:
    whole = program(desk, place, workspace="whole")
    duration = built(whole, slow)
    wanted = whole.exported()
    dice = random.Random(SEED)
    killed = program(desk, emptied(request, place.name), workspace="killed0")
    killed.ask(slow, concurrency=8)
    n_kills = n_finished = 0
    while n_kills < N_KILLS:
        moment = dice.uniform(0.2, 1.0) * duration
        was_killed = killed_after(killed, moment)
        what = "killed" if was_killed else "was done"
        sys.stdout.write(f"{place.name}: build {n_finished}, seed {SEED}: {what} after {moment:.2f} s\n")
        n_kills += was_killed
        if not was_killed or n_kills == N_KILLS:
            killed.run("build", "docs")
            assert killed.exported() == wanted
            n_finished += 1
            killed = program(desk, emptied(request, place.name), workspace=f"killed{n_finished}")
            killed.ask(slow, concurrency=8)


def waiting(ledger: Path) -> int:
    """Count what the ledger holds and the graph does not."""
    try:
        connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=5)
    except sqlite3.OperationalError:
        return 0
    try:
        return int(connection.execute("SELECT count(*) FROM outbox WHERE kind = 'fact'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def test_a_kill_between_ledger_and_graph_leaves_no_trace(
    place: Place, program: MakeProgram, desk: Path, model: ModelServer, request: pytest.FixtureRequest
) -> None:
    whole = program(desk, place, workspace="whole")
    built(whole, model)
    wanted = whole.exported()
    killed = program(desk, emptied(request, place.name), workspace="killed")
    killed.ask(model, concurrency=8)
    with killed.start("build", "docs") as process:
        while process.poll() is None and not waiting(killed.workspace / "ledger.db"):
            time.sleep(0.002)
        process.kill()
        process.communicate()
    assert waiting(killed.workspace / "ledger.db") > 0
    killed.run("build", "docs")
    assert waiting(killed.workspace / "ledger.db") == 0
    assert killed.exported() == wanted


def everything(ledger: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    connection = sqlite3.connect(ledger)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in names}
    finally:
        connection.close()


def test_a_second_build_writes_nothing(
    place: Place, program: MakeProgram, desk: Path, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = program(desk, place)
    built(once, model)
    before = everything(once.workspace / "ledger.db")
    n_requests = model.counts["requests"]
    statements: list[str] = []
    monkeypatch.chdir(desk)
    for name, value in once.environment.items():
        monkeypatch.setenv(name, value)
    open_store = pipeline.open_store

    def watched(*arguments: object, **options: object) -> GraphStore:
        store = open_store(*arguments, **options)  # type: ignore[arg-type]
        store._on_statement = lambda statement, _: statements.append(statement)
        return store

    monkeypatch.setattr(pipeline, "open_store", watched)
    pipeline.build(open_workspace(once.workspace), ["docs"])
    assert set(statements) <= READS
    assert everything(once.workspace / "ledger.db") == before
    assert model.counts["requests"] == n_requests
    # The watch itself works: a change is seen.
    (desk / "docs" / "000.txt").write_text("没有什么可说的。", encoding="utf-8")
    pipeline.build(open_workspace(once.workspace), ["docs"])
    assert not set(statements) <= READS


def test_replay_on_an_empty_store_and_removal_and_return_give_the_same_graph(
    place: Place, program: MakeProgram, desk: Path, model: ModelServer, request: pytest.FixtureRequest
) -> None:
    once = program(desk, place)
    built(once, model)
    wanted = once.sha256()
    emptied(request, place.name)
    assert once.json("replay") == {"sha256": wanted}
    once.run("delete", "docs/003.txt", "docs/004.txt")
    assert once.sha256() != wanted
    assert len(once.rows("documents")) == 38
    once.run("build", "docs/003.txt", "docs/004.txt")
    assert once.sha256() == wanted
    assert once.json("replay") == {"sha256": wanted}


def test_the_order_of_documents_does_not_matter(
    embedded_place: Place, program: MakeProgram, desk: Path, model: ModelServer, request: pytest.FixtureRequest
) -> None:
    once = program(desk, embedded_place, workspace="once")
    built(once, model)
    wanted = once.sha256()
    other = program(desk, emptied(request, "embedded"), workspace="other")
    other.ask(model, concurrency=3)
    names = sorted((f"docs/{path.name}" for path in (desk / "docs").iterdir()), reverse=True)
    other.run("build", *names[:15])
    other.run("build", *names[15:])
    assert other.sha256() == wanted


@pytest.mark.xdist_group("neo4j")
def test_a_graph_moves_from_the_embedded_server_to_neo4j_by_replay(
    neo4j: Place, program: MakeProgram, desk: Path, model: ModelServer, request: pytest.FixtureRequest
) -> None:
    graph = desk / "graph"
    with open_embedded(graph, heap="512m", idle_s=1):
        once = program(desk, Place(name="embedded", graph=str(graph)))
        built(once, model)
        wanted = once.sha256()
        emptied(request, "neo4j")
        moved = {"KGBUILDER_STORE_URI": neo4j.uri, "KGBUILDER_STORE_USER": neo4j.user}
        moved["KGBUILDER_STORE_PASSWORD"] = neo4j.password
        done = once.run("replay", "--json", environment=moved)
        assert done.json() == {"sha256": wanted}
        assert once.sha256() == wanted  # the embedded graph is as it was
