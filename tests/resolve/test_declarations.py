"""Short forms that a text declares belong to their long form, in that text."""

import pytest

from kgbuilder.normalize import name_key
from kgbuilder.records import Mention
from kgbuilder.resolve import declarations, declared_aliases, in_document, node_id


def mentions(text: str, *named: tuple[str, str]) -> list[Mention]:
    """Find each name behind the one before it."""
    found = []
    at = 0
    for name, label in named:
        start = text.index(name, at)
        at = start + len(name)
        found.append(Mention(id=f"{start}", document_id="d", start=start, end=at, text=name, label=label, score=1.0))
    return found


def nodes(found: list[Mention]) -> list[tuple[Mention, str]]:
    return [(m, node_id(m.label, name_key(m.text, m.label))) for m in found]


DECLARED = [
    ("世界卫生组织（WHO）说", "世界卫生组织", "WHO"),
    ("World Health Organization (WHO) said", "World Health Organization", "WHO"),
    ("北京大学（北大）是", "北京大学", "北大"),
    ("北京大学（简称“北大”）是", "北京大学", "北大"),
    ("浙江沃野农业科技股份有限公司（以下简称“沃野农科”）", "浙江沃野农业科技股份有限公司", "沃野农科"),
    ("贵州茅台酒股份有限公司（股票代码：600519，以下简称“茅台”）", "贵州茅台酒股份有限公司", "茅台"),
    ("Acme Corp. (hereinafter referred to as the “Company”)", "Acme Corp.", "Company"),
    ('Acme Corp. (the "Company")', "Acme Corp.", "Company"),
    ("Acme Corp., also known as Acmeco, is", "Acme Corp.", "Acmeco"),
    ("carpal tunnel syndrome (often abbreviated to CTS)", "carpal tunnel syndrome", "CTS"),
    ("世界卫生组织，简称世卫组织。", "世界卫生组织", "世卫组织"),
    ("《泰坦尼克号》（Titanic）", "泰坦尼克号", "Titanic"),
    ("慕尼黑（Munich）是", "慕尼黑", "Munich"),
    ("Munich (慕尼黑)", "Munich", "慕尼黑"),
]

NOT_DECLARED = [
    ("张三也称李四是骗子", "张三", "李四"),
    ("张三（李四饰）", "张三", "李四"),
    ("Paris Club (Lyon Investments)", "Paris Club", "Lyon Investments"),
    ("Alphabet (formerly Google)", "Alphabet", "Google"),
    ("北京大学和北大医院", "北京大学", "北大医院"),
    ("World Health Organization. WHO", "World Health Organization", "WHO"),
    ("华为（荣耀）", "华为", "荣耀"),
]


@pytest.mark.parametrize(("text", "long", "short"), DECLARED)
def test_a_text_declares_a_short_form(text, long, short):
    (alias,) = declared_aliases(text, mentions(text, (long, "ORG"), (short, "ORG")))
    assert (alias.short, alias.long.text) == (short, long)
    assert alias.score >= 0.98


@pytest.mark.parametrize(("text", "one", "other"), NOT_DECLARED)
def test_names_that_only_stand_together_declare_nothing(text, one, other):
    assert declared_aliases(text, mentions(text, (one, "ORG"), (other, "ORG"))) == ()


@pytest.mark.parametrize("text", ["WHO (World Health Organization)", "世卫组织（全称World Health Organization）"])
def test_the_long_form_may_stand_second(text):
    short = text[: text.index("(" if "(" in text else "（")].strip()
    (alias,) = declared_aliases(text, mentions(text, (short, "ORG"), ("World Health Organization", "ORG")))
    assert (alias.short, alias.long.text) == (short, "World Health Organization")


def test_two_short_forms_in_one_bracket_are_both_declared():
    text = "华为技术有限公司（以下简称“华为”或“公司”）"
    found = declared_aliases(text, mentions(text, ("华为技术有限公司", "ORG"), ("华为", "ORG"), ("公司", "ORG")))
    assert [(alias.short, alias.long.text) for alias in found] == [
        ("华为", "华为技术有限公司"),
        ("公司", "华为技术有限公司"),
    ]


def test_a_name_in_another_script_and_its_initials_lead_to_the_first_name():
    text = "世界卫生组织（World Health Organization，WHO）"
    placed = nodes(mentions(text, ("世界卫生组织", "ORG"), ("World Health Organization", "ORG"), ("WHO", "ORG")))
    first, second, third = (node for _, node in placed)
    assert in_document(declarations(text, placed)) == {second: first, third: first}


def test_a_mention_with_its_brackets_declares_by_itself():
    text = "World Health Organization (WHO) said"
    ((mention, long),) = nodes(mentions(text, ("World Health Organization (WHO)", "ORG")))
    assert declarations(text, [(mention, long)]) == ((node_id("ORG", "who"), long),)


def test_labels_must_agree():
    text = "世界卫生组织（WHO）"
    assert declared_aliases(text, mentions(text, ("世界卫生组织", "ORG"), ("WHO", "WORK"))) == ()


def test_values_declare_nothing():
    text = "民国三十八年（A Year）"
    assert declared_aliases(text, mentions(text, ("民国三十八年", "TIME"), ("A Year", "TIME"))) == ()


def test_a_short_form_of_two_things_in_one_document_stays_itself():
    text = "世界卫生组织（WHO）和 World Heritage Office (WHO)"
    placed = nodes(
        mentions(text, ("世界卫生组织", "ORG"), ("WHO", "ORG"), ("World Heritage Office", "ORG"), ("WHO", "ORG"))
    )
    assert len(declarations(text, placed)) == 2
    assert in_document(declarations(text, placed)) == {}


def test_a_ring_of_short_forms_ends():
    assert in_document([("a", "b"), ("b", "a")]) == {"b": "a"}
    assert in_document([("c", "b"), ("b", "a")]) == {"c": "a", "b": "a"}


def test_a_short_form_that_a_person_split_off_is_not_explained():
    text = "世界卫生组织（WHO）"
    long, short = mentions(text, ("世界卫生组织", "ORG"), ("WHO", "ORG"))
    assert declarations(text, [(long, node_id("ORG", "世界卫生组织")), (short, node_id("ORG", "who", "other"))]) == ()


def test_the_order_of_mentions_does_not_matter():
    text = "世界卫生组织（WHO）和北京大学（北大）"
    placed = nodes(mentions(text, ("世界卫生组织", "ORG"), ("WHO", "ORG"), ("北京大学", "ORG"), ("北大", "ORG")))
    assert declarations(text, placed) == declarations(text, placed[::-1])


def test_a_thousand_nested_mentions_take_no_time():
    text = "（" + "甲乙" * 3000
    found = [
        Mention(id=f"{n}", document_id="d", start=0, end=n + 1, text=text[: n + 1], label="ORG", score=1.0)
        for n in range(1000)
    ]
    assert declared_aliases(text, found) == ()
