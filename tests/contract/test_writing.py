"""What every graph store does with a batch."""

import dataclasses
import random

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.stores import FactKey, GraphBatch, GraphCounts, GraphStore, WriteCounts
from tests.contract.rows import chunk, contents, document, entity, fact, key, mention, small_batch


def test_what_is_written_is_what_is_read(store: GraphStore):
    batch = small_batch()
    written = store.write(batch)
    assert tuple(store.documents()) == batch.documents
    assert tuple(store.entities()) == batch.entities
    assert tuple(store.facts()) == batch.facts
    assert store.counts() == GraphCounts(documents=1, chunks=2, entities=3, facts=2, evidence=4)
    assert (written.documents, written.chunks, written.entities, written.mentions, written.facts) == (1, 2, 3, 2, 2)
    assert written.unmatched == 0


def test_the_graph_has_the_shape_of_the_design(store: GraphStore):
    store.write(small_batch())
    path = store.read(
        "MATCH (e:Entity:Person {id: 'e1'})-[m:MENTIONED_IN]->(c:Chunk)-[:PART_OF]->(d:Document) "
        "MATCH (c)-[:NEXT]->(following:Chunk) "
        "RETURN e.name, e.aliases, m.starts, m.ends, m.texts, c.seq, c.start, c.end, d.id, following.seq"
    )
    assert path.rows == (("张三", ["小张", "Zhang San"], [0], [2], ["张三"], 0, 0, 50, "d1", 1),)
    assert store.read("MATCH (e:Organization)<-[r:FOUNDED]-(:Person) RETURN r.evidence_quotes, r.status").rows == (
        (["张三创立了公司。"], "extracted"),
    )


def test_writing_again_changes_nothing(store: GraphStore):
    store.write(small_batch())
    before = contents(store)
    store.write(small_batch())
    assert contents(store) == before


def test_values_are_absolute(store: GraphStore):
    store.write(small_batch())
    store.write(
        GraphBatch(
            entities=(entity("e1", "张三丰", aliases=("Zhang Sanfeng",), n_mentions=1),),
            facts=(fact("e1", "FOUNDED", "e2", status="accepted", score=1.0, n_evidence=2),),
        )
    )
    found = {row.id: row for row in store.entities()}["e1"]
    assert (found.name, found.aliases, found.n_mentions) == ("张三丰", ("Zhang Sanfeng",), 1)
    changed = {row.id: row for row in store.facts()}["e1-FOUNDED-e2"]
    assert (changed.status, changed.score, changed.n_evidence) == ("accepted", 1.0, 2)


def test_a_value_that_is_gone_is_taken_away(store: GraphStore):
    store.write(GraphBatch(entities=(entity("e1", "1987", "Time", value="1987"),)))
    store.write(GraphBatch(entities=(entity("e1", "1987", "Time"),)))
    assert next(store.entities()).value is None


def test_several_directed_relations_between_a_pair_are_kept(store: GraphStore):
    facts = (fact("e1", "FOUNDED", "e2"), fact("e1", "WORKS_FOR", "e2"), fact("e2", "FOUNDED", "e1"))
    store.write(GraphBatch(entities=(entity("e1"), entity("e2")), facts=facts))
    store.write(GraphBatch(facts=facts))
    assert {row.id for row in store.facts()} == {"e1-FOUNDED-e2", "e1-WORKS_FOR-e2", "e2-FOUNDED-e1"}


def test_homonyms_of_different_label_stay_apart(store: GraphStore):
    store.write(GraphBatch(entities=(entity("e1", "长江", "Place"), entity("e2", "长江", "Organization"))))
    assert store.read("MATCH (n:Place) RETURN n.id").rows == (("e1",),)
    assert store.read("MATCH (n:Organization) RETURN n.id").rows == (("e2",),)


def test_another_label_replaces_the_old_one_and_keeps_what_hangs_on_it(store: GraphStore):
    store.write(small_batch())
    written = store.write(GraphBatch(entities=(entity("e1", "张三", "Work"), entity("new", "新", "Work"))))
    assert store.read("MATCH (n:Entity {id: 'e1'}) RETURN labels(n)").rows[0][0] in (
        ["Entity", "Work"],
        ["Work", "Entity"],
    )
    assert store.read("MATCH (n:Person) RETURN count(n)").rows == ((0,),)
    assert store.read("MATCH (:Work {id: 'e1'})-[r]->() RETURN type(r) AS t ORDER BY t").rows == (
        ("FOUNDED",),
        ("MENTIONED_IN",),
    )
    assert written.entities == 2
    assert store.search("张三")[0].label == "Work"


def test_removal_takes_exactly_what_is_named(store: GraphStore):
    store.write(small_batch())
    extra = fact("e1", "WORKS_FOR", "e2")
    store.write(GraphBatch(facts=(extra,), mentions=(mention("e1", "c2"),)))
    store.write(
        GraphBatch(removed_facts=(key(extra),), removed_mentions=(("e1", "c2"),), removed_next_chunks=(("c1", "c2"),))
    )
    assert tuple(store.facts()) == small_batch().facts
    assert store.read("MATCH (:Entity)-[m:MENTIONED_IN]->(c) RETURN c.id AS id ORDER BY id").rows == (("c1",), ("c2",))
    assert store.read("MATCH (:Chunk)-[r:NEXT]->() RETURN count(r)").rows == ((0,),)


def test_removed_nodes_take_their_relationships_along(store: GraphStore):
    store.write(small_batch())
    store.write(GraphBatch(removed_entities=("e2",), removed_chunks=("c1",)))
    assert [row.id for row in store.entities()] == ["e1", "e3"]
    assert tuple(store.facts()) == ()
    assert store.read("MATCH ()-[r]->() RETURN type(r)").rows == (("PART_OF",),)


def test_removing_everything_leaves_an_empty_graph(store: GraphStore):
    batch = small_batch()
    store.write(batch)
    store.write(
        GraphBatch(
            removed_facts=tuple(map(key, batch.facts)),
            removed_mentions=tuple((row.entity, row.chunk) for row in batch.mentions),
            removed_entities=tuple(row.id for row in batch.entities),
            removed_chunks=tuple(row.id for row in batch.chunks),
            removed_documents=tuple(row.id for row in batch.documents),
        )
    )
    assert store.counts() == GraphCounts(documents=0, chunks=0, entities=0, facts=0, evidence=0)
    assert store.read("MATCH ()-[r]->() RETURN count(r)").rows == ((0,),)


def test_removing_what_is_not_there_is_no_error(store: GraphStore):
    store.write(small_batch())
    before = contents(store)
    store.write(
        GraphBatch(
            removed_facts=(FactKey(head="e1", type="NO_SUCH_TYPE", tail="e2"), FactKey(head="x", type="T", tail="y")),
            removed_mentions=(("e1", "c2"), ("x", "y")),
            removed_entities=("x",),
            removed_chunks=("x",),
            removed_documents=("x",),
        )
    )
    assert contents(store) == before


def test_a_merge_of_entities_moves_everything_in_one_batch(store: GraphStore):
    store.write(small_batch())
    store.write(
        GraphBatch(
            entities=(entity("e1", "张三", aliases=("小张", "张先生"), n_mentions=3),),
            mentions=(mention("e1", "c2", "张先生"),),
            facts=(fact("e1", "FOUNDED_IN", "e3"),),
            removed_facts=(
                FactKey(head="e2", type="FOUNDED_IN", tail="e3"),
                FactKey(head="e1", type="FOUNDED", tail="e2"),
            ),
            removed_entities=("e2",),
        )
    )
    assert [row.id for row in store.facts()] == ["e1-FOUNDED_IN-e3"]
    assert store.read("MATCH (e:Entity)-[:MENTIONED_IN]->(c) RETURN e.id, c.id AS c ORDER BY c").rows == (
        ("e1", "c1"),
        ("e1", "c2"),
    )


def test_rows_whose_ends_are_missing_are_counted(store: GraphStore):
    written = store.write(
        GraphBatch(
            chunks=(chunk("c9", "no document"),),
            entities=(entity("e1"),),
            mentions=(mention("e1", "no chunk"),),
            facts=(fact("e1", "KNOWS", "nobody"),),
        )
    )
    assert written.unmatched == 3
    assert (written.chunks, written.mentions, written.facts) == (0, 0, 0)
    assert store.counts() == GraphCounts(documents=0, chunks=0, entities=1, facts=0, evidence=0)


@pytest.mark.parametrize(
    "batch",
    [
        GraphBatch(entities=(dataclasses.replace(entity("e1"), id=None),)),
        GraphBatch(entities=(entity(""),)),
        GraphBatch(entities=(entity("e1", label=""),)),
        GraphBatch(documents=(dataclasses.replace(document(), id=None),)),
        GraphBatch(chunks=(dataclasses.replace(chunk(), document=None),)),
        GraphBatch(mentions=(dataclasses.replace(mention("e1"), chunk=None),)),
        GraphBatch(facts=(dataclasses.replace(fact("e1", "KNOWS", "e2"), tail=None),)),
        GraphBatch(removed_entities=(None,)),
    ],
    ids=["entity", "empty", "label", "document", "chunk", "mention", "fact", "removal"],
)
def test_a_key_that_is_missing_is_refused_before_anything_is_sent(store: GraphStore, batch: GraphBatch):
    with pytest.raises(StoreError, match="without a key"):
        store.write(batch)
    assert store.read("MATCH (n) WHERE NOT n:SchemaVersion RETURN count(n)").rows == ((0,),)


def test_what_is_both_written_and_removed_is_refused(store: GraphStore):
    with pytest.raises(StoreError, match="both written and removed"):
        store.write(GraphBatch(entities=(entity("e1"),), removed_entities=("e1",)))


def test_clear_leaves_schema_and_strangers(store: GraphStore):
    store.write(small_batch())
    store.clear()
    assert store.counts() == GraphCounts(documents=0, chunks=0, entities=0, facts=0, evidence=0)
    assert store.read("MATCH (n:SchemaVersion) RETURN count(n)").rows == ((1,),)
    store.write(small_batch())
    assert [row.name for row in store.search("华为")] == ["华为技术有限公司"]


def test_migrating_twice_changes_nothing(store: GraphStore):
    sent: list[tuple[str, int]] = []
    store.migrate()
    store._on_statement = lambda name, n_rows: sent.append((name, n_rows))
    try:
        store.migrate()
    finally:
        store._on_statement = None
    assert sent == [("schema_version", 0)]


def test_a_graph_of_a_newer_program_is_left_alone(store: GraphStore):
    store.migrate()
    newest = store._schema_version()
    store._write_alone("set_schema_version", {"version": newest + 1})
    try:
        with pytest.raises(StoreError, match="newer kgbuilder"):
            store.migrate()
    finally:
        store._write_alone("set_schema_version", {"version": newest})


def test_the_statements_of_one_batch_are_exactly_these(store: GraphStore):
    store.migrate()
    sent: list[tuple[str, int]] = []
    store._on_statement = lambda name, n_rows: sent.append((name, n_rows))
    try:
        written = store.write(small_batch())
        removed = store.write(GraphBatch(removed_facts=(key(small_batch().facts[0]),), removed_chunks=("c1", "c2")))
        nothing = store.write(GraphBatch())
    finally:
        store._on_statement = None
    assert sent == [
        ("document", 1),
        ("chunk", 2),
        ("next_chunk", 1),
        ("entity", 3),
        ("mention", 2),
        ("fact", 1),
        ("fact", 1),
        ("remove_fact", 1),
        ("remove_chunk", 2),
    ]
    assert (written.statements, written.transactions) == (7, 1)
    assert (removed.removed, removed.statements, removed.transactions) == (3, 2, 1)
    assert nothing == WriteCounts()


def test_a_hub_does_not_slow_writing_down(store: GraphStore):
    """20,000 relationships on one node made an edge written from it 100 times slower on ArcadeDB."""
    n, seen = 6000, []
    store.write(GraphBatch(documents=(document(),), entities=(entity("hub", n_mentions=n),)))
    store._on_statement = lambda name, n_rows: seen.append(name)
    try:
        store.write(
            GraphBatch(
                chunks=tuple(chunk(f"c{i}", seq=i) for i in range(n)),
                entities=tuple(entity(f"e{i}", n_mentions=1) for i in range(n)),
                mentions=tuple(mention("hub", f"c{i}") for i in range(n)),
                facts=tuple(fact("hub", "KNOWS", f"e{i}") for i in range(n)),
            )
        )
    finally:
        store._on_statement = None
    assert store.counts().facts == n
    assert len(seen) < 40


def test_ten_thousand_rows_arrive_whole_and_can_go_again(store: GraphStore):
    n = 2500
    shuffled = random.Random(3).sample(range(n), n)
    batch = GraphBatch(
        documents=(document(),),
        chunks=tuple(chunk(f"c{i}", seq=i) for i in range(n)),
        entities=tuple(entity(f"{i:08x}", f"名字{i}", ("Person", "Place", "Work")[i % 3]) for i in range(n)),
        mentions=tuple(mention(f"{i:08x}", f"c{i}") for i in range(n)),
        facts=tuple(fact(f"{i:08x}", f"R{i % 20}", f"{shuffled[i]:08x}") for i in range(n)),
    )
    written = store.write(batch)
    assert written.unmatched == 0
    assert written.transactions == 6
    assert store.counts() == GraphCounts(documents=1, chunks=n, entities=n, facts=n, evidence=n)
    assert [row.id for row in store.entities()] == sorted(row.id for row in batch.entities)
    assert [row.id for row in store.facts()] == sorted(row.id for row in batch.facts)
    store.write(batch)
    assert store.counts() == GraphCounts(documents=1, chunks=n, entities=n, facts=n, evidence=n)
