"""By what shorter names a thing may go within one text: 华为 for 华为技术有限公司, Curie for Marie Curie, IBM.

What a full name may be shortened to is written down beforehand, so that a short form is looked up and names are never
compared two by two. Only the shape of the names is judged here; whether text and order allow it is for `link`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from kgbuilder.normalize import fold, name_key
from kgbuilder.normalize.abbreviations import initials, is_abbreviation
from kgbuilder.normalize.families import Family, family
from kgbuilder.normalize.fold import has_han, signs_to_spaces
from kgbuilder.normalize.lexicon import (
    GENERIC_WORDS,
    HONORIFICS,
    LEGAL_WORDS,
    PLACES,
    generic_han,
    without_place,
    words_of,
)

__all__ = ["Name", "is_unordered", "is_verified", "long_keys", "name_size", "short_keys"]

MAX_CHARS = 80
"""Longer texts are no names that anyone shortens."""

_GENERATIONS = frozenset(words_of("jr sr ii iii iv"))
_WIVES = frozenset(words_of("mrs mme madame lady"))
_NEUTRAL = HONORIFICS - _WIVES

_COMPOUND_SURNAMES = frozenset(
    words_of(
        "欧阳 司马 上官 诸葛 司徒 东方 皇甫 尉迟 公孙 令狐 宇文 长孙 慕容 夏侯 轩辕 端木 独孤 南宫 西门 百里 呼延 拓跋"
    )
)
_ADDRESSED = re.compile(
    r"(.{1,2}?)(?:先生|女士|小姐|教授|博士|院士|老师|医生|大夫|律师|法官|检察官|总统|主席|总理|首相|部长|省长|市长|县长|区长|局长|"
    r"处长|院长|校长|所长|馆长|主任|主席|书记|经理|总经理|总裁|董事长|董事|导演|将军|上校|警官|师傅|同志|总|老|某|工|导|姐|哥|叔)"
)
_ADDRESSED_BEFORE = re.compile(r"[老小阿](.)")
_POINT = re.compile("[·・‧•]")

# What stands at the end of a body that is no plain company. 中国石油大学 is not 中国石油, 京东物流 not 京东.
_BODY_ENDS = frozenset(
    words_of(
        "大学 学院 学校 中学 小学 高中 幼儿园 研究院 研究所 研究中心 科学院 设计院 医院 卫生院 银行 分行 支行 "
        "分公司 子公司 分社 分院 分校 分局 分部 事业部 办事处 工作室 实验室 出版社 基金会 俱乐部 委员会 联合会 协会 "
        "学会 商会 工会 党 队 中心 法院 检察院 公安局 局 厅 署 部 处 会 社 院 馆 站 所 军 团 物流 金融 证券 保险 "
        "基金 信托 租赁 地产 置业 音乐 影业 健康 体育 供应链 云"
    )
)
_MAX_END_CHARS = max(map(len, _BODY_ENDS))
# Those that go by the name before it alone: 哈佛 is Harvard, 协和 the hospital.
_BY_ITS_NAME = re.compile("大学|中学|小学|医院|幼儿园|商会|俱乐部")
_ADMINISTRATIVE = re.compile("(?:[县区旗镇乡村盟州]|新区|林区|自治[县州旗])|.{1,4}族自治[县州旗]")
_STATE = "中华人民共和国"
_FULL_HEADS = ("大学", "学院", "银行", "公司", "集团", "医院", "法院", "学校", "研究院", "研究所", "委员会", "协会")
_MODEL = re.compile(r"(?=\S*\d)(?=\S*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")
_GROUPS = ("集团", "控股")
_BRANCH = re.compile("(?:分公司|分行|支行|分校|分院|分社|分局|分部|分店|校区|院区)$")
_NUMERAL = re.compile("[0-9]+|[一二三四五六七八九十百千万]")
_MODEL_INSIDE = re.compile(r"(?<![a-z0-9])(?=[a-z]+-?[0-9])[a-z]+-?[0-9]+[a-z]*(?![a-z0-9-])")
_NUMBERED = re.compile("(.+[0-9一二三四五六七八九十]号)(.{2,5})")
_NAMED_MODEL = re.compile(r"(.*[0-9a-z])([^0-9a-z ]{2,4})")

_BODIES = frozenset(
    words_of(
        "university college school academy institute hospital clinic center centre agency department ministry office "
        "committee council commission association society foundation union court party club team board authority "
        "bureau press museum library church research laboratory laboratories labs trust fund capital ventures bank "
        "insurance asset management cloud"
    )
)
_SHAREABLE = GENERIC_WORDS | PLACES | LEGAL_WORDS | _BODIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name of one type as text and key (see `normalize.name_key`); all with one type and key are one node."""

    text: str
    type: str
    key: str

    @staticmethod
    def of(text: str, type_: str) -> "Name":
        """Make the name of a text."""
        return Name(text=text, type=type_, key=name_key(text, type_))

    @property
    def family(self) -> Family:
        return family(self.type)

    @property
    def is_value(self) -> bool:
        return self.family in ("time", "number")


def long_keys(name: Name) -> Iterator[str]:
    """Yield the keys under which the short forms of a name are to be found."""
    if name.is_value or len(name.key) > MAX_CHARS:
        return
    if has_han(name.key):
        yield from _HAN_FORMS.get(name.family, _of_the_state)(name)
    else:
        yield from (f"#{letters}" for letters in initials(name.key) if len(letters) > 1)
        yield from _LATIN_FORMS.get(name.family, _latin_other)(_words(name))


def short_keys(name: Name) -> Iterator[str]:
    """Yield the keys under which the full form of a name is to be found, if it is a short one."""
    key = name.key
    if name.is_value or not 2 <= len(key) <= MAX_CHARS:
        return
    if has_han(key):
        yield from _short_han(name)
        return
    words = _words(name)
    if name.family == "person":
        # King Jr is no short form of Martin King; Mrs Curie is as likely as not another one than the Curie before.
        if words[0] in _WIVES or not _GENERATIONS.isdisjoint(words):
            return
        words = _bare(words)
    elif len(words) == 1 and name.text.replace(".", "").isupper():
        yield f"#{key}"
    yield f"={' '.join(words)}"


def _short_han(name: Name) -> Iterator[str]:
    # 锄原集团 is the name of a body of its own beside 锄原动力, though its key is what both share.
    if name.family == "organization" and name.text.endswith(_GROUPS):
        return
    yield f"={name.key}"
    if name.family == "person" and (addressed := _addressed(name.key)):
        yield f"@{addressed}"
    elif name.family == "organization":
        yield f"~{name.key[:2]}"


def _addressed(key: str) -> str:
    """Return the surname of somebody who is addressed: 林教授, 老林; "" for other names."""
    found = _ADDRESSED.fullmatch(key) or _ADDRESSED_BEFORE.fullmatch(key)
    return found[1] if found else ""


def name_size(name: Name) -> int:
    """Return how long a name is without titles: a full name is longer than its short forms."""
    if name.family != "person":
        return len(name.key)
    return len(_addressed(name.key) or " ".join(_bare(name.key.split())))


def is_verified(key: str, short: Name, full: Name) -> bool:
    """Say whether two names that met under a key are really short and full form of one."""
    return short.key != full.key and (key[0] != "~" or _abbreviates(short.key, full.key))


def is_unordered(key: str) -> bool:
    """Say whether the short form under this key may stand before the full one: an abbreviation tells what it is of.

    A surname or the first word of a company may there be another one, known from an earlier text.
    """
    return key[0] in "#~"


# --- Chinese ----------------------------------------------------------------------------------------------------------


def _han_person(name: Name) -> Iterator[str]:
    parts = _POINT.split(name.text)
    if len(parts) > 1:
        yield from (f"={name_key(part, name.type)}" for part in (parts[0], parts[-1]) if len(part) > 1)
        return
    key = name.key
    if not 2 <= len(key) <= 4 or _addressed(key):
        return
    if len(key) == 4:
        # Compound surnames, and names as in Japan: 山本耀司.
        yield from (f"={key[:2]}", f"={key[2:]}", f"@{key[:2]}")
    else:
        yield f"@{key[:2]}" if key[:2] in _COMPOUND_SURNAMES else f"@{key[0]}"
    if len(key) == 3:
        yield f"={key[1:]}"


def _han_organization(name: Name) -> Iterator[str]:
    key = name.key
    core = without_place(key)
    bases = (key,) if core == key or len(core) < 2 or generic_han(core) else (key, core)
    if len(bases) == 2:
        yield f"={core}"
    for base in bases:
        # Whether a rest holds the ending of the whole depends on its length alone.
        n_kind = next((n for n in range(1, _MAX_END_CHARS + 1) if base[-n:] in _BODY_ENDS), len(base))
        for end in range(2, len(base)):
            if _goes_by(base[:end], base[end:], has_kind=len(base) - end >= n_kind):
                yield f"={base[:end]}"
        yield from (f"~{base[0]}{char}" for char in dict.fromkeys(base[1:]))
    yield from _of_the_state(name)


def _goes_by(first: str, rest: str, *, has_kind: bool) -> bool:
    """Say whether a body goes by the beginning of its name: not when that is a place, a common word, or its mother."""
    if first in PLACES or any(first[-n:] in _BODY_ENDS for n in range(1, _MAX_END_CHARS + 1)) or generic_han(first):
        return False
    return not has_kind or first.isascii() or (len(first) <= 3 and _BY_ITS_NAME.fullmatch(rest) is not None)


def _abbreviates(short: str, long: str) -> bool:
    """Say whether a name takes single characters of a longer one: 北大, 中科院, 国家发改委.

    What only leaves out words between beginning and end is another name in full: 上海大学 is not 上海交通大学. The last
    character is one of the last word, which says what kind of body it is, and a number is not shortened.
    """
    if short in long or short[-1] not in long[-3:] or _BRANCH.search(long) or not is_abbreviation(short, long):
        return False
    if _NUMERAL.findall(short) != _NUMERAL.findall(long) or (len(short) > 2 and short.endswith(_FULL_HEADS)):
        return False
    return not any(long.startswith(short[:at]) and long.endswith(short[at:]) for at in range(2, len(short) - 1))


def _han_location(name: Name) -> Iterator[str]:
    key = name.key
    core = without_place(key)
    whole = (key,) if core == key or len(core) < 2 else (key, core)
    if len(whole) == 2:
        yield f"={core}"
        if core.endswith("市") and len(core) > 2:
            yield f"={core[:-1]}"
    for base in whole:
        for end in range(2, len(base)):
            if _ADMINISTRATIVE.fullmatch(base[end:]):
                yield f"={base[:end]}"


def _han_other(name: Name) -> Iterator[str]:
    key = name.key
    if (found := _NAMED_MODEL.fullmatch(key) or _NUMBERED.fullmatch(key)) and len(found[1]) > 2:
        yield f"={found[1]}"  # 银河c1 for 银河c1咖啡机, 飞廉二号 for 飞廉二号运载火箭
    if found := _MODEL_INSIDE.search(key):
        yield f"={found[0]}"
    yield from _of_the_state(name)


def _of_the_state(name: Name) -> Iterator[str]:
    rest = name.key.removeprefix(_STATE)
    if rest != name.key and len(rest) > 1 and not generic_han(rest):
        yield f"={rest}"


# --- Latin letters ----------------------------------------------------------------------------------------------------


def _words(name: Name) -> list[str]:
    """Return the words of a Latin name in folded form, those with a hyphen whole, without legal forms and articles."""
    known = name.key.split()
    words = [signs_to_spaces(fold(word)) for word in name.text.split()]
    return words if " ".join(words) == name.key else known


def _bare(words: list[str]) -> list[str]:
    """Return the words of a person's name without titles and generations."""
    kept = [word for word in words if word not in _GENERATIONS]
    while len(kept) > 1 and kept[0] in _NEUTRAL:
        kept = kept[1:]
    return kept or words


def _latin_person(words: list[str]) -> Iterator[str]:
    words = _bare(words)
    if len(words) < 2:
        return
    parts = [*(words[:end] for end in range(1, len(words))), *(words[start:] for start in range(1, len(words)))]
    if len(words) > 2 and all(len(word) == 1 for word in words[1:-1]):
        parts.append([words[0], words[-1]])  # George Bush for George W. Bush
    yield from dict.fromkeys(f"={' '.join(part)}" for part in parts if len(part[-1]) > 1)


def _latin_organization(words: list[str]) -> Iterator[str]:
    for end in range(1, len(words)):
        first, rest = words[:end], words[end:]
        if _SHAREABLE.issuperset(first) or len(" ".join(first)) < 3 or first[-1] in ("of", "and", "the", "for"):
            continue
        # The University of Hull is not "the University of", Harvard University is Harvard.
        if rest in (["university"], ["college"]) or not (_BODIES & {*rest} or {"of", "and", "for"} & {*rest}):
            yield f"={' '.join(first)}"
    # Federal Reserve for US Federal Reserve.
    if words[0] in PLACES and len(words) > 2:
        yield f"={' '.join(words[1:])}"


def _latin_other(words: list[str]) -> Iterator[str]:
    if len(words) > 1 and _MODEL.fullmatch(words[-1]):
        yield f"={words[-1]}"


def _latin_location(words: list[str]) -> Iterator[str]:
    return iter(())


_HAN_FORMS: Final[dict[Family, Callable[[Name], Iterator[str]]]] = {
    "person": _han_person,
    "organization": _han_organization,
    "location": _han_location,
    "other": _han_other,
}
_LATIN_FORMS: Final[dict[Family, Callable[[list[str]], Iterator[str]]]] = {
    "person": _latin_person,
    "organization": _latin_organization,
    "location": _latin_location,
}
