"""Every spelling of a generated value reads back as that value; no text breaks the reader."""

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.normalize import value
from kgbuilder.normalize.numerals import canonical, han_integer, han_number

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=70)
VALUE_TEXT = st.text(
    "0123456789.,-/:〇一二两三四十百千万亿年月日时分元%$ 至前约余kmMW世纪代 of March may to半", max_size=24
)

DIGITS = "〇一二三四五六七八九"
MONTHS = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]


def spell(number: int) -> str:
    """Write a whole number below 10^12 in Chinese numerals, the textbook way."""
    if number == 0:
        return "零"
    groups = []
    unit = 0
    while number:
        number, group = divmod(number, 10_000)
        groups.append((group, ("", "万", "亿")[unit]))
        unit += 1
    text = ""
    for group, name in reversed(groups):
        if group == 0:
            continue
        needs_zero = text and group < 1000
        text += ("零" if needs_zero else "") + spell_group(group) + name
    return text


def spell_group(group: int) -> str:
    text = ""
    skipped = False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = group // power % 10
        if digit:
            text += ("零" if skipped and text else "") + DIGITS[digit] + name
        skipped = not digit
    return text


@given(st.integers(1, 10**12 - 1))
def test_a_spelled_number_reads_back(number):
    assert han_number(spell(number)) == number


@given(st.integers(0, 10**12 - 1))
def test_a_grouped_number_reads_back(number):
    found = value(f"{number:,}", "NUM")
    assert found is not None
    assert found.canonical == str(number)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_canonical_digits_are_exact_and_plain(number):
    text = canonical(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert canonical(Decimal(text)) == text


@given(
    st.integers(1, 10**6),
    st.sampled_from(["万", "亿"]),
    st.sampled_from([("元", "CNY"), ("美元", "USD"), ("吨", "t"), ("公里", "km")]),
)
def test_scales_multiply_exactly(tenths, scale, unit):
    written, symbol = unit
    found = value(f"{Decimal(tenths) / 10}{scale}{written}", "NUM")
    assert found is not None
    assert Decimal(found.number) == Decimal(tenths) / 10 * {"万": 10**4, "亿": 10**8}[scale]
    assert found.unit == symbol


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(2999, 12, 31)))
def test_every_spelling_of_a_day_is_that_day(day):
    month = MONTHS[day.month - 1]
    han_year = "".join(DIGITS[int(c)] for c in f"{day.year}")
    spellings = (
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}年{day.month:02d}月{day.day:02d}日",
        f"{han_year}年{spell(day.month).removeprefix('一') if day.month > 9 else spell(day.month)}月{spell(day.day)}日",
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y%m%d}",
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{month[:3]}. {day.day}, {day.year}",
        f"{month.upper()} {day.day} {day.year}",
    )
    assert {found.canonical if (found := value(text, "TIME")) else text for text in spellings} == {day.isoformat()}


@given(st.integers(1, 150), st.integers(1, 12))
def test_years_of_the_republic_count_from_1912(year, month):
    found = value(f"民国{spell(year)}年{month}月", "TIME")
    assert found is not None
    assert found.canonical == f"{1911 + year}-{month:02d}"


@given(st.integers(0, 9999))
def test_digits_in_a_row_are_read_as_they_stand(number):
    assert han_integer("".join(DIGITS[int(c)] for c in str(number))) == number


@given(ANY_TEXT | VALUE_TEXT, st.sampled_from(["TIME", "NUM", "PER", ""]))
def test_no_text_breaks_the_reader(text, label):
    found = value(text, label)
    assert found is None or (found.canonical and found.text == text)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 64,
        "万" * 64,
        "1-" * 32,
        "亿" * 63 + "元",
        "a " * 32,
        "1," * 32,
        "million " * 8,
        "至" * 64,
        "1年" * 32,
        "9" * 100_000,
        "1年至" * 21,
    ],
)
@pytest.mark.parametrize("label", ["TIME", "NUM", "PER"])
def test_a_hostile_value_takes_no_time(text, label):
    start = time.perf_counter()
    value(text, label)
    assert time.perf_counter() - start < 0.2
