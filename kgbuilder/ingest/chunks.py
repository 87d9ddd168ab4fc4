"""Cutting a document into chunks of whole sentences, at places that its content alone decides."""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from kgbuilder.ids import content_id
from kgbuilder.ingest.boundaries import iter_sentences
from kgbuilder.ingest.formats import MEDIA_TYPES
from kgbuilder.ingest.language import WEIGHTS_PER_TOKEN, detect_language, weigh
from kgbuilder.records import Chunk, Document, Passage

__all__ = ["chunk", "passage"]

_MIN_SHARE = 0.5
_OVERLAP_SHARE = 0.15
_LOOKAHEAD_SHARE = 1.25
_CLAUSE_END = re.compile(r"[，、：；。！？,;:.!?](?!\d)\s*")
_BLANK = re.compile(r"\s+")
_NOT_BLANK = re.compile(r"\S")
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A sentence, or a part of one too long for the budget; `weight` counts the gap behind it too.

    `closes` when a paragraph ends with it.
    """

    start: int
    end: int
    weight: int
    closes: bool


def chunk(document: Document, *, max_tokens: int = 1000, overlap_sentences: int = 1) -> tuple[Chunk, ...]:
    """Cut a document into chunks of at most `max_tokens` estimated tokens, which together hold all but blanks.

    Each begins with up to `overlap_sentences` of the sentences before it, as far as they fit 15 % of the budget on
    top. Within the second half of a full chunk the cut falls at the paragraph end, else the sentence end, whose
    sentence has the highest hash: after an edit the cuts soon fall where they fell before.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}, but must be 1 or more")
    budget = max_tokens * WEIGHTS_PER_TOKEN
    units = _units(document, budget)
    return tuple(
        _record(document, seq, start, end)
        for seq, (start, end) in enumerate(_spans(document.text, units, budget, overlap_sentences))
    )


def passage(document: Document, part: Chunk) -> Passage:
    """Return what an extractor is to see of a chunk."""
    return Passage(id=part.passage_id, text=document.text[part.start : part.end], language=part.language)


def _record(document: Document, seq: int, start: int, end: int) -> Chunk:
    text = document.text[start:end]
    own = detect_language(text)
    language = document.language if own == "und" else own
    return Chunk(
        id=content_id("chunk", document.id, start, end),
        document_id=document.id,
        seq=seq,
        start=start,
        end=end,
        language=language,
        passage_id=content_id("passage", language, text),
    )


def _units(document: Document, budget: int) -> Iterator[_Unit]:
    text = document.text
    if len(text) <= budget and weigh(text) <= budget:
        # One chunk whatever its sentences are.
        spans = _stripped(text)
    elif document.media_type == MEDIA_TYPES["csv"]:
        spans = ((row.start, row.end) for row in document.pages)
    else:
        spans = iter_sentences(text, document.language)
    return _weighed(text, spans, budget)


def _stripped(text: str) -> Iterator[tuple[int, int]]:
    first = _NOT_BLANK.search(text)
    if first is not None:
        yield first.start(), len(text.rstrip())


def _weighed(text: str, spans: Iterator[tuple[int, int]], budget: int) -> Iterator[_Unit]:
    span = next(spans, None)
    while span is not None:
        after = next(spans, None)
        start, end = span
        stop = after[0] if after else end
        if weigh(text[start:stop]) <= budget:
            yield _unit(text, start, end, stop)
        else:
            yield from _cut(text, start, end, stop, budget)
        span = after


def _unit(text: str, start: int, end: int, stop: int) -> _Unit:
    closes = stop - end > 1 and text.count("\n", end, stop) > 1
    return _Unit(start=start, end=end, weight=weigh(text[start:stop]), closes=closes)


def _cut(text: str, start: int, end: int, stop: int, budget: int) -> Iterator[_Unit]:
    """Cut a sentence over the budget after a clause, else at a blank, else hard."""
    while start < end:
        limit = _reach(text, start, end, budget)
        if limit < end:
            limit = _place(text, start, limit)
        after = _NOT_BLANK.search(text, limit, end)
        begin = after.start() if after else end
        last = start + len(text[start:limit].rstrip())
        yield _unit(text, start, last, begin if begin < end else stop)
        start = begin


def _reach(text: str, start: int, end: int, budget: int) -> int:
    """Return the furthest end up to which the text from `start` keeps to the budget, at least one character on."""
    low, high = start + 1, min(end, start + budget // WEIGHTS_PER_TOKEN * _CHARS_PER_TOKEN)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if weigh(text[start:middle]) <= budget else (low, middle - 1)
    return low


def _place(text: str, start: int, limit: int) -> int:
    earliest = start + (limit - start) // 2
    for pattern in (_CLAUSE_END, _BLANK):
        places = [match.end() for match in pattern.finditer(text, earliest, limit)]
        if places:
            return places[-1]
    return limit


def _spans(text: str, units: Iterator[_Unit], budget: int, n_overlap: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the chunks, reading no further ahead than a chunk and a quarter."""
    waiting: list[_Unit] = []
    before: list[_Unit] = []
    weight, more = 0, True
    while more or waiting:
        while more and weight <= _LOOKAHEAD_SHARE * budget:
            unit = next(units, None)
            more = unit is not None
            if unit is not None:
                waiting.append(unit)
                weight += unit.weight
        if not waiting:
            return
        n_units = len(waiting) if weight <= budget and not more else _cut_after(text, waiting, budget, more)
        overlap = _overlap(before, budget, n_overlap)
        yield (overlap or waiting)[0].start, waiting[n_units - 1].end
        before = waiting[:n_units]
        del waiting[:n_units]
        weight -= sum(unit.weight for unit in before)


def _cut_after(text: str, units: Sequence[_Unit], budget: int, more: bool) -> int:
    """Return how many of the units make up the next chunk; near the text's end no runt is left over."""
    sums = list(accumulate(unit.weight for unit in units))
    highest = budget if more else min(budget, sums[-1] - _MIN_SHARE * budget / 2)
    window = [index for index, total in enumerate(sums[:-1]) if _MIN_SHARE * budget <= total <= highest]
    if not window:
        return max(1, sum(total <= budget for total in sums[:-1]))
    window = [index for index in window if units[index].closes] or window
    return 1 + max(window, key=lambda index: (_hash(text, units[index]), index))


def _hash(text: str, unit: _Unit) -> int:
    return zlib.crc32(text[unit.start : unit.end].encode("utf-8", "surrogatepass"))


def _overlap(before: Sequence[_Unit], budget: int, n_overlap: int) -> Sequence[_Unit]:
    """Return the last sentences of the chunk before that fit the overlap's share of the budget."""
    first, weight = len(before), 0
    while first and len(before) - first < n_overlap:
        weight += before[first - 1].weight
        if weight > _OVERLAP_SHARE * budget:
            break
        first -= 1
    return before[first:]
