"""Dates, quantities and money in Chinese and English text, as regular expressions without nested repeats."""

import re
from collections.abc import Iterator

from kgbuilder.extract.lexicon.span import Span, span

__all__ = ["find_numbers_en", "find_numbers_zh", "find_times_en", "find_times_zh"]

_HAN = "〇零一二三四五六七八九十"
_MONTH_ZH = "(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九正腊冬])月"
_DAY_ZH = f"(?:[12]\\d|3[01]|0?[1-9]|初[{_HAN}]|廿[{_HAN}]|[二三]?十[{_HAN}]?|[{_HAN}])(?:日|号)"
_YEAR_ZH = f"(?:[1-9]\\d{{2,3}}|[一二][{_HAN}]{{3}})\\s?年(?!度)"
_ERA = (
    "(?:光绪|宣统|同治|咸丰|道光|嘉庆|乾隆|雍正|康熙|顺治|崇祯|天启|万历|隆庆|嘉靖|正德|弘治|成化|正统|宣德|永乐|建文|洪武|至正|"
    "至元|咸淳|绍兴|建炎|宣和|元丰|熙宁|庆历|贞观|开元|天宝|民国|昭和|大正|明治|平成|令和)"
)
_END_ZH = "(?:初|末|底|年底|年初|春|夏|秋|冬|上半年|下半年|第[一二三四]季度|前后)"
_DATE_ZH = f"{_YEAR_ZH}(?:\\s?{_MONTH_ZH}(?:\\s?{_DAY_ZH}|[初末底]|[上中下]旬)?|{_END_ZH})?"
_CLOCK = r"(?:\s?(?:上午|下午|晚上?|凌晨|中午)?\s?\d{1,2}(?::\d{2}|[时点](?:\d{1,2}分)?))?"
_TIME_ZH = re.compile(
    "|".join(
        (
            f"(?:公元)?前\\d{{1,4}}年(?:{_MONTH_ZH})?",
            r"(?:1[6-9]|20)\d0年代[初末]?(?:中期)?",
            f"{_DATE_ZH}{_CLOCK}(?:\\s?(?:至|到|—|--|-|～|~)\\s?(?:{_MONTH_ZH}{_DAY_ZH}|{_DAY_ZH})){{0,1}}",
            f"[清明唐宋元]?{_ERA}(?:元|[{_HAN}]{{1,4}}|\\d{{1,2}})年(?:{_MONTH_ZH}(?:{_DAY_ZH})?)?",
            f"(?:公元前?)?(?:\\d{{1,2}}|[{_HAN}]{{1,3}}|上)世纪(?:\\d0|[{_HAN}]{{1,2}})?(?:年代)?(?:[初末]|中叶|中期|初期|末期|后期)?",
            f"(?:同年|次年|翌年|当年)?{_MONTH_ZH}{_DAY_ZH}{_CLOCK}",
            f"(?:同年|次年|翌年|当年){_MONTH_ZH}",
            r"(?<!\d)[12]\d{3}[-/.](?:1[0-2]|0?[1-9])[-/.](?:3[01]|[12]\d|0?[1-9])(?!\d)",
            r"(?<!\d)(?:[01]?\d|2[0-3]):[0-5]\d(?!\d)",
        )
    )
)

_COUNT_ZH = (
    r"(?:\d[\d,，]{0,20}(?:\.\d{1,9})?\s?[百千万亿]{0,3}"
    "|[一二两三四五六七八九十百千万亿]{2,12}|[一二三四五六七八九十百](?=[万亿]))"
)
_MORE = "(?:余|多)?"
_UNITS_ZH = (
    (
        "money",
        "(?:万|亿)?(?:元人民币|元|美元|欧元|港元|英镑|日元|卢布|卢比|法郎|瑞士法郎|韩元|新台币|人民币|港币|加元|澳元)",
    ),
    ("percent", r"(?:%|％|个百分点)"),
    ("people", "(?:人|名员工|名职工|名)"),
    ("area", "(?:平方公里|平方千米|平方米|公顷|万亩|亩|英亩|平方英里)"),
    ("length", "(?:公里|千米|厘米|毫米|海里|英里|英尺|米)"),
    (
        "other",
        "(?:万吨|吨|千克|公斤|毫克|微克|克|毫升|升|立方米|千瓦时|千瓦|兆瓦|马力|张床位|张|辆|架|艘|台|套|件|册|种|所|家|座|颗|枚|℃|度)",
    ),
)
_NUMBER_ZH = re.compile(
    r"(?:(?:人民币|港币|港元|美元|[¥￥$€£])\s?)?(?<![\dA-Za-z.])(?<!\d[,，])"
    + f"{_COUNT_ZH}{_MORE}\\s?"
    + "(?:"
    + "|".join(f"(?P<{kind}>{units})" for kind, units in _UNITS_ZH)
    + ")|百分之[零一二两三四五六七八九十百点]{1,8}|[¥￥$€£]\\s?\\d[\\d,]*(?:\\.\\d+)?\\s?[万亿]?"
)

_MONTH_EN = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
)
_DAY_EN = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR_EN = r"(?:1[0-9]|20)\d{2}"
_TIME_EN = re.compile(
    r"(?<![\w.,/-])(?:"
    + "|".join(
        (
            f"{_DAY_EN}\\s{_MONTH_EN},?\\s{_YEAR_EN}",
            f"{_MONTH_EN}\\s{_DAY_EN},\\s{_YEAR_EN}",
            f"(?:(?:early|mid|late)[ -])?{_MONTH_EN},?\\s{_YEAR_EN}",
            f"(?:{_DAY_EN}(?:\\s?[–-]\\s?|\\sto\\s))?{_DAY_EN}\\s{_MONTH_EN}(?:\\s{_YEAR_EN})?",
            f"{_MONTH_EN}\\s{_DAY_EN}",
            r"[12]\d{3}-(?:1[0-2]|0[1-9])-(?:3[01]|[12]\d|0[1-9])",
            r"(?:\d{1,4}|[1-9]\d?(?:st|nd|rd|th) century)\s(?:BC|BCE|AD|CE)",
            r"(?:1[0-9]|20)\d0s",
            r"(?:(?:early|mid|late)[ -])?(?:[1-9]\d?(?:st|nd|rd|th))\scentury",
            r"(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?(?:a\.m\.|p\.m\.|am|pm)",
            f"(?:spring|summer|autumn|fall|winter)\\s(?:of\\s)?{_YEAR_EN}",
            f"{_YEAR_EN}[–-](?:{_YEAR_EN}|\\d\\d)",
            # A bare year: between words, not a count of things and not a number with a unit behind it.
            f"{_YEAR_EN}(?![\\d%]|[.,]\\d|\\s(?:people|employees|workers|staff|members|metres|meters|km|kg|feet|miles|tons|tonnes)\\b)",
        )
    )
    + r")(?![\w/])"
)

_COUNT_EN = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE_EN = r"(?:\s?(?:thousand|million|billion|trillion|bn|m|k)\b)?"
_UNITS_EN = (
    ("percent", r"\s?%|\s(?:percent|per cent|percentage points)\b"),
    ("area", r"\s(?:square (?:kilometres|kilometers|miles|metres|meters|feet)|sq km|km²|hectares|acres)\b"),
    ("length", r"[\s-](?:kilometres|kilometers|metres|meters|centimetres|miles|feet|km|cm|mm|ft|m)\b"),
    ("people", r"\s(?:employees|people|inhabitants|workers|staff|residents|persons)\b"),
    ("money", r"\s(?:dollars|euros|pounds|yen|yuan|francs|kronor|kroner|crowns|rupees|US dollars)\b"),
    (
        "other",
        r"\s(?:tonnes|tons|kilograms|kg|grams|mg|litres|liters|ml|megawatts|MW|GW|kWh|horsepower|seats|beds|copies|votes)\b",
    ),
)
_NUMBER_EN = re.compile(
    r"(?<![\w.,-])(?:"
    + r"(?P<currency>(?:US|A|C|HK|NZ|S)?\$|€|£|¥|₹|(?:USD|EUR|GBP|CHF|RMB|CNY|JPY|SEK|NOK|DKK|HK\$)\s?)\s?"
    + f"(?:{_COUNT_EN}){_SCALE_EN}|(?:{_COUNT_EN}){_SCALE_EN}(?:"
    + "|".join(f"(?P<{kind}>{units})" for kind, units in _UNITS_EN)
    + r"))(?![\w])"
)


def find_times_zh(text: str) -> Iterator[Span]:
    """Yield dates, years, eras and clock times."""
    for match in _TIME_ZH.finditer(text):
        if match.end() > match.start():
            yield span(match.start(), match.end(), "TIME", 0.9)


def find_times_en(text: str) -> Iterator[Span]:
    """Yield dates, years, decades, centuries and clock times."""
    for match in _TIME_EN.finditer(text):
        yield span(match.start(), match.end(), "TIME", 0.9)


def find_numbers_zh(text: str) -> Iterator[Span]:
    """Yield quantities with a unit, money and percentages."""
    for match in _NUMBER_ZH.finditer(text):
        yield span(match.start(), match.end(), f"NUM.{match.lastgroup or 'money'}", 0.8)


def find_numbers_en(text: str) -> Iterator[Span]:
    """Yield quantities with a unit, money and percentages."""
    for match in _NUMBER_EN.finditer(text):
        kind = "money" if match.group("currency") else match.lastgroup or "other"
        yield span(match.start(), match.end(), f"NUM.{kind}", 0.8)
