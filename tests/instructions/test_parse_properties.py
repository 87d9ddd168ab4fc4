"""Whatever a model says, parsing ends soon with claims or ParseError, and loses nothing that is whole."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph_schema import load_ontology
from kgbuilder.errors import ParseError
from kgbuilder.instructions import Example, answer, parse, schema_for
from kgbuilder.records import MentionClaim, TripleClaim

GENERAL = load_ontology("general")
TASKS = st.sampled_from(["NER", "RE", "JOINT"])
ONTOLOGIES = st.sampled_from(["general", "open"])

NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name != "NAN")
KEYS = st.sampled_from(
    [
        "人物",
        "person",
        "配偶",
        "spouse",
        "entities",
        "relations",
        "head",
        "tail",
        "subject",
        "object",
        "relation",
        "name",
        "type",
        "result",
        "schema",
        "x",
        "",
        "首府*",
    ]
)
SCRAPS = st.sampled_from(
    [
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ":",
        "：",
        ",",
        "，",
        "“",
        "”",
        "\\",
        "\\u12",
        "\\ud800",
        "//",
        "```",
        "null",
        "NaN",
        "NAN",
        "人物",
        '"person"',
        '"spouse"',
        '"head":',
        " ",
        "\n",
        "Ada",
        "1",
        "</think>",
        "\ud800",
        "\x00",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | NAMES, inner, max_size=4),
    max_leaves=20,
)


def read(task, reply, name="general"):
    """Parse, check what must hold of every reply, and return the claims; None where there was no answer."""
    ontology = load_ontology(name)
    try:
        parsed = parse(task, reply, ontology)
    except ParseError:
        return None
    for mention in parsed.mentions:
        mention.text.encode()
        mention.label.encode()
        assert mention.text
        assert mention.label
    for triple in parsed.triples:
        (triple.head + triple.relation + triple.tail).encode()
    assert len(set(parsed.mentions)) == len(parsed.mentions)
    assert len(set(parsed.triples)) == len(parsed.triples)
    for problem in parsed.problems:
        json.loads(problem.claim)
    assert parse(task, reply, ontology) == parsed
    return parsed


@settings(deadline=None)
@given(TASKS, st.text(max_size=200), ONTOLOGIES)
def test_any_text_is_survived(task, reply, ontology):
    read(task, reply, ontology)


@settings(deadline=None)
@given(TASKS, st.lists(SCRAPS, max_size=60).map("".join), ONTOLOGIES)
@example("NER", '{"人物": [{"a": 1}]', "general")
@example("RE", '{"spouse": [{"head": {}, "tail": []}]}', "general")
@example("NER", '{"": ["a"]}', "general")
@example("RE", '{"": [["a", "b"]]}', "general")
def test_broken_json_is_survived(task, reply, ontology):
    read(task, reply, ontology)


@settings(deadline=None)
@given(TASKS, VALUES, ONTOLOGIES, st.sampled_from(["", "Sure: "]))
def test_any_json_is_survived(task, value, ontology, before):
    read(task, before + json.dumps(value), ontology)


GOLD = st.builds(
    Example,
    text=st.just(""),
    mentions=st.lists(
        st.builds(MentionClaim, text=NAMES, label=st.sampled_from(sorted(GENERAL.entity_types))), max_size=6
    ).map(tuple),
    triples=st.lists(
        st.builds(TripleClaim, head=NAMES, relation=st.sampled_from(sorted(GENERAL.relation_types)), tail=NAMES),
        max_size=6,
    ).map(tuple),
)


@settings(deadline=None)
@given(GOLD, st.sampled_from(["zh", "en"]), st.sampled_from([("head", "tail"), ("subject", "object")]))
def test_what_is_written_is_read_back(gold, language, keys):
    schema = schema_for(GENERAL, language)
    for task in ("NER", "RE", "JOINT"):
        parsed = read(task, answer(task, schema, gold, ontology=GENERAL, keys=keys))
        assert parsed.problems == ()
        assert parsed.complete
        if task != "RE":
            assert set(parsed.mentions) == set(gold.mentions)
        if task != "NER":
            assert set(parsed.triples) == set(gold.triples)


@settings(deadline=None)
@given(GOLD, st.integers(min_value=0))
def test_a_cut_answer_gives_only_what_was_said(gold, place):
    written = answer("JOINT", schema_for(GENERAL, "en"), gold, ontology=GENERAL)
    parsed = read("JOINT", written[: place % len(written)])
    if parsed is not None:
        assert set(parsed.mentions) <= set(gold.mentions)
        assert set(parsed.triples) <= set(gold.triples)


GARBAGE = [
    *("[", "{", '"', "'", '" ', "[[", "]", ":", "(", ")", "\\", "//", "/*", "{'a':[", '{"person":[', '{"a":"b",', "x "),
    *("```", "“", "a:", '"a":', '["', "人物：", "\n", " ", "</think>", "[it's ", '{"spouse":[["a","b"],', "1,", "\\u"),
    *("（", "【"),
]


def seconds(task, reply):
    start = time.process_time()
    try:
        parse(task, reply, GENERAL)
    except ParseError:
        pass
    return time.process_time() - start


@pytest.mark.parametrize("scrap", GARBAGE)
@pytest.mark.parametrize("before", ["", "x [", '{"person": ["'])
def test_garbage_ends_soon(scrap, before):
    assert seconds("JOINT", before + scrap * (30_000 // len(scrap))) < 1


@pytest.mark.slow
@pytest.mark.parametrize("scrap", GARBAGE)
def test_a_megabyte_of_garbage_ends_soon(scrap):
    assert seconds("JOINT", "x [" + scrap * (1_000_000 // len(scrap))) < 20
