"""Servers that are killed, frozen, or asked in the wrong way."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.stores import GraphBatch, GraphStore, open_embedded
from kgbuilder.stores.broker import STATE_NAME
from tests.contract.rows import chunk, contents, document, entity, fact, mention, small_batch
from tests.servers.neo4j_server import Neo4jServer

on_neo4j = [pytest.mark.server, pytest.mark.xdist_group("neo4j")]
on_embedded = [pytest.mark.server, pytest.mark.xdist_group("embedded")]


def server_pid(folder: Path) -> int:
    return int(json.loads((folder / STATE_NAME).read_text())["server_pid"])


def is_closed_within(port: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.02)
    return False


@pytest.fixture
def crash(request: pytest.FixtureRequest, store: GraphStore) -> Callable[[], None]:
    """Kill the server of the store, as a power cut would, and see to it that it comes back."""
    if store.dialect == "arcadedb":
        folder = request.getfixturevalue("embedded_folder")
        return lambda: os.kill(server_pid(folder), signal.SIGKILL)
    server = request.getfixturevalue("neo4j_server")

    def kill_and_start() -> None:
        server.kill()
        server.start()

    return kill_and_start


def slices_of(n_batches: int, size: int) -> list[GraphBatch]:
    return [
        GraphBatch(
            documents=(document(f"d{n}"),),
            chunks=(chunk(f"c{n}", f"d{n}"),),
            entities=tuple(entity(f"e{n}-{i}") for i in range(size)),
            mentions=tuple(mention(f"e{n}-{i}", f"c{n}") for i in range(size)),
            facts=tuple(fact(f"e{n}-{i}", "KNOWS", f"e{n}-{i - 1}") for i in range(size)[1:]),
        )
        for n in range(n_batches)
    ]


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_while_writing(
    store: GraphStore, crash: Callable[[], None]
):
    store.migrate()
    batches = slices_of(60, 40)
    began = threading.Event()

    def crash_soon() -> None:
        began.wait(20)
        time.sleep(0.3)
        crash()

    crashing = threading.Thread(target=crash_soon)
    crashing.start()
    written = 0
    while crashing.is_alive() or written < len(batches):
        counts = store.write(batches[written % len(batches)])
        assert counts.unmatched == 0
        written += 1
        began.set()
    crashing.join()
    for batch in batches:
        store.write(batch)
    counts = store.counts()
    assert (counts.documents, counts.chunks, counts.entities, counts.facts) == (60, 60, 2400, 2340)
    assert store.read("MATCH ()-[m:MENTIONED_IN]->() RETURN count(m)").rows == ((2400,),)
    assert {row.id for row in store.entities()} == {row.id for batch in batches for row in batch.entities}
    assert sum(1 for _ in store.facts()) == 2340


def test_a_reader_finds_the_server_again_after_a_crash(store: GraphStore, crash: Callable[[], None]):
    store.write(small_batch())
    before = contents(store)
    crash()
    assert store.counts().facts == 2
    assert contents(store) == before


@pytest.mark.server
@pytest.mark.xdist_group("embedded")
def test_a_killed_broker_is_replaced_where_it_was(tmp_path: Path):
    with open_embedded(tmp_path, profile="page", heap="256m", idle_s=1) as store:
        store.write(small_batch())
        before = contents(store)
        state = json.loads((tmp_path / STATE_NAME).read_text())
        os.kill(state["broker_pid"], signal.SIGKILL)
        assert is_closed_within(state["bolt_port"], 3)  # no orphan
        assert contents(store) == before
        again = json.loads((tmp_path / STATE_NAME).read_text())
        assert again["broker_pid"] != state["broker_pid"]
        assert again["bolt_port"] == state["bolt_port"]
        store.write(GraphBatch(entities=(entity("more"),)))
        assert store.counts().entities == 4


@pytest.fixture(
    params=[pytest.param("embedded", marks=on_embedded), pytest.param("neo4j", marks=on_neo4j)],
)
def address(request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    """URI, user, password, database of a running server."""
    if request.param == "embedded":
        found = request.getfixturevalue("embedded_server")._bolt.address
        return found.uri, found.user, found.password, found.database
    server: Neo4jServer = request.getfixturevalue("neo4j_server")
    return server.uri, server.user, server.password, "neo4j"


def refusal(uri: str, auth: tuple[str, str], database: str) -> StoreError:
    began = time.monotonic()
    with pytest.raises(StoreError) as refused:
        GraphStore.connect(uri, auth=auth, database=database)
    assert time.monotonic() - began < 10
    assert refused.value.where == uri
    assert refused.value.remedy
    return refused.value


def test_a_wrong_password_is_named_and_not_shown(address: tuple[str, str, str, str]):
    uri, user, _, database = address
    error = refusal(uri, (user, "my-secret-guess"), database)
    assert "password" in error.what
    chain = [str(error), repr(error), repr(error.__cause__)]
    assert not any("my-secret-guess" in text for text in chain)
    time.sleep(1.1)


def test_no_password_is_in_the_text_of_a_store(address: tuple[str, str, str, str]):
    uri, user, password, database = address
    with GraphStore.connect(uri, auth=(user, password), database=database) as store:
        assert password not in repr(store)
        assert password not in repr(store._bolt.address)


def test_an_unknown_database_is_named(address: tuple[str, str, str, str]):
    uri, user, password, _ = address
    assert "no-such-base" in refusal(uri, (user, password), "no-such-base").what


def test_tls_where_there_is_none_is_said(address: tuple[str, str, str, str]):
    uri, user, password, database = address
    assert "TLS" in refusal(uri.replace("bolt", "bolt+s"), (user, password), database).what


@pytest.mark.server
@pytest.mark.xdist_group("neo4j")
def test_too_many_wrong_passwords_are_told_apart_from_a_wrong_one(neo4j_server: Neo4jServer):
    errors = [refusal(neo4j_server.uri, ("neo4j", "wrong"), "neo4j") for _ in range(5)]
    assert "wait" in errors[-1].remedy
    assert "wait" not in errors[0].remedy
    time.sleep(1.5)
    GraphStore.connect(neo4j_server.uri, auth=("neo4j", neo4j_server.password)).close()


@pytest.mark.server
@pytest.mark.xdist_group("embedded")
def test_a_frozen_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    profiles = pytest.importorskip("kgbuilder.stores.neo4j")._PROFILES
    monkeypatch.setitem(profiles, "page", type(profiles["page"])(patience_s=2.0, answer_s=2.0))
    with open_embedded(tmp_path, heap="256m", idle_s=1) as store:
        store.write(small_batch())
        pid = server_pid(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(StoreError, match="no answer"):
                store.counts()
            with pytest.raises(StoreError):
                store.read("RETURN 1", timeout_s=1)
            address = store._bolt.address
            refusal(address.uri, (address.user, address.password), address.database)
            assert time.monotonic() - began < 15
        finally:
            os.kill(pid, signal.SIGCONT)
        assert store.counts().entities == 3


@pytest.mark.server
@pytest.mark.xdist_group("neo4j")
def test_a_page_gives_up_in_seconds_and_a_worker_waits(tmp_path: Path, neo4j_server: Neo4jServer):
    auth = (neo4j_server.user, neo4j_server.password)
    with (
        GraphStore.connect(neo4j_server.uri, auth=auth, profile="page") as page,
        GraphStore.connect(neo4j_server.uri, auth=auth, profile="worker") as worker,
    ):
        worker.clear()
        worker.write(small_batch())
        neo4j_server.kill()
        began = time.monotonic()
        with pytest.raises(StoreError, match="not up"):
            page.counts()
        with pytest.raises(StoreError, match="not up"):
            page.write(small_batch())
        assert time.monotonic() - began < 25
        starting = threading.Thread(target=neo4j_server.start)
        starting.start()
        assert worker.write(small_batch()).entities == 3
        starting.join()
        assert page.counts().entities == 3


@pytest.mark.server
@pytest.mark.xdist_group("neo4j")
def test_a_batch_too_big_for_the_server_is_halved_until_it_fits(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
):
    auth = (neo4j_server.user, neo4j_server.password)
    monkeypatch.setattr("kgbuilder.stores.slices._MAX_CHARS", 1_000_000_000)
    batch = GraphBatch(entities=tuple(entity(f"e{i}", aliases=("长" * 100_000,), search="x") for i in range(100)))
    with GraphStore.connect(neo4j_server.uri, auth=auth, profile="worker", slice_rows=100_000) as store:
        store.clear()
        written = store.write(batch)
        assert written.entities == 100
        assert written.transactions > 1
        assert store.counts().entities == 100
        store.clear()
