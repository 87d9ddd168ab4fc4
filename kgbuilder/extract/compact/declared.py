"""Short forms that a text declares right behind a full name: 北京大学（简称“北大”）, "Acme Works (AW)"."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from kgbuilder.extract.compact.anaphora import read_anaphor
from kgbuilder.extract.compact.decode import Reading, ReadMention, apart
from kgbuilder.extract.compact.repeats import add_names
from kgbuilder.extract.compact.short_forms import Name
from kgbuilder.normalize.abbreviations import is_abbreviation, is_other_script
from kgbuilder.normalize.fold import has_han
from kgbuilder.normalize.lexicon import is_generic

__all__ = ["Declared", "declared_names"]

Declared = tuple[Name, Name]
"""A short form and the full name that a text says it stands for."""

_INFERRED = 0.9
_SAYS = (
    "(?:以下|下文|下)?(?:统称|合称|通称|简称|缩写|称)|英文简称|英文缩写|英文名称?|又名|又称|亦称|也称|别名|"
    "hereinafter(?: referred to as)?|hereafter(?: referred to as)?|abbreviated(?: as| to)?|also known as|known as|"
    "in short|for short"
)
_MARKS = r"()（）\[\]【】“”\"「」『』《》,，、;；。:："
_NAME = rf"[^\s{_MARKS}](?:[^{_MARKS}\n]{{0,30}}?[^\s{_MARKS}])??"
_OPEN, _CLOSE = r"[》”\"’」』]?\s?[(（\[【〔]\s{0,3}", r"\s{0,3}(?:[)）\]】〕,，、;；/]|或|及)"
_QUOTE, _UNQUOTE = '["“‘「『]', '["”’」』]'
_DECLARED = re.compile(
    rf"{_OPEN}(?:[^()（）,，;；]{{1,30}}[,，;；]\s?)?(?:{_SAYS})(?:为|是|作)?\s?[:：]?\s?(?:the )?"
    rf"(?:{_QUOTE}(?P<quoted>{_NAME}){_UNQUOTE}|(?P<plain>{_NAME})){_CLOSE}",
    re.IGNORECASE,
)
_QUOTED = re.compile(rf"{_OPEN}(?:the )?{_QUOTE}(?P<quoted>{_NAME}){_UNQUOTE}{_CLOSE}", re.IGNORECASE)
_INLINE = re.compile(
    rf"[》”\"’」』]?[，,]?\s?(?:以下)?(?:简称|缩写)(?:为|作)?[:：]?{_QUOTE}(?P<quoted>{_NAME}){_UNQUOTE}", re.IGNORECASE
)
_BARE = re.compile(rf"{_OPEN}(?P<plain>{_NAME})\s{{0,3}}[)）\]】〕]")


def declared_names(text: str, reading: Reading) -> tuple[Reading, tuple[Declared, ...]]:
    """Return what the text declares right behind full names, and the reading with short forms that it missed there."""
    starts = [mention.start for mention in reading.mentions]
    declared: list[Declared] = []
    added: list[ReadMention] = []
    for mention in reading.mentions:
        name = Name.of(text[mention.start : mention.end], mention.type)
        place = None if name.is_value or _is_anaphor(name) else _declared_behind(text, mention, name)
        if place is None:
            continue
        short = Name.of(text[slice(*place)], mention.type)
        at = bisect_left(starts, place[0])
        known = reading.mentions[at] if at < len(starts) else None
        if known and (known.start, known.end, known.type) == (*place, mention.type):
            declared.append((short, name))
        elif not _overlaps(reading.mentions, at, place) and _may_be_missed(short, name):
            declared.append((short, name))
            score = mention.score * _INFERRED
            added.append(ReadMention(start=place[0], end=place[1], type=mention.type, score=score))
    return add_names(reading, apart(added)), tuple(declared)


def _declared_behind(text: str, mention: ReadMention, name: Name) -> tuple[int, int] | None:
    """Return where a short form stands that is declared behind a mention."""
    for pattern in (_DECLARED, _QUOTED, _INLINE, _BARE):
        if found := pattern.match(text, mention.end):
            group = "quoted" if found.groupdict().get("quoted") else "plain"
            short = Name.of(found[group], mention.type)
            if short.text == name.text or len(short.key) < 2 or _is_anaphor(short):
                continue
            if pattern is not _BARE or is_abbreviation(short.text, name.text) or is_other_script(short.text, name.text):
                return found.span(group)
    return None


def _may_be_missed(short: Name, full: Name) -> bool:
    """Say whether a declared short form may be taken for a name where no mention stands: 甲方 and "Buyer" are none."""
    if is_generic(short.key) or is_abbreviation(short.text, full.text):
        return not is_generic(short.key)
    if has_han(short.key):
        return not {*short.key}.isdisjoint(full.key)
    return short.text.isupper() or short.key.split()[0] in full.key.split()


def _overlaps(mentions: Sequence[ReadMention], at: int, place: tuple[int, int]) -> bool:
    """Say whether a place overlaps a mention; `at` is the first that does not start before it."""
    return (at > 0 and mentions[at - 1].end > place[0]) or (at < len(mentions) and mentions[at].start < place[1])


def _is_anaphor(name: Name) -> bool:
    return read_anaphor(name.text, name.type) is not None
