"""Names that were read at one place of a text and missed at another."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from kgbuilder.extract.compact.anaphora import read_anaphor
from kgbuilder.extract.compact.decode import Reading, ReadMention
from kgbuilder.extract.lexicon.forms import load_forms
from kgbuilder.extract.lexicon.segment import load_segmenter
from kgbuilder.normalize.families import family
from kgbuilder.normalize.fold import has_han

__all__ = ["add_names", "cuts_word", "repeated"]

MIN_SCORE = 0.8
"""A name has to be read this surely somewhere before it is looked for elsewhere."""

_FOUND_AGAIN = 0.9
_COMMON_TYPES = frozenset(("TERM",))
"""Types of words of the language: 教授 is marked where a sentence says something with it, not wherever it stands."""

_MAX_CHARS = 80
_SHORT_HAN, _TINY_HAN = 3, 2
_WINDOW = 6
_PROPER_TAGS = ("", "nr", "ns", "nt", "nz", "nrt", "nrfg", "x", "eng")
_WORD = re.compile(r"[^\W_]")
_LOWER_WORD = re.compile(r"(?<![^\W_])[a-zà-öø-ÿ][^\W_]*")
_CAPITAL_BEFORE = re.compile(r"([^\W\d_][\w.'’-]*) $")
_WORD_BEHIND = re.compile(r"(?:[-‐]| (?:& )?)([^\W_])")
_LONGER_HAN = re.compile(
    "大学|学院|中学|小学|银行|医院|公司|集团|研究[院所]|基金会?|委员会|协会|[省市区县州镇乡村路街桥站港奖杯馆局队]|大[街道桥厦]"
)


def add_names(reading: Reading, found: Iterable[ReadMention]) -> Reading:
    """Return a reading with more mentions, which overlap none that it has."""
    added = list(found)
    if not added:
        return reading
    places = [*enumerate(reading.mentions), *((-1, mention) for mention in added)]
    places.sort(key=lambda place: (place[1].start, place[1].end))
    numbers = {old: new for new, (old, _) in enumerate(places)}
    triples = tuple(replace(t, head=numbers[t.head], tail=numbers[t.tail]) for t in reading.triples)
    return Reading(mentions=tuple(mention for _, mention in places), triples=triples)


def repeated(text: str, mentions: Sequence[ReadMention]) -> list[ReadMention]:
    """Return mentions of the names of `mentions` where they stand again, outside of all mentions, in order.

    A name is what has capitals or Chinese characters, two at least, and is no common word; a name that was read as of
    two types is left alone. Of names that overlap the longest is taken.
    """
    names = _sure_names(text, mentions)
    if not names:
        return []
    taken = bytearray(len(text))
    for mention in mentions:
        taken[mention.start : mention.end] = b"\x01" * (mention.end - mention.start)
    common = _common_words(text, names)
    hits = [
        (start - end, start, end) for start, end in _occurrences(text, names, taken) if text[start:end] not in common
    ]
    found = []
    for _, start, end in sorted(hits):
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\x01" * (end - start)
            type_, score = names[text[start:end]]
            found.append(ReadMention(start=start, end=end, type=type_, score=score * _FOUND_AGAIN))
    return sorted(found, key=lambda mention: mention.start)


def _sure_names(text: str, mentions: Iterable[ReadMention]) -> dict[str, tuple[str, float]]:
    """Return the type and the best score of each name that may be looked for."""
    best: dict[str, tuple[str, float]] = {}
    unclear: set[str] = set()
    for mention in mentions:
        name = text[mention.start : mention.end]
        type_, score = best.get(name, (mention.type, 0.0))
        if type_ != mention.type:
            unclear.add(name)
        best[name] = (type_, max(score, mention.score))
    return {
        name: (type_, score)
        for name, (type_, score) in best.items()
        if score >= MIN_SCORE and name not in unclear and _is_name(name, type_)
    }


def _is_name(name: str, type_: str) -> bool:
    if (
        not 2 <= len(name) <= _MAX_CHARS
        or "\n" in name
        or type_ in _COMMON_TYPES
        or family(type_) in ("time", "number")
    ):
        return False
    if read_anaphor(name, type_) is not None:
        return False
    if not has_han(name):
        return any(char.isupper() for char in name) and (len(name) > 2 or name.isupper())
    return len(name) > _SHORT_HAN or load_segmenter().tag(name) in _PROPER_TAGS


def _common_words(text: str, names: Iterable[str]) -> frozenset[str]:
    """Return the names of one word that are a word of the language too: they begin a sentence, or stand in small
    letters elsewhere in the text."""
    words = [name for name in names if name.isalpha() and not has_han(name) and not name.isupper()]
    if not words:
        return frozenset()
    lower = {found.group() for found in _LOWER_WORD.finditer(text)}
    no_names = load_forms("en").lists["no_names"]
    return frozenset(word for word in words if word in no_names or word.lower() in lower)


def _occurrences(text: str, names: Mapping[str, object], taken: bytearray) -> Iterator[tuple[int, int]]:
    """Yield where names stand as whole words, outside of what is taken: each place is looked at once a length."""
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[:2], set()).add(len(name))
    longest_first = {begin: sorted(sizes, reverse=True) for begin, sizes in lengths.items()}
    firsts = "".join(sorted({name[0] for name in names}))
    for found in re.finditer(f"[{re.escape(firsts)}]", text):
        start = found.start()
        if taken[start]:
            continue
        for size in longest_first.get(text[start : start + 2], ()):
            end = start + size
            if text[start:end] in names and taken.find(1, start, end) < 0 and _is_whole(text, start, end):
                yield start, end


def _is_whole(text: str, start: int, end: int) -> bool:
    """Say whether a name neither cuts a word nor is part of a longer name."""
    if not has_han(text[start:end]):
        return _is_whole_latin(text, start, end)
    if cuts_word(text, start) or cuts_word(text, end) or _LONGER_HAN.match(text, end):
        return False
    if end - start > _TINY_HAN:
        return True
    low, high = max(0, start - _WINDOW), min(len(text), end + _WINDOW)
    ends = _word_ends(text[low:high])
    return all(at - low in ends for at in (start, end) if low < at < high)


@lru_cache(maxsize=4096)
def _word_ends(text: str) -> frozenset[int]:
    """Return where the words of a few characters end; a text that repeats itself is cut once."""
    return frozenset(end for _, end, _ in load_segmenter().cut(text, 0, len(text)))


def cuts_word(text: str, at: int) -> bool:
    """Say whether a word or number of an alphabetic script goes on over `at`."""
    return 0 < at < len(text) and _is_letter(text[at - 1]) and _is_letter(text[at])


def _is_letter(char: str) -> bool:
    return _WORD.match(char) is not None and not has_han(char)


def _is_whole_latin(text: str, start: int, end: int) -> bool:
    if cuts_word(text, start) or cuts_word(text, end):
        return False
    behind = _WORD_BEHIND.match(text, end)
    if behind and (behind[1].isupper() or behind[1].isdecimal()):
        return False
    before = _CAPITAL_BEFORE.search(text, max(0, start - 40), start)
    if before and before[1][0].isupper():
        return before[1] in load_forms("en").lists["no_names"] or before[1].endswith((".", "’s", "'s"))
    return not (start and text[start - 1] in "-‐")
