"""Dates and times as Chinese and English write them, in the Extended Date/Time Format of ISO 8601-2.

"2019-03", "XXXX-04-18" (no year), "199X" (a decade), "18XX" (the 19th century), "-0489" (490 BC: the year 0 is 1 BC),
"1999/2003" (from, to), "2023-21" to "2023-24" (spring to winter), and beyond the standard "2024-Q3" and "2024-H1".
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kgbuilder.normalize.eras import ERAS
from kgbuilder.normalize.fold import has_han, simplified
from kgbuilder.normalize.lexicon import words_of
from kgbuilder.normalize.numerals import HAN_DIGITS, han_integer

__all__ = ["Moment", "parse_date"]

_MONTHS = {
    name: n
    for n, names in enumerate(
        words_of(
            "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sept/sep "
            "october/oct november/nov december/dec"
        ),
        start=1,
    )
    for name in names.split("/")
}
_ORDINALS = {
    word: n
    for n, word in enumerate(
        words_of(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
            "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
} | {"twenty-first": 21}
_LEAP_YEAR = 2000
_SEASONS = {"spring": 21, "summer": 22, "autumn": 23, "fall": 23, "winter": 24, "春": 21, "夏": 22, "秋": 23, "冬": 24}

_N = "[0-9〇零一二两三四五六七八九十廿卅百千元]"
_CLOCK = (
    "(凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|晚)?([0-9一二两三四五六七八九十]{1,3})[点时:]"
    "(?:(半|[0-9〇零一二三四五六七八九十]{1,3})分?|整)?"
)
_HAN_DATE = re.compile(
    rf"(公元前|公元|西元|公历|前)?({_N}{{1,8}})年(?:({_N}{{1,3}})月(?:份|({_N}{{1,3}})[日号]?)?)?(?:{_CLOCK})?"
)
_HAN_DAY = re.compile(rf"({_N}{{1,3}})月(?:份|({_N}{{1,3}})[日号])?(?:{_CLOCK})?")
_HAN_CLOCK = re.compile(_CLOCK)
_HAN_ERA = re.compile(rf"(?:大?[明清])?({'|'.join(ERAS)})({_N}{{1,5}})年(?:({_N}{{1,3}})月(?:({_N}{{1,3}})[日号])?)?")
_HAN_PART = re.compile(rf"({_N}{{4}})年?(?:第?([一二三四1-4])季度?|([上下])半年|([春夏秋冬])[季天]?|[度份])")
_HAN_CENTURY = re.compile(rf"(公元前|公元|前)?({_N}{{1,3}}|上个?)世纪(?:({_N}{{1,3}})年代)?")
_HAN_DECADE = re.compile(rf"({_N}{{4}})年代")

_NUMERIC = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})(?:\2([0-9]{1,2})(?:[t ]([0-9]{1,2}):([0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?z?)?)?"
)
_PACKED = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})")
_MONTH = f"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DAY = "([0-9]{1,2})(?:st|nd|rd|th)?"
_DAY_MONTH = re.compile(rf"(?:the )?{_DAY}(?: day)?(?: of)? {_MONTH}(?: ([0-9]{{3,4}}))?")
_MONTH_DAY = re.compile(rf"{_MONTH} (?:the )?{_DAY}(?: ([0-9]{{3,4}}))?")
_MONTH_YEAR = re.compile(rf"{_MONTH}(?:(?: of)? ([0-9]{{3,4}}))?")
_YEAR = re.compile(r"(?:(ad|ce) )?([0-9]{1,4})(?: (ad|ce|bce?))?")
_DECADE = re.compile(r"(?:the )?([0-9]{3})0'?s")
_CENTURY = re.compile(
    rf"(?:the )?(?:([0-9]{{1,2}})(?:st|nd|rd|th)|({'|'.join(_ORDINALS)}))[ -]century(?: (bce?|ad|ce))?"
)
_PART = re.compile(
    r"(?:the )?(?:q([1-4])|(first|second|third|fourth) (quarter|half)|(spring|summer|autumn|fall|winter))(?: of)? ?"
    r"([0-9]{4})"
)
_PART_AFTER = re.compile(r"([0-9]{4})[- ]?([qh])([1-4])")
_WESTERN_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(am|pm)?")
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)? ")
_HAS_MONTH = re.compile(rf"\b{_MONTH}\b").search
_RANGE = re.compile(r" ?(?:-|~|至|到|\bto\b|\buntil\b) ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A date in ISO 8601-2 form; `precision` is its smallest part: "century", "decade", "year", ..., "minute"."""

    iso: str
    precision: str


def parse_date(folded: str) -> Moment | None:
    """Read a folded text as a date, a time of day or a span of dates; None unless all of it is understood.

    "11/07/1867" is None (two readings), and so are 同年7月, 农历二月 and the month of an era that counted lunar ones.
    """
    text = folded.strip(" .,;:，。；：")
    if has_han(text):
        text = simplified(text.replace(" ", ""))
        return _first(text, _HAN_READERS) or _han_span(text)
    text = text.replace("a.m", "am").replace("p.m", "pm").replace("a.d", "ad").replace("b.c", "bc")
    if _HAS_MONTH(text):
        text = _WEEKDAY.sub("", " ".join(text.replace(",", " ").replace(".", " ").split()), count=1)
    return _first(text, _WESTERN_READERS) or _western_span(text)


def _first(text: str, readers: tuple[Callable[[str], Moment | None], ...]) -> Moment | None:
    return next((found for reader in readers if (found := reader(text))), None)


# --- the parts ISO dates are made of ----------------------------------------------------------------------------------


def _date(year: int | None, month: int | None = None, day: int | None = None) -> Moment | None:
    """Build a date; without a year it is XXXX. None where no calendar has it."""
    if (year is None and month is None) or (year is not None and not -9999 <= year <= 9999):
        return None
    head = "XXXX" if year is None else f"{year:05d}" if year < 0 else f"{year:04d}"
    if month is None:
        return Moment(iso=head, precision="year")
    if not 1 <= month <= 12:
        return None
    if day is None:
        return Moment(iso=f"{head}-{month:02d}", precision="month")
    # 29 February exists in some year, and the rule for leap years before year 1 is nobody's habit.
    n_days = calendar.monthrange(year if year and year > 0 else _LEAP_YEAR, month)[1]
    return Moment(iso=f"{head}-{month:02d}-{day:02d}", precision="day") if 1 <= day <= n_days else None


def _before_christ(year: int) -> int:
    return 1 - year


def _century(n: int, *, before: bool) -> Moment | None:
    if not 1 <= n <= 30:
        return None
    if before:
        first, last = _date(_before_christ(100 * n)), _date(_before_christ(100 * n - 99))
        return Moment(iso=f"{first.iso}/{last.iso}", precision="century") if first and last else None
    return Moment(iso=f"{n - 1:02d}XX", precision="century")


def _with_clock(date: Moment | None, clock: str | None) -> Moment | None:
    if date is None or date.precision != "day" or clock is None:
        return None
    return Moment(iso=date.iso + clock, precision="minute" if ":" in clock else "hour")


def _clock(half: str | None, hour: int | None, minute: int | None) -> str | None:
    if hour is None or not 0 <= hour <= 24 or (minute is not None and not 0 <= minute < 60):
        return None
    if half in ("pm", "下午", "傍晚", "晚上", "晚"):
        if not 1 <= hour <= 12 or (half in ("晚上", "晚") and (hour < 5 or hour == 12)):
            return None
        hour = hour % 12 + 12
    elif half in ("am", "凌晨", "清晨", "早上", "上午"):
        if hour > 12:
            return None
        hour %= 12
    elif half == "中午" and hour < 11:
        hour += 12
    return f"T{hour:02d}" if minute is None else f"T{hour:02d}:{minute:02d}"


# --- Chinese ----------------------------------------------------------------------------------------------------------


def _int(text: str | None) -> int | None:
    return None if text is None else 1 if text == "元" else han_integer(text)


def _han_date(text: str) -> Moment | None:
    found = _HAN_DATE.fullmatch(text)
    if not found:
        return None
    era, written, month, day, half, hour, minute = found.groups()
    year = _int(written)
    in_a_row = written.isdigit() or all(char in HAN_DIGITS for char in written)
    # 三百年 is a while, and 98年 may be of any century.
    if year is None or (era is None and (not in_a_row or len(written) < 3)):
        return None
    if era in ("公元前", "前"):
        year = _before_christ(year)
    if (month and _int(month) is None) or (day and _int(day) is None):
        return None
    date = _date(year, _int(month), _int(day))
    return _with_clock(date, _han_clock_of(half, hour, minute)) if hour else date


def _han_day(text: str) -> Moment | None:
    found = _HAN_DAY.fullmatch(text)
    if not found:
        return None
    month, day, half, hour, minute = found.groups()
    if _int(month) is None or (day and _int(day) is None):
        return None
    date = _date(None, _int(month), _int(day))
    return _with_clock(date, _han_clock_of(half, hour, minute)) if hour else date


def _han_clock_of(half: str | None, hour: str, minute: str | None) -> str | None:
    n_minutes = 30 if minute == "半" else _int(minute)
    return None if minute and n_minutes is None else _clock(half, _int(hour), n_minutes)


def _han_clock(text: str) -> Moment | None:
    found = _HAN_CLOCK.fullmatch(text)
    clock = _han_clock_of(*found.groups()) if found else None
    return Moment(iso=clock, precision="minute" if ":" in clock else "hour") if clock else None


def _han_era(text: str) -> Moment | None:
    found = _HAN_ERA.fullmatch(text)
    if not found:
        return None
    era, year, month, day = ERAS[found[1]], _int(found[2]), _int(found[3]), _int(found[4])
    if year is None or not 1 <= year <= era.n_years or (found[3] and (month is None or year < era.solar_from)):
        return None
    return None if found[4] and day is None else _date(era.before + year, month, day)


def _han_part(text: str) -> Moment | None:
    found = _HAN_PART.fullmatch(text)
    year = _int(found[1]) if found else None
    if not found or year is None or year < 1000:
        return None
    if found[2]:
        return Moment(iso=f"{year:04d}-Q{_int(found[2])}", precision="quarter")
    if found[3]:
        return Moment(iso=f"{year:04d}-H{1 if found[3] == '上' else 2}", precision="half")
    if found[4]:
        return Moment(iso=f"{year:04d}-{_SEASONS[found[4]]}", precision="season")
    return _date(year)


def _han_century(text: str) -> Moment | None:
    found = _HAN_CENTURY.fullmatch(text)
    if not found:
        return None
    before = found[1] in ("公元前", "前")
    # "The last century" in a text of today is the 20th.
    n = 20 if found[2].startswith("上") else _int(found[2])
    if n is None or found[3] is None:
        return None if n is None else _century(n, before=before)
    tens = _int(found[3])
    if before or tens is None or tens % 10 or not 0 <= tens <= 90 or not 1 <= n <= 30:
        return None
    return Moment(iso=f"{n - 1:02d}{tens // 10}X", precision="decade")


def _han_decade(text: str) -> Moment | None:
    found = _HAN_DECADE.fullmatch(text)
    year = _int(found[1]) if found else None
    return Moment(iso=f"{year // 10:03d}X", precision="decade") if year and not year % 10 else None


# --- English and digits -----------------------------------------------------------------------------------------------


def _month_first(text: str) -> Moment | None:
    if found := _MONTH_DAY.fullmatch(text):
        return _date(_int(found[3]), _MONTHS[found[1]], int(found[2]))
    if found := _DAY_MONTH.fullmatch(text):
        return _date(_int(found[3]), _MONTHS[found[2]], int(found[1]))
    found = _MONTH_YEAR.fullmatch(text)
    return _date(_int(found[2]), _MONTHS[found[1]]) if found else None


def _numeric(text: str) -> Moment | None:
    if found := _NUMERIC.fullmatch(text):
        date = _date(int(found[1]), int(found[3]), _int(found[4]))
        return _with_clock(date, _clock(None, int(found[5]), int(found[6]))) if found[5] else date
    if found := _PACKED.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    found = _DAY_FIRST.fullmatch(text)
    if not found:
        return None
    one, two, year = int(found[1]), int(found[3]), int(found[4])
    # Europe writes the day first, America the month: only a number above 12, or two equal ones, tell.
    if one != two and one <= 12 and two <= 12:
        return None
    return _date(year, min(one, two), max(one, two))


def _year(text: str) -> Moment | None:
    found = _YEAR.fullmatch(text)
    if not found or not (found[1] or found[3] or len(found[2]) >= 3):
        return None
    year = int(found[2])
    return _date(_before_christ(year) if (found[3] or "").startswith("b") else year) if year else None


def _decade_or_century(text: str) -> Moment | None:
    if found := _DECADE.fullmatch(text):
        return Moment(iso=f"{found[1]}X", precision="decade")
    found = _CENTURY.fullmatch(text)
    if not found:
        return None
    return _century(int(found[1] or _ORDINALS[found[2]]), before=(found[3] or "").startswith("b"))


def _part(text: str) -> Moment | None:
    if found := _PART_AFTER.fullmatch(text):
        kind, n = found[2].upper(), int(found[3])
        return None if kind == "H" and n > 2 else _part_of(found[1], kind, n)
    found = _PART.fullmatch(text)
    if not found:
        return None
    quarter, ordinal, kind, season, year = found.groups()
    if season:
        return Moment(iso=f"{year}-{_SEASONS[season]}", precision="season")
    if quarter:
        return _part_of(year, "Q", int(quarter))
    n = _ORDINALS[ordinal]
    return None if kind == "half" and n > 2 else _part_of(year, "Q" if kind == "quarter" else "H", n)


def _part_of(year: str, kind: str, n: int) -> Moment:
    return Moment(iso=f"{year}-{kind}{n}", precision="quarter" if kind == "Q" else "half")


def _western_clock(text: str) -> Moment | None:
    found = _WESTERN_CLOCK.fullmatch(text)
    if not found or not (found[3] or (found[2] and ":" in text)):
        return None
    clock = _clock(found[3], int(found[1]), _int(found[2]))
    return Moment(iso=clock, precision="minute" if ":" in clock else "hour") if clock else None


_HAN_READERS = (_han_date, _han_era, _han_day, _han_century, _han_decade, _han_part, _han_clock)
_WESTERN_READERS = (_year, _numeric, _month_first, _decade_or_century, _part, _western_clock)


# --- spans ------------------------------------------------------------------------------------------------------------


def _han_span(text: str) -> Moment | None:
    for separator in _RANGE.finditer(text):
        left, right = text[: separator.start()].removeprefix("从"), text[separator.end() :]
        lower = _first(left, _HAN_READERS) or _first(left, _WESTERN_READERS)
        # 2024年3月5日至8日, 1997-98年: the right end leaves out what it shares with the left one.
        shared = [left[: left.rfind(unit) + 1] for unit in "月年" if unit in left]
        if len(left) == 4 and left.isdigit():
            shared.append(left[:2])
        for ending in (*(prefix + right for prefix in shared), right):
            upper = _first(ending, _HAN_READERS) or _first(ending, _WESTERN_READERS)
            if lower and upper and (found := _between(lower, upper)):
                return found
    return None


def _western_span(text: str) -> Moment | None:
    text = text.removeprefix("from ")
    if text.startswith("between "):
        text = text.removeprefix("between ").replace(" and ", " to ")
    for separator in _RANGE.finditer(text):
        left, right = text[: separator.start()], text[separator.end() :]
        for start, end in _completed(left, right):
            lower, upper = _first(start, _WESTERN_READERS), _first(end, _WESTERN_READERS)
            if lower and upper and (found := _between(lower, upper)):
                return found
    return None


def _completed(left: str, right: str) -> Iterator[tuple[str, str]]:
    """Give the ends of a span what they leave out: 1939-45, 5-8 March 2024, March 5-8 2024, March-May 2024."""
    if len(left) == 4 and len(right) == 2 and right.isdigit():
        yield left, left[:2] + right
    year = right[-4:]
    if _HAS_MONTH(f"{left} {right}") and year.isdigit() and len(right) > 4:
        yield f"{left} {year}", right
        yield left + right[len(right.partition(" ")[0]) :], right
        yield f"{left} {year}", f"{left.partition(' ')[0]} {right}"
    yield left, right


def _between(lower: Moment, upper: Moment) -> Moment | None:
    alike = lower.precision == upper.precision and len(lower.iso) == len(upper.iso) and "/" not in lower.iso + upper.iso
    ordered = (lower.iso < upper.iso) != lower.iso.startswith("-")
    return Moment(iso=f"{lower.iso}/{upper.iso}", precision=lower.precision) if alike and ordered else None
