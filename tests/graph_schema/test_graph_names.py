"""Names from anywhere become identifiers that are safe, bounded, and different where the names differ."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_schema import fold, node_label, quoted, relationship_type

NAMES = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="aAbB _-1`:人物Éß\u200b\u202e\ud800", max_size=20),
    st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=20),
)


@pytest.mark.parametrize(
    ("name", "label", "type_"),
    [
        ("person", "Person", "PERSON"),
        ("place of birth", "PlaceOfBirth", "PLACE_OF_BIRTH"),
        ("placeOfBirth", "PlaceOfBirth", "PLACE_OF_BIRTH"),
        ("PLACE_OF_BIRTH", "PlaceOfBirth", "PLACE_OF_BIRTH"),
        ("ＰＥＲＳＯＮ", "Person", "PERSON"),
        ("人物", "人物", "人物"),
        ("出生 地", "出生地", "出生地"),
        ("covid 19", "Covid_19", "COVID_19"),
        ("3D模型", "_3d模型", "_3D模型"),
        ("per\u200bson\u202e", "Person", "PERSON"),
    ],
)
def test_a_plain_name_keeps_its_words(name, label, type_):
    assert (node_label(name), relationship_type(name)) == (label, type_)


def test_reserved_names_are_left_to_the_graph_model():
    assert node_label("chunk") == "Chunk_"
    assert node_label("Entity") == "Entity_"
    assert relationship_type("part of") == "PART_OF_"
    assert relationship_type("MENTIONED_IN") == "MENTIONED_IN_"


@pytest.mark.parametrize(
    "name",
    [
        "x`]-() DETACH DELETE n //",
        "a'}) MATCH (n) DETACH DELETE n",
        "`",
        "\\u0060",
        "x" * 10_000,
        "人" * 10_000,
        "\ud800",
        "\u202e\u200b",
        "",
        " ",
        "\x00",
        "1",
        "!!!",
        "<script>",
    ],
)
def test_a_hostile_name_becomes_a_bounded_word(name):
    for identifier in (node_label(name), relationship_type(name)):
        assert re.fullmatch(r"\w{1,64}", identifier)
        identifier.encode()


def test_names_that_differ_by_a_dropped_sign_stay_apart():
    assert len({node_label(name) for name in ("C", "C++", "C#", "C*")}) == 4
    assert len({relationship_type(name) for name in ("a/b", "a\\b", "a b")}) == 3


def test_long_names_that_differ_at_the_end_stay_apart():
    assert node_label("x" * 9_999 + "a") != node_label("x" * 9_999 + "b")


@given(NAMES)
def test_folding_is_done_once(name):
    assert fold(fold(name)) == fold(name)


@given(NAMES)
def test_an_identifier_is_safe_and_its_own_identifier(name):
    for identify in (node_label, relationship_type):
        identifier = identify(name)
        assert 1 <= len(identifier) <= 64
        assert all(char == "_" or char.isalnum() or unicodedata.category(char)[0] == "M" for char in identifier)
        assert not identifier[0].isdigit()
        assert identify(identifier) == identifier


@given(NAMES, NAMES)
def test_two_names_share_an_identifier_only_when_they_fold_equal(first, second):
    for identify in (node_label, relationship_type):
        if identify(first) == identify(second):
            assert fold(first) == fold(second) or identify(first) in (first, second)
        if fold(first) == fold(second) and identify(first) not in (first, second):
            assert identify(first) == identify(second) or identify(second) in (first, second)


def test_a_backtick_inside_a_quoted_name_is_doubled():
    assert quoted("a`b") == "`a``b`"
    assert quoted("a\\u0060b\\uu0060") == "`a``b```"


@pytest.mark.parametrize("name", ["", "a\x00b", "\ud800"])
def test_what_no_server_can_read_is_not_quoted(name):
    with pytest.raises(ValueError, match="identifier"):
        quoted(name)


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_a_quoted_name_ends_only_at_its_last_backtick(name):
    inside = quoted(name)[1:-1]
    assert "`" not in inside.replace("``", "")
