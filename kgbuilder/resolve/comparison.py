"""Whether two names of one type mean the same thing: certain enough to merge, or worth showing to a person.

Only what is near certain merges: the same words in another order, well-known ways to spell a word. A likeness of
letters never does, since Marlow and Harlow or 华阳 and 华扬 are as alike as any misspelling.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from kgbuilder.normalize.abbreviations import initials
from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.fold import has_han
from kgbuilder.normalize.lexicon import GENERIC_WORDS, PLACES, SURNAMES, generic_han, without_place, words_of
from kgbuilder.normalize.numerals import han_integer
from kgbuilder.normalize.pinyin import is_pinyin, syllables
from kgbuilder.resolve.nodes import Node

__all__ = ["MERGE_SCORE", "SUGGEST_SCORE", "Comparison", "Form", "compare", "form", "pinyin_orders"]

MERGE_SCORE = 0.97
SUGGEST_SCORE = 0.85
MAX_COMPARED_CHARS = 256

_WORDS = {
    "intl": "international", "natl": "national", "univ": "university", "dept": "department", "assn": "association",
    "assoc": "association", "inst": "institute", "govt": "government", "mfg": "manufacturing", "bros": "brothers",
    "co": "company", "corp": "corporation", "hosp": "hospital", "organisation": "organization",
    "organisations": "organizations", "centre": "center", "theatre": "theater", "defence": "defense",
    "labour": "labor", "harbour": "harbor", "programme": "program", "programmes": "programs", "jnr": "jr", "snr": "sr",
}  # fmt: skip
_FIRST_WORDS = {"st": "saint", "mt": "mount", "ft": "fort"}
_LAST_WORDS = {"st": "street", "rd": "road", "ave": "avenue", "blvd": "boulevard"}
# A name with one of these says who does what to whom: its words have an order.
_ORDER_WORDS = frozenset(words_of("of to from vs v versus by in on for over against at with without and or not"))
_TELLING_WORDS = frozenset(
    words_of(
        "north south east west northern southern eastern western northeast northwest southeast southwest upper lower "
        "inner outer central new old junior senior jr sr first second third fourth fifth sixth seventh eighth ninth "
        "tenth mr mrs ms miss sir lady king queen prince princess male female men women mens womens boys girls i ii "
        "iii iv v vi vii viii ix x xi xii one two three four five six seven eight nine ten non anti pre post"
    )
)
_TELLING_HAN = re.compile(
    "[0-9]+|[一二三四五六七八九十百千东西南北上下左右前后内外新旧大小男女甲乙丙丁戊总分子母正副非反高低初中]"
)
_DIGITS = re.compile("[0-9]+")
_ORDINAL = re.compile("第([〇零一二三四五六七八九十百千]+)")
_NUMBER_APART = re.compile(r"(?<=[a-z]) (?=\d)")
_CITY_INSIDE = re.compile(r"(?<=\w\w)[省市](?=\w\w)(?!中心|[区场民郊政级])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How sure it is, in [0, 1], that two names mean one thing, and why; a score of 0 has no reason."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A key made ready to be compared. Two keys with the same `merged` are one name in two certain spellings."""

    key: str
    merged: str
    words: tuple[str, ...]
    is_han: bool
    telling: tuple[str, ...]


_DIFFERENT = Comparison(score=0.0, reason="")


def compare(a: Node, b: Node) -> Comparison:
    """Compare two nodes by label and key alone; the order of the two does not matter.

    From `MERGE_SCORE` they may be merged, from `SUGGEST_SCORE` shown to a person; below that the score is 0. Nodes of
    different labels, and nodes that a person has split, never compare.
    """
    kind = family(a.label)
    if a.label != b.label or a.key == b.key or kind in ("time", "number"):
        return _DIFFERENT
    if max(len(a.key), len(b.key)) > MAX_COMPARED_CHARS:
        return _DIFFERENT
    short, long = sorted((form(a.key, kind), form(b.key, kind)), key=lambda f: (len(f.key), f.key))
    if short.merged == long.merged:
        return _same(short, long)
    if short.is_han != long.is_han:
        return _by_sound(short, long) if kind == "person" else _DIFFERENT
    rules = _han if short.is_han else _latin
    best = max(rules(short, long, kind), key=lambda found: (found.score, found.reason), default=_DIFFERENT)
    return best if best.score >= SUGGEST_SCORE else _DIFFERENT


@lru_cache(maxsize=16384)
def form(key: str, kind: Family) -> Form:
    """Make a key ready to be compared."""
    is_han = has_han(key)
    words = tuple(key.split())
    merged = _merged_han(key, kind) if is_han else _merged_words(words, kind)
    telling = _TELLING_HAN.findall(key) if is_han else [*_DIGITS.findall(key), *_TELLING_WORDS.intersection(words)]
    # In a person's name 大 and 三 are part of the name; only digits tell persons apart.
    if is_han and kind == "person":
        telling = _DIGITS.findall(key)
    return Form(key=key, merged=merged, words=words, is_han=is_han, telling=tuple(sorted(telling)))


def _same(a: Form, b: Form) -> Comparison:
    if not a.is_han and a.key != b.key and sorted(a.words) == sorted(b.words):
        return Comparison(score=0.975, reason="the same words in another order")
    return Comparison(score=0.98, reason="another spelling of the same words")


# --- certain spellings ------------------------------------------------------------------------------------------------


def _merged_han(key: str, kind: Family) -> str:
    merged = _ORDINAL.sub(lambda found: f"第{han_integer(found[1]) or found[1]}", key) if "第" in key else key
    if kind == "location":
        return _CITY_INSIDE.sub("", merged)
    if kind == "organization":
        rest = without_place(merged)
        place = merged[: len(merged) - len(rest)]
        # 北京市第一医院 and 北京第一医院; but 和县中学 keeps its county.
        return place[:-1] + rest if place[-1:] in ("省", "市") and place[:-1] in PLACES else merged
    return merged


def _merged_words(words: tuple[str, ...], kind: Family) -> str:
    if not words:
        return ""
    if kind == "person":
        return _joined_initials([_WORDS.get(word, word) if word in ("jnr", "snr") else word for word in words])
    spelled = [_WORDS.get(word, word) for word in words]
    if kind == "location" and len(words) > 1:
        spelled[0] = _FIRST_WORDS.get(spelled[0], spelled[0])
        spelled[-1] = _LAST_WORDS.get(spelled[-1], spelled[-1])
    free = kind in ("organization", "location") and not (_ORDER_WORDS | _TELLING_WORDS).intersection(spelled)
    joined = " ".join(sorted(spelled) if free else spelled)
    return joined if free else _NUMBER_APART.sub("", joined)


def _joined_initials(words: list[str]) -> str:
    parts: list[str] = []
    after_initial = False
    for word in words:
        is_initial = len(word) == 1
        if is_initial and after_initial:
            parts[-1] += word
        else:
            parts.append(word)
        after_initial = is_initial
    return " ".join(parts)


# --- likely the same --------------------------------------------------------------------------------------------------


def _latin(short: Form, long: Form, kind: Family) -> Iterator[Comparison]:
    if kind == "organization" and len(short.key) >= 3 and short.key in initials(long.key):
        yield Comparison(score=0.86, reason="the initials of the other")
    if short.telling != long.telling:
        return
    if "".join(short.words) == "".join(long.words):
        yield Comparison(score=0.95, reason="the same letters without spaces")
    if kind == "person":
        yield from _latin_person(short, long)
    elif short.words == long.words[: len(short.words)] and GENERIC_WORDS.issuperset(long.words[len(short.words) :]):
        yield Comparison(score=0.88, reason="the other without its general words")
    yield from _typo(short.key, long.key)


def _latin_person(short: Form, long: Form) -> Iterator[Comparison]:
    if sorted(short.words) == sorted(long.words):
        yield Comparison(score=0.93, reason="the same words in another order")
    if len(short.words) < 2 or len(long.words) < 2 or short.words[-1] != long.words[-1]:
        return
    few, many = sorted((short.words[:-1], long.words[:-1]), key=lambda given: (len(given), given))
    if not all(_fits(one, other) for one, other in zip(few, many, strict=False)):
        return
    score = 0.92 if few == many[: len(few)] else 0.9 if len(few) == len(many) else 0.87
    yield Comparison(score=score, reason="the same name with initials")


def _fits(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _han(short: Form, long: Form, kind: Family) -> Iterator[Comparison]:
    if short.telling != long.telling:
        return
    yield from _homophone(short.key, long.key, kind)
    if kind == "person":
        yield from _part_of_person(short.key, long.key)
    elif kind == "organization":
        yield from _short_organization(short.key, long.key)
    yield from _typo(short.key, long.key)


def _homophone(short: str, long: str, kind: Family) -> Iterator[Comparison]:
    if len(short) != len(long) or len(short) < 2:
        return
    is_person = kind == "person"
    if len(short) == 2 and not (is_person and short[0] == long[0]):
        return
    if syllables(short, is_person=is_person) == syllables(long, is_person=is_person):
        yield Comparison(score=0.88 if len(short) > 2 else 0.85, reason="the same sound")


def _part_of_person(short: str, long: str) -> Iterator[Comparison]:
    given_name = len(long) == 3 and len(short) == 2 and long[0] in SURNAMES
    foreign = len(long) >= 5 and len(short) >= 3
    if long.endswith(short) and (given_name or foreign):
        yield Comparison(score=0.86, reason="a part of the other")


def _short_organization(short: str, long: str) -> Iterator[Comparison]:
    core = without_place(long)
    for whole, score in ((long, 0.9), (core, 0.88)):
        if len(short) >= 2 and whole.startswith(short) and not generic_han(short) and generic_han(whole[len(short) :]):
            yield Comparison(score=score, reason="the other without its general words")


def _typo(short: str, long: str) -> Iterator[Comparison]:
    score = Levenshtein.normalized_similarity(short, long, score_cutoff=SUGGEST_SCORE)
    if score:
        # People seldom mistype the first letter: Marlow and Harlow are two names.
        near = score if short[0] == long[0] else score - 0.04
        yield Comparison(score=min(near, 0.96), reason="nearly the same letters")


def _by_sound(short: Form, long: Form) -> Comparison:
    chinese, latin = (short, long) if short.is_han else (long, short)
    sound = "".join(syllables(chinese.key, is_person=True))
    if 2 <= len(chinese.key) <= 4 and sound in pinyin_orders(latin.words):
        return Comparison(score=0.88, reason="the same name in pinyin")
    return _DIFFERENT


def pinyin_orders(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a Latin name as one word with the surname first, for either place of it; empty when it is no pinyin."""
    if not 2 <= len(words) <= 3 or not all(map(is_pinyin, words)):
        return ()
    return "".join(words), words[-1] + "".join(words[:-1])
