"""Lines built by hand: what joins, what stays apart."""

from kgbuilder.ingest.layout import Line, join_lines, running_lines


def _line(text: str, *, y: float, x: float = 50, right: float = 300, page: int = 1, **keywords: object) -> Line:
    size = keywords.pop("size", 10.0)
    fields = {"hyphen": False, "is_row": False, **keywords}
    return Line(text=text, page=page, x=x, y=y, size=size, box=(x, y - 2, right, y + 8), **fields)  # type: ignore[arg-type]


def _text(*lines: Line) -> str:
    text, spans = join_lines(lines)
    assert len(spans) == len(lines)
    assert all(text[span.start : span.end].startswith(line.text[:3]) for span, line in zip(spans, lines, strict=True))
    return text


def _body(first: float = 700, n_lines: int = 6) -> list[Line]:
    return [_line(f"This is line {number} of a body of text that", y=first - 12 * number) for number in range(n_lines)]


def test_a_hyphen_before_the_next_page_is_undone() -> None:
    text = _text(*_body(), _line("which tells of the incor-", y=628), _line("poration of a company.", y=780, page=2))
    assert text.endswith("of the incorporation of a company.")


def test_a_dash_before_a_capital_is_kept() -> None:
    assert _text(_line("The valley of the Rhine-", y=700), _line("Main area is wide.", y=688)) == (
        "The valley of the Rhine- Main area is wide."
    )


def test_chinese_lines_join_without_a_space_and_latin_ones_with_one() -> None:
    assert _text(_line("沈砚秋生于", y=700), _line("棠州", y=684), _line("Hill and", y=668), _line("Dunn", y=652)) == (
        "沈砚秋生于棠州Hill and Dunn"
    )


def test_an_indented_line_begins_a_paragraph() -> None:
    lines = [_line("A full line of the first paragraph.", y=700), _line("The second begins here", y=688, x=65)]
    assert _text(*lines, _line("and goes on.", y=676)) == (
        "A full line of the first paragraph.\n\nThe second begins here and goes on."
    )


def test_a_list_item_goes_on_behind_its_mark() -> None:
    assert _text(_line("• An item that is long", y=700), _line("and goes on here.", y=688, x=65)) == (
        "• An item that is long and goes on here."
    )


def test_short_lines_among_long_ones_are_items() -> None:
    items = [_line("a first item", y=500, right=110), _line("a second item", y=488, right=112)]
    assert _text(*_body(), *items).split("\n\n")[1:] == ["a first item", "a second item"]


def test_a_wide_gap_parts_paragraphs() -> None:
    assert "\n\n" in _text(*_body(), _line("Another body, full to its end", y=610))


def test_another_size_parts_a_title_from_the_text() -> None:
    assert _text(_line("A title as wide", y=714, size=14.0), *_body(n_lines=1)).startswith("A title as wide\n\n")


def test_raised_figures_stand_beside_their_word() -> None:
    pieces = [
        _line("Han Ruoxi", y=700, x=50, right=100),
        _line("1,2", y=703.5, x=100, right=108, size=6.0),
        _line(", Mei Zhen", y=700, x=108, right=160),
    ]
    assert _text(*pieces) == "Han Ruoxi 1,2, Mei Zhen"


def test_heads_that_differ_only_in_digits_are_found_where_they_repeat() -> None:
    pages = [
        [_line(f"Chapter 2, page {page}", y=800, page=page), _line(f"text {'abcd'[page]}", y=500, page=page)]
        for page in range(4)
    ]
    found = running_lines(pages)
    assert {line.y for line in found} == {800}
    assert len(found) == 4


def test_rows_of_figures_at_the_head_of_pages_are_no_running_heads() -> None:
    pages = [[_line(f"{page} 12 34", y=800, page=page), _line("text", y=500 - page, page=page)] for page in range(5)]
    assert not any(line.y == 800 for line in running_lines(pages))
