"""Fixtures for all tests: a graph store on each kind of server.

A server is started once a session, by the first test that wants it. With pytest-xdist, all tests of one server run in
one worker (`xdist_group`), so it is started once all the same.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgbuilder.stores import GraphStore, open_embedded
from tests.servers.neo4j_server import Neo4jServer, UnavailableError

SERVERS = [
    pytest.param(name, marks=[pytest.mark.server, pytest.mark.xdist_group(name)]) for name in ("embedded", "neo4j")
]


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's embedded graph."""
    return tmp_path_factory.mktemp("embedded") / "graph"


@pytest.fixture(scope="session")
def embedded_server(embedded_folder: Path) -> Iterator[GraphStore]:
    """A store on the session's embedded server."""
    with open_embedded(embedded_folder, profile="worker", heap="512m", idle_s=1) as store:
        yield store


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A real Neo4j. Where it cannot run the tests are skipped, but not in CI."""
    try:
        server = Neo4jServer(tmp_path_factory.mktemp("neo4j")).start()
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Neo4j: {error}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def neo4j_store(neo4j_server: Neo4jServer) -> Iterator[GraphStore]:
    """A store on the session's Neo4j."""
    auth = (neo4j_server.user, neo4j_server.password)
    with GraphStore.connect(neo4j_server.uri, auth=auth, profile="worker") as store:
        yield store


@pytest.fixture(params=SERVERS)
def store(request: pytest.FixtureRequest) -> GraphStore:
    """An empty graph store, on each kind of server."""
    found = request.getfixturevalue("embedded_server" if request.param == "embedded" else "neo4j_store")
    assert isinstance(found, GraphStore)
    found.clear()
    return found
