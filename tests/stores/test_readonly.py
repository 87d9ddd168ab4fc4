"""The guard in front of the Cypher page: attacks and honest queries."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.errors import QueryRefused
from kgbuilder.stores.readonly import check_read_only, explains
from tests.stores.queries import ATTACKS, HONEST


@pytest.mark.parametrize("query", ATTACKS)
def test_an_attack_is_refused(query: str):
    with pytest.raises(QueryRefused):
        check_read_only(query)


@pytest.mark.parametrize("query", HONEST)
def test_an_honest_query_passes(query: str):
    check_read_only(query)


def test_the_refusal_says_what_where_and_what_to_do():
    with pytest.raises(QueryRefused) as refused:
        check_read_only("MATCH (n)\nWHERE n.name = 'x'\nSET n.name = 'y'")
    assert refused.value.what == "SET is not allowed"
    assert refused.value.where == "line 3 of the query"
    assert "backticks" in refused.value.remedy


@pytest.mark.parametrize("query", ["EXPLAIN MATCH (n) RETURN n", "/* x */ // y\n explain MATCH (n) RETURN n"])
def test_a_query_for_a_plan_is_recognised(query: str):
    assert explains(query)


def test_a_query_is_not_taken_for_a_plan():
    assert not explains("MATCH (n) RETURN n AS EXPLAIN")
    assert not explains("")


_WRITING = st.sampled_from(["CREATE (:X)", "SET n.v = 1", "MERGE (:X)", "DELETE n", "DETACH DELETE n", "REMOVE n.v"])
_HARMLESS = st.sampled_from(
    [
        "'text'",
        '"CREATE"',
        "`SET`",
        "/* MERGE */",
        "// DELETE\n",
        "// x\r",
        "''",
        "'it\\'s'",
        "'\\\\'",
        '"\\""',
        "``",
        "/**/",
        "$set",
        "n.delete",
        "[1..2]",
        "1.5",
        "{a: 1}",
        "(n:CREATE)",
    ]
)


@given(before=st.lists(_HARMLESS, max_size=6), writing=_WRITING, after=st.lists(_HARMLESS, max_size=3))
def test_writing_is_seen_between_anything_that_hides_words(before: list[str], writing: str, after: list[str]):
    query = " ".join(["MATCH (n) WITH n", *before, writing, *after])
    with pytest.raises(QueryRefused):
        check_read_only(query)


@given(parts=st.lists(_HARMLESS, max_size=8))
def test_hidden_words_alone_are_no_reason_to_refuse(parts: list[str]):
    # A comma between them: a property before a bracket would be the call of a function.
    check_read_only(" , ".join(["MATCH (n) WITH n", *parts, "RETURN n"]))


@given(text=st.text(max_size=200))
def test_any_text_is_passed_or_refused_and_nothing_else(text: str):
    with contextlib.suppress(QueryRefused):
        check_read_only(text)
