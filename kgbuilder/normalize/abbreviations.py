"""Whether one name abbreviates another, and the abbreviation that stands in brackets behind a name."""

import re

from kgbuilder.normalize.fold import HAN, fold, has_han, signs_to_spaces
from kgbuilder.normalize.lexicon import PLACES, generic_han, without_place, words_of

__all__ = ["bracketed", "initials", "is_abbreviation", "is_other_script"]

MAX_ABBREVIATION_CHARS = 60

_BRACKETS = {")": "(", "）": "（", "]": "[", "】": "【", "〕": "〔"}
_SMALL_WORDS = frozenset(words_of("of the and for in at to on de la le du des et y und der die das"))
_ACRONYM = re.compile(r"[a-z][a-z0-9]{1,9}")
_LATIN_NAME = re.compile(r"[a-z][^\W_]*(?: [^\W_]+)*")
_PART_OF_COMPANY = frozenset(("集团", "控股", "股份"))


def bracketed(text: str) -> tuple[str, str] | None:
    """Split "World Health Organization (WHO)" into the name and its abbreviation, both as written.

    None where no brackets end the text, or where they hold something else than a short form or the name in another
    script: 华为（香港）, "Mercury (planet)".
    """
    stripped = text.rstrip()
    opening = _BRACKETS.get(stripped[-1:])
    at = stripped.rfind(opening) if opening else -1
    if at <= 0:
        return None
    name, inside = stripped[:at].strip(), stripped[at + 1 : -1].strip(" \t\"'“”‘’")
    if not name or not inside or len(inside) > MAX_ABBREVIATION_CHARS:
        return None
    return (name, inside) if is_abbreviation(inside, name) or is_other_script(inside, name) else None


def is_abbreviation(short: str, long: str) -> bool:
    """Say whether the letters of `short` come from `long` in order: WHO, 北大. Both are names as written.

    Latin letters must be the initials of the words, or an all-capital subsequence from the first letter on; Chinese
    characters a part of it, or a subsequence from the first character on, perhaps behind the name of a place.
    """
    short_key, long_key = signs_to_spaces(fold(short)), signs_to_spaces(fold(long))
    if has_han(short_key):
        return _abbreviates_han(short_key, long_key)
    letters = short_key.replace(" ", "")
    if not _ACRONYM.fullmatch(letters) or has_han(long_key):
        return False
    if letters in initials(long_key):
        return True
    capitals = short.replace(".", "").isupper() and len(letters) <= 6
    return capitals and long_key[:1] == letters[0] and len(letters) < len(long_key) and _in_order(letters, long_key)


def is_other_script(short: str, long: str) -> bool:
    """Say whether one is a Chinese name and the other a Latin one, as in 慕尼黑（Munich） or Munich (慕尼黑)."""
    chinese, latin = (long, short) if has_han(long) else (short, long)
    return has_han(chinese) and _LATIN_NAME.fullmatch(signs_to_spaces(fold(latin))) is not None


def initials(key: str) -> frozenset[str]:
    """Return the initials of a folded Latin name of several words, with and without its small words."""
    words = key.split()
    if len(words) < 2:
        return frozenset()
    return frozenset(("".join(w[0] for w in words), "".join(w[0] for w in words if w not in _SMALL_WORDS)))


def _abbreviates_han(short: str, long: str) -> bool:
    if not 2 <= len(short) < len(long) or short in PLACES or short in _PART_OF_COMPANY:
        return False
    if short in long:
        return not generic_han(short)
    core = without_place(long)
    starts = short[0] == long[0] or short[0] == core[:1]
    return starts and not re.search(f"[^{HAN}a-z0-9]", short) and _in_order(short, long)


def _in_order(short: str, long: str) -> bool:
    rest = iter(long)
    return all(char in rest for char in short)
