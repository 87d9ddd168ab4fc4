"""Clusters are connected components, but for what people have decided."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuilder.resolve import Constraint, Link, Node, display_name, entity_id, node_id, resolve
from kgbuilder.resolve.clustering import Partition, cluster

NODES = [Node.of("ORG", f"name {n}") for n in range(9)]
BY_NAME = {node.key[-1]: node for node in NODES}


def link(a: str, b: str, score: float = 0.98) -> Link:
    return Link(a=BY_NAME[a].id, b=BY_NAME[b].id, score=score)


def decided(a: str, b: str, *, together: bool) -> Constraint:
    return Constraint(a=BY_NAME[a].id, b=BY_NAME[b].id, together=together)


def groups(clusters) -> set[frozenset[str]]:
    names = {node.id: node.key[-1] for node in NODES}
    found: dict[str, set[str]] = {}
    for member, root in clusters.items():
        found.setdefault(root, set()).add(names.get(member, member))
    return {frozenset(group) for group in found.values() if len(group) > 1}


INDEX = st.integers(0, len(NODES) - 1)
LINKS = st.lists(st.tuples(INDEX, INDEX, st.sampled_from([0.97, 0.98, 0.99])), max_size=14)
CONSTRAINTS = st.lists(st.tuples(INDEX, INDEX, st.booleans()), max_size=8)


def as_links(pairs) -> list[Link]:
    return [Link(a=NODES[a].id, b=NODES[b].id, score=score) for a, b, score in pairs]


def as_constraints(pairs) -> list[Constraint]:
    return [Constraint(a=NODES[a].id, b=NODES[b].id, together=together) for a, b, together in pairs]


@given(LINKS)
def test_without_decisions_clusters_are_the_connected_components(pairs):
    graph = nx.Graph()
    graph.add_nodes_from(node.id for node in NODES)
    graph.add_edges_from((NODES[a].id, NODES[b].id) for a, b, _ in pairs)
    found = cluster(NODES, as_links(pairs))
    expected = {frozenset(part) for part in nx.connected_components(graph)}
    assert {frozenset(n for n in found if found[n] == root) for root in set(found.values())} == expected
    assert all(root == min(n for n in found if found[n] == root) for root in set(found.values()))


def test_merging_is_transitive_whatever_the_order():
    assert groups(cluster(NODES, [link("0", "1"), link("2", "3"), link("1", "2")])) == {frozenset("0123")}


@given(LINKS, CONSTRAINTS, st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_links_does_not_matter(pairs, decisions, random):
    links, nodes = as_links(pairs), list(NODES)
    expected = cluster(nodes, links, as_constraints(decisions))
    random.shuffle(links)
    random.shuffle(nodes)
    turned = [Link(a=x.b, b=x.a, score=x.score) for x in links]
    assert cluster(nodes, turned, as_constraints(decisions)) == expected


@given(LINKS, CONSTRAINTS)
def test_no_machine_joins_what_a_person_keeps_apart_nor_splits_what_one_joined(pairs, decisions):
    found = cluster(NODES, as_links(pairs), as_constraints(decisions))
    by_people_alone = Partition()
    held = []
    for a, b, together in reversed(decisions):
        one, other = NODES[a].id, NODES[b].id
        if (by_people_alone.join if together else by_people_alone.keep_apart)(one, other):
            held.append((one, other, together))
    for one, other, together in held:
        assert (found[one] == found[other]) == together


@given(LINKS, CONSTRAINTS)
def test_each_connected_part_can_be_resolved_alone(pairs, decisions):
    links, constraints = as_links(pairs), as_constraints(decisions)
    graph = nx.Graph()
    graph.add_nodes_from(node.id for node in NODES)
    graph.add_edges_from((x.a, x.b) for x in (*links, *constraints))
    whole = resolve(NODES, links, (), constraints).entities
    for part in nx.connected_components(graph):
        alone = resolve(
            [node for node in NODES if node.id in part],
            [x for x in links if x.a in part],
            (),
            [x for x in constraints if x.a in part],
        )
        assert alone.entities == {node: whole[node] for node in part}


def test_the_surest_link_wins_where_a_person_keeps_two_ends_apart():
    links = [link("0", "1", 0.99), link("1", "2", 0.98)]
    assert groups(cluster(NODES, links, [decided("0", "2", together=False)])) == {frozenset("01")}


@pytest.mark.parametrize("last", [True, False])
def test_the_later_of_two_decisions_holds(last):
    decisions = [decided("0", "1", together=not last), decided("0", "1", together=last)]
    assert groups(cluster(NODES, [], decisions)) == ({frozenset("01")} if last else set())


def test_a_later_split_undoes_the_oldest_of_a_chain_of_merges():
    decisions = [decided("0", "1", together=True), decided("1", "2", together=True), decided("0", "2", together=False)]
    assert groups(cluster(NODES, [], decisions)) == {frozenset("12")}


def test_a_decision_acts_through_a_node_that_is_gone():
    decisions = [decided("0", "8", together=True), decided("8", "1", together=True)]
    assert groups(cluster(NODES[:8], [], decisions)) == {frozenset("01")}


def test_machines_never_join_labels_but_people_may():
    person, company = Node.of("PER", "lincoln"), Node.of("ORG", "lincoln")
    assert len(set(cluster([person, company], [Link(a=person.id, b=company.id, score=1.0)]).values())) == 2
    joined = cluster([person, company], [], [Constraint(a=person.id, b=company.id, together=True)])
    assert len(set(joined.values())) == 1


# --- abbreviations ----------------------------------------------------------------------------------------------------

WHO = Node.of("ORG", "who")
HEALTH = Node.of("ORG", "world health organization")
HEALTH_ZH = Node.of("ORG", "世界卫生组织")
HERITAGE = Node.of("ORG", "world heritage office")


def test_a_bare_abbreviation_joins_the_only_thing_it_is_declared_for():
    found = resolve([WHO, HEALTH], declared=[(WHO.id, HEALTH.id)], links=[])
    assert found.entities[WHO.id] == found.entities[HEALTH.id]
    assert found.open_pairs == ()


def test_a_bare_abbreviation_of_two_things_joins_neither_and_joins_them_not():
    found = resolve([WHO, HEALTH, HERITAGE], declared=[(WHO.id, HEALTH.id), (WHO.id, HERITAGE.id)], links=[])
    assert len(set(found.entities.values())) == 3
    assert found.open_pairs == tuple(sorted([(WHO.id, HEALTH.id), (WHO.id, HERITAGE.id)]))


def test_two_long_forms_that_are_one_entity_count_once():
    same = [Constraint(a=HEALTH.id, b=HEALTH_ZH.id, together=True)]
    found = resolve([WHO, HEALTH, HEALTH_ZH], [], [(WHO.id, HEALTH.id), (WHO.id, HEALTH_ZH.id)], same)
    assert len(set(found.entities.values())) == 1


def test_one_joined_abbreviation_may_settle_another():
    other = Node.of("ORG", "w h o")
    declared = [(HEALTH.id, HEALTH_ZH.id), (other.id, HEALTH.id), (other.id, HEALTH_ZH.id)]
    assert len(set(resolve([other, HEALTH, HEALTH_ZH], [], declared).entities.values())) == 1


def test_a_person_keeps_an_abbreviation_from_what_it_is_declared_for():
    apart = [Constraint(a=WHO.id, b=HEALTH.id, together=False)]
    found = resolve([WHO, HEALTH], [], [(WHO.id, HEALTH.id)], apart)
    assert found.entities[WHO.id] != found.entities[HEALTH.id]
    assert found.open_pairs == ((WHO.id, HEALTH.id),)


@pytest.mark.parametrize("key", ["公司", "本公司", "company", "bank", "集团", "甲方"])
def test_a_generic_short_form_joins_nothing_beyond_its_document(key):
    short = Node.of("ORG", key)
    assert len(set(resolve([short, HEALTH], [], [(short.id, HEALTH.id)]).entities.values())) == 2


# --- identity ---------------------------------------------------------------------------------------------------------


def test_ids_follow_content_and_variant():
    assert node_id("ORG", "a") == node_id("ORG", "a", "")
    assert len({node_id("ORG", "a"), node_id("PER", "a"), node_id("ORG", "b"), node_id("ORG", "a", "2")}) == 4


@settings(max_examples=30)
@given(st.permutations(NODES))
def test_an_entity_has_the_id_of_its_smallest_member_in_any_order(order):
    assert entity_id(order) == entity_id(NODES) == entity_id(NODES[:1])


def test_an_entity_without_members_has_no_id():
    with pytest.raises(ValueError, match="empty"):
        entity_id([])


@pytest.mark.parametrize(
    ("surfaces", "name"),
    [
        ({"华为": 5, "华为技术有限公司": 2}, "华为"),
        ({"华为": 2, "华为技术有限公司": 2}, "华为技术有限公司"),
        ({"ab": 1, "aa": 1}, "aa"),
        ({"世界卫生组织（WHO）": 2, "世界卫生组织": 1, "WHO": 2}, "世界卫生组织"),
        ({}, ""),
    ],
)
def test_an_entity_shows_its_most_frequent_name(surfaces, name):
    assert display_name(surfaces) == name
    assert display_name(dict(reversed(surfaces.items()))) == name
