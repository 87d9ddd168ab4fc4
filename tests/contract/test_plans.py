"""How Neo4j runs what is written: by index, and without holding all rows back."""

import itertools

import pytest

from graph_schema import statement
from kgbuilder.stores import GraphBatch, GraphStore
from tests.contract.rows import chunk, document, entity, fact, mention

WRITING = ("document", "chunk", "next_chunk", "entity", "mention", "fact")
REMOVING = (
    "relabel_entity",
    "remove_fact",
    "remove_mention",
    "remove_next_chunk",
    "remove_entity",
    "remove_chunk",
    "remove_document",
)
LISTING = ("list_documents", "list_entities", "list_facts")
SCANS = {"NodeByLabelScan", "AllNodesScan", "DirectedAllRelationshipsScan", "UndirectedAllRelationshipsScan"}

N_ENTITIES = 300

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("neo4j")]


@pytest.fixture(scope="module", autouse=True)
def filled(neo4j_store: GraphStore):
    """A graph so large that scanning it costs more than an index: the planner counts before it decides."""
    neo4j_store.clear()
    neo4j_store.migrate()
    ids = [f"e{n}" for n in range(N_ENTITIES)]
    facts = [fact(head, "FOUNDED", tail) for head, tail in itertools.pairwise(ids)]
    neo4j_store.write(
        GraphBatch(
            documents=(document(),),
            chunks=(chunk("c1"), chunk("c2", seq=1)),
            next_chunks=(("c1", "c2"),),
            entities=tuple(map(entity, ids)),
            mentions=tuple(map(mention, ids)),
            facts=tuple(facts),
        )
    )
    with neo4j_store._bolt._driver.session(database="neo4j") as session:
        session.run("CALL db.clearQueryCaches()").consume()
    yield
    neo4j_store.clear()


def operators(store: GraphStore, name: str) -> set[str]:
    parameters = {"rows": [], "low": "", "high": "z"}
    with store._bolt._driver.session(database="neo4j") as session:
        plan = session.run(f"EXPLAIN {statement(name)}", parameters).consume().plan
    found: set[str] = set()
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        found.add(node["operatorType"].split("@")[0])
        waiting += node.get("children", [])
    return found


@pytest.mark.parametrize("name", WRITING)
def test_writing_goes_by_index_and_row_by_row(neo4j_store: GraphStore, name: str):
    found = operators(neo4j_store, name)
    assert "NodeUniqueIndexSeek(Locking)" in found
    assert not found & (SCANS | {"Eager"})


@pytest.mark.parametrize("name", REMOVING)
def test_removing_goes_by_index(neo4j_store: GraphStore, name: str):
    found = operators(neo4j_store, name)
    assert "NodeUniqueIndexSeek(Locking)" in found
    assert not found & SCANS


@pytest.mark.parametrize("name", LISTING)
def test_lists_come_from_the_index_in_order(neo4j_store: GraphStore, name: str):
    found = operators(neo4j_store, name)
    assert "NodeUniqueIndexSeekByRange" in found
    assert not found & (SCANS | {"Sort"})


def test_a_bad_plan_would_be_seen(neo4j_store: GraphStore):
    """The statement as one would first write it: a label set on every row."""
    with neo4j_store._bolt._driver.session(database="neo4j") as session:
        plan = session.run(
            "EXPLAIN UNWIND $rows AS row MERGE (n:Entity {id: row.id}) SET n += row.values, n:$(row.label)", rows=[]
        ).consume()
    assert "Eager" in str(plan.plan)
