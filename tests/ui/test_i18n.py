"""Every word of the pages in both languages."""

import ast
import functools
import string
from pathlib import Path

import pytest

from graph_schema import load_ontology
from ui.i18n import MESSAGES, say
from ui.names import Names

UI = Path(__file__).parents[2] / "ui"


@functools.cache
def asked() -> set[str]:
    """The keys that the source asks for by a constant."""
    keys = set()
    for path in UI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and node.args:
                branches = [node.args[0]]
                if isinstance(node.args[0], ast.IfExp):
                    branches = [node.args[0].body, node.args[0].orelse]
                keys |= {b.value for b in branches if isinstance(b, ast.Constant)}
    return keys


@functools.cache
def families() -> set[str]:
    """The beginnings of keys that the source puts together, such as "status."."""
    found = set()
    for path in UI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and node.args:
                first = node.args[0]
                if isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                    found.add(first.values[0].value)
    return found


def test_every_message_that_is_asked_for_exists():
    assert asked()
    assert asked() - set(MESSAGES) == set()


def test_every_message_is_asked_for():
    unused = {key for key in MESSAGES if key not in asked() and not key.startswith(tuple(families()))}
    assert unused == set()


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_say_something_with_the_same_values(key):
    zh, en = MESSAGES[key]
    assert zh.strip()
    assert en.strip()
    names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (zh, en)]
    assert names[0] == names[1]


def test_one_of_a_thing_is_told_from_many():
    assert [say("facts.found", "en", n=n) for n in ("0", "1", "1,000")] == ["0 facts", "1 fact", "1,000 facts"]
    assert say("facts.found", "zh", n="1") == "1 条事实"


def test_an_unknown_key_shows_its_last_part():
    assert say("status.disputed", "zh") == "disputed"


def test_a_value_with_braces_is_data():
    assert say("jobs.delete", "en", name="{n}.txt") == "Delete {n}.txt"


@pytest.mark.parametrize(
    ("language", "kind", "relation"), [("zh", "人物", "出生地"), ("en", "Person", "place of birth")]
)
def test_types_and_relations_have_their_names_from_the_ontology(language, kind, relation):
    names = Names(ontology=load_ontology("general"), language=language)
    assert names.entity_type("PER") == kind
    assert names.relation("place_of_birth") == relation


def test_a_type_of_a_models_own_is_shown_as_it_stands():
    names = Names(ontology=load_ontology("open"), language="zh")
    assert names.entity_type("Spaceship") == "Spaceship"
    assert names.relation("ORBITS\u202e") == "ORBITS‹202E›"


def test_values_are_told_from_things():
    assert set(Names(ontology=load_ontology("general"), language="en").value_labels) == {"TIME", "NUM"}
