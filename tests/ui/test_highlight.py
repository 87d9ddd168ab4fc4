"""Marked text: every character in it once, in order, whatever the spans."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from ui.highlight import Span, marked, segments
from ui.markup import printable


def span(start: int, end: int, **more: str) -> Span:
    return Span(start=start, end=end, color="#123456", **more)


def visible(markup: str) -> str:
    """What a browser shows of markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def pieces(length: int, spans: list[Span]) -> list[tuple[int, int, tuple[int, int] | None]]:
    return [(start, end, (s.start, s.end) if s else None) for start, end, s in segments(length, spans)]


def test_a_span_stands_between_what_is_before_and_after_it():
    assert marked("Ada met Bo", [span(4, 7)]) == (
        'Ada <mark class="kg-m kg-m-s kg-m-e" style="--c:#123456" title="">met</mark> Bo'
    )


def test_the_inner_of_two_nested_spans_wins():
    assert pieces(10, [span(0, 8), span(2, 4)]) == [(0, 2, (0, 8)), (2, 4, (2, 4)), (4, 8, (0, 8)), (8, 10, None)]


def test_of_two_crossing_spans_the_shorter_wins_where_they_cross():
    assert pieces(9, [span(0, 5), span(3, 9)]) == [(0, 3, (0, 5)), (3, 5, (0, 5)), (5, 9, (3, 9))]


def test_spans_over_the_ends_are_cut_and_those_outside_left_out():
    assert pieces(5, [span(-3, 2), span(4, 99), span(7, 9), span(3, 3)]) == [
        (0, 2, (-3, 2)),
        (2, 4, None),
        (4, 5, (4, 99)),
    ]


def test_offsets_are_code_points_beyond_the_basic_plane():
    text = "𠮷野家和😀店"
    assert '">𠮷野家</mark>和😀' in marked(text, [span(0, 3)])
    assert '">😀店</mark>' in marked(text, [span(4, 6)])


def test_a_cut_span_is_rounded_at_its_own_ends_only():
    markup = marked("abcdef", [span(0, 6), span(2, 3)])
    assert re.findall(r'class="([^"]*)"', markup) == ["kg-m kg-m-s", "kg-m kg-m-s kg-m-e", "kg-m kg-m-e"]


def test_a_role_is_no_part_of_the_text():
    markup = marked("Ada", [span(0, 3, role="head")])
    assert 'data-role="head"' in markup
    assert visible(markup) == "Ada"


def test_markup_in_text_and_titles_is_shown_not_done():
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    markup = marked(hostile, [span(2, 9, title=hostile)])
    assert "<script" not in markup
    assert "<img" not in markup
    assert visible(markup) == hostile


texts = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'\u202e\u200b茶😀\r\n"), max_size=40)


@given(texts, st.lists(st.tuples(st.integers(-5, 45), st.integers(-5, 45)), max_size=8))
def test_every_character_is_there_once_in_order(text, edges):
    spans = [span(a, b) for a, b in edges]
    shown = visible("".join(marked(text[a:b], []) for a, b, _ in segments(len(text), spans)))
    assert visible(marked(text, spans)) == shown
    assert "".join(text[a:b] for a, b, _ in segments(len(text), spans)) == text


@given(st.integers(0, 30), st.lists(st.tuples(st.integers(-5, 35), st.integers(-5, 35)), max_size=8))
def test_every_place_has_its_shortest_span(length, edges):
    spans = [span(a, b) for a, b in edges]
    for start, end, chosen in segments(length, spans):
        for place in range(start, end):
            over = [s for s in spans if s.start <= place < s.end]
            assert (chosen is None) == (not over)
            assert chosen is None or chosen.end - chosen.start == min(s.end - s.start for s in over)


@given(texts)
def test_printable_text_hides_nothing(text):
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\ufeff\ud800-\udfff]", printable(text))
