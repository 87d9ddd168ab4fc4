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
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LIST_MARK = re.compile(
    r"[•·▪◦‣●○■□*–—-]\s|\(?\d{1,3}[.)]\s|[（(]?[\d一二三四五六七八九十]{1,3}[)）、]|第[\d一二三四五六七八九十百]+[章节条款](?:\s|\Z)"
)
_SENTENCE_END = re.compile(r"[。！？；….!?:：][\"'”’』」）)\]]*\Z")
_CLOSING = re.compile(r"[,.;:)\]，。；：、）]")
_FIRST_WORD = re.compile(f"[^\\s{CJK}]+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z")
_MIN_REPEATS = 3
_MIN_STEPS = 5
_FEW_LINES = 3
_USUAL_STEP = 2.0
_WIDEST_STEP = 2.6
_MIN_BODY_CHARS = 12
_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a page: `x` and `y` where its baseline begins, `size` of its font, in points.

    `hyphen` when it ends in the middle of a word, the hyphen itself already taken off; `is_row` when wide gaps part
    it into cells.
    """

    text: str
    page: int
    x: float
    y: float
    size: float
    box: Box
    hyphen: bool
    is_row: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The left and right edge that lines set alike, one below the other, keep to."""

    left: float
    right: float


def running_lines(pages: Sequence[Sequence[Line]]) -> set[Line]:
    """Return the page numbers, and the first and last lines that come again at one height, but for their digits."""
    edges = [line for page in pages for line in _edge_lines(page)]
    numbers = {line for line in edges if len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text)}
    worded = [line for line in edges if _LETTERS.search(line.text)]
    masks = Counter(map(_mask, worded))
    return numbers | {line for line in worded if masks[_mask(line)] >= _MIN_REPEATS}


def join_lines(lines: Sequence[Line]) -> tuple[str, tuple[PageSpan, ...]]:
    """Return the text of the lines and a span for each, which leaves out the gap to the next.

    Within a paragraph Chinese is joined without a space and a word cut by a hyphen is made whole; paragraphs are
    parted by an empty line.
    """
    parts: list[str] = []
    spans: list[PageSpan] = []
    position = 0
    hyphens = _Hyphens(lines)
    for line, after, gap in zip(lines, [*lines[1:], None], _gaps(lines), strict=True):
        text = line.text
        if after and (line.hyphen or (not gap and text.endswith("-"))):
            text = hyphens.settle(text.removesuffix("-"), after.text)
        spans.append(PageSpan(start=position, end=position + len(text), page=line.page, box=line.box))
        parts += (text, gap)
        position += len(text) + len(gap)
    return "".join(parts).removesuffix(_GAP), tuple(spans)


class _Hyphens:
    """Tells a word cut at a line end from one written with a hyphen, by the other words of the document."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._words: frozenset[str] | None = None

    def settle(self, text: str, after: str) -> str:
        """Return the line with the hyphen at its end or without; `text` comes without."""
        head, tail = _LAST_WORD.search(text), _WORD.match(after)
        if head is None or tail is None or "-" in head.group():
            return text + "-"
        first, second = head.group().lower(), tail.group().lower()
        words = self._known()
        if first + second in words:
            return text
        return text + "-" if f"{first}-{second}" in words or {first, second} <= words else text

    def _known(self) -> frozenset[str]:
        if self._words is None:
            self._words = frozenset(
                word
                for before, line in pairwise([None, *self._lines])
                if line is not None
                for word in _whole_words(line, before)
            )
        return self._words


def _whole_words(line: Line, before: Line | None) -> list[str]:
    """Return the words of a line but for those cut at its ends."""
    words = _WORD.findall(line.text.lower())
    first = 1 if before is not None and (before.hyphen or before.text.endswith("-")) else 0
    return words[first : -1 if line.hyphen or line.text.endswith("-") else None]


def _edge_lines(page: Sequence[Line]) -> tuple[Line, ...]:
    if not page:
        return ()
    top, bottom = max(page, key=lambda line: line.y), min(page, key=lambda line: line.y)
    return (top,) if top is bottom else (top, bottom)


def _mask(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.y / 3)


def _gaps(lines: Sequence[Line]) -> Iterator[str]:
    """Yield what stands after each line: nothing or a space within a paragraph, an empty line at its end."""
    blocks = _blocks(lines)
    for (line, block), (after, after_block) in pairwise(zip(lines, blocks, strict=True)):
        if line.hyphen:
            yield ""
        elif _is_beside(line, after):
            # A raised figure, or a cell of a row.
            yield "" if _CLOSING.match(after.text) else " "
        elif _goes_on(line, after, block) if block is after_block else _goes_on_elsewhere(line, after, block):
            yield _joint(line, after)
        else:
            yield _GAP
    yield _GAP


def _joint(line: Line, after: Line) -> str:
    last, first = line.text[-1], after.text[0]
    cut = last == "-" and first.islower() and _LAST_WORD.search(line.text[:-1])
    return "" if cut or is_cjk(last) or is_cjk(first) else " "


def _is_beside(line: Line, after: Line) -> bool:
    """Tell whether two pieces stand side by side on one line."""
    level = abs(line.y - after.y) < 0.5 * max(line.size, after.size)
    return line.page == after.page and level and after.box[0] > line.box[0]


def _goes_on(line: Line, after: Line, block: _Block) -> bool:
    """Tell whether the line after, in the same block, belongs to the same paragraph."""
    if line.is_row or after.is_row or _LIST_MARK.match(after.text):
        return False
    # A first line is set in; after a list mark it is the others that are.
    if after.x - line.x > 0.8 * line.size and not _LIST_MARK.match(line.text):
        return False
    return _is_full(line, after, block)


def _goes_on_elsewhere(line: Line, after: Line, block: _Block) -> bool:
    """Tell whether a paragraph goes on at the head of the next column or page."""
    moved = after.page != line.page or after.y > line.y
    open_ended = not (_SENTENCE_END.search(line.text) or _LIST_MARK.match(after.text) or line.is_row or after.is_row)
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
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    blocks: list[_Block] = []
    for start, end in pairwise([*starts, len(lines)]):
        blocks += [_block(lines[start:end], pages[lines[start].page])] * (end - start)
    return blocks


def _block(lines: Sequence[Line], page: Sequence[Line]) -> _Block:
    """Return the edges of a block; a few lines alone do not show how far lines may go, others on the page do."""
    left, right = min(line.box[0] for line in lines), max(line.box[2] for line in lines)
    if len(lines) <= _FEW_LINES:
        reach = 3 * lines[0].size
        rights = sorted(line.box[2] for line in page if abs(line.box[0] - left) < reach and _is_alike(line, lines[0]))
        right = max(right, rights[len(rights) * 3 // 4])
    return _Block(left=left, right=right)


def _widest_step(lines: Sequence[Line]) -> float:
    """Return the widest step down, in font sizes, from a line to the next of the same paragraph."""
    steps = [
        (line.y - after.y) / line.size
        for line, after in pairwise(lines)
        if line.page == after.page and _is_alike(line, after) and 0.3 < (line.y - after.y) / line.size < _WIDEST_STEP
    ]
    return min(_WIDEST_STEP, 1.35 * median(steps)) if len(steps) >= _MIN_STEPS else _USUAL_STEP
