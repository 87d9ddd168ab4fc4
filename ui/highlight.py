"""Text with spans marked in it, as HTML; offsets are code points of the text given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ui.markup import escaped

__all__ = ["Span", "marked", "segments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end`, half-open, in a colour; `title` shows on hovering, `href` comes from `page_link`.

    `role` is a word written small after the span; it is no part of the text.
    """

    start: int
    end: int
    color: str
    title: str = ""
    href: str = ""
    role: str = ""


def segments(length: int, spans: Sequence[Span]) -> Iterator[tuple[int, int, Span | None]]:
    """Cut a text of `length` characters where spans begin and end; each piece has its innermost span, or None.

    The innermost is the shortest; of equally long ones the one that begins last. Spans may overlap, and may reach over
    the ends of the text; empty ones are left out.
    """
    inside = [span for span in spans if max(span.start, 0) < min(span.end, length)]
    waiting = sorted(inside, key=lambda span: span.start)
    cuts = sorted({0, length} | {min(max(edge, 0), length) for span in inside for edge in (span.start, span.end)})
    open_spans: list[Span] = []
    taken = 0
    for start, end in pairwise(cuts):
        while taken < len(waiting) and waiting[taken].start <= start:
            open_spans.append(waiting[taken])
            taken += 1
        open_spans = [span for span in open_spans if span.end > start]
        yield start, end, min(open_spans, key=_inwards, default=None)


def _inwards(span: Span) -> tuple[int, int]:
    return span.end - span.start, -span.start


def marked(text: str, spans: Sequence[Span]) -> str:
    """Return `text` as HTML with `spans` marked; all of the text is in it, escaped, in order."""
    return "".join(
        _piece(text[start:end], span, start, end) if span else escaped(text[start:end])
        for start, end, span in segments(len(text), spans)
    )


def _piece(text: str, span: Span, start: int, end: int) -> str:
    # A span that is cut by one inside it keeps its rounded ends at its own ends only.
    edges = (" kg-m-s" if start <= span.start else "") + (" kg-m-e" if end >= span.end else "")
    role = f' data-role="{escaped(span.role)}"' if span.role and end >= span.end else ""
    attributes = f'class="kg-m{edges}" style="--c:{span.color}" title="{escaped(span.title)}"{role}'
    body = escaped(text)
    return f'<a {attributes} href="{span.href}">{body}</a>' if span.href else f"<mark {attributes}>{body}</mark>"
