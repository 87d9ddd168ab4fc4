"""The picture as ECharts gets it: nodes in order, names as data, a click led back to an entity."""

import json

import pytest

from graph_schema import load_ontology
from kgbuilder.ledger.browse import Line, Picture
from kgbuilder.ledger.views import EntityView
from ui.components.graph import clicked, legend, spec
from ui.names import Names

NAMES = Names(ontology=load_ontology("general"), language="en")


def entity(name: str, label: str = "PER") -> EntityView:
    return EntityView(id=name, label=label, name=name, aliases=(), value=None, n_mentions=1)


def line(head: str, relation: str, tail: str) -> Line:
    return Line(fact_id=f"{head}-{tail}", head=head, relation=relation, tail=tail, n_evidence=1)


PICTURE = Picture(
    entities=(entity("Northlight", "ORG"), entity("Maren"), entity("Oslo", "LOC")),
    lines=(
        line("Northlight", "founded_by", "Maren"),
        line("Northlight", "employs", "Maren"),
        line("Northlight", "headquarters", "Oslo"),
    ),
)


def series(picture: Picture, **more) -> dict:
    return spec(picture, NAMES, **more)["series"][0]


def test_nodes_stand_in_the_order_of_the_entities():
    assert [node["id"] for node in series(PICTURE)["data"]] == ["Northlight", "Maren", "Oslo"]


def test_two_relations_of_a_pair_are_one_line_with_both_names():
    links = series(PICTURE)["links"]
    assert [(link["source"], link["target"]) for link in links] == [(0, 1), (0, 2)]
    assert links[0]["value"] == "founded by · employs"


def test_types_have_their_names_and_colours():
    assert [category["name"] for category in series(PICTURE)["categories"]] == ["Organization", "Person", "Location"]
    assert [name for name, _ in legend(PICTURE, NAMES)] == ["Organization", "Person", "Location"]


def test_what_has_more_facts_is_larger():
    sizes = [node["symbolSize"] for node in series(PICTURE)["data"]]
    assert sizes[0] > sizes[1] > sizes[2]


def test_nothing_but_data_is_sent():
    hostile = "--x_x--function () { alert(1) }--x_x--<b>{b}|{a|x}\u202e"
    picture = Picture(entities=(entity(hostile), entity("x" * 10_000)), lines=(line(hostile, "spouse", "x" * 10_000),))
    sent = spec(picture, NAMES)
    assert "--x_x--" not in json.dumps(sent["series"][0]["data"][0]["name"])
    assert sent["tooltip"]["renderMode"] == "richText"
    assert all(len(node["name"]) <= 28 for node in sent["series"][0]["data"])
    json.dumps(sent).encode()


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ([{"data_type": "node", "data_indices": [1]}], "Maren"),
        ([{"data_type": "edge", "data_indices": [1]}], ""),
        ([{"data_type": "node", "data_indices": [7]}], ""),
        ([], ""),
    ],
)
def test_a_click_names_the_entity(groups, found):
    assert clicked(PICTURE, {"selection": {"selected": groups, "areas": []}}) == found


def test_a_chart_without_state_names_nothing():
    assert clicked(PICTURE, None) == ""
