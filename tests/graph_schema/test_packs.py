"""The ontologies that come with the package."""

import re
from collections import Counter
from importlib import resources

import pytest

from graph_schema import list_packs, load_ontology, node_label, relationship_type

THEMES = {
    "person",
    "region",
    "building",
    "work",
    "creature",
    "artificial_object",
    "natural_science",
    "organization",
    "transport",
    "event",
    "astronomical_object",
    "medicine",
    "law",
    "finance",
}
GENERAL = load_ontology("general")
CLOSED = sorted(THEMES | {"general"})
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_theme_has_a_pack():
    assert set(list_packs()) == THEMES | {"general", "open"}


def test_the_general_ontology_has_its_nine_types():
    assert {entity.id: entity.label for entity in GENERAL.entity_types.values()} == {
        "PER": "Person",
        "ORG": "Organization",
        "LOC": "Location",
        "TIME": "Time",
        "NUM": "Quantity",
        "WORK": "Work",
        "EVENT": "Event",
        "PRODUCT": "Product",
        "TERM": "Term",
    }
    assert {entity.id for entity in GENERAL.entity_types.values() if entity.value} == {"TIME", "NUM"}


def test_the_general_relations_keep_their_directions():
    assert len(GENERAL.relation_types) == 72
    assert {r.id for r in GENERAL.relation_types.values() if r.symmetric} == {
        "spouse",
        "sibling",
        "partner_of",
        "competitor_of",
    }
    assert GENERAL.allows("ORG", "founded_by", "PER")
    assert not GENERAL.allows("PER", "founded_by", "ORG")
    assert GENERAL.allows("PER", "character_in", "WORK")
    assert GENERAL.allows("WORK", "author", "PER")
    assert GENERAL.allows("LOC", "capital_of", "LOC")


@pytest.mark.parametrize("name", CLOSED)
def test_each_type_and_relation_says_what_it_is_in_both_languages(name):
    ontology = load_ontology(name)
    for type_ in (*ontology.entity_types.values(), *ontology.relation_types.values()):
        assert HAN.search(type_.zh), type_.id
        assert HAN.search(type_.definition_zh), type_.id
        assert type_.definition_zh.endswith("。"), type_.id
        assert not HAN.search(type_.en + type_.definition_en), type_.id
        assert type_.definition_en.endswith("."), type_.id
    for relation in ontology.relation_types.values():
        assert HAN.search(relation.example_zh), relation.id
        assert not HAN.search(relation.example_en), relation.id
        assert len(relation.example_en.split()) >= 3, relation.id


@pytest.mark.parametrize("name", CLOSED)
def test_labels_and_relationship_types_are_safe_and_unique(name):
    ontology = load_ontology(name)
    labels = Counter(entity.label for entity in ontology.entity_types.values())
    types = Counter(relation.type for relation in ontology.relation_types.values())
    assert max(labels.values()) == max(types.values()) == 1
    assert all(label == node_label(label) for label in labels)
    assert all(type_ == relationship_type(type_) for type_ in types)


@pytest.mark.parametrize("name", CLOSED)
def test_every_relation_can_be_used_and_every_type_stands_in_one(name):
    ontology = load_ontology(name)
    used = set()
    for relation in ontology.relation_types.values():
        assert relation.head
        assert relation.tail
        used |= {*relation.head, *relation.tail}
    covered = {entity.id for entity in ontology.entity_types.values() if {entity.id, *entity.ancestors} & used}
    assert covered == set(ontology.entity_types)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_a_theme_selects_from_general_and_adds_its_own(name):
    ontology = load_ontology(name)
    own = [id_ for id_ in ontology.relation_types if id_ not in GENERAL.relation_types]
    shared = [id_ for id_ in ontology.relation_types if id_ in GENERAL.relation_types]
    assert len(own) >= 8
    assert len(shared) >= 5
    assert all(ontology.relation_types[id_].type == GENERAL.relation_types[id_].type for id_ in shared)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_examples_are_not_used_twice(name):
    ontology = load_ontology(name)
    examples = Counter(relation.example_en for relation in ontology.relation_types.values())
    assert [example for example, times in examples.items() if times > 1] == []


def test_all_packs_can_be_joined_into_one(tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text(f"name: all\nextends: [{', '.join(CLOSED)}]\n")
    joined = load_ontology(file)
    assert set(GENERAL.relation_types) <= set(joined.relation_types)


def test_the_files_name_no_machine():
    for file in (resources.files("graph_schema") / "ontologies").iterdir():
        assert "http" not in file.read_text(encoding="utf-8")
