"""The JSON schema given to a server that decodes under one."""

import json

import jsonschema
import pytest

from graph_schema import load_ontology
from kgbuilder.instructions import Example, Schema, answer, json_schema, schema_for
from kgbuilder.records import MentionClaim, TripleClaim

GENERAL = load_ontology("general")
ZH = schema_for(GENERAL, "zh")
GOLD = Example(
    text="",
    mentions=(MentionClaim(text="Ada", label="PER"),),
    triples=(TripleClaim(head="Ada", relation="spouse", tail="Ben"),),
)


@pytest.mark.parametrize("task", ["NER", "RE", "JOINT"])
def test_the_answer_that_we_write_is_valid(task):
    jsonschema.Draft202012Validator.check_schema(json_schema(task, ZH))
    jsonschema.validate(json.loads(answer(task, ZH, GOLD, ontology=GENERAL)), json_schema(task, ZH))


def test_the_keys_of_the_published_corpus_can_be_asked_for():
    keys = ("subject", "object")
    written = json.loads(answer("RE", ["配偶"], GOLD, ontology=GENERAL, keys=keys))
    jsonschema.validate(written, json_schema("RE", ["配偶"], keys=keys))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, json_schema("RE", ["配偶"]))


@pytest.mark.parametrize(
    ("task", "value"),
    [
        ("NER", {"spaceship": ["Heron"]}),
        ("NER", {name: [5] for name in ZH.entities}),
        ("RE", {name: [{"head": "a"}] for name in ZH.relations}),
        ("JOINT", {"entities": {"spaceship": ["Heron"]}, "relations": {}}),
        ("JOINT", {"entities": {}, "relations": {"配偶": [["Ada"]]}}),
        ("JOINT", {"entities": {}}),
        ("JOINT", []),
    ],
)
def test_another_answer_is_not_valid(task, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json_schema(task, ZH))


def test_in_open_mode_any_name_may_stand():
    value = {"entities": {"spaceship": ["Heron"]}, "relations": {"flies": [["Ada", "Heron"]]}}
    jsonschema.validate(value, json_schema("JOINT", Schema()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"entities": {"spaceship": "Heron"}, "relations": {}}, json_schema("JOINT", Schema()))


@pytest.mark.parametrize(("task", "names"), [("NER", ZH.entities), ("RE", ZH.relations)])
def test_every_name_of_the_prompt_must_be_answered(task, names):
    whole = {name: [] for name in names}
    jsonschema.validate(whole, json_schema(task, ZH))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: [] for name in names[1:]}, json_schema(task, ZH))
