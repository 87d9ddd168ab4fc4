"""Names that people have given, in what a model read: they are found even where it misses them, with their types."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kgbuilder.extract.compact.decode import FloatArray, Reading, ReadMention, ReadTriple, Settings, Span
from kgbuilder.extract.compact.features import Features
from kgbuilder.extract.compact.repeats import cuts_word
from kgbuilder.extract.lexicon.gazetteer import Entry, Gazetteer, characters, words
from kgbuilder.extract.lexicon.ruler import Pattern, Ruler
from kgbuilder.normalize import simplified

__all__ = ["KnownNames", "forced_spans", "with_known"]

KNOWN_SCORE = 0.95
"""How sure a name is that a person has listed, as in the lexicon."""

MAX_PIECE_CHARS = 50_000
"""spaCy takes texts of a bounded length."""

_BY_HAND = "!"
_LONGER_IN_LOWER_CASE = {0x130: "I"}
Allows = Callable[[str, str, str], bool]


class KnownNames:
    """Finds the names and patterns of gazetteers in texts of one language."""

    def __init__(
        self,
        entries: Iterable[Entry],
        patterns: Sequence[Pattern],
        language: str,
        cache_dir: Path | None = None,
    ) -> None:
        self._is_chinese = language == "zh"
        self._spelled: dict[str, bool] = {}
        listed = [(simplified(name) if self._is_chinese else name, label) for name, label in entries]
        for name, _ in listed:
            # A name in small letters alone is found however it is written.
            self._spelled[name.lower()] = name[0].isupper() and self._spelled.get(name.lower(), True)
        ruler = Ruler([(_BY_HAND + label, pattern) for label, pattern in patterns], language) if patterns else None
        split = characters if self._is_chinese else words
        self._gazetteer = Gazetteer(listed, split, cache_dir, ruler) if listed or patterns else None

    def find(self, text: str) -> list[ReadMention]:
        """Return the known names of a text in order; of those that overlap the longest, then the first."""
        if self._gazetteer is None:
            return []
        hits = [
            (start + by, end + by, label.removeprefix(_BY_HAND))
            for by, piece in _pieces(simplified(text) if self._is_chinese else text)
            for start, end, label in self._gazetteer.find(piece.translate(_LONGER_IN_LOWER_CASE))
            if label.startswith(_BY_HAND) or self._is_spelled(piece, start, end)
        ]
        taken = bytearray(len(text))
        found = []
        for start, end, label in sorted(hits, key=lambda hit: (hit[0] - hit[1], hit[0])):
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\x01" * (end - start)
                found.append(ReadMention(start=start, end=end, type=label, score=KNOWN_SCORE))
        return sorted(found, key=lambda mention: mention.start)

    def _is_spelled(self, text: str, start: int, end: int) -> bool:
        """Say whether a name stands there as a word, with a capital if it is listed with one."""
        if cuts_word(text, start) or cuts_word(text, end):
            return False
        found = text[start:end]
        return found[0].isupper() or not self._spelled.get(" ".join(found.lower().split()), True)


def with_known(reading: Reading, known: Sequence[ReadMention], allows: Allows) -> Reading:
    """Return a reading in which known names stand; `known` overlap each other nowhere.

    Of a known name and a mention that overlap the longer counts, the known one when both are as long. The triples of a
    mention that gives way pass to the name, where `allows` (head type, relation, tail type) still lets them.
    """
    if not known:
        return reading
    ends = [mention.end for mention in reading.mentions]
    starts = [mention.start for mention in reading.mentions]
    gives_way: dict[int, ReadMention] = {}
    standing = []
    for name in known:
        near = range(bisect_right(ends, name.start), bisect_left(starts, name.end))
        lengths = [reading.mentions[n].end - reading.mentions[n].start for n in near]
        if all(length <= name.end - name.start for length in lengths):
            same = [reading.mentions[n] for n in near if _is_same(reading.mentions[n], name)]
            standing.append(replace(name, score=max(name.score, *(m.score for m in same))) if same else name)
            gives_way.update((n, standing[-1]) for n in near)
    places = [mention for n, mention in enumerate(reading.mentions) if n not in gives_way]
    mentions = sorted((*places, *standing), key=lambda mention: mention.start)
    numbers = {mention.start: n for n, mention in enumerate(mentions)}
    moved = [numbers[gives_way.get(n, mention).start] for n, mention in enumerate(reading.mentions)]
    triples: dict[tuple[int, str, int], ReadTriple] = {}
    for triple in reading.triples:
        head, tail = moved[triple.head], moved[triple.tail]
        if head == tail:
            continue
        is_old = triple.head not in gives_way and triple.tail not in gives_way
        if is_old or allows(mentions[head].type, triple.relation, mentions[tail].type):
            known_triple = triples.get((head, triple.relation, tail))
            score = max(triple.score, known_triple.score) if known_triple else triple.score
            triples[head, triple.relation, tail] = replace(triple, head=head, tail=tail, score=score)
    return Reading(mentions=tuple(mentions), triples=tuple(triples.values()))


def forced_spans(
    spans: Sequence[Span], features: Features, known: Sequence[ReadMention], scores: FloatArray, settings: Settings
) -> list[Span]:
    """Return the spans that a model decoded with those of known names among them, by the rules of `with_known`.

    `known` are those of the text of `features`, in order; `scores` (n_tokens, width, n_types). A name that is wider
    than the model's band, cuts a token, or has a type that the model does not know is left to `with_known`.
    """
    real = np.flatnonzero(features.spans[:, 1] > features.spans[:, 0])
    if not len(real) or not known:
        return list(spans)
    low, high = int(features.spans[real[0], 0]), int(features.spans[real[-1], 1])
    kept = list(spans)
    scale = settings.type_calibration
    sure = (math.log(KNOWN_SCORE / (1 - KNOWN_SCORE)) - scale.offset) / scale.slope
    for name in known[bisect_left(known, low, key=lambda m: m.start) :]:
        if name.start >= high:
            break
        place = features.tokens_at(name.start, name.end)
        if place is None or place[1] - place[0] >= scores.shape[1] or name.type not in settings.types:
            continue
        first, last = place
        over = [span for span in kept if span.first <= last and first <= span.last]
        if any(_n_chars(features, span) > name.end - name.start for span in over):
            continue
        type_ = settings.types.index(name.type)
        score = max(float(scores[first, last - first, type_]), sure)
        kept = [span for span in kept if span not in over]
        kept.append(Span(first=first, last=last, type=type_, score=score))
    return sorted(kept)


def _n_chars(features: Features, span: Span) -> int:
    return int(features.spans[span.last, 1] - features.spans[span.first, 0])


def _is_same(mention: ReadMention, name: ReadMention) -> bool:
    return (mention.start, mention.end, mention.type) == (name.start, name.end, name.type)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of a text with their starts, cut where a line or a word ends if one does."""
    start = 0
    while start < len(text):
        end = start + MAX_PIECE_CHARS
        if end < len(text):
            middle = start + MAX_PIECE_CHARS // 2
            end = next((at + 1 for mark in "\n。 " if (at := text.rfind(mark, middle, end)) > 0), end)
        yield start, text[start:end]
        start = end
