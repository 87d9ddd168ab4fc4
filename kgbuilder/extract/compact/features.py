"""Text as the numbers that a compact model reads, and the code points that each token covers.

Training and extraction both come here, so both see the same. A token is a span `start`, `end` of code points of the
text it was made of, whatever is in it: white space is left out in English and one token in Chinese, emoji and
characters beyond the basic plane are one code point like any other.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kgbuilder.extract.compact.names import BITS, NameLists
from kgbuilder.extract.compact.wordpiece import split_words, word_pieces
from kgbuilder.extract.lexicon.segment import load_segmenter

__all__ = [
    "PAD",
    "UNKNOWN",
    "ChineseFeaturizer",
    "EnglishFeaturizer",
    "Features",
    "Featurizer",
    "chinese_keys",
    "chinese_tags",
    "load_featurizer",
    "sentence_ends",
]

PAD, UNKNOWN = 0, 1
"""Ids that every field has: beyond the end of a text, and not in the vocabulary."""

_N_RESERVED = 2
_TOKEN = re.compile(r"[0-9０-９]{1,12}|[A-Za-zＡ-Ｚａ-ｚ\u00C0-\u024F\u0370-\u052F]{1,24}|\s{1,64}|.", re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|\S")
_HAN = re.compile(r"[\u3400-\u9FFF\uF900-\uFAFF\U00020000-\U0002FA1F]")
_OPENING, _CLOSING = "《〈“「『（(【[", "》〉”」』）)】]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """One text as tokens.

    `ids` (n_tokens, n_fields) int32, `bits` (n_tokens, n_bits) uint8, `spans` (n_tokens, 2) int32: half-open code
    points in `text`; a token that stands for nothing in the text (its begin and end marks) has an empty span.
    """

    text: str
    ids: npt.NDArray[np.int32]
    bits: npt.NDArray[np.uint8]
    spans: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def tokens_at(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the first and the last token of a span, None where its ends are not ends of tokens."""
        first = np.flatnonzero((self.spans[:, 0] == start) & (self.spans[:, 1] > start))
        last = np.flatnonzero((self.spans[:, 1] == end) & (self.spans[:, 0] < end))
        if not len(first) or not len(last) or last[-1] < first[0]:
            return None
        return int(first[0]), int(last[-1])


class Featurizer(Protocol):
    """Turns texts into features; `field_sizes` are the numbers of ids of each field, `n_bits` those of bits."""

    @property
    def language(self) -> str: ...
    @property
    def field_sizes(self) -> tuple[int, ...]: ...
    @property
    def n_bits(self) -> int: ...

    def features(self, text: str) -> Features:
        """Return the features of a text of any content and length, in time linear in its length."""
        ...

    def vocabulary(self) -> Mapping[str, object]:
        """Return what `load_featurizer` makes the same featurizer from."""
        ...


_SENTENCE_ENDS = frozenset("。！？!?；;")


def sentence_ends(features: Features) -> npt.NDArray[np.int64]:
    """Return the tokens that begin a sentence or a paragraph, but for the first one.

    A full stop ends a sentence before white space, a line break where it is a token or the line after it is empty.
    """
    text, places = features.text, []
    for at, ((start, end), (following, last)) in enumerate(pairwise(features.spans.tolist()), 1):
        token = text[start:end]
        if not token or following == last:
            continue
        is_end = token in _SENTENCE_ENDS or "\n" in token or (token == "." and text[end : end + 1].isspace())
        if is_end or text.count("\n", end, following) > 1:
            places.append(at)
    return np.array(places, np.int64)


# --- Chinese ----------------------------------------------------------------------------------------------------------


class ChineseFeaturizer:
    """Characters, pairs of them, word boundaries with parts of speech, shapes; bits of name lists.

    Latin words and numbers are one token each, white space is one token.
    """

    language = "zh"

    def __init__(
        self,
        *,
        characters: Sequence[str],
        bigrams: Sequence[str],
        tags: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        self._characters, self._bigrams, self._tags = tuple(characters), tuple(bigrams), tuple(tags)
        self._names = {name: tuple(words) for name, words in names.items()}
        self._character_ids = _numbered(self._characters)
        self._bigram_ids = _numbered(self._bigrams)
        self._tag_ids = _numbered(self._tags)
        self._lists = NameLists(load_segmenter().tag, self._names)
        self.field_sizes = (*(len(v) + _N_RESERVED for v in (characters, bigrams, tags)), len(_SHAPES))
        self.n_bits = len(BITS)

    def features(self, text: str) -> Features:
        keys, spans = chinese_keys(text)
        ids = np.zeros((len(keys), 4), np.int32)
        bits = np.zeros((len(keys), self.n_bits), np.uint8)
        if keys:
            pairs = [one + other for one, other in pairwise([*keys, ""])]
            ids[:, 0] = [self._character_ids.get(key, UNKNOWN) for key in keys]
            ids[:, 1] = [self._bigram_ids.get(pair, UNKNOWN) for pair in pairs]
            ids[:, 2] = [self._tag_ids.get(tag, UNKNOWN) for tag in chinese_tags(text, spans)]
            ids[:, 3] = [_chinese_shape(text[start:end]) for start, end in spans]
            bits = self._lists.bits(text)[[start for start, _ in spans]]
        return Features(text=text, ids=ids, bits=bits, spans=np.array(spans, np.int32).reshape(-1, 2))

    def vocabulary(self) -> Mapping[str, object]:
        return {
            "language": self.language,
            "characters": self._characters,
            "bigrams": self._bigrams,
            "tags": self._tags,
            "names": self._names,
        }


def chinese_keys(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the tokens of a Chinese text, by what the vocabulary knows them by, and their spans.

    A word in Latin letters goes by its lower case, a number by the number of its digits, width is folded.
    """
    keys: list[str] = []
    spans: list[tuple[int, int]] = []
    for found in _TOKEN.finditer(text):
        keys.append(_key(found.group()))
        spans.append(found.span())
    return keys, spans


def chinese_tags(text: str, spans: Iterable[tuple[int, int]]) -> list[str]:
    """Return for each token where it stands in its word (B, M, E, S) with the part of speech of that word."""
    starts: set[int] = set()
    ends: set[int] = set()
    flags = [""] * len(text)
    for start, end, flag in load_segmenter().cut(text, 0, len(text)):
        starts.add(start)
        ends.add(end)
        flags[start:end] = [flag] * (end - start)
    places = {(True, True): "S", (True, False): "B", (False, True): "E", (False, False): "M"}
    return [places[start in starts, end in ends] + flags[start] for start, end in spans]


@lru_cache(maxsize=50_000)
def _key(token: str) -> str:
    if token.isspace():
        return "<line>" if "\n" in token else "<space>"
    if token.isdigit() and token.isdecimal():
        digits = unicodedata.normalize("NFKC", token)
        if len(digits) == 4 and digits[0] in "12":
            return "<year>"
        return f"<digits {min(len(digits), 6)}>"
    folded = unicodedata.normalize("NFKC", token)
    return (folded if len(token) > 1 or len(folded) == 1 else token).lower()


_SHAPES = (
    *("pad", "unknown", "han", "lower", "title", "upper", "mixed", "digits", "opening", "closing", "sign", "space"),
    *("letter", "symbol"),
)


@lru_cache(maxsize=50_000)
def _chinese_shape(token: str) -> int:
    if _HAN.match(token):
        shape = "han"
    elif token.isspace():
        shape = "space"
    elif token.isdigit():
        shape = "digits"
    elif token in _OPENING:
        shape = "opening"
    elif token in _CLOSING:
        shape = "closing"
    elif token.isalpha():
        shape = _case(token)
    else:
        shape = "sign" if unicodedata.category(token[0])[0] == "P" else "symbol"
    return _SHAPES.index(shape)


def _case(word: str) -> str:
    if word.islower():
        return "lower"
    if word.isupper():
        return "upper"
    if word[0].isupper() and word[1:].islower():
        return "title"
    return "mixed" if word.lower() != word else "letter"


# --- English ----------------------------------------------------------------------------------------------------------


class EnglishFeaturizer:
    """Word pieces of a lower-cased vocabulary, with the shape of the word that each stands in.

    The first and the last token are the marks that the encoder was trained with; their spans are empty.
    """

    language = "en"
    n_bits = 0

    def __init__(self, *, pieces: Sequence[str]) -> None:
        """`pieces` are the pieces by id; the reserved ones must stand first: [PAD], [UNK], [CLS], [SEP]."""
        self._pieces = tuple(pieces)
        self._ids = {piece: id_ for id_, piece in enumerate(self._pieces)}
        self._begin, self._end = self._ids["[CLS]"], self._ids["[SEP]"]
        self._cache: dict[str, list[tuple[int, int, int]]] = {}
        self.field_sizes = (len(self._pieces), len(_SHAPES))

    def features(self, text: str) -> Features:
        ids = [(self._begin, PAD)]
        spans = [(0, 0)]
        shapes = _english_shapes(text)
        for start, end in split_words(text):
            shape = shapes.get(start)
            for piece, first, last in self._split(text[start:end]):
                if last > first:
                    ids.append((piece, shape if shape is not None else _SHAPES.index("sign")))
                    spans.append((start + first, start + last))
        ids.append((self._end, PAD))
        spans.append((len(text), len(text)))
        return Features(
            text=text,
            ids=np.array(ids, np.int32),
            bits=np.zeros((len(ids), 0), np.uint8),
            spans=np.array(spans, np.int32),
        )

    def vocabulary(self) -> Mapping[str, object]:
        return {"language": self.language, "pieces": self._pieces}

    def _split(self, word: str) -> list[tuple[int, int, int]]:
        known = self._cache.get(word)
        if known is None:
            known = word_pieces(word, self._ids, UNKNOWN)
            if len(self._cache) < 100_000:
                self._cache[word] = known
        return known


def _english_shapes(text: str) -> dict[int, int]:
    """Return the shape at every place where a token may begin."""
    shapes: dict[int, int] = {}
    for found in _WORD.finditer(text):
        shape = _english_shape(found.group())
        for at in range(found.start(), found.end()):
            shapes[at] = shape
    return shapes


@lru_cache(maxsize=50_000)
def _english_shape(word: str) -> int:
    if word.isdigit():
        shape = "digits"
    elif word.isalpha() or "'" in word or "’" in word:
        shape = _case(word) if word[0].isalpha() else "sign"
    elif word[0].isalnum():
        shape = "mixed"
    else:
        shape = "sign" if unicodedata.category(word[0])[0] == "P" else "symbol"
    return _SHAPES.index(shape)


# --- from a file ------------------------------------------------------------------------------------------------------


def load_featurizer(path: Path) -> Featurizer:
    """Make the featurizer whose vocabulary is in a JSON file."""
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    if vocabulary.pop("language") == "zh":
        return ChineseFeaturizer(**vocabulary)
    return EnglishFeaturizer(**vocabulary)


def _numbered(words: Sequence[str]) -> dict[str, int]:
    return {word: id_ for id_, word in enumerate(words, _N_RESERVED)}
