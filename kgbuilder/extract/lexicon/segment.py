"""Chinese words and their tags from jieba's dictionary, loaded when first needed and without a word on the console."""

import importlib
import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Protocol, cast

__all__ = ["Segmenter", "Word", "load_segmenter"]

Word = tuple[int, int, str]
"""Start and end in the text, and jieba's tag: "ns" place, "nr" person, "nt" organisation, "v" verb, "" unknown."""

_ENTRY = re.compile(r"^(\S+) (\d+) (\S+)$", re.MULTILINE)


class _Tokenizer(Protocol):
    FREQ: dict[str, int]
    total: int
    initialized: bool

    def lcut(self, sentence: str, cut_all: bool = False, HMM: bool = True) -> list[str]: ...  # noqa: N803


class Segmenter:
    """Cuts Chinese text into dictionary words; what is in no dictionary comes as single characters."""

    def __init__(self, tokenizer: _Tokenizer, tags: Mapping[str, str]) -> None:
        self._tokenizer = tokenizer
        self._tags = tags
        self._frequencies = tokenizer.FREQ

    def cut(self, text: str, start: int, end: int) -> list[Word]:
        """Return the words of `text[start:end]` with offsets in `text`."""
        words: list[Word] = []
        at = start
        for word in self._tokenizer.lcut(text[start:end], HMM=False):
            words.append((at, at + len(word), self._tags.get(word, "")))
            at += len(word)
        return words

    def frequency(self, word: str) -> int:
        """Return how often the dictionary has seen `word`, 0 when it has not."""
        return self._frequencies.get(word, 0)

    def common_characters(self, min_frequency: int) -> frozenset[str]:
        """Return the characters that the dictionary has seen that often as words of their own."""
        frequencies = self._frequencies.items()
        return frozenset(word for word, count in frequencies if len(word) == 1 and count >= min_frequency)

    def tag(self, word: str) -> str:
        return self._tags.get(word, "")


@lru_cache(maxsize=1)
def load_segmenter() -> Segmenter:
    """Load jieba and its dictionary.

    jieba's own loading reads a cache of a guessable name from the temporary folder, which anyone may have put there,
    and takes longer than reading the dictionary does.
    """
    with warnings.catch_warnings():
        # Its escapes and its import of pkg_resources warn when it is imported for the first time.
        warnings.simplefilter("ignore")
        jieba = importlib.import_module("jieba")
    entries = _ENTRY.findall(resources.files("jieba").joinpath("dict.txt").read_text(encoding="utf-8"))
    tokenizer = cast(_Tokenizer, jieba.Tokenizer())
    tokenizer.FREQ, tokenizer.total = _frequencies(entries)
    tokenizer.initialized = True
    return Segmenter(tokenizer, {word: tag for word, _, tag in entries})


def _frequencies(entries: list[tuple[str, str, str]]) -> tuple[dict[str, int], int]:
    """Return the frequency of each word, 0 for what only begins one, and the sum."""
    frequencies = {word: int(count) for word, count, _ in entries}
    total = sum(frequencies.values())
    for word, _, _ in entries:
        for end in range(len(word) - 1, 0, -1):
            if word[:end] in frequencies:
                break
            frequencies[word[:end]] = 0
    return frequencies, total
