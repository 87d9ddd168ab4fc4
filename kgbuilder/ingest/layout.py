"""From the lines of a page to paragraphs, by where the lines stand."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from kgbuilder.ingest.language import CJK, is_cjk
from kgbuilder.records import PageSpan

__all__ = ["Box", "Line", "join_lines", "running_lines"]

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in points, the origin at the lower left of the page."""

_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–—\s]*\d{1,5}[-–—\s]*(?:(?:/|of)\s*\d{1,5})?|第\s*\d{1,5}\s*页.{0,12}", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_LIST_MARK = re.compile(
    r"[•·▪◦‣●○■□*–—-]\s|\(?\d{1,3}[.)]\s|[（(]?[\d一二三四五六七八九十]{1,3}[)）、]|第[\d一二三四五六七八九十百]+[章节条款]"
)
_SENTENCE_END = re.compile(r"[。！？；….!?:：][\"'”’』」）)\]]*\Z")
_FIRST_WORD = re.compile(f"[^\\s{CJK}]+")
_LAST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z")
_MIN_REPEATS = 3
_MIN_STEPS = 5
_USUAL_STEP = 2.0
_WIDEST_STEP = 2.6
_MIN_BODY_CHARS = 12
_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a page: `x` and `y` where its baseline begins, `size` of its font, in points.

    `hyphen` when it ends in the middle of a word, the hyphen itself already taken off.
    """

    text: str
    page: int
    x: float
    y: float
    size: float
    box: Box
    hyphen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The left and right edge of lines set alike, one below the other."""

    left: float
    right: float


def running_lines(pages: Sequence[Sequence[Line]]) -> set[Line]:
    """Return the page numbers, and the heads and feet that come again on at least a third of the pages."""
    edges = [line for page in pages for line in _edge_lines(page)]
    masks = Counter(_mask(line) for line in edges)
    n_needed = max(_MIN_REPEATS, len(pages) / 3)
    numbers = {line for line in edges if len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text)}
    return numbers | {line for line in edges if masks[_mask(line)] >= n_needed}


def join_lines(lines: Sequence[Line]) -> tuple[str, tuple[PageSpan, ...]]:
    """Return the text of the lines and a span for each, which leaves out the gap to the next.

    Within a paragraph Chinese is joined without a space and a word cut by a hyphen is made whole; paragraphs are
    parted by an empty line.
    """
    parts: list[str] = []
    spans: list[PageSpan] = []
    position = 0
    for line, gap in zip(lines, _gaps(lines), strict=True):
        text = _unhyphenated(line.text) if line.hyphen or (not gap and line.text.endswith("-")) else line.text
        spans.append(PageSpan(start=position, end=position + len(text), page=line.page, box=line.box))
        parts += (text, gap)
        position += len(text) + len(gap)
    return "".join(parts).removesuffix(_GAP), tuple(spans)


def _edge_lines(page: Sequence[Line]) -> tuple[Line, ...]:
    if not page:
        return ()
    top, bottom = max(page, key=lambda line: line.y), min(page, key=lambda line: line.y)
    return (top,) if top is bottom else (top, bottom)


def _mask(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.y / 3)


def _unhyphenated(text: str) -> str:
    """Leave the hyphen out, unless the word has others: "state-of-the-" goes on with one."""
    text = text.removesuffix("-")
    word = _LAST_WORD.search(text)
    return text + "-" if word is None or "-" in word.group() else text


def _gaps(lines: Sequence[Line]) -> Iterator[str]:
    """Yield what stands after each line: nothing or a space within a paragraph, an empty line at its end."""
    blocks = _blocks(lines)
    for (line, block), (after, after_block) in pairwise(zip(lines, blocks, strict=True)):
        goes_on = line.hyphen or (
            _goes_on(line, after, block) if block is after_block else _goes_on_elsewhere(line, after, block)
        )
        yield _joint(line, after) if goes_on else _GAP
    yield _GAP


def _joint(line: Line, after: Line) -> str:
    last, first = line.text[-1], after.text[0]
    cut = last == "-" and first.islower() and _LAST_WORD.search(line.text[:-1])
    return "" if line.hyphen or cut or is_cjk(last) or is_cjk(first) else " "


def _goes_on(line: Line, after: Line, block: _Block) -> bool:
    """Tell whether the line after, in the same block, belongs to the same paragraph."""
    if abs(line.y - after.y) < 0.3 * line.size:
        return True
    if _LIST_MARK.match(after.text):
        return False
    indented = after.x - block.left > 0.8 * line.size
    if indented and (line.x - block.left <= 0.8 * line.size or _SENTENCE_END.search(line.text)):
        return False
    return _is_full(line, after, block)


def _goes_on_elsewhere(line: Line, after: Line, block: _Block) -> bool:
    """Tell whether a paragraph goes on at the head of the next column or page."""
    moved = after.page != line.page or after.y > line.y
    open_ended = not _SENTENCE_END.search(line.text) and not _LIST_MARK.match(after.text)
    body = len(line.text) >= _MIN_BODY_CHARS and _is_alike(line, after)
    return moved and open_ended and body and _is_full(line, after, block)


def _is_full(line: Line, after: Line, block: _Block) -> bool:
    """Tell whether the line ended for want of room: the first word of the next had no place on it."""
    word = _FIRST_WORD.match(after.text)
    n_ems = 0.5 * len(word.group()) + 0.5 if word else 2.2
    return block.right - line.box[2] <= n_ems * line.size


def _is_alike(line: Line, after: Line) -> bool:
    return abs(line.size - after.size) <= 0.15 * max(line.size, after.size)


def _blocks(lines: Sequence[Line]) -> list[_Block]:
    """Return for each line its block; a block ends at another font size, a wide gap, a new column or page."""
    widest = _widest_step(lines)
    starts = [0]
    for index, (line, after) in enumerate(pairwise(lines), start=1):
        step = (line.y - after.y) / line.size
        if line.page != after.page or not _is_alike(line, after) or not -0.3 <= step <= widest:
            starts.append(index)
    blocks: list[_Block] = []
    for start, end in pairwise([*starts, len(lines)]):
        boxes = [line.box for line in lines[start:end]]
        blocks += [_Block(left=min(box[0] for box in boxes), right=max(box[2] for box in boxes))] * (end - start)
    return blocks


def _widest_step(lines: Sequence[Line]) -> float:
    """Return the widest step down, in font sizes, from a line to the next of the same paragraph."""
    steps = [
        (line.y - after.y) / line.size
        for line, after in pairwise(lines)
        if line.page == after.page and _is_alike(line, after) and 0.3 < (line.y - after.y) / line.size < _WIDEST_STEP
    ]
    return min(_WIDEST_STEP, 1.35 * median(steps)) if len(steps) >= _MIN_STEPS else _USUAL_STEP
