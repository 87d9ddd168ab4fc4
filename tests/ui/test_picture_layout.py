"""Places of nodes: inside the frame, apart, the same every time."""

import math

import pytest

from ui.components.layout import places

RING = [(n, (n + 1) % 12) for n in range(12)]


@pytest.mark.parametrize(
    ("n", "links"),
    [(1, []), (2, [(0, 1)]), (3, []), (5, [(0, 0)]), (12, RING), (80, [(n, n % 7) for n in range(80)])],
)
def test_every_node_stands_in_the_frame_and_apart_from_the_others(n, links):
    found = places(n, links, width=900, height=560)
    assert len(found) == n
    assert all(0 <= x <= 900 and 0 <= y <= 560 for x, y in found)
    assert all(math.dist(a, b) > 5 for place, a in enumerate(found) for b in found[:place])


def test_the_same_picture_has_the_same_places():
    assert places(12, RING, width=900, height=560) == places(12, RING, width=900, height=560)


def test_linked_nodes_stand_nearer_than_others():
    found = places(12, RING, width=600, height=600)
    linked = [math.dist(found[a], found[b]) for a, b in RING]
    others = [
        math.dist(found[a], found[b]) for a in range(12) for b in range(a) if (b, a) not in RING and (a, b) not in RING
    ]
    assert max(linked) < sum(others) / len(others)


def test_two_nodes_do_not_stand_at_the_ends_of_the_frame():
    first, second = places(2, [(0, 1)], width=900, height=560)
    assert math.dist(first, second) < 250


def test_nothing_has_no_places():
    assert places(0, [], width=900, height=560) == []
