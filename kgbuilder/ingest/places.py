"""From a span of a document's text back to the pages and boxes it was read from."""

from bisect import bisect_right
from dataclasses import replace
from operator import attrgetter

from kgbuilder.records import Document, PageSpan

__all__ = ["locate"]


def locate(document: Document, start: int, end: int) -> tuple[PageSpan, ...]:
    """Return where the characters `start` to `end` stand, in reading order, one span per line of the page.

    The spans are cut to `start` and `end`; a box is that of the whole line. Empty where the format has no pages.
    """
    pages = document.pages
    first = bisect_right(pages, start, key=attrgetter("end"))
    found: list[PageSpan] = []
    for span in pages[first:] if first else pages:
        if span.start >= end:
            break
        found.append(replace(span, start=max(span.start, start), end=min(span.end, end)))
    return tuple(found)
