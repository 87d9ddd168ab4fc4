"""WordPiece over lower-cased Latin text, with the code points that each piece came from.

Source: Devlin et al. 2019, BERT, the uncased basic tokenizer; Wu et al. 2016 for the greedy longest match.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

__all__ = ["MAX_WORD_CHARS", "split_words", "word_pieces"]

MAX_WORD_CHARS = 64
"""A longer word is cut into words of this length, so that time is linear for any text."""

_CACHED_WORDS = 50_000


def split_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each word: a sign or a CJK character alone, else letters, digits and marks in a row."""
    start: int | None = None
    for at, char in enumerate(text):
        kind = _kind(char)
        if kind == "word":
            if start is not None and at - start >= MAX_WORD_CHARS:
                yield start, at
                start = at
            start = at if start is None else start
            continue
        if start is not None:
            yield start, at
            start = None
        if kind == "sign":
            yield at, at + 1
    if start is not None:
        yield start, len(text)


def word_pieces(word: str, vocabulary: Mapping[str, int], unknown: int) -> list[tuple[int, int, int]]:
    """Return (id, start, end) of the pieces of one word, offsets in the word; one unknown piece if it has none.

    Characters that fold to nothing (accents) belong to the piece before them.
    """
    folded: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(word):
        for part in _fold_char(char):
            folded.append(part)
            origin.append(at)
    whole = [(unknown, 0, len(word))]
    pieces: list[tuple[int, int, int]] = []
    start, text = 0, "".join(folded)
    while start < len(text):
        end = len(text)
        while end > start and ("##" if start else "") + text[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return whole
        pieces.append((vocabulary[("##" if start else "") + text[start:end]], start, end))
        start = end
    if not pieces:
        return whole
    bounds = [origin[first] for _, first, _ in pieces] + [len(word)]
    bounds[0] = 0
    # Two pieces may share a character that folds to several (ﬃ); the first one has it.
    return [(id_, bounds[n], max(bounds[n + 1], bounds[n])) for n, (id_, _, _) in enumerate(pieces)]


@lru_cache(maxsize=_CACHED_WORDS)
def _fold_char(char: str) -> str:
    parts = unicodedata.normalize("NFD", char.lower())
    return "".join(part for part in parts if unicodedata.category(part) != "Mn")


@lru_cache(maxsize=_CACHED_WORDS)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if char.isspace() or category in {"Cc", "Cf", "Zs", "Zl", "Zp"}:
        return "space"
    if category[0] in "PS" or _is_cjk(char):
        return "sign"
    return "word"


def _is_cjk(char: str) -> bool:
    code = ord(char)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x2FA1F
