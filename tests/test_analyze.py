"""Graphs built by hand, and random ones against networkx itself."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python

from graph_schema import load_ontology
from kgbuilder.analyze import (
    Contradiction,
    build_graph,
    centrality,
    components,
    contradictions,
    hubs,
    same_names,
    summarize,
    to_graphml,
)
from kgbuilder.errors import StoreError

ONTOLOGY = load_ontology("general")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    id: str
    label: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    id: str
    head: str
    relation: str
    tail: str
    score: float = 1.0
    status: str = "extracted"


LABELS = {"p": "PER", "o": "ORG", "l": "LOC", "t": "TIME", "w": "WORK", "n": "NUM"}


def graph_of(*facts: str, names: dict[str, str] | None = None, more: tuple[str, ...] = ()):
    """Build a graph from "head relation tail" lines; the first letter of an id says its label."""
    rows = [fact.split() for fact in facts]
    ids = dict.fromkeys([*(row[0] for row in rows), *(row[2] for row in rows), *more])
    nodes = [Node(id=i, label=LABELS[i[0]], name=(names or {}).get(i, i)) for i in ids]
    edges = [Edge(id=f"f{n}", head=h, relation=r, tail=t) for n, (h, r, t) in enumerate(rows)]
    return build_graph(nodes, edges)


def found(graph) -> list[tuple[str, tuple[str, ...]]]:
    return [(c.kind, c.entities) for c in contradictions(graph, ONTOLOGY)]


small_facts = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from(["located_in", "part_of", "spouse"]), st.integers(0, 11)), max_size=30
)


def random_graph(facts):
    nodes = [Node(id=f"l{n:02}", label="LOC", name=f"place {n}") for n in range(12)]
    edges = [Edge(id=f"f{n}", head=f"l{h:02}", relation=r, tail=f"l{t:02}") for n, (h, r, t) in enumerate(facts)]
    return build_graph(nodes, edges)


def test_several_facts_between_two_entities_are_kept():
    graph = graph_of("p1 employer o1", "p1 member_of o1", "o1 led_by p1")
    assert graph.number_of_edges() == 3


def test_facts_that_are_no_longer_claimed_shape_nothing():
    nodes = [Node(id="p1", label="PER", name="a"), Node(id="l1", label="LOC", name="b")]
    edges = [
        Edge(id=status, head="p1", relation="residence", tail="l1", status=status)
        for status in ("extracted", "accepted", "rejected", "retired")
    ]
    assert [key for _, _, key in build_graph(nodes, edges).edges(keys=True)] == ["extracted", "accepted"]


def test_a_fact_about_an_unknown_entity_is_counted_not_drawn():
    graph = build_graph([Node(id="p1", label="PER", name="a")], [Edge(id="f", head="p1", relation="spouse", tail="?")])
    assert (set(graph), graph.graph["n_dangling"]) == ({"p1"}, 1)
    assert summarize(graph, ONTOLOGY).n_dangling == 1


def test_components_come_largest_first():
    graph = graph_of("p2 spouse p3", "p3 employer o1", "p4 spouse p5", more=("l9",))
    assert components(graph) == (("o1", "p2", "p3"), ("p4", "p5"), ("l9",))


@given(small_facts)
def test_components_are_those_of_an_undirected_graph(facts):
    graph = random_graph(facts)
    assert set(map(frozenset, components(graph))) == set(map(frozenset, nx.connected_components(nx.Graph(graph))))


@given(small_facts)
def test_centrality_agrees_with_networkx(facts):
    graph = random_graph(facts)
    rows = {row.id: row for row in centrality(graph)}
    assert {i: row.degree for i, row in rows.items()} == dict(graph.degree())
    plain = nx.Graph(graph)
    plain.remove_edges_from(list(nx.selfloop_edges(plain)))
    assert {i: row.betweenness for i, row in rows.items()} == pytest.approx(nx.betweenness_centrality(plain))
    assert {i: row.pagerank for i, row in rows.items()} == pytest.approx(_pagerank_python(graph, tol=1e-6), abs=1e-4)


@given(small_facts, st.randoms(use_true_random=False))
def test_results_do_not_depend_on_the_order_of_the_facts(facts, shuffler):
    nodes = [Node(id=f"l{n:02}", label="LOC", name=f"place {n}") for n in range(12)]
    edges = [Edge(id=f"f{n}", head=f"l{h:02}", relation=r, tail=f"l{t:02}") for n, (h, r, t) in enumerate(facts)]
    one = build_graph(nodes, edges)
    shuffler.shuffle(nodes)
    shuffler.shuffle(edges)
    other = build_graph(nodes, edges)
    assert centrality(one, max_steps=60) == centrality(other, max_steps=60)
    assert summarize(one, ONTOLOGY) == summarize(other, ONTOLOGY)


def test_centrality_of_nothing_is_nothing():
    graph = build_graph([], [])
    assert centrality(graph) == ()
    assert summarize(graph, ONTOLOGY).n_components == 0


def test_sampled_betweenness_still_finds_the_bridge():
    facts = (
        [f"p{n} employer o1" for n in range(40)] + [f"p{n} employer o2" for n in range(40, 80)] + ["o1 partner_of o2"]
    )
    rows = sorted(centrality(graph_of(*facts), max_steps=2_000), key=lambda row: -row.betweenness)
    assert {row.id for row in rows[:2]} == {"o1", "o2"}


def test_hubs_are_what_most_facts_touch():
    graph = graph_of("p1 employer o1", "p2 employer o1", "o1 led_by p1", "p2 spouse p3", "o1 alias o1", more=("l1",))
    assert [(hub.id, hub.n_facts, hub.n_neighbours) for hub in hubs(graph, n_hubs=2)] == [("o1", 5, 2), ("p1", 2, 1)]
    assert "l1" not in {hub.id for hub in hubs(graph, n_hubs=99)}


def test_same_name_with_different_labels_is_a_group():
    graph = graph_of(
        more=("l1", "w1", "o1", "p1", "p2"), names={"l1": "Egret", "w1": "ＥＧＲＥＴ", "p1": "Li", "p2": "Li"}
    )
    assert [(group.entities, group.labels) for group in same_names(graph)] == [(("l1", "w1"), ("LOC", "WORK"))]


def test_two_birthplaces_contradict_each_other():
    graph = graph_of("p1 place_of_birth l1", "p1 place_of_birth l2", "p2 place_of_birth l1")
    assert contradictions(graph, ONTOLOGY) == (
        Contradiction(kind="tails", relations=("place_of_birth",), entities=("p1", "l1", "l2"), facts=("f0", "f1")),
    )


def test_relations_are_known_by_their_graph_type_too():
    assert found(graph_of("p1 PLACE_OF_BIRTH l1", "p1 PLACE_OF_BIRTH l2")) == [("tails", ("p1", "l1", "l2"))]


def test_the_same_birthplace_twice_is_no_contradiction():
    assert found(graph_of("p1 place_of_birth l1", "p1 place_of_birth l1")) == []


def test_many_friends_are_no_contradiction():
    assert found(graph_of("p1 employer o1", "p1 employer o2", "p1 sibling p2", "p1 sibling p3")) == []


def test_a_town_and_the_province_around_it_agree():
    facts = ("p1 place_of_birth l1", "p1 place_of_birth l3", "l1 located_in l2", "l2 part_of l3")
    assert found(graph_of(*facts)) == []
    assert found(graph_of(*facts, "p1 place_of_birth l9")) == [("tails", ("p1", "l1", "l3", "l9"))]


def test_a_year_and_a_day_in_it_agree():
    names = {"t1": "1944年", "t2": "1944年10月25日", "t3": "October 25, 1944", "t4": "1945"}
    born = ("p1 date_of_birth t1", "p1 date_of_birth t2", "p1 date_of_birth t3")
    assert found(graph_of(*born, names=names)) == []
    assert found(graph_of(*born, "p1 date_of_birth t4", names=names)) == [("tails", ("p1", "t1", "t2", "t3", "t4"))]


@pytest.mark.parametrize(
    ("born", "died", "wrong"),
    [
        ("1944年10月25日", "1943年", True),
        ("1944年10月25日", "1944年10月24日", True),
        ("1944年10月25日", "1944年", False),
        ("1944年10月25日", "2001-03-02", False),
        ("清朝末年", "1943年", False),
    ],
)
def test_death_before_birth_is_a_contradiction(born, died, wrong):
    graph = graph_of("p1 date_of_birth t1", "p1 date_of_death t2", names={"t1": born, "t2": died})
    assert found(graph) == ([("order", ("p1", "t1", "t2"))] if wrong else [])


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("1931年7月", "1931年7月19日", True),
        ("1931年7月", "1931年8月", False),
        ("20世纪30年代", "1931年", True),
        ("20世纪30年代", "1941年", False),
        ("19世纪", "1941年", False),
        ("公元前489年", "公元前488年", False),
        ("光绪年间", "1941年", True),
        ("1936年至1956年", "1940年", True),
    ],
)
def test_dates_agree_when_they_can_mean_the_same_day(one, other, agree):
    graph = graph_of("p1 date_of_birth t1", "p1 date_of_birth t2", names={"t1": one, "t2": other})
    assert (found(graph) == []) is agree


def test_a_company_cannot_end_before_it_began():
    graph = graph_of("o1 inception t1", "o1 dissolved t2", names={"t1": "1938年", "t2": "1903年4月"})
    assert found(graph) == [("order", ("o1", "t1", "t2"))]


def test_a_place_within_itself_is_a_contradiction():
    graph = graph_of("l3 located_in l1", "l1 located_in l2", "l2 part_of l3", "l4 located_in l1")
    (cycle,) = contradictions(graph, ONTOLOGY)
    assert (cycle.kind, cycle.entities, cycle.relations) == ("cycle", ("l1", "l2", "l3"), ("located_in", "part_of"))
    assert cycle.facts == ("f1", "f2", "f0")


def test_a_cycle_starts_at_its_smallest_member_whatever_leads_there():
    facts = ("l1 located_in l4", "l4 located_in l2", "l2 located_in l4", "l4 located_in l5", "l5 located_in l1")
    assert found(graph_of(*facts)) == [("cycle", ("l2", "l4"))]


def test_which_cycle_is_shown_does_not_depend_on_the_order_of_the_facts():
    facts = [f"l{a} located_in l{b}" for a in range(6) for b in range(6) if a != b]
    shown = set()
    for seed in range(20):
        random.Random(seed).shuffle(facts)
        shown.add(contradictions(graph_of(*facts), ONTOLOGY)[0].entities)
    assert len(shown) == 1


def test_a_child_of_itself_is_a_contradiction():
    assert found(graph_of("p1 child_of p1")) == [("cycle", ("p1",))]


def test_spouses_and_neighbours_may_go_round():
    assert found(graph_of("p1 spouse p2", "p2 spouse p1", "o1 competitor_of o2", "o2 competitor_of o1")) == []


@given(small_facts)
def test_a_cycle_is_reported_exactly_when_there_is_one(facts):
    graph = random_graph(facts)
    within = nx.DiGraph((h, t) for h, t, r in graph.edges(data="relation") if r != "spouse")
    cycles = [c for c in contradictions(graph, ONTOLOGY) if c.kind == "cycle"]
    assert bool(cycles) != nx.is_directed_acyclic_graph(within)
    for cycle in cycles:
        ring = zip(cycle.entities, (*cycle.entities[1:], cycle.entities[0]), cycle.facts, strict=True)
        assert all(graph.has_edge(head, tail, key=fact) for head, tail, fact in ring)


def test_a_relation_the_ontology_does_not_know_is_left_alone():
    assert found(graph_of("p1 invented_relation l1", "p1 invented_relation l2")) == []


def test_summary_counts_what_is_there():
    summary = summarize(graph_of("p1 employer o1", "p1 place_of_birth l1", "p2 employer o1", more=("l7",)), ONTOLOGY)
    assert (summary.n_entities, summary.n_facts, summary.n_components, summary.n_largest) == (5, 3, 2, 4)
    assert summary.n_isolated == 1
    assert summary.labels == (("LOC", 2), ("PER", 2), ("ORG", 1))
    assert summary.relations == (("employer", 2), ("place_of_birth", 1))


HOSTILE = "\x00\x1b[31m\ud800<b>&\"'\u202e\ufffe晚渡\U0001f6a4\n"


def test_graphml_holds_hostile_names_as_data(tmp_path):
    path = tmp_path / "graph.graphml"
    to_graphml(graph_of("p1 employer o1", "p1 member_of o1", names={"p1": HOSTILE}), path)
    again = nx.read_graphml(path, force_multigraph=True)
    assert again.nodes["p1"]["name"] == "\ufffd\ufffd[31m\ufffd<b>&\"'\u202e\ufffd晚渡\U0001f6a4\n"
    assert sorted((h, t, k, d["relation"], d["score"]) for h, t, k, d in again.edges(keys=True, data=True)) == [
        ("p1", "o1", "f0", "employer", 1.0),
        ("p1", "o1", "f1", "member_of", 1.0),
    ]


@given(st.text(st.characters(), max_size=20))
def test_any_name_survives_graphml_as_far_as_xml_can(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("xml") / "graph.graphml"
    to_graphml(graph_of(more=("p1",), names={"p1": name}), path)
    (again,) = (data["name"] for _, data in nx.read_graphml(path).nodes(data=True))
    assert len(again) == len(name)
    assert all(a == b for a, b in zip(again, name, strict=True) if a != "\ufffd")


def test_a_graphml_file_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(StoreError, match=r"cannot write .*choose a folder"):
        to_graphml(graph_of("p1 employer o1"), tmp_path / "missing" / "graph.graphml")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "graph.graphml"
    path.write_text("old")

    def full(_: object, partial: Path, **__: object) -> None:
        partial.write_text("<graphml>")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nx, "write_graphml", full)
    with pytest.raises(StoreError, match="No space left"):
        to_graphml(graph_of("p1 employer o1"), path)
    assert [(p.name, p.read_text()) for p in Path(tmp_path).iterdir()] == [("graph.graphml", "old")]


@pytest.mark.slow
def test_a_hundred_thousand_facts_take_seconds():
    chance = random.Random(7)
    nodes = [
        Node(id=f"e{n}", label=chance.choice(["PER", "ORG", "LOC"]), name=f"name {n % 45_000}") for n in range(50_000)
    ]
    relations = ["employer", "located_in", "spouse", "place_of_birth", "part_of"]
    edges = [
        Edge(
            id=f"f{n}",
            head=f"e{chance.randrange(50_000)}",
            relation=chance.choice(relations),
            tail=f"e{int(50_000 * chance.random() ** 3)}",
        )
        for n in range(100_000)
    ]
    start = time.process_time()
    graph = build_graph(nodes, edges)
    summary = summarize(graph, ONTOLOGY)
    rows = centrality(graph)
    assert time.process_time() - start < 60
    assert (summary.n_facts, len(rows)) == (100_000, 50_000)
