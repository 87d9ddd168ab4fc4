"""Quantities as Chinese and English write them: 3.5万吨, "$1.2 billion", 百分之六十, 8小时41分, "about 300 people"."""

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from kgbuilder.normalize.fold import has_han
from kgbuilder.normalize.lexicon import words_of
from kgbuilder.normalize.numerals import ENGLISH_SCALES, HAN_NUMBER, canonical, english_number, han_number
from kgbuilder.normalize.units import CURRENCY_SIGNS, currencies, currency, duration_unit, unit

__all__ = ["Quantity", "QuantityKind", "parse_quantity"]

QuantityKind = Literal["number", "money", "percent", "quantity", "duration", "age"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit. `number` is canonical, or "low/high"; `bound` is "", "~" (about), ">" or "<"."""

    kind: QuantityKind
    number: str
    unit: str = ""
    bound: str = ""

    @property
    def canonical(self) -> str:
        """The quantity in one line, which all its spellings share."""
        match self.kind:
            case "percent":
                return f"{self.bound}{self.number}%"
            case "age":
                return f"{self.bound}age {self.number}"
            case "duration":
                return f"{self.bound}{self.number}"
            case _:
                return f"{self.bound}{self.number} {self.unit}".rstrip()


_BOUNDS = {
    "~": "约为|约合|大约|大概|约|将近|接近|近|about|around|approx(?:imately)?|roughly|some|nearly|almost|circa|ca|[~≈]",
    ">": "超过|超|逾|多于|至少|不少于|不低于|over|above|exceeding|at least|no less than|more than|>|≥",
    "<": "不到|不足|不超过|至多|最多|少于|低于|under|below|up to|at most|less than|fewer than|<|≤",
}
_BEFORE = re.compile("|".join(rf"(?P<b{n}>{words})(?![a-z]) ?" for n, words in enumerate(_BOUNDS.values())))
_AFTER = re.compile(r" ?(?:(左右|上下)|(以上|\+|or more)|(以下|以内|or less))$")
_MORE = re.compile(
    "(?<=[0-9十百千万亿])[余多](?=[万亿])|(?<=[0-9十百千万亿])[余多](?=[^0-9十百千万亿]|$)|^上(?=[百千万])"
)

_NUMBER = f"[{HAN_NUMBER}]+"
_HAN_AMOUNT = re.compile(f"([+-]?{_NUMBER})(.*)")
_WESTERN_AMOUNT = re.compile(r"([+-]?\d[\d,]*(?:\.\d+)?)(.*)")
_SCALE_WORDS = re.compile(rf" ?({'|'.join(sorted(ENGLISH_SCALES, key=len, reverse=True))})(?![a-z])")
_SCALE_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9}

_PERCENT_OF = re.compile(f"百分之({_NUMBER})")
_TENTHS = re.compile(f"({_NUMBER})成")
_PERCENT = re.compile(r"([+-]?[\d.,]+|[a-z-]+) ?(?:%|percent|per cent|pct)")
_FRACTION = re.compile(f"({_NUMBER})分之({_NUMBER})")
_HAN_AGE = re.compile(f"({_NUMBER})周?岁")
_AGE = re.compile(r"([a-z0-9-]+?)[ -]years?[ -](?:old|of[ -]age)|aged? ([a-z0-9-]+)")
_METRES = re.compile(f"({_NUMBER})米({_NUMBER})")
_YUAN = re.compile(f"({_NUMBER})块([{HAN_NUMBER}])钱?")
_TIMES = re.compile(f"(半|{_NUMBER})(年|个月|个星期|周|天|日|个小时|小时|分钟?|秒钟?)(半)?")
_RANGE = re.compile(r" ?(?:-|~|至|到|\bto\b) ?")
_MANTISSA = re.compile(r"[\d.,]+|[〇零一二两三四五六七八九]+")
_OWN_UNIT = re.compile("[a-z]{3,20}|[^\\W\\d_a-z几数多余第半又每]{1,2}")
_NO_UNIT = frozenset(
    words_of("and the for per out are was has had not its his her our you who all one two more less than")
)
_DIGITS, _NO_DIGITS = re.compile("[-0-9.]+"), re.compile("[^-0-9.]")
_ISO = {"Y": "P{}Y", "M": "P{}M", "W": "P{}W", "D": "P{}D", "H": "PT{}H", "MIN": "PT{}M", "S": "PT{}S"}
_HALF = Decimal("0.5")


def parse_quantity(folded: str, written: str = "", *, any_unit: bool = True) -> Quantity | None:
    """Read a folded text as a number with its unit; None unless all of it is understood.

    `written` is the text before folding. With `any_unit`, a short word that is no known unit is a unit of its own
    (三台, "9 hospitals").
    """
    text = folded.strip(" ,;:，。；：").removesuffix(".")
    text = text.replace(" ", "") if has_han(text) else text
    text, bound = _without_bound(text)
    found = _whole(text) or _measured(text, written, any_unit=any_unit) or _span(text, written, any_unit=any_unit)
    return replace(found, bound=bound) if found else None


def _without_bound(text: str) -> tuple[str, str]:
    bounds = tuple(_BOUNDS)
    bound = ""
    if before := _BEFORE.match(text):
        bound, text = bounds[(before.lastindex or 1) - 1], text[before.end() :]
    if after := _AFTER.search(text):
        bound, text = bounds[(after.lastindex or 1) - 1], text[: after.start()]
    if _MORE.search(text):
        bound, text = ">", _MORE.sub("", text)
    return text, bound


def _number(text: str) -> Decimal | None:
    return han_number(text) if text[:1].isdigit() or not text.isascii() else english_number(text)


# --- forms that are more than a number and a unit ---------------------------------------------------------------------


def _whole(text: str) -> Quantity | None:
    return _percent(text) or _age(text) or _spelled_parts(text)


def _percent(text: str) -> Quantity | None:
    found = _PERCENT_OF.fullmatch(text) or _PERCENT.fullmatch(text)
    number = _number(found[1]) if found else None
    if number is None and (found := _TENTHS.fullmatch(text)):
        tenths = _number(found[1])
        number = tenths * 10 if tenths is not None else None
    return Quantity(kind="percent", number=canonical(number)) if number is not None else None


def _age(text: str) -> Quantity | None:
    found = _HAN_AGE.fullmatch(text) or _AGE.fullmatch(text)
    number = _number(found[1] or found[2]) if found else None
    return Quantity(kind="age", number=canonical(number)) if number is not None else None


def _spelled_parts(text: str) -> Quantity | None:
    """Read 三分之一, 一米七八, 三块二 and 8小时41分."""
    if found := _FRACTION.fullmatch(text):
        below, above = han_number(found[1]), han_number(found[2])
        if below and above is not None:
            return Quantity(kind="number", number=f"{canonical(above)}/{canonical(below)}")
    if found := _METRES.fullmatch(text):
        return _with_decimals(found[1], found[2], kind="quantity", unit_name="m")
    if found := _YUAN.fullmatch(text):
        return _with_decimals(found[1], found[2], kind="money", unit_name="CNY")
    return _duration(text)


def _with_decimals(whole: str, rest: str, *, kind: QuantityKind, unit_name: str) -> Quantity | None:
    number, decimals = han_number(whole), han_number(rest.replace("十", ""))
    if number is None or decimals is None or number != number.to_integral_value() or decimals >= 100:
        return None
    digits = rest if rest.isdigit() and rest.isascii() else canonical(decimals)
    return Quantity(kind=kind, number=canonical(Decimal(f"{number}.{digits}")), unit=unit_name)


def _duration(text: str) -> Quantity | None:
    parts = list(_TIMES.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    pieces: dict[str, str] = {}
    for part in parts:
        number = _HALF if part[1] == "半" else han_number(part[1])
        name = "MIN" if part[2] == "分" else duration_unit(part[2])
        # 1978年 is a year, and 8.4分 alone a mark.
        if number is None or name is None or (name == "Y" and number >= 1000) or (part[2] == "分" and len(parts) == 1):
            return None
        pieces[name] = canonical(number + _HALF if part[3] else number)
    days = "".join(pieces[name] + name for name in ("Y", "M", "W", "D") if name in pieces)
    hours = "".join(pieces[name] + name[0] for name in ("H", "MIN", "S") if name in pieces)
    in_order = list(pieces) == [name for name in _ISO if name in pieces] and len(pieces) == len(parts)
    return Quantity(kind="duration", number=f"P{days}T{hours}" if hours else f"P{days}") if in_order else None


# --- a number and a unit ----------------------------------------------------------------------------------------------


def _measured(text: str, written: str, *, any_unit: bool) -> Quantity | None:
    code, rest = _currency_before(text)
    amount = _amount(rest, is_money=code is not None)
    if amount is None:
        return None
    number, name = amount
    if code:
        plain = name.rstrip("整正")
        same = plain in ("", "元", "圆") or currency(plain) == code
        return Quantity(kind="money", number=canonical(number), unit=code) if same else None
    return _with_unit(number, name, written, any_unit=any_unit)


def _with_unit(number: Decimal, name: str, written: str, *, any_unit: bool) -> Quantity | None:
    digits = canonical(number)
    if not name:
        return Quantity(kind="number", number=digits)
    if code := currency(name) or currency(name.rstrip("整正")):
        return Quantity(kind="money", number=digits, unit=code)
    if part := duration_unit(name):
        is_year = part == "Y" and number >= 1000
        return None if is_year else Quantity(kind="duration", number=_ISO[part].format(digits))
    as_written = unicodedata.normalize("NFKC", written).strip()
    if known := unit(name, as_written[-len(name) :]):
        kind: QuantityKind = "money" if currency(name.partition("/")[0]) else "quantity"
        return Quantity(kind=kind, number=digits, unit=known)
    own = any_unit and _OWN_UNIT.fullmatch(name) and name not in _NO_UNIT
    return Quantity(kind="quantity", number=digits, unit=name) if own else None


@lru_cache(maxsize=1)
def _currency_pattern() -> re.Pattern[str]:
    names = sorted({*currencies(), *CURRENCY_SIGNS}, key=lambda name: (-len(name), name))
    # A code stands apart or before a digit, so that "mop 5" is money and "moped" is not.
    return re.compile(
        "("
        + "|".join(map(re.escape, names))
        + r") ?(?=[+-]?[\d〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾])"
    )


def _currency_before(text: str) -> tuple[str | None, str]:
    found = _currency_pattern().match(text)
    if not found:
        return None, text
    return CURRENCY_SIGNS.get(found[1]) or currency(found[1]), text[found.end() :]


def _amount(text: str, *, is_money: bool) -> tuple[Decimal, str] | None:
    """Split a text into its number, scale included, and what follows it."""
    found = _HAN_AMOUNT.match(text) if has_han(text) else None
    if found:
        return _han_amount(found[1], found[2])
    found = _WESTERN_AMOUNT.match(text)
    if not found:
        return _spelled_amount(text)
    number, rest = english_number(found[1]), found[2]
    if number is None:
        return None
    if is_money and rest.lstrip() in _SCALE_LETTERS:
        return number * _SCALE_LETTERS[rest.lstrip()], ""
    while scale := _SCALE_WORDS.match(rest):
        number, rest = number * ENGLISH_SCALES[scale[1]], rest[scale.end() :]
    return number, rest.strip()


def _han_amount(digits: str, rest: str) -> tuple[Decimal, str] | None:
    # 八百两 ends in a unit, not a digit; 3千克 is 3 kg and 10万千瓦 100000 kW, but 三千克 is 3000 g.
    if len(digits) > 1 and digits.endswith("两"):
        digits, rest = digits[:-1], f"两{rest}"
    elif len(digits) > 1 and digits[-1] == "千" and digits[-2] in "0123456789万亿" and unit(f"千{rest}"):
        digits, rest = digits[:-1], f"千{rest}"
    number = han_number(digits.lstrip("+-"))
    if number is None:
        return None
    return (number.copy_negate() if digits.startswith("-") else number), rest


def _spelled_amount(text: str) -> tuple[Decimal, str] | None:
    words = text.split()
    for n in range(min(len(words), 8), 0, -1):
        number = english_number(" ".join(words[:n]))
        if number is not None:
            return number, " ".join(words[n:])
    return None


# --- ranges -----------------------------------------------------------------------------------------------------------


def _span(text: str, written: str, *, any_unit: bool) -> Quantity | None:
    for separator in _RANGE.finditer(text):
        left, right = text[: separator.start()], text[separator.end() :]
        for start, end in _completed(left, right):
            low = _whole(start) or _measured(start, written, any_unit=any_unit)
            high = _whole(end) or _measured(end, written, any_unit=any_unit)
            if low and high and (low.kind, low.unit) == (high.kind, high.unit) and _rises(low, high):
                return replace(low, number=f"{low.number}/{high.number}")
    return None


def _completed(left: str, right: str) -> tuple[tuple[str, str], ...]:
    """Give both ends what only one of them writes: 3-5万元, 8000-1万元, $3-5 million, 100米至200米."""
    mantissa = _MANTISSA.match(right)
    if not mantissa:
        return ((left, right),)
    tail = right[mantissa.end() :]
    sign, digits = _currency_before(left)
    prefix = left[: len(left) - len(digits)] if sign else ""
    low = _MANTISSA.fullmatch(digits)
    if not low:
        return ((left, right), (left, prefix + right))
    low_number, high_number = _number(low[0]), _number(mantissa[0])
    shared = low_number is not None and high_number is not None and low_number < high_number
    own = tail if shared else tail.lstrip("十百千万亿")
    return ((left + own, prefix + right),)


def _rises(low: Quantity, high: Quantity) -> bool:
    one, two = (_NO_DIGITS.sub("", side.number) for side in (low, high))
    alike = _DIGITS.sub("", low.number) == _DIGITS.sub("", high.number)
    return alike and "/" not in low.number and Decimal(one) < Decimal(two)
