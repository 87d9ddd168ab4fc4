"""Each rule of the conventions: a passage that breaks it, and one beside it that does not."""

import pytest

from tests.training.samples import passage
from training.data import check_conventions, read_corpus
from training.data import rules as rules_module
from training.data.conventions import RULES
from training.data.views import vocabulary_of

BROKEN = {
    "head-no-employer": (
        "[1:ORG 甲公司][2:TERM 董事长][3:PER 乙] || 1 led_by 3; 3 position_held 2",
        "[1:ORG 甲公司][2:TERM 董事长][3:PER 乙] || 1 led_by 3; 3 position_held 2; 3 employer 1",
    ),
    "head-no-employer-title": (
        "[1:ORG 甲公司]由[3:PER 乙]执掌 || 1 led_by 3",
        "[1:LOC 甲国]由[3:PER 乙]执掌 || 1 led_by 3",
    ),
    "head-no-led-by": (
        "[1:ORG 甲公司][2:TERM 董事长][3:PER 乙]说 || 3 position_held 2; 3 employer 1",
        "[1:ORG 甲公司]原[2:TERM 董事长][3:PER 乙]说 || 3 position_held 2; 3 employer 1",
    ),
    "alias-chain": (
        "[1:ORG 甲大学]（简称[2:ORG 甲大]）[3:TIME 1950年]成立 || 1 alias 2; 2 inception 3",
        "[1:ORG 甲大学]（简称[2:ORG 甲大]）[3:TIME 1950年]成立 || 1 alias 2; 1 inception 3",
    ),
    "place-skip": (
        "[1:LOC 甲镇]属[2:LOC 乙县]，[2:LOC 乙县]属[3:LOC 丙省] || 1 located_in 2; 2 located_in 3; 1 located_in 3",
        "[1:LOC 甲镇]属[2:LOC 乙县]，[2:LOC 乙县]属[3:LOC 丙省] || 1 located_in 2; 2 located_in 3",
    ),
    "place-twice": (
        "[1:PER 甲]生于[2:LOC 乙省][3:LOC 丙县] || 1 place_of_birth 2; 1 place_of_birth 3; 3 located_in 2",
        "[1:PER 甲]生于[2:LOC 乙省][3:LOC 丙县] || 1 place_of_birth 3; 3 located_in 2",
    ),
    "winner-participant": (
        "[1:PER 甲]夺得[2:EVENT 乙杯]冠军 || 2 winner 1; 1 participant_in 2",
        "[1:PER 甲]夺得[2:EVENT 乙杯]冠军，[3:PER 丙]第二 || 2 winner 1; 3 participant_in 2",
    ),
    "relative-time": ("[1:TIME 去年]下雨 ||", "[1:TIME 2019年]下雨 ||"),
    "relative-time-start": ("[1:TIME 去年3月]下雨 ||", "[1:TIME 1999年3月]下雨 ||"),
    "unused-duration": ("[1:PER 甲]工作了[2:NUM 三年] ||", "[1:PRODUCT 甲]售价[2:NUM 三元] || 1 price 2"),
    "unused-number": ("[1:PER 甲]买了[2:NUM 三斤]米 ||", "[1:PRODUCT 甲]售价[2:NUM 三元] || 1 price 2"),
    "bare-role": ("[1:TERM 画家]来了 ||", "[1:TERM 画家][2:PER 甲]来了 || 2 occupation 1"),
    "unused-term": ("[1:TERM 高血压]常见 ||", "[1:TERM 头痛]见于[2:TERM 高血压] || 1 symptom_of 2"),
    "unmarked-name": ("[1:PER 林知远]来了，林知远走了 ||", "[1:PER 林知远]来了，[1:PER 林知远]走了 ||"),
    "unmarked-term": ("[1:TERM 高血压]，即高血压病 ||", "[1:TERM 高血压]，即[2:TERM 高血压病] ||"),
    "name-two-ids": ("[1:PER 甲乙]和[2:PER 甲乙] ||", "[1:PER 甲乙]和[1:PER 甲乙] ||"),
    "acquired-not-owned": (
        "[1:ORG 甲]收购了[2:ORG 乙] || 1 acquired 2",
        "[1:ORG 甲]收购了[2:ORG 乙] || 1 acquired 2; 2 owned_by 1",
    ),
    "invested-owned": (
        "[1:ORG 甲]入股[2:ORG 乙] || 1 invested_in 2; 2 owned_by 1",
        "[1:ORG 甲]入股[2:ORG 乙] || 1 invested_in 2",
    ),
    "alias-follows": (
        "[1:ORG 甲]原名[2:ORG 乙] || 1 alias 2; 1 follows 2",
        "[1:ORG 甲]原名[2:ORG 乙] || 1 alias 2",
    ),
    "functional-twice": (
        "[1:PER 甲]生于[2:TIME 1901年]，一说[3:TIME 1902年] || 1 date_of_birth 2; 1 date_of_birth 3",
        "[1:PER 甲]生于[2:TIME 1901年]，卒于[3:TIME 1902年] || 1 date_of_birth 2; 1 date_of_death 3",
    ),
    "generic-kind": ("[1:ORG 甲]是[2:TERM 公司] || 1 is_a 2", "[1:ORG 甲]是[2:TERM 造船厂] || 1 is_a 2"),
    "bare-work": ("[1:TERM 小说]《[2:WORK 甲]》 || 2 genre 1", "[1:TERM 长篇小说]《[2:WORK 甲]》 || 2 genre 1"),
    "court-party": (
        "[1:ORG 甲市中级人民法院]审理[2:EVENT 乙案] || 1 party_to 2",
        "[1:ORG 甲公司]卷入[2:EVENT 乙案] || 1 party_to 2",
    ),
    "periodical-work": ("《[1:WORK 江城日报]》报道 ||", "《[1:ORG 江城日报]》报道 ||"),
    "country-in-title": (
        "[1:TERM 美国总统][2:PER 甲] || 2 position_held 1",
        "[3:LOC 美国][1:TERM 总统][2:PER 甲] || 2 position_held 1",
    ),
    "province-nationality": (
        "[1:PER 甲]，[2:LOC 浙江省]籍 || 1 nationality 2",
        "[1:PER 甲]，[2:LOC 美国]籍 || 1 nationality 2",
    ),
    "pronoun-marked": ("[1:PER 他]来了 ||", "[1:PER 林他]来了 ||"),
    "sign-in-mark": ("[1:WORK 《甲》]出版 ||", "《[1:WORK 甲]》出版 ||"),
    "alias-one-id": ("[1:ORG 甲大学]（简称[1:ORG 甲大]） ||", "[1:ORG 甲大学]（简称[2:ORG 甲大]） || 1 alias 2"),
    "alias-missing": ("[1:ORG 甲大学]（简称“[2:ORG 甲大]”） ||", "[1:ORG 甲大学]（简称“[2:ORG 甲大]”） || 1 alias 2"),
    "planned-stake": ("[1:ORG 甲]拟收购[2:ORG 乙] || 1 acquired 2", "[1:ORG 甲]拟收购[2:ORG 乙] ||"),
    "prevention": (
        "[1:PRODUCT 甲苗]可预防[2:TERM 乙病] || 1 treats 2",
        "[1:PRODUCT 甲药]可治疗[2:TERM 乙病] || 1 treats 2",
    ),
    "denied-finding": (
        "诊断[2:TERM 流感]，无[1:TERM 咳嗽] || 1 symptom_of 2",
        "诊断[2:TERM 流感]，有[1:TERM 咳嗽] || 1 symptom_of 2",
    ),
    "co-organizer": (
        "[1:EVENT 甲会]由[2:ORG 乙]协办 || 1 organizer 2",
        "[1:EVENT 甲会]由[2:ORG 乙]主办 || 1 organizer 2",
    ),
    "type-conflict": ("[1:PER 丽江]说 ||", "[1:LOC 丽江]说 ||"),
    "unmarked-elsewhere": ("他去了丽江。 ||", "他去了[1:LOC 丽江]。 ||"),
}
# What words are used as, wherever a rule asks.
BACKGROUND = [
    passage("[1:PER 甲]是[2:LOC 美国][3:TERM 画家] || 1 nationality 2; 1 occupation 3"),
    *(passage("[1:LOC 丽江]很远 ||") for _ in range(4)),
    *(passage("[1:WORK 丽江恋歌]很长 ||") for _ in range(2)),
]
VOCABULARY = vocabulary_of(BACKGROUND)


def found(line, rule, **more):
    return [finding for finding in check_conventions([passage(line, **more)], VOCABULARY) if finding.rule == rule]


@pytest.mark.parametrize("rule", BROKEN)
def test_a_passage_that_breaks_a_rule_is_found(rule):
    (finding,) = found(BROKEN[rule][0], rule)
    assert finding.where == "zh_test-1.txt:1"
    assert str(finding).startswith(f"zh_test-1.txt:1: {rule}: ")


@pytest.mark.parametrize("rule", BROKEN)
def test_a_passage_that_keeps_a_rule_is_not(rule):
    assert found(BROKEN[rule][1], rule) == []


@pytest.mark.parametrize("rule", BROKEN)
def test_a_passage_may_be_exempt(rule):
    assert found(BROKEN[rule][0], rule, accepted={rule}) == []


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("relative-time", "It rained [1:TIME last year]. ||"),
        ("relative-time-start", "It rained [1:TIME last March 3]. ||"),
        ("unused-duration", "A [1:NUM 34-year-old] came. ||"),
        ("unmarked-name", "[1:PER Ann Lee] came. I like Ann Lee. ||"),
        ("bare-work", "The [1:TERM song] is loud. ||"),
        ("periodical-work", "She wrote for [1:WORK Gear Weekly]. ||"),
        ("pronoun-marked", "[1:PER She] came. ||"),
        ("alias-missing", "[1:ORG Acme Corporation], formerly [2:ORG Bolt], grew. ||"),
        ("planned-stake", "[1:ORG Acme] plans to buy [2:ORG Bolt] || 1 acquired 2"),
        ("prevention", "[1:PRODUCT Aspirin] to prevent [2:TERM stroke] || 1 treats 2"),
        ("denied-finding", "[2:TERM Influenza] without [1:TERM cough] || 1 symptom_of 2"),
        ("head-no-led-by", "[1:PER Ann], [2:TERM chief executive] of [3:ORG Acme] || 1 position_held 2; 1 employer 3"),
    ],
)
def test_english_passages_are_looked_at_too(rule, line):
    assert found(line, rule, language="en")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("unmarked-name", "[1:PER Ann] saw Annabel. ||"),
        ("unmarked-name", "[1:LOC 北京]的[2:ORG 北京大学] ||"),
        ("pronoun-marked", "[1:ORG WHO] and the [2:LOC US] met. ||"),
        ("unmarked-elsewhere", "丽江恋歌很好听。 ||"),
        ("unmarked-elsewhere", "画家来了。 ||"),
        ("denied-finding", "[1:TERM cough] in [2:TERM influenza] || 1 symptom_of 2"),
        ("planned-stake", "[1:ORG Acme] bought [2:ORG Bolt]. It plans to grow. || 1 acquired 2; 2 owned_by 1"),
        ("head-no-led-by", "[1:PER Ann] was [2:TERM CEO] of [3:ORG Acme] || 1 position_held 2; 1 employer 3"),
    ],
)
def test_what_only_looks_alike_is_left_alone(rule, line):
    assert found(line, rule) == []


def test_every_rule_has_a_name_of_its_own_and_a_test():
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert set(names) == set(BROKEN)


def test_every_check_belongs_to_a_rule():
    public = {
        name for name, thing in vars(rules_module).items()
        if callable(thing) and getattr(thing, "__module__", "") == rules_module.__name__ and not name.startswith("_")
    }  # fmt: skip
    assert public == {rule.check.__name__ for rule in RULES}


def test_accepted_rules_of_the_corpus_exist():
    accepted = {rule for passage_ in read_corpus() for rule in passage_.accepted}
    assert accepted <= {rule.name for rule in RULES}
