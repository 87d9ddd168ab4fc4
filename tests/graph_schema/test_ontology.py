"""Looking up types by any of their names, and what a signature allows."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from graph_schema import EntityType, Ontology, RelationType, load_ontology, narrow

PERSON = EntityType(id="PER", label="Person", zh="人物", en="person", aliases=("people",))
DISEASE = EntityType(id="DISEASE", label="Disease", zh="疾病", en="disease", ancestors=("TERM",))
TERM = EntityType(id="TERM", label="Term", zh="术语", en="term")
SUFFERS = RelationType(
    id="suffers_from", type="SUFFERS_FROM", zh="患有", en="suffers from", head=("PER",), tail=("TERM",)
)
KNOWS = RelationType(id="knows", type="KNOWS", zh="认识", en="knows", head=("PER",), tail=("PER",), symmetric=True)
SMALL = Ontology.of("small", (PERSON, DISEASE, TERM), (SUFFERS, KNOWS))
OPEN = load_ontology("open")


@pytest.mark.parametrize("name", ["PER", "per", "Person", "PERSON", "ｐｅｒｓｏｎ", "人物", " 人物 ", "people"])
def test_an_entity_type_is_found_by_any_name(name):
    assert SMALL.entity_type(name) is PERSON


@pytest.mark.parametrize(
    "name", ["suffers_from", "SUFFERS_FROM", "suffersFrom", "Suffers  From", "患有", "suffers-from"]
)
def test_a_relation_is_found_by_any_name(name):
    assert SMALL.relation_type(name) is SUFFERS


@pytest.mark.parametrize("name", ["", "nothing", "x" * 10_000, "\ud800"])
def test_an_unknown_name_is_none(name):
    assert SMALL.entity_type(name) is None
    assert SMALL.relation_type(name) is None


def test_a_kind_of_a_type_may_stand_where_the_type_may():
    assert SMALL.allows("PER", "suffers_from", "TERM")
    assert SMALL.allows("PER", "suffers_from", "DISEASE")
    assert not SMALL.allows("DISEASE", "suffers_from", "PER")
    assert not SMALL.allows("PER", "unheard_of", "TERM")


def test_is_a_follows_the_ancestors():
    assert SMALL.is_a("DISEASE", "TERM")
    assert SMALL.is_a("TERM", "TERM")
    assert not SMALL.is_a("TERM", "DISEASE")


def test_narrow_keeps_the_relations_whose_both_ends_are_there():
    assert narrow(SMALL, {"PER"}) == ("knows",)
    assert narrow(SMALL, ["PER", "DISEASE"]) == ("suffers_from", "knows")
    assert narrow(SMALL, ()) == ()


def test_open_mode_makes_a_type_of_any_name():
    assert OPEN.entity_type("space ship").label == "SpaceShip"
    assert OPEN.relation_type("flies to").type == "FLIES_TO"
    assert OPEN.entity_type("Space_Ship") == OPEN.entity_type("spaceShip")
    assert OPEN.entity_type(" \u200b") is None
    assert OPEN.allows("anything", "goes", "here")


@pytest.mark.parametrize("name", ["space ship", "C++", "x" * 500, "人物", "Chunk"])
def test_the_id_of_an_open_type_finds_the_type_again(name):
    made = OPEN.entity_type(name)
    assert OPEN.entity_type(made.id) == replace(made, zh=OPEN.entity_type(made.id).zh, en=OPEN.entity_type(made.id).en)
    relation = OPEN.relation_type(name)
    assert OPEN.relation_type(relation.id).id == relation.id


def test_the_fingerprint_is_of_the_content_not_of_the_name():
    assert Ontology.of("other", (PERSON, DISEASE, TERM), (SUFFERS, KNOWS)).fingerprint == SMALL.fingerprint
    changed = replace(SUFFERS, functional=True)
    assert Ontology.of("small", (PERSON, DISEASE, TERM), (changed, KNOWS)).fingerprint != SMALL.fingerprint
    assert Ontology.of("small", (PERSON, TERM, DISEASE), (SUFFERS, KNOWS)).fingerprint != SMALL.fingerprint


def test_an_ontology_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        SMALL.name = "large"
    with pytest.raises(TypeError):
        SMALL.entity_types["X"] = PERSON


def test_an_ontology_survives_the_way_to_another_process():
    again = pickle.loads(pickle.dumps(SMALL))
    assert again == SMALL
    assert again.relation_type("患有") == SUFFERS
    assert again.allows("PER", "suffers_from", "DISEASE")
