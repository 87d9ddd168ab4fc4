"""From text back to the page."""

from kgbuilder.ingest import locate
from kgbuilder.records import Document, PageSpan

PAGES = (
    PageSpan(start=0, end=10, page=1, box=(1, 2, 3, 4)),
    PageSpan(start=12, end=20, page=1, box=(1, 0, 3, 2)),
    PageSpan(start=20, end=30, page=2, box=(5, 6, 7, 8)),
)
DOCUMENT = Document(
    id="d", source="a.pdf", name="a.pdf", text="x" * 30, media_type="application/pdf", language="en", pages=PAGES
)


def _found(start: int, end: int) -> list[tuple[int, int, int]]:
    return [(span.start, span.end, span.page) for span in locate(DOCUMENT, start, end)]


def test_a_span_within_a_line_is_cut_to_it_and_keeps_the_box() -> None:
    (span,) = locate(DOCUMENT, 3, 5)
    assert (span.start, span.end, span.page, span.box) == (3, 5, 1, (1, 2, 3, 4))


def test_a_span_over_lines_and_pages_gives_one_place_for_each() -> None:
    assert _found(8, 25) == [(8, 10, 1), (12, 20, 1), (20, 25, 2)]


def test_edges_are_half_open() -> None:
    assert _found(10, 12) == []
    assert _found(20, 21) == [(20, 21, 2)]
    assert _found(12, 20) == [(12, 20, 1)]
    assert _found(30, 40) == []


def test_a_document_without_pages_has_no_places() -> None:
    plain = Document(id="d", source="a", name="a", text="x", media_type="text/plain", language="en")
    assert locate(plain, 0, 1) == ()
