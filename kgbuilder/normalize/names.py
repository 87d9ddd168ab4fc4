"""The key under which all spellings of one name meet."""

import re
from collections.abc import Callable
from functools import lru_cache

from kgbuilder.normalize.abbreviations import bracketed
from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.fold import HAN, fold, has_han, signs_to_spaces
from kgbuilder.normalize.lexicon import GENERIC_WORDS, HONORIFICS, LEGAL_WORDS, PLACES, SURNAMES, generic_han, words_of
from kgbuilder.normalize.values import value

__all__ = ["bracketed", "name_key"]

MAX_NAME_CHARS = 256
"""Longer texts are no names: they fold, and no rule looks into them."""

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LAST_FIRST = re.compile(r"([^\W\d_][\w .'-]*), ?([^\W\d_][\w .'-]*)(,? ?(?:jr|sr|ii|iii|iv)\.?)?")
_NOT_A_FIRST_NAME = frozenset(words_of("jr sr ii iii iv phd md esq cbe obe kbe mbe frs junior senior"))
_DEGREES = frozenset(words_of("phd md esq cbe obe kbe mbe frs dphil msc mba"))
_LEGAL_DOTS = re.compile(r"(?<=\bco)[.,]+(?=ltd\b|inc\b|limited\b)")

_LEGAL_FORM = words_of(
    "股份有限责任公司 股份有限公司 有限责任公司 有限公司 股份公司 有限合伙企业 株式会社 (株) 주식회사 유한회사 (주)"
)
_LEGAL_END = re.compile("(?:" + "|".join(map(re.escape, _LEGAL_FORM)) + ")$")
_LEGAL_START = re.compile(r"^(?:株式会社|\(株\)|주식회사|\(주\)) ?")
_LEGAL_INSIDE = re.compile("(?:股份)?有限(?:责任)?公司(?=.)")
_COMPANY = re.compile("(?<![分子总母本该])公司$")
_GROUP = re.compile(r"\(?集团\)?$")
_LATIN_LEGAL_AFTER_HAN = re.compile(rf"(?<=[{HAN}])[ ,]*(?:co[., ]*)?(?:ltd|limited|inc|corp|llc|plc)\.?$")

_TITLE = re.compile(
    "(?:副|前|原|代|代理|常务副)?(?:先生|女士|小姐|教授|博士|院士|总统|主席|总理|部长|省长|市长|县长|区长|局长|处长|书"
    "记|总书记|经理|总经理|总裁|董事长|老师|医生|大夫|律师|同志|将军|上将|中将|少将|校长|院长|所长|主任|法官|检察官|记"
    "者|导演|工程师|研究员|首相|大使|议员|上校|爵士)$"
)
_NO_PERSON = re.compile(
    "(?:国|省|市|县|区|州|部|局|院|会|厅|署|公司|集团|大学|学院|学校|医院|银行|中心|研究所|政府|法院)$"
)
_PROVINCES = frozenset(
    words_of(
        "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 "
        "青海 台湾"
    )
)
# Without 市 these are a country, a province, or no place at all.
_NO_CITIES = _PROVINCES | frozenset(
    words_of(
        "城 都 超 门 股 夜 菜 省 直辖 县级 地级 副省级 开放 沿海 中心 墨西哥 危地马拉 巴拿马 科威特 文莱 卢森堡 "
        "摩纳哥 圣马力诺 吉布提 阿尔及利亚 突尼斯 贝宁 萨尔瓦多 梵蒂冈"
    )
)
_REGIONS = {
    "广西壮族自治区": "广西",
    "宁夏回族自治区": "宁夏",
    "新疆维吾尔自治区": "新疆",
    "西藏自治区": "西藏",
    "内蒙古自治区": "内蒙古",
    "香港特别行政区": "香港",
    "澳门特别行政区": "澳门",
}


def name_key(text: str, label: str) -> str:
    """Return the key of a name: two surface forms with the same label and key name one resolution node.

    Width, case, accents, script variants and signs fold; what says nothing about which thing is meant goes: legal forms
    of organisations, titles of persons, 市 and 省 of places, title marks, a leading "The", an abbreviation in brackets.
    Digits and numerals stay. A date or quantity has the canonical form of its value. Empty only for the empty text.
    """
    if len(text) > MAX_NAME_CHARS:
        return fold(text) or text
    return _name_key(text, family(label))


@lru_cache(maxsize=32768)
def _name_key(text: str, kind: Family) -> str:
    if kind in ("time", "number"):
        typed = value(text, kind)
        if typed is not None:
            return typed.canonical
    split = bracketed(text)
    name = split[0] if split else text
    folded = fold(name)
    plain = _plain(folded)
    rule = _RULES.get(kind)
    key = rule(folded, plain) if rule else plain
    return _without_article(key, name) or plain or folded or fold(text) or text


def _plain(folded: str) -> str:
    """Spell a folded name without signs."""
    if "&" in folded:
        folded = folded.replace("&", " and ")
    if "," in folded:
        folded = _THOUSANDS.sub("", folded)
    return signs_to_spaces(folded)


def _without_article(key: str, written: str) -> str:
    if not key.startswith("the "):
        return key
    rest = key[4:]
    # "The Who" is not the WHO; "the WHO" is.
    short = len(rest) <= 4 and not written.rsplit(None, 1)[-1].isupper()
    return key if short else rest


# --- organisations ----------------------------------------------------------------------------------------------------


def _organization(folded: str, plain: str) -> str:
    if not has_han(folded) and folded.isascii():
        words = _plain(_LEGAL_DOTS.sub(" ", folded)).split()
        return " ".join(_without_legal_words(words))
    core = _LEGAL_START.sub("", folded)
    core = _LATIN_LEGAL_AFTER_HAN.sub("", core)
    core = _without_legal_form(core)
    if not has_han(core):
        return " ".join(_without_legal_words(_plain(core).split()))
    if _COMPANY.search(core) is None and _tells_enough(inner := _LEGAL_INSIDE.sub("", core)):
        core = inner
    return _plain(core) or plain


def _without_legal_words(words: list[str]) -> list[str]:
    kept = words
    while len(kept) > 1 and kept[-1] in LEGAL_WORDS and kept[-2] not in ("and", "of", "the"):
        kept = kept[:-1]
    # A word that many firms share is no name without its legal form: Capital Ltd and Capital Inc are two.
    if len(kept) == len(words) or not set(kept) <= GENERIC_WORDS | PLACES:
        return kept
    return words


def _without_legal_form(name: str) -> str:
    core = name
    for ending in (_LEGAL_END, _GROUP, _COMPANY, _GROUP):
        shorter = ending.sub("", core)
        if shorter != core and not _tells_enough(shorter):
            return name if ending is _LEGAL_END else core
        core = shorter
    return core


def _tells_enough(core: str) -> bool:
    plain = signs_to_spaces(core)
    return len(plain) >= 2 and not generic_han(plain) and not plain.endswith(("省", "市", "县", "区", "州"))


# --- persons ----------------------------------------------------------------------------------------------------------


def _person(folded: str, plain: str) -> str:
    if has_han(folded):
        return _without_title(plain)
    swapped = _LAST_FIRST.fullmatch(folded)
    if swapped and _is_first_name(swapped[2]):
        folded = f"{swapped[2]} {swapped[1]}{swapped[3] or ''}"
    # The points of initials are spaces here, so that "J.K. Rowling" and "J. K. Rowling" agree.
    words = _plain(folded.replace(".", " ")).split()
    return " ".join(_without_honorifics(words))


def _is_first_name(words: str) -> bool:
    parts = words.replace(".", " ").split()
    return 1 <= len(parts) <= 3 and not _NOT_A_FIRST_NAME & set(parts)


def _without_honorifics(words: list[str]) -> list[str]:
    kept = [{"junior": "jr", "senior": "sr"}.get(word, word) for word in words[1:]]
    kept.insert(0, words[0]) if words else None
    # One word left would be a last name, and Mr Smith is not Mrs Smith.
    while len(kept) > 2 and kept[0] in HONORIFICS:
        kept = kept[1:]
    while len(kept) > 2 and kept[-1] in _DEGREES:
        kept = kept[:-1]
    return kept


def _without_title(name: str) -> str:
    core = name
    while found := _TITLE.search(core):
        shorter = core[: found.start()]
        if not _is_person(shorter):
            break
        core = shorter
    return core


def _is_person(name: str) -> bool:
    if len(name) < 2 or name in PLACES or _NO_PERSON.search(name):
        return False
    return name[0] in SURNAMES or len(name) >= 3


# --- places and the rest ----------------------------------------------------------------------------------------------


def _location(folded: str, plain: str) -> str:
    if not has_han(plain):
        return plain
    if plain in _REGIONS:
        return _REGIONS[plain]
    core = plain[:-1]
    # 吉林省 is 吉林, and 吉林市 another place; a province abroad (魁北克省) mostly has a city of its name.
    if plain[-1] == "省":
        return core if core in _PROVINCES else plain
    is_city = plain[-1] == "市" and len(core) >= 2 and core not in _NO_CITIES and core[-1] not in "城都县级"
    return core if is_city else plain


_RULES: dict[Family, Callable[[str, str], str]] = {
    "organization": _organization,
    "person": _person,
    "location": _location,
}
