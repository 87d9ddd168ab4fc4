"""How a batch is cut into transactions."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.stores import EntityRow, FactKey, GraphBatch
from kgbuilder.stores.slices import Part, slices
from tests.contract.rows import chunk, document, entity, fact, mention


def batch(n: int) -> GraphBatch:
    ids = [f"e{i}" for i in range(n)]
    return GraphBatch(
        documents=(document(),),
        chunks=tuple(chunk(f"c{i}") for i in range(n)),
        next_chunks=(("c0", "c1"),),
        entities=tuple(map(entity, ids)),
        mentions=tuple(mention(id_, "c0") for id_ in ids),
        facts=tuple(fact(id_, f"R{i % 3}", "e0") for i, id_ in enumerate(ids)),
        removed_facts=(FactKey(head="a", type="R", tail="b"),),
        removed_mentions=(("a", "b"),),
        removed_next_chunks=(("a", "b"),),
        removed_entities=("a",),
        removed_chunks=("a",),
        removed_documents=("a",),
    )


def rows(parts: Sequence[Part]) -> int:
    return sum(len(part.rows) for part in parts)


def test_a_small_batch_is_one_transaction_in_the_order_that_needs():
    (parts,) = slices(batch(3), max_rows=1000)
    assert [(part.statement, part.type, len(part.rows)) for part in parts] == [
        ("document", "", 1),
        ("chunk", "", 3),
        ("next_chunk", "", 1),
        ("entity", "", 3),
        ("mention", "", 3),
        ("fact", "R0", 1),
        ("fact", "R1", 1),
        ("fact", "R2", 1),
        ("remove_fact", "", 1),
        ("remove_mention", "", 1),
        ("remove_next_chunk", "", 1),
        ("remove_entity", "", 1),
        ("remove_chunk", "", 1),
        ("remove_document", "", 1),
    ]


def test_nothing_to_write_is_no_transaction():
    assert list(slices(GraphBatch(), max_rows=10)) == []


@given(n=st.integers(2, 60), max_rows=st.integers(1, 50))
def test_every_row_is_sent_once_and_in_order(n: int, max_rows: int):
    whole = [
        (part.statement, part.type, row)
        for parts in slices(batch(n), max_rows=10**9)
        for part in parts
        for row in part.rows
    ]
    cut = list(slices(batch(n), max_rows=max_rows))
    assert [(part.statement, part.type, row) for parts in cut for part in parts for row in part.rows] == whole
    assert all(0 < rows(parts) <= max_rows for parts in cut)
    assert all(rows(parts) == max_rows for parts in cut[:-1])
    assert all(part.rows for parts in cut for part in parts)


def test_long_texts_make_smaller_transactions():
    long = tuple(EntityRow(id=f"e{i}", label_id="X", label="X", name="x" * 1_000_000) for i in range(10))
    assert [rows(parts) for parts in slices(GraphBatch(entities=long), max_rows=1000)] == [3, 3, 3, 1]


def test_one_row_that_is_too_long_goes_alone():
    long = EntityRow(id="long", label_id="X", label="X", name="x", aliases=("y" * 9_000_000,))
    short = entity("short")
    assert [rows(parts) for parts in slices(GraphBatch(entities=(short, long, short)), max_rows=9)] == [1, 1, 1]
