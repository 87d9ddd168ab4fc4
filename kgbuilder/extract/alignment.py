"""Find a name in a text as it is written, folded, or nearly so; the answer is always spans of the text as it stands.

Folding drops what two spellings of one name may differ in: width, case, accents, white space, zero-width and
bidirectional signs, kinds of quotes and dashes, simplified and traditional characters.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel, Levenshtein

from kgbuilder.normalize import simplified

__all__ = ["Span", "TextIndex", "fold"]

Span = tuple[int, int]

MAX_TRIES = 1000
MAX_FUZZY = 64
MAX_FUZZY_CHARS = 20_000
MIN_FUZZY_LATIN = 8
MIN_FUZZY_CJK = 6
MIN_SIMILARITY = 0.9

_WINDOW_CUTOFF = 80
_SLACK = 2
_MAX_WORD_EDITS = 1
_ENCLOSING = "\"'“”‘’«»《》〈〉「」『』【】()（）[]［］.,;:，。；：、!?！？ \t\r\n\u3000"
_WORDS = re.compile(r"[^\W_]+")
_ROMAN = re.compile(r"[ivxlcdm]+")
_HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NUMERALS = "〇零一二三四五六七八九十百千万亿两萬億"
_LEADING_NUMERALS = re.compile(f"[{_NUMERALS}]{{2}}")
_TRAILING_NUMERALS = re.compile(f"[{_NUMERALS}]{{2}}$")
_RAISED = re.compile(r"\d[⁰¹²³⁴-⁹₀-₉¼½¾⅐-⅞]")
# One character more or less turns a name into another one: 副总经理, 非物质, 东区.
_TELLING = frozenset("不非无未反副前原新老大小正总分东西南北上下内外男女")
_SAME_SIGN = str.maketrans("‘’‚‛′`´“”„‟″«»‐‑‒–—―−·•・‧∙⋅", "'''''''\"\"\"\"\"\"\"-------······")


class _Folds(dict[str, str]):
    """What each character folds to; filled as characters are met."""

    def __missing__(self, char: str) -> str:
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold()).translate(_SAME_SIGN)
        folded = simplified("".join(part for part in parts if not _is_dropped(part)))
        self[char] = folded
        return folded


def _is_dropped(char: str) -> bool:
    # Accents only: the marks of kana and of Indic scripts tell syllables apart.
    accent = "\u0300" <= char <= "\u036f" or "\ufe00" <= char <= "\ufe0f"
    return accent or char.isspace() or unicodedata.category(char) in ("Cc", "Cf")


_FOLDS: Final = _Folds()


def fold(text: str) -> str:
    """Return `text` without what two spellings of one name may differ in; characters fold one by one."""
    return "".join(map(_FOLDS.__getitem__, text))


class TextIndex:
    """A text to find names in. The folded form is made when first needed; a name is looked for once."""

    __slots__ = ("_folded", "_found", "_n_fuzzy", "_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, tuple[Span, ...]] = {}
        self._folded: str | None = None
        self._starts: list[int] = []
        self._n_fuzzy = 0

    def find(self, name: str) -> tuple[Span, ...]:
        """Return every place of `name` in order: as written, else folded, else without its quotes, else nearly so.

        Spans do not overlap and do not cut words or numbers of alphabetic scripts.
        """
        spans = self._found.get(name)
        if spans is None:
            spans = self._as_written(name) or self._in_other_form(name)
            self._found[name] = spans
        return spans

    def at(self, name: str, start: int) -> Span | None:
        """Return the span of `name` where an extractor says it starts, or None when the text there is another."""
        if start < 0 or not self.text.startswith(name, start):
            return None
        return start, start + len(name)

    def _in_other_form(self, name: str) -> tuple[Span, ...]:
        spans = self._as_folded(name)
        bare = name.strip(_ENCLOSING)
        if not spans and bare != name:
            spans = self._as_written(bare) or self._as_folded(bare)
        return spans or self._nearly(name)

    def _as_written(self, name: str) -> tuple[Span, ...]:
        return _occurrences(self.text, name, self._whole)

    def _as_folded(self, name: str) -> tuple[Span, ...]:
        wanted = fold(name)
        if not wanted:
            return ()
        found = _occurrences(self._fold_text(), wanted, self._whole_unfolded)
        return tuple(span for span in map(self._unfold, found) if span is not None)

    def _fold_text(self) -> str:
        if self._folded is None:
            pieces = list(map(_FOLDS.__getitem__, self.text))
            self._folded = "".join(pieces)
            self._starts = [at for at, piece in enumerate(pieces) if piece]
            if len(self._starts) != len(self._folded):
                self._starts = [at for at, piece in enumerate(pieces) for _ in piece]
        return self._folded

    def _unfold(self, span: Span) -> Span | None:
        """Map a span of the folded text back; None when it begins or ends inside what one character folds to."""
        start, end = span
        starts = self._starts
        if (start and starts[start - 1] == starts[start]) or (end < len(starts) and starts[end] == starts[end - 1]):
            return None
        last = starts[end - 1] + 1
        while last < len(self.text) and unicodedata.combining(self.text[last]):
            last += 1
        return starts[start], last

    def _whole_unfolded(self, start: int, end: int) -> bool:
        span = self._unfold((start, end))
        return span is not None and self._whole(*span) and not _RAISED.search(self.text, *span)

    def _whole(self, start: int, end: int) -> bool:
        text = self.text
        if (start and _joins(text, start)) or (end < len(text) and _joins(text, end)):
            return False
        return not _cuts_numerals(text, start, end)

    def _nearly(self, name: str) -> tuple[Span, ...]:
        """Return the places of the one string of the text that is nearly `name`."""
        wanted = fold(name)
        shortest = MIN_FUZZY_CJK if _HAN.search(wanted) else MIN_FUZZY_LATIN
        if len(wanted) < shortest or len(self.text) > MAX_FUZZY_CHARS or self._n_fuzzy >= MAX_FUZZY:
            return ()
        self._n_fuzzy += 1
        text = self._fold_text()
        if len(wanted) > len(text):
            return ()
        window = fuzz.partial_ratio_alignment(wanted, text, score_cutoff=_WINDOW_CUTOFF)
        if window is None:
            return ()
        span = self._best_near(name, wanted, (window.dest_start, window.dest_end))
        return self._as_written(self.text[slice(*span)]) if span else ()

    def _best_near(self, name: str, wanted: str, window: Span) -> Span | None:
        candidates: set[Span] = set()
        for start in range(max(0, window[0] - _SLACK), window[0] + _SLACK + 1):
            for end in range(window[1] - _SLACK, min(len(self._starts), window[1] + _SLACK) + 1):
                if start < end:
                    candidates.add(self._snapped(self._starts[start], self._starts[end - 1] + 1))
        ranked = sorted((Levenshtein.distance(wanted, fold(self.text[s:e])), s, e) for s, e in candidates)
        _, start, end = ranked[0]
        return (start, end) if _is_nearly(name, self.text[start:end]) else None

    def _snapped(self, start: int, end: int) -> Span:
        text = self.text
        while start and _is_letter(text[start - 1]) and _is_letter(text[start]):
            start -= 1
        while end < len(text) and _is_letter(text[end]) and _is_letter(text[end - 1]):
            end += 1
        return start, end


def _occurrences(text: str, name: str, accept: Callable[[int, int], bool]) -> tuple[Span, ...]:
    spans: list[Span] = []
    start = text.find(name) if name else -1
    for _ in range(MAX_TRIES):
        if start < 0:
            break
        end = start + len(name)
        if accept(start, end):
            spans.append((start, end))
            start = text.find(name, end)
        else:
            start = text.find(name, start + 1)
    return tuple(spans)


def _is_letter(char: str) -> bool:
    """Say whether `char` is a letter or digit of a script that sets spaces between words."""
    return char.isalnum() and (char < "\u0e00" or "\u1e00" <= char < "\u2e80" or "\uff10" <= char <= "\uff5a")


def _joins(text: str, at: int) -> bool:
    """Say whether the characters on both sides of `at` belong to one word or number."""
    before, after = text[at - 1], text[at]
    if _is_letter(before) and _is_letter(after):
        return True
    if after.isdecimal() and before in ".,":
        return at > 1 and text[at - 2].isdecimal() and (before == "." or text[at : at + 3].isdecimal())
    if before.isdecimal() and after in ".,":
        return text[at + 1 : at + 2].isdecimal() and (after == "." or text[at + 1 : at + 4].isdecimal())
    return bool(unicodedata.combining(after))


def _cuts_numerals(text: str, start: int, end: int) -> bool:
    """Say whether a Chinese number goes on outside the span: 十二人 in 二十二人."""
    if start and text[start - 1] in _NUMERALS and _LEADING_NUMERALS.match(text, start, end):
        return True
    return end < len(text) and text[end] in _NUMERALS and bool(_TRAILING_NUMERALS.search(text, start, end))


def _is_nearly(name: str, found: str) -> bool:
    """Say whether `found` is `name` with a slip of the pen: no other number, no other word."""
    left, right = fold(name), fold(found)
    if Indel.normalized_similarity(left, right) < MIN_SIMILARITY:
        return False
    if [char for char in left if char.isnumeric()] != [char for char in right if char.isnumeric()]:
        return False
    words, others = _words(name), _words(found)
    return len(words) == len(others) and all(map(_is_slip, words, others))


def _words(text: str) -> list[str]:
    return [fold(word) for word in _WORDS.findall(unicodedata.normalize("NFKC", text))]


def _is_slip(word: str, other: str) -> bool:
    if word == other:
        return True
    if min(len(word), len(other)) <= 2 or word[0] != other[0] or (_ROMAN.fullmatch(word) and _ROMAN.fullmatch(other)):
        return False
    if word[-1] != other[-1] and _HAN.search(word[-1] + other[-1]):
        # The last character says what kind of thing it is: 外交部, 外交部长.
        return False
    edits = Levenshtein.editops(word, other)
    return len(edits) <= _MAX_WORD_EDITS and all(_is_harmless(word, other, *edit) for edit in edits.as_list())


def _is_harmless(word: str, other: str, kind: str, at: int, at_other: int) -> bool:
    if kind == "replace":
        return at < len(word) - 1 and not _HAN.search(word[at] + other[at_other])
    return (word[at] if kind == "delete" else other[at_other]) not in _TELLING
