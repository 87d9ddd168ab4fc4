"""Spellings of one name share a key; names of different things do not."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.normalize import bracketed, name_key

LABELS = ("PER", "ORG", "LOC", "TIME", "NUM", "WORK", "EVENT", "PRODUCT", "TERM", "Anything")
ANY_TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=80)

SAME = [
    ("ORG", "华为技术有限公司", "华为技术"),
    ("ORG", "華為技術股份有限公司", "华为技术有限责任公司"),
    ("ORG", "招商局（集团）有限公司", "招商局集团有限公司"),
    ("ORG", "招商局集团", "招商局"),
    ("ORG", "苹果公司", "苹果"),
    ("ORG", "华为技术有限公司北京分公司", "华为技术北京分公司"),
    ("ORG", "株式会社東芝", "東芝"),
    ("ORG", "华为技术 Co., Ltd.", "华为技术"),
    ("ORG", "Apple Inc.", "APPLE, INC"),
    ("ORG", "Acme Co., Ltd.", "Acme Co.,Ltd"),
    ("ORG", "Kestrel S.A.", "The Kestrel"),
    ("ORG", "Acme GmbH & Co. KG", "ACME GmbH & Co KG"),
    ("ORG", "Procter & Gamble Co.", "Procter and Gamble"),
    ("ORG", "U.S. Steel Corporation", "US Steel Corp"),
    ("ORG", "World Health Organization (WHO)", "World Health Organization"),
    ("ORG", "世界卫生组织（WHO）", "世界衛生組織"),
    ("ORG", "the WHO", "WHO"),
    ("PER", "José García", "Garcia, Jose"),
    ("PER", "J.K. Rowling", "J. K. Rowling"),
    ("PER", "Dr. Ada Marlow", "Prof. Ada Marlow"),
    ("PER", "Ada Marlow, PhD", "Ada Marlow"),
    ("PER", "King, Martin Luther, Jr.", "Martin Luther King Junior"),
    ("PER", "O’Brien, Conan", "Conan O'Brien"),
    ("PER", "列夫·托尔斯泰", "列夫・托爾斯泰"),
    ("PER", "王小明教授", "王 小明"),
    ("PER", "奥巴马总统", "奥巴马"),
    ("PER", "傅康副经理", "傅康先生"),
    ("LOC", "北京市", "北京"),
    ("LOC", "浙江省", "浙江"),
    ("LOC", "魁北克市", "魁北克"),
    ("LOC", "广西壮族自治区", "广西"),
    ("LOC", "New  York", "NEW YORK"),
    ("WORK", "《三体》", "三体"),
    ("WORK", "1,000 Places", "1000 places"),
    ("PRODUCT", "华为 P30", "华为Ｐ30"),
    ("PRODUCT", "Lumen-P30", "lumen p30"),
    ("TIME", "1978年3月", "March 1978"),
    ("NUM", "12亿元", "1.2 billion yuan"),
    ("EVENT", "The Harbor Forum", "Harbor Forum"),
]

DIFFERENT = [
    ("ORG", "华阳科技", "华扬科技"),
    ("ORG", "第一医院", "第二医院"),
    ("ORG", "上海公司", "上海"),
    ("ORG", "北京科技有限公司", "北京科技股份有限公司"),
    ("ORG", "中国有限公司", "中国"),
    ("ORG", "华为北京分公司", "华为北京"),
    ("ORG", "华为（香港）有限公司", "华为"),
    ("ORG", "The Who", "WHO"),
    ("ORG", "Capital Ltd", "Capital Inc"),
    ("ORG", "Tiffany & Co.", "Tiffany"),
    ("PER", "Marlow", "Harlow"),
    ("PER", "Mr Smith", "Mrs Smith"),
    ("PER", "居里夫人", "居里"),
    ("PER", "美国总统", "美国"),
    ("PER", "李院士", "李"),
    ("PER", "Henry IV", "Henry V"),
    ("PER", "Ada Marlow Jr.", "Ada Marlow"),
    ("LOC", "城市", "城"),
    ("LOC", "和县", "和"),
    ("LOC", "吉林市", "吉林省"),
    ("LOC", "魁北克省", "魁北克市"),
    ("LOC", "墨西哥市", "墨西哥"),
    ("LOC", "县级市", "县级"),
    ("LOC", "吉林市城区", "吉林"),
    ("LOC", "朝阳区", "朝阳"),
    ("LOC", "New York", "Newyork"),
    ("LOC", "中华人民共和国", "中华人民"),
    ("PRODUCT", "P30", "P40"),
    ("PRODUCT", "GPT-3.5", "GPT-35"),
    ("TERM", "C++", "C"),
    ("TERM", "5G", "6G"),
    ("NUM", "5%", "5"),
    ("NUM", "约100人", "100人"),
    ("TIME", "2019年3月", "2019年"),
    ("WORK", "Mercury (planet)", "Mercury"),
]


@pytest.mark.parametrize(("label", "one", "other"), SAME)
def test_spellings_of_one_name_share_a_key(label, one, other):
    assert name_key(one, label) == name_key(other, label)


@pytest.mark.parametrize(("label", "one", "other"), DIFFERENT)
def test_names_of_two_things_have_two_keys(label, one, other):
    assert name_key(one, label) != name_key(other, label)


@pytest.mark.parametrize(
    "name",
    ["有限公司", "集团", "公司", "（集团）有限公司", "Inc.", "The", "Ltd", "Co., Ltd.", "教授", "市", "Dr.", "（）"],
)
@pytest.mark.parametrize("label", ["ORG", "PER", "LOC"])
def test_a_name_of_suffixes_alone_keeps_something(name, label):
    assert name_key(name, label)


@pytest.mark.parametrize("name", ["!!!", "★", "。", "\u200b", "\u202e", " ", "\ud800", "%", "'"])
def test_a_name_of_signs_alone_has_a_key(name):
    assert all(name_key(name, label) for label in LABELS)


@given(ANY_TEXT, st.sampled_from(LABELS))
def test_any_text_has_a_key_that_is_stable(text, label):
    key = name_key(text, label)
    assert key
    assert name_key(text, label) == key


@given(st.text("abc华為龍é ·-&.'（）ＡＢ１2", min_size=1, max_size=20), st.sampled_from(LABELS))
def test_width_case_and_script_never_change_a_key(text, label):
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert name_key(wide, label) == name_key(unicodedata.normalize("NFKC", wide), label)


@pytest.mark.parametrize(
    "name",
    [
        "a" * 10_000,
        "网络科技" * 2500,
        "(" * 10_000,
        "a, " * 3000,
        "有限公司" * 2500,
        ". " * 5000,
        "先生" * 5000,
        "i" * 256,
        "网络科技" * 63 + "x",
    ],
)
@pytest.mark.parametrize("label", LABELS)
def test_a_hostile_name_takes_no_time(name, label):
    start = time.perf_counter()
    assert name_key(name, label)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("World Health Organization (WHO)", ("World Health Organization", "WHO")),
        ("世界卫生组织（WHO）", ("世界卫生组织", "WHO")),
        ("北京大学（北大）", ("北京大学", "北大")),
        ("临海华阳科技有限公司（华阳科技）", ("临海华阳科技有限公司", "华阳科技")),
        ("北京大学（“北大”）", ("北京大学", "北大")),
        ("慕尼黑（Munich）", ("慕尼黑", "Munich")),
        ("华为（香港）", None),
        ("中国工商银行（中国）", None),
        ("招商局（集团）", None),
        ("Mercury (planet)", None),
        ("(WHO)", None),
        ("WHO (", None),
        ("", None),
    ],
)
def test_an_abbreviation_in_brackets_is_told_from_other_brackets(text, expected):
    assert bracketed(text) == expected
