"""How Chinese names sound, without tones: for search, and to bring names together that are written by ear."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from kgbuilder.normalize.fold import fold, has_han
from kgbuilder.normalize.lexicon import words_of

__all__ = ["is_pinyin", "pinyin_key", "syllables"]

_SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "纪": "ji", "乐": "yue", "翟": "zhai", "覃": "qin",
}  # fmt: skip
_ONSETS = words_of("zh ch sh b p m f d t n l g k h j q x r z c s y w")
_FINALS = words_of(
    "iang iong uang ang eng ing ong iao ian uai uan ian ai ei ao ou an en in un er ia ie iu ua uo ui ue ve a o e i u v"
)
_SYLLABLES = re.compile(f"(?:(?:{'|'.join(_ONSETS)})?(?:{'|'.join(_FINALS)}))+")
MAX_CHARS = 64


@lru_cache(maxsize=1 << 13)
def pinyin_key(text: str) -> str:
    """Return the letters by which a name is found however it is written: "zhangwei" for 张伟, "Zhang Wei", ZHANG WEI.

    Readings depend on the words around (重庆 is chongqing); signs and spaces go, other scripts stay as folded.
    """
    folded = fold(text)
    if not has_han(folded):
        return "".join(filter(str.isalnum, folded))
    import pypinyin

    return "".join(filter(str.isalnum, _toneless("".join(pypinyin.lazy_pinyin(folded[:MAX_CHARS], v_to_u=False)))))


def is_pinyin(word: str) -> bool:
    """Say whether a folded Latin word may spell one to three Chinese syllables."""
    return len(word) <= 18 and _SYLLABLES.fullmatch(word) is not None


def syllables(key: str, *, is_person: bool = False) -> tuple[str, ...]:
    """Return the usual reading of each character of a folded name, quickly; a person's surname as surnames are read."""
    table = _readings()
    read = [table[ord(char)] for char in key[:MAX_CHARS]]
    if is_person and key[:1] in _SURNAMES:
        read[0] = _SURNAMES[key[0]]
    return tuple(read)


@lru_cache(maxsize=1)
def _readings() -> "_Readings":
    from pypinyin.constants import PINYIN_DICT

    return _Readings(PINYIN_DICT)


class _Readings(dict[int, str]):
    """The first reading of each character, filled as characters are met; other characters are read as themselves."""

    def __init__(self, marked: Mapping[int, str]) -> None:
        super().__init__()
        self._marked = marked

    def __missing__(self, code: int) -> str:
        marked = self._marked.get(code, chr(code))
        self[code] = _toneless(marked.split(",", 1)[0])
        return self[code]


def _toneless(marked: str) -> str:
    plain = unicodedata.normalize("NFD", marked.replace("ü", "v")).replace("u\u0308", "v")
    return "".join(char for char in plain if not unicodedata.combining(char))
