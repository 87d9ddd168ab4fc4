"""Fold away what two spellings of one text may differ in: width, case, accents, script variants, invisible signs."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

__all__ = ["HAN", "fold", "has_han", "signs_to_spaces", "simplified"]

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""The inside of a character class: Chinese characters."""

_KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc"
_HAS_HAN = re.compile(f"[{HAN}]").search
_SPACE_BESIDE_CJK = re.compile(f"(?<=[{HAN}{_KANA}]) | (?=[{HAN}{_KANA}])")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W_])")
_LOOSE_POINT = re.compile(r"(?<!\d)\.|\.(?!\d)")
_ONLY_HAN = re.compile(f"[{HAN}]+").fullmatch
_SAME_SIGN = {
    **dict.fromkeys(map(ord, "‘’‚‛′`´ʼ＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»「」『』〝〞"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−⸺﹘"), "-"),
    **dict.fromkeys(map(ord, "•・‧∙⋅･"), "·"),
    **dict.fromkeys(map(ord, "™®©℠"), ""),
    **{ord(a): b for a, b in zip("øłđðıħæœþ", ("o", "l", "d", "d", "i", "h", "ae", "oe", "th"), strict=True)},
}
# What tells names apart although it is no letter: C and C++, 5% and 5.
_TELLING_SIGNS = "+#@%$€£¥°."


def fold(text: str) -> str:
    """Return `text` in the one form that its spellings share; runs of white space become one space.

    Width, case, accents of Latin and Greek letters, simplified and traditional characters, kinds of quotes and dashes
    fold; zero-width, bidirectional and control characters go. Folding twice changes nothing more.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.lower().split())
    table = _fold_table()
    # Trade marks go before NFKC, which would spell them as letters.
    marked = text.translate(_TRADE_MARKS) if _HAS_TRADE_MARK(text) else text
    folded = _once(marked, table)
    while (again := _once(folded, table)) != folded:
        folded = again
    return " ".join(folded.split())


def simplified(text: str) -> str:
    """Return `text` with each traditional character as its simplified form; lengths and offsets stay the same."""
    return text.translate(_simplified_table())


def has_han(text: str) -> bool:
    """Say whether a Chinese character occurs in `text`."""
    return _HAS_HAN(text) is not None


def signs_to_spaces(folded: str) -> str:
    """Return a folded text with signs as spaces, letters and digits kept, and no space beside a CJK character.

    An apostrophe goes without a space; a point stays between digits only, and U.S. becomes us.
    """
    if _ONLY_HAN(folded):
        return folded
    if "." in folded:
        folded = _LOOSE_POINT.sub(" ", _INITIALS.sub(lambda found: found[0].replace(".", ""), folded))
    spaced = " ".join(folded.replace("'", "").translate(_SIGNS).split())
    return spaced if spaced.isascii() else _SPACE_BESIDE_CJK.sub("", spaced)


_TRADE_MARKS = dict.fromkeys(map(ord, "™®©℠"))
_HAS_TRADE_MARK = re.compile("[™®©℠]").search


def _once(text: str, table: Mapping[int, str]) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(table)


@lru_cache(maxsize=1)
def _simplified_table() -> dict[int, str]:
    """Read the character table of OpenCC; phrases would need a dictionary walk and change little in a name."""
    lines = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if "\t" in line)
    return {ord(traditional): simple.split(" ", 1)[0] for traditional, simple in pairs if len(traditional) == 1}


@lru_cache(maxsize=1)
def _fold_table() -> Mapping[int, str]:
    return _FoldTable(_simplified_table())


class _FoldTable(dict[int, str]):
    """What each character folds to; filled as characters are met."""

    def __init__(self, simple: Mapping[int, str]) -> None:
        super().__init__(_SAME_SIGN)
        self._simple = simple

    def __missing__(self, code: int) -> str:
        folded = self._simple.get(code) or _fold_char(chr(code))
        self[code] = folded
        return folded


def _fold_char(char: str) -> str:
    if char.isspace():
        return " "
    # Of marks only accents go: those of kana and of Indic scripts tell syllables apart.
    if "\u0300" <= char <= "\u036f" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    if unicodedata.category(char) in ("Cc", "Cf"):
        return ""
    base = unicodedata.normalize("NFD", char)[0]
    return base if base != char and ("a" <= base <= "z" or "α" <= base <= "ω") else char


class _SignTable(dict[int, str]):
    """A space for each sign; letters, digits and telling signs stay. Filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kept = char in _TELLING_SIGNS or unicodedata.category(char)[0] not in "PSZ"
        self[code] = char if kept else " "
        return self[code]


_SIGNS = _SignTable()
