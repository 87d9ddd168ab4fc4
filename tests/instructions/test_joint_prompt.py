"""The prompt for a whole ontology: what it says and what it costs."""

import json

import pytest

from graph_schema import list_packs, load_ontology
from kgbuilder.instructions import Example, render, schema_for
from kgbuilder.records import MentionClaim

GENERAL = load_ontology("general")
PASSAGES = {
    "zh": "林知远于1978年3月12日生在绍兴，2003年起任澄江电子有限公司工程师，公司总部设在无锡，注册资本5000万元。" * 27,
    "en": "Ada Quill was born in Leeds on 3 May 1971 and joined Bluefen Robotics, which is based in Tampere. " * 15,
}


def n_tokens(text: str) -> float:
    """A Chinese character or sign is one token, four other characters are one."""
    wide = sum("\u2e80" <= char <= "\uffef" for char in text)
    return wide + (len(text) - wide) / 4


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_whole_general_ontology_costs_at_most_600_tokens(language):
    assert n_tokens(render("JOINT", language, schema_for(GENERAL, language), "")) <= 600


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_chunk_costs_at_most_1_2_tokens_a_character(language):
    text = PASSAGES[language][:1500]
    assert len(text) > 1400
    assert n_tokens(render("JOINT", language, schema_for(GENERAL, language), text)) <= 1.2 * len(text)


@pytest.mark.parametrize("pack", sorted(set(list_packs()) - {"open"}))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_name_stands_in_the_prompt(pack, language):
    schema = schema_for(load_ontology(pack), language)
    prompt = json.loads(render("JOINT", language, schema, "text"))
    listed = [name.rstrip("*") for part in prompt["relations"].split(";") for name in part.split(":")[-1].split(",")]
    assert sorted(listed) == sorted(schema.relations)
    assert prompt["entities"].split(",") == list(schema.entities)


def test_a_name_that_says_what_the_head_is_is_marked_in_chinese():
    prompt = json.loads(render("JOINT", "zh", schema_for(GENERAL, "zh"), ""))
    assert ",首府*," in prompt["relations"]
    assert ",出生地," in f",{prompt['relations']}"
    assert "带*的读作“头是尾的关系”" in prompt["instruction"]


def test_relations_of_one_signature_stand_together_in_english():
    prompt = json.loads(render("JOINT", "en", schema_for(GENERAL, "en"), ""))
    assert "person>time:date of birth,date of death;" in prompt["relations"]


def test_examples_are_shown_in_the_form_of_the_answer():
    example = Example(text="Ada.", mentions=(MentionClaim(text="Ada", label="PER"),))
    prompt = json.loads(
        render("JOINT", "en", schema_for(GENERAL, "en"), "Text.", examples=(example,), ontology=GENERAL)
    )
    assert list(prompt) == ["instruction", "entities", "relations", "example", "input"]
    assert prompt["example"] == [{"input": "Ada.", "output": {"entities": {"person": ["Ada"]}, "relations": {}}}]
