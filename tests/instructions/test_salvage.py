"""Values out of replies that are JSON, nearly JSON, or JSON among other things."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.instructions.salvage import MAX_DEPTH, read_values

JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: isinstance(value, list | dict))


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"a": ["x"]}', {"a": ["x"]}),
        ('Here you are:\n{"a": ["x"]}\nHope it helps!', {"a": ["x"]}),
        ('```json\n{"a": ["x"]}\n```', {"a": ["x"]}),
        ('<think>{"a": ["draft"]}</think>\n{"a": ["x"]}', {"a": ["x"]}),
        ("{'a': ['x', None, True]}", {"a": ["x", None, True]}),
        ('{"a": ["x",], }', {"a": ["x"]}),
        ('{"a": ["x" "y"] "b": []}', {"a": ["x", "y"], "b": []}),
        ("{a: [x, y z]}", {"a": ["x", "y z"]}),
        ("｛“a”：［“x”，“y”］｝", {"a": ["x", "y"]}),
        ("{“a”: [‘x’、「y」]}", {"a": ["x", "y"]}),
        ('{"a": ["x", "y", "b": ["z"]}', {"a": ["x", "y"], "b": ["z"]}),
        ('{"a": ["x"]]}', {"a": ["x"]}),
        ('{"a": ("x", "y")}', {"a": ["x", "y"]}),
        ('{"a": ["x"], // a remark: [1]\n "b": ["y"]}', {"a": ["x"], "b": ["y"]}),
        ('"a": ["x"], "b": []', {"a": ["x"], "b": []}),
        ('{"a": NaN, "b": null, "c": Infinity}', {"a": None, "b": None, "c": None}),
        ('{"a": [1978, 3.10, -5e3]}', {"a": ["1978", "3.10", "-5e3"]}),
        ("{a: [1978, 3.10, 12:30]}", {"a": ["1978", "3.10", "12:30"]}),
        ('{"a": ["x"], "a": ["y"]}', {"a": ["x", "y"]}),
        ('["\\ud83d\\ude00", "\\u4eba"].', ["😀", "人"]),
    ],
)
def test_one_value_is_read(reply, value):
    salvaged = read_values(reply)
    assert salvaged.values == (value,)
    assert salvaged.complete


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"a": ["x", "y', {"a": ["x"]}),
        ('{"a": ["x", "y"', {"a": ["x", "y"]}),
        ('{"a": ["x"], "b": ', {"a": ["x"]}),
        ('{"a": ["x"], "b', {"a": ["x"]}),
        ('{"a": [["x", "y"], ["z"', {"a": [["x", "y"], ["z"]]}),
        ('{"a": ["x", 197', {"a": ["x"]}),
        ('{"a": ["x"\n```\nI stop here, "sorry"', {"a": ["x"]}),
    ],
)
def test_a_cut_reply_gives_what_was_whole(reply, value):
    salvaged = read_values(reply)
    assert salvaged.values == (value,)
    assert not salvaged.complete


@pytest.mark.parametrize(
    "name", ["O'Brien", '他说"好"了', "a\\b", "x，y", "[brackets]", "{braces}", "a: b", " spaces ", "\\u4eba \\n", "'"]
)
def test_a_name_is_not_mended(name):
    written = json.dumps({"a": [name, "z"]}, ensure_ascii=False)
    assert read_values(written).values == ({"a": [name, "z"]},)
    assert read_values("So: " + written + " ").values == ({"a": [name, "z"]},)


def test_quotes_that_were_not_escaped_stay_in_the_name():
    assert read_values('{"a": ["he said "no" twice", "z"]}').values == ({"a": ['he said "no" twice', "z"]},)


def test_half_of_a_surrogate_pair_stays_what_it_is():
    assert read_values('["\\ud800"]').values == (["\ud800"],)
    assert read_values('x ["\\ud800"]').values == (["\ud800"],)


def test_several_values_come_in_order():
    assert read_values('{"a": []}\n{"b": []} and [1]').values == ({"a": []}, {"b": []}, ["1"])


@pytest.mark.parametrize("reply", ["", "no", "NAN", "12", '"x"', "}", "]]]"])
def test_without_brackets_there_is_no_value(reply):
    assert read_values(reply).values == ()


def test_depth_is_bounded():
    value = read_values("x" + "[" * 1000 + '"a"' + "]" * 1000).values[0]
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    assert value == "a"
    assert depth == MAX_DEPTH


@given(JSON)
def test_json_in_prose_reads_as_json(value):
    written = json.dumps(value, ensure_ascii=False)
    assert read_values(written).values == (value,)
    assert read_values(f"Answer: {written} ").values == (value,)


@given(JSON, st.integers(min_value=0))
def test_a_cut_at_any_place_is_survived(value, place):
    written = "x " + json.dumps(value, ensure_ascii=False)
    read_values(written[: place % (len(written) + 1)])
