"""Spans that name something, and the room they take in a text."""

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Room", "Span", "label_of", "span"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end` name something of `kind`: a label, or a label and a finer kind ("TERM.leader").

    `outer` is the span with its title marks or quotes, which the sentence patterns do not see. `full` is where the full
    name of a short form stands, near before it.
    """

    start: int
    end: int
    kind: str
    score: float
    outer: tuple[int, int]
    full: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        return label_of(self.kind)


@lru_cache(maxsize=1024)
def label_of(kind: str) -> str:
    """Return the label of a kind: "TERM" of "TERM.leader"."""
    return kind.partition(".")[0]


def span(start: int, end: int, kind: str, score: float) -> Span:
    """Make a span without marks around it."""
    return Span(start=start, end=end, kind=kind, score=score, outer=(start, end))


class Room:
    """The spans accepted so far; none overlaps another, the first comer stays."""

    __slots__ = ("_taken", "by_end", "by_start")

    def __init__(self, n_chars: int) -> None:
        self._taken = bytearray(n_chars)
        self.by_start: dict[int, Span] = {}
        self.by_end: dict[int, Span] = {}

    @property
    def spans(self) -> list[Span]:
        return list(self.by_start.values())

    def is_free(self, start: int, end: int) -> bool:
        return start < end and self._taken.find(1, start, end) < 0

    def take(self, found: Span) -> bool:
        """Accept `found` if nothing stands there yet; say whether it was accepted."""
        start, end = found.outer
        if not self.is_free(start, end):
            return False
        self._taken[start:end] = b"\x01" * (end - start)
        self.by_start[start] = self.by_end[end] = found
        return True

    def release(self, found: Span) -> None:
        """Give the room of an accepted span back."""
        start, end = found.outer
        self._taken[start:end] = bytes(end - start)
        del self.by_start[start], self.by_end[end]

    def sorted(self) -> list[Span]:
        return sorted(self.spans, key=lambda item: item.start)
