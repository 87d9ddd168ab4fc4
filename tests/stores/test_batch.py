"""What a batch may not hold."""

import dataclasses

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.stores import FactKey, GraphBatch, WriteCounts
from kgbuilder.stores.names import SharedNames
from tests.contract.rows import chunk, document, entity, fact, mention, small_batch


def test_a_sound_batch_passes():
    small_batch().check()
    GraphBatch().check()


@pytest.mark.parametrize(
    "batch",
    [
        GraphBatch(documents=(dataclasses.replace(document(), id=None),)),
        GraphBatch(chunks=(dataclasses.replace(chunk(), id=""),)),
        GraphBatch(chunks=(dataclasses.replace(chunk(), document=None),)),
        GraphBatch(next_chunks=(("c1", None),)),
        GraphBatch(entities=(dataclasses.replace(entity("e"), id=7),)),
        GraphBatch(entities=(dataclasses.replace(entity("e"), label=None),)),
        GraphBatch(mentions=(dataclasses.replace(mention("e"), entity=None),)),
        GraphBatch(facts=(dataclasses.replace(fact("a", "R", "b"), id=None),)),
        GraphBatch(facts=(fact("a", "", "b"),)),
        GraphBatch(removed_facts=(FactKey(head="a", type="R", tail=""),)),
        GraphBatch(removed_mentions=((None, "c"),)),
        GraphBatch(removed_entities=("a", None)),
        GraphBatch(removed_chunks=("",)),
        GraphBatch(removed_documents=(None,)),
    ],
)
def test_a_missing_key_is_refused(batch: GraphBatch):
    with pytest.raises(StoreError, match="without a key"):
        batch.check()


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        (GraphBatch(documents=(document("a"),), removed_documents=("a",)), "documents"),
        (GraphBatch(chunks=(chunk("a"),), removed_chunks=("b", "a")), "chunks"),
        (GraphBatch(next_chunks=(("a", "b"),), removed_next_chunks=(("a", "b"),)), "next_chunks"),
        (GraphBatch(entities=(entity("a"),), removed_entities=("a",)), "entities"),
        (GraphBatch(mentions=(mention("a", "c"),), removed_mentions=(("a", "c"),)), "mentions"),
        (GraphBatch(facts=(fact("a", "R", "b"),), removed_facts=(FactKey(head="a", type="R", tail="b"),)), "facts"),
    ],
)
def test_a_contradiction_is_refused(batch: GraphBatch, kind: str):
    with pytest.raises(StoreError, match="both written and removed") as refused:
        batch.check()
    assert refused.value.where == kind


def test_the_same_pair_may_lose_one_fact_and_gain_another():
    GraphBatch(facts=(fact("a", "R", "b"),), removed_facts=(FactKey(head="a", type="S", tail="b"),)).check()


def test_counts_add_up():
    first = WriteCounts(entities=2, statements=3, transactions=1)
    assert first + WriteCounts(entities=1, unmatched=4) == WriteCounts(
        entities=3, statements=3, transactions=1, unmatched=4
    )


def test_a_name_that_is_taken_by_the_other_kind_gets_an_underscore():
    names = SharedNames(labels=["职位", "Person"], types=["KNOWS"])
    assert (names.type("职位"), names.type("KNOWS"), names.label("Person")) == ("职位_", "KNOWS", "Person")
    assert names.label("KNOWS") == "KNOWS_"
    assert names.type("职位") == "职位_"
    assert names.written_type("职位_") == "职位"
    assert names.written_type("KNOWS") == "KNOWS"


def test_an_underscore_of_its_own_stays():
    names = SharedNames(labels=["A"], types=["B_"])
    assert names.written_type("B_") == "B_"
    assert names.type("B_") == "B_"
