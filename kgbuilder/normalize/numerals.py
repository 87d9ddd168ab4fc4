"""Numbers as Chinese and English write them, exact: 三百二十, 3.5万, 两万三, 1,234.5, "twelve hundred"."""

import re
from decimal import Context, Decimal, localcontext

from kgbuilder.normalize.lexicon import words_of

__all__ = ["ENGLISH_SCALES", "HAN_DIGITS", "HAN_NUMBER", "canonical", "english_number", "han_integer", "han_number"]

HAN_DIGITS = {char: n for n, chars in enumerate(("〇零○", *"一二三四五六七八九")) for char in chars}
HAN_DIGITS.update({"两": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9})
_SMALL_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_BIG_UNITS = {"万": 10**4, "亿": 10**8}
_FUSED = str.maketrans({"廿": "二十", "卅": "三十"})

HAN_NUMBER = "0-9.,廿卅" + "".join((*HAN_DIGITS, *_SMALL_UNITS, *_BIG_UNITS))
"""The inside of a character class: all that a number in Chinese text is made of."""

ENGLISH_SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "mn": 10**6,
    "mln": 10**6,
    "bn": 10**9,
    "tn": 10**12,
}
_WORDS = words_of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
_ENGLISH = {word: n for n, word in enumerate(_WORDS)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}

_TOKEN = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|.")
_WESTERN = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
# Sixty digits are more than any text means; the default context would round them.
_EXACT = Context(prec=400)


def canonical(number: Decimal) -> str:
    """Spell a number as plain digits, without an exponent or needless zeros."""
    if not number:
        return "0"
    with localcontext(_EXACT):
        return format(number.normalize(), "f")


def han_integer(text: str) -> int | None:
    """Read a whole number of digits in a row or with units: 二〇二四, 三十八, 12; None when it is none."""
    if text.isascii():
        return int(text) if text.isdigit() else None
    if all(char in HAN_DIGITS for char in text):
        return int("".join(str(HAN_DIGITS[char]) for char in text))
    number = han_number(text)
    return int(number) if number is not None and number == number.to_integral_value() else None


def han_number(text: str) -> Decimal | None:
    """Read a number as Chinese text writes it, digits and units mixed; None when it is none."""
    if _WESTERN.fullmatch(text):
        return Decimal(text.replace(",", ""))
    text = text.translate(_FUSED)
    if text and all(char in HAN_DIGITS for char in text):
        return Decimal("".join(str(HAN_DIGITS[char]) for char in text))
    with localcontext(_EXACT):
        return _with_units(_TOKEN.findall(text))


def _with_units(tokens: list[str]) -> Decimal | None:
    """Add up "digits unit digits unit ..."; units must fall within each group of 万 and 亿."""
    total = section = Decimal(0)
    digits: Decimal | None = None
    last_unit = 0
    after_zero = False
    for token in tokens:
        if token[0].isascii():
            if digits is not None or not _WESTERN.fullmatch(token):
                return None
            digits = Decimal(token.replace(",", ""))
        elif token in HAN_DIGITS:
            if digits:
                return None
            digits = Decimal(HAN_DIGITS[token])
            after_zero = after_zero or not digits
        elif unit := _SMALL_UNITS.get(token, 0):
            if last_unit and unit >= last_unit:
                return None
            section += (1 if digits is None or (not digits and unit == 10) else digits) * unit
            digits, last_unit, after_zero = None, unit, False
        elif unit := _BIG_UNITS.get(token, 0):
            section += digits or 0
            if not section and not total:
                section = Decimal(1)
            if total and total < unit:
                total = (total + section) * unit
            elif section:
                total += section * unit
            else:
                total *= unit
            section, digits, last_unit, after_zero = Decimal(0), None, 0, False
        else:
            return None
    if digits is None:
        return total + section
    return total + section + digits * _colloquial(tokens, after_zero=after_zero)


def _colloquial(tokens: list[str], *, after_zero: bool) -> int:
    """Return what the last digit counts: 两万三 is 23000 and 三百二 is 320, but 三百零二 is 302."""
    if after_zero or len(tokens) < 2 or tokens[-1] not in HAN_DIGITS:
        return 1
    unit = _SMALL_UNITS.get(tokens[-2]) or _BIG_UNITS.get(tokens[-2]) or 1
    return unit // 10 if unit > 10 else 1


def english_number(text: str) -> Decimal | None:
    """Read a folded number in digits or words with its scale: "1,234.5", "1.2 billion", "twenty-five thousand"."""
    words = text.replace("-", " ").split() if text[:1].isalpha() else text.split()
    if not words:
        return None
    if _WESTERN.fullmatch(words[0]):
        number = Decimal(words[0].replace(",", ""))
        words = words[1:]
        with localcontext(_EXACT):
            for word in words:
                if word not in ENGLISH_SCALES:
                    return None
                number *= ENGLISH_SCALES[word]
        return number
    return _spelled(words)


def _spelled(words: list[str]) -> Decimal | None:
    total = group = 0
    seen = False
    for word in words:
        if word in _ENGLISH:
            room = group % 100
            if room and (room < 20 or room % 10 or _ENGLISH[word] > 9):
                return None
            group += _ENGLISH[word]
        elif word in ("a", "an") and not seen and len(words) > 1:
            group = 1
        elif word == "hundred" and group:
            group *= 100
        elif word in ENGLISH_SCALES and group:
            total += group * ENGLISH_SCALES[word]
            group = 0
        elif word != "and" or not seen:
            return None
        seen = True
    return Decimal(total + group)
