"""Annotated records to training and test instructions."""

import json
from random import Random

import pytest

from kgbuilder.errors import ParseError
from kgbuilder.ids import sha256_text
from kgbuilder.instructions import Conversion, parse, read_schema, records_to_instructions, render

NER = {"text": "Ada met Ben in Leeds.", "entity": [{"entity": "Ada", "entity_type": "PER", "start": 0}] * 2}
RE = {"text": "Ada met Ben.", "relation": [{"head": "Ada", "relation": "met", "tail": "Ben", "head_type": "PER"}]}


def test_a_training_record_asks_for_the_whole_schema_in_order():
    conversion = Conversion(task="NER", schema=("ORG", "PER", "LOC"), language="en", source="mine")
    (record,) = records_to_instructions([NER], conversion)
    assert record == {
        "task": "NER",
        "source": "mine",
        "instruction": render("NER", "en", ["LOC", "ORG", "PER"], NER["text"]),
        "output": '{"LOC": [], "ORG": [], "PER": ["Ada"]}',
    }


def test_a_label_that_the_schema_lacks_is_asked_for_all_the_same():
    (record,) = records_to_instructions([RE], Conversion(task="RE", schema=("wed",)))
    assert record["output"] == '{"met": [{"head": "Ada", "tail": "Ben"}], "wed": []}'


def test_a_test_record_keeps_the_schema_order_and_the_labels_as_given():
    records = list(
        records_to_instructions([RE], Conversion(task="RE", schema=("wed", "met"), split_num=1), variant="test")
    )
    assert [json.loads(record["instruction"])["schema"] for record in records] == [["wed"], ["met"]]
    for record in records:
        assert list(record) == ["id", "instruction", "label"]
        assert record["id"] == sha256_text(RE["text"])
        assert json.loads(record["label"]) == RE["relation"]


def test_without_annotation_there_is_no_label():
    (record,) = records_to_instructions([{"text": "x"}], Conversion(task="NER", schema=("PER",)), variant="test")
    assert list(record) == ["id", "instruction"]


def test_the_order_is_shuffled_by_the_seed_alone():
    conversion = Conversion(task="NER", schema=tuple("abcdefgh"), split_num=-1)

    def order(seed):
        (record,) = records_to_instructions([NER], conversion, random_sort=Random(seed))
        return json.loads(record["instruction"])["schema"]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == sorted([*conversion.schema, "PER"])


def test_the_answer_follows_the_order_of_its_own_prompt():
    conversion = Conversion(task="NER", schema=tuple("abcdefghijklmnop"))
    records = list(records_to_instructions([NER], conversion, random_sort=Random(7)))
    assert len(records) == 3
    for record in records:
        assert list(json.loads(record["output"])) == json.loads(record["instruction"])["schema"]


def test_the_keys_of_the_published_corpus_can_be_had():
    (record,) = records_to_instructions([RE], Conversion(task="RE", schema=("met",), keys=("subject", "object")))
    assert record["output"] == '{"met": [{"subject": "Ada", "object": "Ben"}]}'
    assert [claim.head for claim in parse("RE", record["output"], ["met"]).triples] == ["Ada"]


def test_nothing_to_ask_for_is_no_record():
    assert list(records_to_instructions([{"text": "x", "entity": []}], Conversion(task="NER", schema=()))) == []


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({}, "no text"),
        ({"text": 5}, "no text"),
        ([], "no text"),
        ({"text": "x", "relation": "y"}, "not a list"),
        ({"text": "x", "relation": [{"head": "a", "tail": "b"}]}, "lacks one of head, relation, tail"),
        ({"text": "x", "relation": [{"head": 1, "relation": "r", "tail": "b"}]}, "lacks one of"),
        ({"text": "x", "relation": ["r"]}, "lacks one of"),
    ],
)
def test_a_record_of_another_form_is_named(record, what):
    with pytest.raises(ParseError, match=f"record 2: .*{what}"):
        list(records_to_instructions([RE, record], Conversion(task="RE", schema=("met",))))


def test_a_schema_file_has_a_line_a_kind():
    text = '["PER", "LOC", "PER"]\n["met"]\n{}'
    assert read_schema(text, "NER") == ("PER", "LOC")
    assert read_schema(text, "RE") == ("met",)


@pytest.mark.parametrize("text", ["", "[]", "[]\n{}", "[]\n[1]", "x\ny"])
def test_a_broken_schema_file_is_refused(text):
    with pytest.raises(ParseError, match="schema"):
        read_schema(text, "RE")
