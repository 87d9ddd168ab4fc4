"""Fixtures of the end-to-end tests: generated documents, the model that reads them, and where graphs are kept."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graph_schema import load_ontology
from kgbuilder.instructions import Example
from kgbuilder.records import MentionClaim, TripleClaim
from kgbuilder.stores import GraphStore
from tests.conftest import SERVERS
from tests.e2e.graphs import check_grounded
from tests.e2e.program import Place, Program
from tests.servers.model import Answers, ModelServer, Script, running
from tests.servers.neo4j_server import Neo4jServer
from tests.worlds import World, WorldDocument

N_DOCUMENTS = 40
ONTOLOGY = load_ontology("general")

MakeProgram = Callable[..., Program]


def examples(documents: list[WorldDocument]) -> list[Example]:
    """Return what an ideal model says of each sentence."""
    return [
        Example(
            text=answer["text"],
            mentions=tuple(MentionClaim(text=e["text"], label=e["label"]) for e in answer["entities"]),
            triples=tuple(
                TripleClaim(head=t["head"], relation=t["relation"], tail=t["tail"]) for t in answer["triples"]
            ),
        )
        for document in documents
        for answer in document.answers()
    ]


@pytest.fixture(scope="session")
def world() -> list[WorldDocument]:
    """Documents whose every mention and triple is known."""
    return list(World(n_entities=60, seed=7).documents(N_DOCUMENTS))


@pytest.fixture(scope="session")
def answers(world: list[WorldDocument]) -> Answers:
    """The ideal model of the world."""
    return Answers(examples(world), ONTOLOGY)


@pytest.fixture
def model(answers: Answers) -> Iterator[ModelServer]:
    """A server of the ideal model; tests change its `script`."""
    with running(answers, Script()) as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, world: list[WorldDocument]) -> Path:
    """A folder with the documents of the world in `docs`, written some time ago."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for document in world:
        path = folder / f"{document.index:03}.txt"
        path.write_text(document.text, encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return tmp_path


@pytest.fixture(scope="session")
def embedded(embedded_folder: Path, embedded_server: GraphStore) -> Place:
    """The session's embedded server, which workspaces share so that each need not start its own."""
    return Place(name="embedded", graph=str(embedded_folder))


@pytest.fixture(scope="session")
def neo4j(neo4j_server: Neo4jServer) -> Place:
    """The session's Neo4j."""
    return Place(name="neo4j", uri=neo4j_server.uri, user=neo4j_server.user, password=neo4j_server.password)


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest) -> Place:
    """An empty graph on each kind of server."""
    return emptied(request, request.param)


@pytest.fixture
def embedded_place(request: pytest.FixtureRequest) -> Place:
    """An empty graph on the embedded server."""
    return emptied(request, "embedded")


def emptied(request: pytest.FixtureRequest, name: str) -> Place:
    """Empty the graph of a server and return where it is."""
    store = request.getfixturevalue("embedded_server" if name == "embedded" else "neo4j_store")
    store.clear()
    place = request.getfixturevalue(name)
    assert isinstance(place, Place)
    return place


@pytest.fixture(scope="session")
def references() -> dict[str, dict[str, bytes]]:
    """The canonical exports of builds that nothing disturbed, by server."""
    return {}


@pytest.fixture
def wanted(
    embedded_place: Place,
    references: dict[str, dict[str, bytes]],
    program: MakeProgram,
    desk: Path,
    model: ModelServer,
    request: pytest.FixtureRequest,
) -> dict[str, bytes]:
    """What every build of `docs` must come to, whatever happens to it."""
    if embedded_place.name not in references:
        whole = program(desk, embedded_place, workspace="whole")
        whole.ask(model)
        whole.call("build", "docs")
        assert check_grounded(whole) > 500
        references[embedded_place.name] = whole.exported()
        emptied(request, embedded_place.name)
    return references[embedded_place.name]


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all commands of the session keep compiled modules."""
    return tmp_path_factory.getbasetemp().parent / "bytecode"


@pytest.fixture
def program(bytecode: Path) -> MakeProgram:
    """Make programs: `program(folder, place)`."""

    def made(folder: Path, place: Place, **options: str) -> Program:
        return Program(folder, place, bytecode=bytecode, **options)

    return made
