"""Dates and quantities become one canonical value however they are written, or none where more than one is meant."""

import pytest

from kgbuilder.normalize import value

DATES = [
    ("二〇二四年三月五日", "2024-03-05", "day"),
    ("２０２４年３月５日", "2024-03-05", "day"),
    ("2024 年 3 月", "2024-03", "month"),
    ("2024.03", "2024-03", "month"),
    ("2024-3-5", "2024-03-05", "day"),
    ("20240305", "2024-03-05", "day"),
    ("2024年3月5日下午2:30", "2024-03-05T14:30", "minute"),
    ("2019-03-05T14:30:00Z", "2019-03-05T14:30", "minute"),
    ("7 November 1867", "1867-11-07", "day"),
    ("Nov. 7, 1867", "1867-11-07", "day"),
    ("the 7th of November 1867", "1867-11-07", "day"),
    ("Monday, 5 March 2013", "2013-03-05", "day"),
    ("March 1978", "1978-03", "month"),
    ("25/12/2020", "2020-12-25", "day"),
    ("12/25/2020", "2020-12-25", "day"),
    ("4月18日", "XXXX-04-18", "day"),
    ("April 18", "XXXX-04-18", "day"),
    ("1978年", "1978", "year"),
    ("2023年度", "2023", "year"),
    ("AD 79", "0079", "year"),
    ("公元79年", "0079", "year"),
    ("公元前490年", "-0489", "year"),
    ("490 BC", "-0489", "year"),
    ("1 BC", "0000", "year"),
    ("民国三十八年", "1949", "year"),
    ("民国21年5月", "1932-05", "month"),
    ("光绪二十三年", "1897", "year"),
    ("清康熙四十五年", "1706", "year"),
    ("宣统元年", "1909", "year"),
    ("萬曆二十二年", "1594", "year"),
    ("昭和64年", "1989", "year"),
    ("1990s", "199X", "decade"),
    ("1990年代", "199X", "decade"),
    ("20世纪90年代", "199X", "decade"),
    ("二十世纪九十年代", "199X", "decade"),
    ("the 19th century", "18XX", "century"),
    ("19世纪", "18XX", "century"),
    ("公元前3世纪", "-0299/-0200", "century"),
    ("third century BC", "-0299/-0200", "century"),
    ("2024年第三季度", "2024-Q3", "quarter"),
    ("Q3 2024", "2024-Q3", "quarter"),
    ("the third quarter of 2024", "2024-Q3", "quarter"),
    ("2024年上半年", "2024-H1", "half"),
    ("summer 2023", "2023-22", "season"),
    ("1999–2003", "1999/2003", "year"),
    ("1999年至2003年", "1999/2003", "year"),
    ("1997-98年", "1997/1998", "year"),
    ("from 1999 to 2003", "1999/2003", "year"),
    ("2024年3月5日至8日", "2024-03-05/2024-03-08", "day"),
    ("5–8 March 2024", "2024-03-05/2024-03-08", "day"),
    ("March–May 2024", "2024-03/2024-05", "month"),
    ("晚上7时15分", "T19:15", "minute"),
    ("2 p.m.", "T14", "hour"),
    ("20:36", "T20:36", "minute"),
]

NO_DATES = """
    11/07/1867 2024年2月30日 2023年13月 同年7月 农历二月二十五日 光绪二十三年三月 光绪九十年 九十年代 98年
    三百年 清朝 年 月日 日 2003-1999 25:00 31/31/2020 0年
"""

QUANTITIES = [
    ("3.5万", "35000", "number"),
    ("1,234.5", "1234.5", "number"),
    ("三百二十", "320", "number"),
    ("三百零二", "302", "number"),
    ("三百二", "320", "number"),
    ("两万三", "23000", "number"),
    ("三万亿", "3000000000000", "number"),
    ("twelve hundred", "1200", "number"),
    ("twenty-five thousand", "25000", "number"),
    ("三分之一", "1/3", "number"),
    ("12亿元", "1200000000 CNY", "money"),
    ("1.2 billion yuan", "1200000000 CNY", "money"),
    ("人民币12亿元", "1200000000 CNY", "money"),
    ("RMB 1.2 billion", "1200000000 CNY", "money"),
    ("¥300", "300 CNY", "money"),
    ("壹亿零捌拾万元整", "100800000 CNY", "money"),
    ("-1.3亿元", "-130000000 CNY", "money"),
    ("$1.2bn", "1200000000 USD", "money"),
    ("US$1.2 billion", "1200000000 USD", "money"),
    ("12亿美元", "1200000000 USD", "money"),
    ("1.1亿港元", "110000000 HKD", "money"),
    ("€3 million", "3000000 EUR", "money"),
    ("三块二", "3.2 CNY", "money"),
    ("765元/吨", "765 CNY/t", "money"),
    ("8000-15000元", "8000/15000 CNY", "money"),
    ("3-5万元", "30000/50000 CNY", "money"),
    ("8000-1万元", "8000/10000 CNY", "money"),
    ("$3-5 million", "3000000/5000000 USD", "money"),
    ("60％", "60%", "percent"),
    ("百分之六十", "60%", "percent"),
    ("six per cent", "6%", "percent"),
    ("两成", "20%", "percent"),
    ("330公里", "330 km", "quantity"),
    ("330 kilometres", "330 km", "quantity"),
    ("330千米", "330 km", "quantity"),
    ("3千克", "3 kg", "quantity"),
    ("三千克", "3000 g", "quantity"),
    ("10万千瓦", "100000 kW", "quantity"),
    ("八百两", "800 tael", "quantity"),
    ("4.5万平方公里", "45000 km2", "quantity"),
    ("45,000 km²", "45000 km2", "quantity"),
    ("60㎡", "60 m2", "quantity"),
    ("一米七八", "1.78 m", "quantity"),
    ("36.5℃", "36.5 °C", "quantity"),
    ("3 mW", "3 mW", "quantity"),
    ("3 MW", "3 MW", "quantity"),
    ("3200名员工", "3200 person", "quantity"),
    ("3,200 people", "3200 person", "quantity"),
    ("三台", "3 台", "quantity"),
    ("约400米", "~400 m", "quantity"),
    ("about 400 m", "~400 m", "quantity"),
    ("六百余名", ">600 person", "quantity"),
    ("more than 600 people", ">600 person", "quantity"),
    ("不到5吨", "<5 t", "quantity"),
    ("三年", "P3Y", "duration"),
    ("three years", "P3Y", "duration"),
    ("三年半", "P3.5Y", "duration"),
    ("45天", "P45D", "duration"),
    ("8小时41分", "PT8H41M", "duration"),
    ("88岁", "age 88", "age"),
    ("88 years old", "age 88", "age"),
    ("aged 88", "age 88", "age"),
]

NO_QUANTITIES = """
    数千万元 十几名 六七千 8:30 4比1 一二三百 万里长城 元 ％ $ -- 1.2.3 1,23 8mm×6mm 78次/分 $14港元 第三 半
"""


@pytest.mark.parametrize(("text", "iso", "precision"), DATES)
def test_a_date_has_its_iso_form_and_precision(text, iso, precision):
    found = value(text, "TIME")
    assert found is not None
    assert (found.kind, found.canonical, found.precision, found.text) == ("date", iso, precision, text)


@pytest.mark.parametrize("text", NO_DATES.split())
def test_what_is_no_certain_date_has_no_value(text):
    assert value(text, "TIME") is None


@pytest.mark.parametrize(("text", "canonical", "kind"), QUANTITIES)
def test_a_quantity_has_its_canonical_form(text, canonical, kind):
    found = value(text, "NUM")
    assert found is not None
    assert (found.canonical, found.kind, found.text) == (canonical, kind, text)


@pytest.mark.parametrize("text", NO_QUANTITIES.split())
def test_what_is_no_certain_quantity_has_no_value(text):
    assert value(text, "NUM") is None


def test_the_parts_of_a_quantity_stand_apart():
    found = value("约1.2亿美元", "NUM")
    assert found is not None
    assert (found.number, found.unit, found.bound) == ("120000000", "USD", "~")


@pytest.mark.parametrize(
    ("text", "label"), [("1984", "WORK"), ("3 Idiots", "WORK"), ("Seven", "WORK"), ("May", "PER"), ("三", "PER")]
)
def test_a_name_of_another_type_is_no_value(text, label):
    assert value(text, label) is None


@pytest.mark.parametrize(
    ("text", "canonical"), [("8848.86米", "8848.86 m"), ("2012年3月", "2012-03"), ("$3 million", "3000000 USD")]
)
def test_a_clear_value_is_found_whatever_the_label(text, canonical):
    found = value(text, "Anything")
    assert found is not None
    assert found.canonical == canonical


def test_a_year_as_number_is_a_date():
    found = value("1978年", "NUM")
    assert found is not None
    assert (found.kind, found.canonical) == ("date", "1978")
