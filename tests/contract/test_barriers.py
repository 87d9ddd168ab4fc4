"""Reading people's Cypher: the guard in front, and the barriers in the server behind it."""

import contextlib
import re
import threading
import time

import neo4j
import neo4j.exceptions
import pytest

from kgbuilder.errors import QueryRefused
from kgbuilder.stores import GraphBatch, GraphStore
from tests.contract.rows import contents, entity, small_batch
from tests.stores.queries import ATTACKS, HONEST

WRITING = (
    "CREATE (:X)",
    "MERGE (:X {id: 1})",
    "MERGE (n:Entity {id: 'e1'}) SET n.name = 'x'",
    "MATCH (n:Entity) SET n.name = 'x'",
    "MATCH (n:Entity) SET n:Hacked",
    "MATCH (n:Entity) REMOVE n.name",
    "MATCH (n:Entity) REMOVE n:Person",
    "MATCH (n:Entity) DETACH DELETE n",
    "MATCH ()-[r]->() DELETE r",
    "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}) CREATE (a)-[:X]->(b)",
    "FOREACH (i IN [1] | CREATE (:X))",
    "CALL () { CREATE (:X) } RETURN 1",
    "MATCH (n:Entity) CALL (n) { SET n.name = 'x' } RETURN n.id",
    "UNWIND [1] AS i CALL (i) { CREATE (:X) } IN TRANSACTIONS OF 1 ROWS",
    "PROFILE CREATE (:X)",
    "CREATE INDEX hacked IF NOT EXISTS FOR (n:Hacked) ON (n.a)",
    "DROP INDEX entity_id",
    "LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r",
    "LOAD CSV FROM 'http://127.0.0.1:9/' AS r RETURN r",
)

ENDLESS = (
    "MATCH (a:Entity), (b:Entity), (c:Entity), (d:Entity) WHERE size(a.id + b.id + c.id + d.id) < 0 RETURN count(*)",
    "MATCH (a:Entity), (b:Entity), (c:Entity), (d:Entity) RETURN a.id + b.id + c.id + d.id AS x ORDER BY x LIMIT 3",
)


@pytest.fixture
def filled(store: GraphStore) -> GraphStore:
    store.write(small_batch())
    return store


def labels(store: GraphStore) -> tuple[tuple[object, ...], ...]:
    return store.read("MATCH (n) UNWIND labels(n) AS label RETURN DISTINCT label ORDER BY label").rows


def for_arcadedb(query: str) -> str:
    """ArcadeDB has no hints and names the index otherwise."""
    return query.replace("entity_search", "Entity[search]").replace("USING INDEX n:Entity(id) ", "")


def test_no_attack_passes_the_guard(filled: GraphStore):
    before = contents(filled), labels(filled)
    for query in ATTACKS:
        with pytest.raises(QueryRefused):
            filled.read(query)
    assert (contents(filled), labels(filled)) == before


def test_every_honest_query_is_answered(filled: GraphStore):
    for query in HONEST:
        filled.read(query if filled.dialect == "neo4j" else for_arcadedb(query), {"delete": 1, "q": "华为"})


@pytest.mark.parametrize("query", WRITING)
def test_behind_the_guard_nothing_is_changed(filled: GraphStore, query: str):
    before = contents(filled), labels(filled)
    with contextlib.suppress(QueryRefused):
        filled._bolt.read_unguarded(query, {}, max_rows=10, timeout_s=10)
    assert (contents(filled), labels(filled)) == before


@pytest.mark.parametrize("query", [query for query in WRITING if not query.startswith("PROFILE")])
def test_the_server_itself_refuses_writing_where_nobody_rolls_back(filled: GraphStore, query: str):
    before = contents(filled), labels(filled)
    address = filled._bolt.address
    auth = (address.reader or address.user, address.reader_password or address.password)
    with (
        neo4j.GraphDatabase.driver(address.uri, auth=auth, notifications_min_severity="OFF") as driver,
        driver.session(database=address.database, default_access_mode=neo4j.READ_ACCESS) as session,
        pytest.raises((neo4j.exceptions.ClientError, neo4j.exceptions.DatabaseError)) as refused,
    ):
        session.run(query).consume()
    assert re.search("AccessMode|Forbidden|LoadCsv|ExternalResource|Statement", str(refused.value.code))
    assert (contents(filled), labels(filled)) == before


@pytest.mark.parametrize("query", ENDLESS)
def test_an_endless_query_is_stopped_in_time(filled: GraphStore, query: str):
    filled.write(GraphBatch(entities=tuple(entity(f"x{i}") for i in range(300))))
    began = time.monotonic()
    with pytest.raises(QueryRefused, match="stopped after 1 s"):
        filled.read(query, timeout_s=1)
    assert time.monotonic() - began < 6
    assert filled.read("RETURN 1").rows == ((1,),)


def test_a_query_that_only_burns_time_cannot_hang_the_caller(filled: GraphStore):
    began = time.monotonic()
    with pytest.raises(QueryRefused):
        filled.read("RETURN reduce(s = 0, i IN range(1, 300000000) | s + i % 7) AS x", timeout_s=1)
    assert time.monotonic() - began < 8
    assert filled.read("RETURN 1").rows == ((1,),)


def test_readers_do_not_wait_for_each_other(filled: GraphStore):
    filled.write(GraphBatch(entities=tuple(entity(f"x{i}") for i in range(300))))

    def run_endless() -> None:
        with pytest.raises(QueryRefused):
            filled.read(ENDLESS[0], timeout_s=3)

    slow = threading.Thread(target=run_endless)
    slow.start()
    time.sleep(0.3)
    began = time.monotonic()
    filled.read("MATCH (n:Entity {id: 'e1'}) RETURN n.name")
    assert time.monotonic() - began < 2
    slow.join()
