"""Pieces of HTML: whatever text they are given ends as text."""

import re

import pytest

from ui import markup

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE document; --",
    "](javascript:alert(1)) **bold** :material/home: $x$",
    "\u202egnp.exe\u202c",
    "a\u200bb\ufeffc",
    "x" * 10_000,
    "\ud800 half",
    "two\nlines\r\nthree\x00\x07",
]


def pieces(text: str) -> str:
    link = markup.page_link("entities", id=text)
    return "".join(
        [
            markup.escaped(text),
            markup.badge(text),
            markup.chip(text, text, type_name=text, href=link),
            markup.tiles([(text, text, text)]),
            markup.bars([(text, 3, "#123456")], more=text),
            markup.stack([(text, 3, "good")]),
            markup.notice(text, [text]),
        ]
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_no_element_and_no_attribute(text):
    markup_ = pieces(text)
    names = set(re.findall(r"<\s*/?\s*([a-zA-Z!][^\s/>]*)", markup_))
    assert names <= {"span", "i", "b", "bdi", "small", "div", "ul", "li", "p", "h4", "a"}
    attributes = set(re.findall(r'\s([a-z-]+)="', re.sub(r'"[^"]*"', '""', markup_)))
    assert attributes <= {"class", "style", "title", "href", "role"}
    assert markup_.count("<a ") == 1
    assert "javascript:" not in re.findall(r'href="([^"]*)"', markup_)[0]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_sent_to_the_page_is_unicode_without_hidden_signs(text):
    for shown in (pieces(text), markup.one_line(text)):
        shown.encode()
        assert not re.search("[\x00-\x08\u200b\u202a-\u202e\ufeff]", shown)


def test_hidden_signs_are_named():
    assert markup.printable("a\u202eb") == "a‹202E›b"
    assert markup.printable("\u200b") == "‹200B›"


def test_joiners_that_scripts_and_emoji_need_stay():
    assert markup.printable("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬"


def test_a_long_name_is_cut_in_a_cell():
    assert markup.one_line("x" * 10_000, 20) == "x" * 19 + "…"
    assert markup.one_line("a\n  b\tc") == "a b c"


def test_a_link_holds_its_parameters_as_data():
    assert markup.page_link("entities", id='a&b"<>', lang="zh") == "./entities?id=a%26b%22%3C%3E&amp;lang=zh"


def test_the_longest_bar_is_full_and_none_is_invisible():
    widths = re.findall(r"width:(\d+)%", markup.bars([("a", 1000, "#123456"), ("b", 1, "#123456")]))
    assert widths == ["100", "2"]


def test_parts_of_zero_are_left_out_of_a_stack():
    assert markup.stack([("done", 3, "good"), ("failed", 0, "bad")]).count("flex:") == 1
