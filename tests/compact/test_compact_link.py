"""What belongs together in a text that was read: short forms, repeats, pronouns, names that people listed.

Readings are made by hand from marked text; one test at the end asks the model of the package.
"""

import re
import sys

import numpy as np
import pytest

from graph_schema import load_ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract.compact import extractor as compact
from kgbuilder.extract.compact.anaphora import read_anaphor
from kgbuilder.extract.compact.declared import declared_names
from kgbuilder.extract.compact.decode import (
    Calibration,
    PairCalibration,
    Reading,
    ReadMention,
    ReadTriple,
    Settings,
    Span,
)
from kgbuilder.extract.compact.entities import MAX_SHARING, find_entities
from kgbuilder.extract.compact.features import Features
from kgbuilder.extract.compact.known import KnownNames, forced_spans, with_known
from kgbuilder.extract.compact.link import MAX_REACH_CHARS, link
from kgbuilder.extract.compact.repeats import repeated
from kgbuilder.extract.ground import ground
from kgbuilder.ingest import sentences
from kgbuilder.normalize import name_key
from kgbuilder.records import Extraction, Passage
from kgbuilder.resolve import node_id

GENERAL = load_ontology("general")
_MARK = re.compile(r"\[([A-Z]+) ([^\[\]]+)\]")


def read(marked, *facts, score=0.95):
    """Make a text and its reading; a fact is "head relation tail" or with a score, by numbers of the marks."""
    text, mentions, last = "", [], 0
    for found in _MARK.finditer(marked):
        text += marked[last : found.start()]
        end = len(text) + len(found[2])
        mentions.append(ReadMention(start=len(text), end=end, type=found[1], score=score))
        text, last = text + found[2], found.end()
    triples = []
    for fact in facts:
        head, relation, tail, *rest = fact.split()
        sure = float(rest[0]) if rest else 0.9
        triples.append(ReadTriple(head=int(head), relation=relation, tail=int(tail), score=sure))
    return text + marked[last:], Reading(mentions=tuple(mentions), triples=tuple(triples))


def names(text, reading):
    return [(text[m.start : m.end], m.type) for m in reading.mentions]


def facts(text, reading):
    said = [text[m.start : m.end] for m in reading.mentions]
    return [(said[t.head], t.relation, said[t.tail]) for t in reading.triples]


def linked_facts(marked, *stated, **relations):
    text, reading = read(marked, *stated)
    return facts(text, link(text, reading, **relations))


def are_one(marked):
    text, reading = read(marked)
    found, declared = declared_names(text, reading)
    of = find_entities(text, found, declared).of
    return len(set(of)) == 1


# --- short forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "marked",
    [
        "[ORG 北京大学]位于海淀区。[ORG 北大]成立于1898年。",
        "[ORG 北大]的前身是京师大学堂，[ORG 北京大学]于1912年改名。",
        "[ORG 华为技术有限公司]总部在深圳，[ORG 华为]由任正非创立。",
        "[ORG 中国科学院]发布公告，[ORG 中科院]说。",
        "[ORG 国家发展和改革委员会]开会，[ORG 国家发改委]说。",
        "[ORG 中华人民共和国外交部]发言人；[ORG 外交部]说。",
        "[ORG 北京字节跳动科技有限公司]成立，[ORG 字节跳动]发展很快。",
        "[ORG 哈佛大学]的教授离开了[ORG 哈佛]。",
        "[PER 玛丽·居里]生于华沙。[PER 居里]去了巴黎。",
        "[PER 林知远]生于绍兴，[PER 知远]自幼学茶。",
        "[PER 林知远]生于绍兴，[PER 林教授]教书。",
        "[PER 山本耀司]在东京，[PER 山本]设计衣服。",
        "[LOC 延边朝鲜族自治州]在吉林，[LOC 延边]产米。",
        "[PRODUCT 银河C1咖啡机]上市，[PRODUCT 银河C1]卖得好。",
        "[PER Marie Curie] was born in Warsaw. [PER Curie] moved to Paris.",
        "[PER Dr Marie Curie] spoke; [PER Professor Curie] left.",
        "[PER George W. Bush] spoke; [PER George Bush] left.",
        "[ORG International Business Machines] of Armonk; [ORG IBM] makes mainframes.",
        "[ORG IBM] makes mainframes; [ORG International Business Machines] is its full name.",
        "[ORG Kallio Instruments] is in Espoo. [ORG Kallio] makes gauges.",
        "[ORG Harvard University] is old; [ORG Harvard] is rich.",
        "[LOC United Kingdom] and [LOC UK].",
        "[ORG World Health Organization] ([ORG WHO]) said.",
        "[ORG 北京大学]（Peking University，简称“[ORG 燕大]”）位于北京。",
    ],
)
def test_a_short_form_is_the_longer_name(marked):
    assert are_one(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "[PER Marie Curie] and [PER Pierre Curie] met; [PER Curie] won.",
        "[ORG 上海交通大学]和[ORG 上海大学]。",
        "[ORG 中国农业银行]和[ORG 中国银行]。",
        "[ORG 中国石油大学]和[ORG 中国石油]。",
        "[ORG 北京大学第一医院]和[ORG 北京大学]。",
        "[ORG 锄原动力]和[ORG 锄原集团]。",
        "[ORG 京东物流]和[ORG 京东]。",
        "[ORG 北京市第八中学怡海分校]与[ORG 北京八中]。",
        "[ORG 第七十四军]和[ORG 第十军]。",
        "[ORG 深圳职业技术学院]和[ORG 学院]。",
        "[PER 林知远]和[PER 林夫人]。",
        "[PER 知远]来了。后来[PER 林知远]也来了。",
        "[PER 林知远]和[LOC 知远]。",
        "[PER Curie] left. [PER Marie Curie] came.",
        "[PER Pierre Curie] came with Mrs [PER Curie].",
        "[PER Pierre Curie] came with [PER Mrs Curie].",
        "[PER Reuben Sachs] and [PER Sachs Jr].",
        "[PER Hasan Hüseyin Akdağ] and [PER Hasan Akdağ].",
        "[PER Ingeborg Bachmann-Olsen] and [PER Ingeborg Bachmann].",
        "[ORG Stanford University Press] and [ORG Stanford University].",
        "[ORG Microsoft Research] and [ORG Microsoft].",
        "[ORG Boston University] and [ORG Boston].",
        "[TIME 1978年3月]和[TIME 1978年]。",
    ],
)
def test_a_name_that_may_be_another_thing_stays_by_itself(marked):
    text, reading = read(marked)
    of = find_entities(text, reading).of
    assert of[-1] not in of[:-1]


def test_two_things_between_which_a_relation_holds_are_two():
    marked = "[ORG 腾讯音频有限公司]是[ORG 腾讯]的子公司。"
    assert are_one(marked)
    text, reading = read(marked, "0 owned_by 1")
    assert facts(text, link(text, reading)) == [("腾讯音频有限公司", "owned_by", "腾讯")]


def test_the_triples_of_a_short_form_stand_on_the_full_name_and_its_mention_stays():
    text, reading = read("[ORG 北京大学]很大。[ORG 北大]位于[LOC 海淀区]。", "1 located_in 2")
    found = link(text, reading)
    assert facts(text, found) == [("北京大学", "located_in", "海淀区")]
    assert names(text, found) == [("北京大学", "ORG"), ("北大", "ORG"), ("海淀区", "LOC")]


def test_of_two_mentions_of_the_full_name_the_one_near_the_other_argument_counts():
    text, reading = read(
        "[ORG 北京大学]很大。" + "后来。" * 40 + "[ORG 北京大学]的校友说[ORG 北大]在[LOC 海淀区]。", "2 located_in 3"
    )
    [triple] = link(text, reading).triples
    assert triple.head == 1


def test_a_full_name_too_far_away_takes_no_triple():
    text, reading = read("[ORG 北京大学]。" + "。" * MAX_REACH_CHARS + "[ORG 北大]在[LOC 海淀区]。", "1 located_in 2")
    assert facts(text, link(text, reading)) == [("北大", "located_in", "海淀区")]


def test_a_short_form_of_many_is_looked_for_in_none():
    marked = (
        "".join(f"[PER 王{chr(0x4E00 + 9 * n)}{chr(0x5200 + n)}]、" for n in range(MAX_SHARING + 3)) + "[PER 王教授]"
    )
    text, reading = read(marked)
    of = find_entities(text, reading).of
    assert len(set(of)) == len(of)


def test_a_declared_short_form_that_was_missed_is_found_there_and_behind():
    text, reading = read(
        "[ORG 大运河航运博物馆]（以下简称“航运馆”）坐落于[LOC 济宁]。2016年航运馆开放。", "0 located_in 1"
    )
    found = link(text, reading)
    assert [name for name, _ in names(text, found)] == ["大运河航运博物馆", "航运馆", "济宁", "航运馆"]
    assert all(text[m.start : m.end] == name for m, (name, _) in zip(found.mentions, names(text, found), strict=True))


@pytest.mark.parametrize(
    ("marked", "short"),
    [
        ("[ORG International Business Machines] (IBM) is old.", "IBM"),
        ("[ORG 中国科学院]（中科院）在北京。", "中科院"),
        ('[ORG Tallow Works Ltd] (hereinafter "Tallow") sells soap.', "Tallow"),
        ("[ORG 海江证券股份有限公司](下称“海江证券”，代码600001)公告", "海江证券"),
    ],
)
def test_what_a_bracket_behind_a_name_declares_is_a_name_of_it(marked, short):
    text, reading = read(marked)
    found, declared = declared_names(text, reading)
    assert [(one.text, other.text) for one, other in declared] == [(short, text[slice(*_place(reading, 0))])]
    if name_key(short, "ORG") != name_key(declared[0][1].text, "ORG"):
        assert (short, "ORG") in names(text, found)


def _place(reading, number):
    return reading.mentions[number].start, reading.mentions[number].end


@pytest.mark.parametrize(
    "marked",
    [
        "[ORG 华为技术有限公司]（以下简称公司）成立。",
        "[ORG 乐衍文化]（下称被授权方）获授权。",
        '[ORG Tallow Works] (the "Company") sells soap.',
        '[ORG Tallow Works] ("Buyer") signs.',
        "[PER 林知远]（1978年生）教书。",
        "[ORG 明溪茶业]（杭州）开业。",
        "[PER Ada Holt] (CEO) left.",
    ],
)
def test_a_word_in_brackets_that_is_no_name_is_none(marked):
    text, reading = read(marked)
    found, declared = declared_names(text, reading)
    assert found == reading
    assert declared == ()


def test_what_is_declared_for_two_stands_for_itself():
    marked = "[ORG 东湖科技集团]（简称“[ORG 东科]”）与[ORG 东方科技集团]（简称“[ORG 东科]”）"
    text, reading = read(marked)
    _, declared = declared_names(text, reading)
    of = find_entities(text, reading, declared).of
    assert of[1] not in (of[0], of[2])


def test_the_alias_of_a_short_form_stays_as_it_is_and_what_else_is_said_moves():
    assert linked_facts(
        "[ORG 拓湾生物科技（珠海）有限公司]（简称“[ORG 拓湾生物]”），[ORG 拓湾生物]在[LOC 珠海]。",
        "0 alias 1",
        "0 alias 2",
        "2 located_in 3",
    ) == [
        ("拓湾生物科技（珠海）有限公司", "alias", "拓湾生物"),
        ("拓湾生物科技（珠海）有限公司", "located_in", "珠海"),
    ]


def test_the_triples_of_one_thing_are_on_one_node_in_the_graph():
    text, reading = read(
        "[PER Marie Curie] was born in [LOC Warsaw]. In 1891 [PER Curie] moved to [LOC Paris].",
        "0 place_of_birth 1",
        "2 residence 3",
    )
    mentions, triples = compact._claims(text, link(text, reading))
    extraction = Extraction(
        passage_id="p", extractor="x", state="done", mentions=tuple(mentions), triples=tuple(triples)
    )
    found = ground(
        extraction, text=text, document_id="d", offset=0, sentences=list(sentences(text, "en")), ontology=GENERAL
    )
    assert not found.quarantined
    assert all(text[m.start : m.end] == m.text for m in found.mentions)
    by_id = {m.id: m for m in found.mentions}
    heads = {node_id("PER", name_key(by_id[t.head].text, "PER")) for t in found.triples}
    assert heads == {node_id("PER", "marie curie")}
    moved = text[found.triples[1].evidence_start : found.triples[1].evidence_end]
    assert moved.endswith("moved to Paris.")


# --- repeated names ---------------------------------------------------------------------------------------------------


def found_again(marked, score=0.95):
    text, reading = read(marked, score=score)
    return [(text[m.start : m.end], text[m.start - 1 : m.start]) for m in repeated(text, reading.mentions)]


def test_a_name_that_was_missed_elsewhere_is_found_there():
    text, reading = read("[PER 林知远]生于绍兴。次年林知远回乡；[ORG Tallow Works] grew, and Tallow Works sold soap.")
    found = repeated(text, reading.mentions)
    assert [(text[m.start : m.end], m.type) for m in found] == [("林知远", "PER"), ("Tallow Works", "ORG")]
    assert all(0 < m.score < 0.95 for m in found)


@pytest.mark.parametrize(
    "marked",
    [
        "[PER Ann] met Annabel and Joanna.",
        "[PER Curie] founded the Curie Institute; Eve Curie wrote.",
        "[ORG 华为]办了华为大学。",
        "[LOC 北京]有北京大学和北京市。",
        "[PER 王]和王。",
        "[TERM 教授]和教授。",
        "[TIME 1978年]到1978年。",
        "[ORG apple] sells apple.",
        "[ORG Apple] sells more than an apple. Apple trees grow.",
        "[PER May] came. May is a month.",
        "[ORG 公司]和公司。",
        "[PRODUCT Fold] and Fold 3.",
        "[PER 华为]与[ORG 华为]，华为。",
    ],
)
def test_what_is_another_word_or_part_of_one_is_not_the_name(marked):
    assert found_again(marked) == []


def test_a_name_that_was_read_unsurely_is_not_looked_for():
    assert found_again("[PER 林知远]和林知远", score=0.6) == []


def test_the_longest_name_is_taken_and_nothing_inside_a_mention():
    text, reading = read("[ORG 明溪茶业]、[ORG 明溪茶业研究所]、[PER 溪茶业研]。明溪茶业研究所。")
    found = repeated(text, reading.mentions)
    assert [text[m.start : m.end] for m in found] == ["明溪茶业研究所"]


def test_mentions_stay_in_order_and_triples_with_them():
    text, reading = read("林知远说：[PER 林知远]生于[LOC 绍兴]。林知远走了。", "0 place_of_birth 1")
    found = link(text, reading)
    assert [name for name, _ in names(text, found)] == ["林知远", "林知远", "绍兴", "林知远"]
    assert [(t.head, t.tail) for t in found.triples] == [(1, 2)]


# --- pronouns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "type_", "expected"),
    [
        ("他", "PER", ("", "male", True)),
        ("she", "PER", ("", "female", True)),
        ("他们", "PER", ("", "", False)),
        ("该公司", "ORG", ("company", "", True)),
        ("公司", "ORG", ("company", "", True)),
        ("该校", "ORG", ("school", "", True)),
        ("该片", "WORK", ("work", "", True)),
        ("母公司", "ORG", ("", "", False)),
        ("城市", "LOC", ("", "", False)),
        ("the company", "ORG", ("company", "", True)),
        ("the Swedish company", "ORG", None),
        ("the small company", "ORG", ("company", "", True)),
        ("the Company", "ORG", ("company", "", True)),
        ("its parent company", "ORG", ("", "", False)),
        ("a company", "ORG", ("", "", False)),
        ("the companies", "ORG", None),
        ("companys", "ORG", ("", "", False)),
        ("WHO", "ORG", None),
        ("US", "LOC", None),
        ("It", "WORK", None),
        ("it", "WORK", ("", "", True)),
        ("The Company Store", "ORG", None),
        ("华为公司", "ORG", None),
        ("中国银行", "ORG", None),
        ("小说", "TERM", None),
        ("novel", "TERM", None),
        ("2008年", "TIME", None),
    ],
)
def test_a_word_that_stands_for_a_name_is_told_from_a_name(text, type_, expected):
    found = read_anaphor(text, type_)
    assert (found and (found.kind, found.gender, found.is_one)) == expected


@pytest.mark.parametrize(
    ("marked", "fact"),
    [
        ("[PER 林知远]回乡，[PER 他]生于[LOC 绍兴]。", ("林知远", "place_of_birth", "绍兴")),
        ("[PER Ada Holt] left. [PER She] was born in [LOC Hull].", ("Ada Holt", "place_of_birth", "Hull")),
    ],
)
def test_a_pronoun_is_the_only_name_before_it_and_goes(marked, fact):
    text, reading = read(marked, "1 place_of_birth 2")
    found = link(text, reading)
    assert facts(text, found) == [fact]
    assert len(found.mentions) == 2


def test_a_pronoun_is_the_full_name_of_the_short_form_before_it():
    assert linked_facts("[ORG 北京大学]很大，[ORG 北大]很老，[ORG 该校]在[LOC 北京]。", "2 located_in 3") == [
        ("北京大学", "located_in", "北京")
    ]


def test_a_word_for_a_school_is_no_company():
    assert linked_facts("[ORG 明溪茶业]捐款给[ORG 东湖大学]，[ORG 该校]在[LOC 武汉]。", "2 located_in 3") == [
        ("东湖大学", "located_in", "武汉")
    ]
    assert linked_facts("[ORG 明溪茶业]捐款给[ORG 东湖大学]，[ORG 该公司]在[LOC 杭州]。", "2 located_in 3") == [
        ("明溪茶业", "located_in", "杭州")
    ]


@pytest.mark.parametrize(
    "marked",
    [
        "[PER 林知远]和[PER 温若兰]，[PER 他]生于[LOC 绍兴]。",
        "他，[PER 他们]，[PER 他]生于[LOC 绍兴]。后来[PER 林知远]也来了。",
        "[ORG 明溪茶业]，[LOC 温州]，[PER 他]生于[LOC 绍兴]。",
    ],
)
def test_a_pronoun_that_may_be_two_or_none_goes_with_its_triples(marked):
    n = next(n for n, name in enumerate(_MARK.findall(marked)) if name[1] == "他")
    text, reading = read(marked, f"{n} place_of_birth {n + 1}")
    found = link(text, reading)
    assert not found.triples
    assert not {"他", "他们"} & {name for name, _ in names(text, found)}


def test_one_person_is_not_he_and_she():
    found = linked_facts(
        "[PER Ada Holt] left. [PER She] was born in [LOC Hull], [PER he] in [LOC York].",
        "1 place_of_birth 2",
        "3 place_of_birth 4",
    )
    assert found == [("Ada Holt", "place_of_birth", "Hull")]


# --- triples ----------------------------------------------------------------------------------------------------------


def test_what_is_said_twice_is_said_once_with_the_best_score():
    text, reading = read(
        "[ORG 北京大学]在[LOC 北京]；[ORG 北大]在[LOC 北京]。", "0 located_in 1 0.6", "2 located_in 3 0.8"
    )
    [triple] = link(text, reading).triples
    assert (triple.score, triple.tail) == (0.8, 3)


def test_a_symmetric_relation_is_said_once():
    stated = ("0 spouse 1 0.7", "3 spouse 2 0.8", "0 follows 1", "3 follows 2")
    marked = "[PER 林知远]娶了[PER 温若兰]；[PER 林知远]的妻子是[PER 温若兰]。"
    found = linked_facts(marked, *stated, symmetric={"spouse"})
    assert found == [
        ("林知远", "follows", "温若兰"),
        ("林知远", "spouse", "温若兰"),
        ("温若兰", "follows", "林知远"),
    ]


def test_a_thing_is_in_no_relation_with_itself():
    assert linked_facts("[ORG 中国科学院]（[ORG 中科院]）", "0 part_of 1") == []
    assert linked_facts("[PER 林知远]说[PER 林知远]", "0 follows 1") == []


def test_of_two_tails_of_a_functional_relation_the_surer_stays():
    marked = "[PER 林知远]生于[TIME 1978年]，一说生于[TIME 1979年]。"
    stated = ("0 date_of_birth 1 0.7", "0 date_of_birth 2 0.9")
    assert linked_facts(marked, *stated, functional={"date_of_birth"}) == [("林知远", "date_of_birth", "1979年")]
    assert len(linked_facts(marked, *stated)) == 2


def test_a_reading_that_is_linked_stays_as_it_is():
    text, reading = read(
        "[ORG 北京大学]（简称“北大”）。[ORG 北大]在[LOC 北京]，北京很大，[ORG 该校]很老。",
        "1 located_in 2",
        "3 located_in 2",
    )
    once = link(text, reading)
    assert link(text, once) == once
    assert facts(text, once) == [("北京大学", "located_in", "北京")]


@pytest.mark.parametrize("text", ["", "中", "\n", "0123" * 50, "👩‍👩‍👧", "\ufffd"])
def test_text_without_mentions_stays_empty(text):
    empty = Reading(mentions=(), triples=())
    assert link(text, empty) == empty


def many(n):
    people = "林温陈王李张刘赵钱孙"
    parts = []
    for k in range(n):
        name = people[k % 10] + chr(0x5000 + k % 977) + chr(0x6000 + k % 1013)
        parts.append(f"后来[PER {name}]见到[ORG {name}茶业有限公司]的[PER {name[0]}教授]和[PER 他]，")
        parts.append(f"[ORG {name}]说Marie {chr(65 + k % 26)}{k}来过。{name}没有回答，")
    return read("".join(parts), *(f"{5 * k} employer {5 * k + 1}" for k in range(n)))


def calls(text, reading):
    """How many functions are called: what time is spent on, and the same on any machine."""
    n = 0

    def count(_frame, event, _argument):
        nonlocal n
        n += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        link(text, reading)
    finally:
        sys.setprofile(before)
    return n


def test_the_work_grows_with_the_text_and_no_faster():
    link(*many(10))
    few, more = calls(*many(150)), calls(*many(600))
    assert more < 5 * few


# --- names that people listed -----------------------------------------------------------------------------------------


def known_in(text, *entries, language="zh", patterns=()):
    return [(text[m.start : m.end], m.type) for m in KnownNames(entries, patterns, language).find(text)]


def test_listed_names_are_found_the_longest_first():
    assert known_in("鹭羽H3降噪耳机和鹭羽H3。", ("鹭羽H3", "PRODUCT"), ("鹭羽H3降噪耳机", "PRODUCT")) == [
        ("鹭羽H3降噪耳机", "PRODUCT"),
        ("鹭羽H3", "PRODUCT"),
    ]
    assert (
        known_in("臺灣大學", ("台湾大学", "ORG")) == known_in("臺灣大學", ("臺灣大學", "ORG")) == [("臺灣大學", "ORG")]
    )


def test_a_listed_name_is_found_as_it_is_written():
    text = "Stone met stone; İZORK and ZORK zork, Zorkish."
    assert known_in(text, ("Stone", "PER"), ("zork", "PRODUCT"), language="en") == [
        ("Stone", "PER"),
        ("ZORK", "PRODUCT"),
        ("zork", "PRODUCT"),
    ]


def test_listed_names_are_found_anywhere_in_a_long_text():
    text = "无事发生。" * 30_000 + "鹭羽H3"
    [found] = KnownNames([("鹭羽H3", "PRODUCT")], (), "zh").find(text)
    assert text[found.start : found.end] == "鹭羽H3"


def test_patterns_are_found_with_their_labels():
    pattern = ("PRODUCT", '[{"TEXT": "风"}, {"IS_DIGIT": true, "OP": "+"}, {"TEXT": "号"}]')
    assert known_in("昨天风12号离开了港口。", patterns=[pattern]) == [("风12号", "PRODUCT")]


def known(text, name, type_):
    return [ReadMention(start=text.index(name), end=text.index(name) + len(name), type=type_, score=0.95)]


def test_a_listed_name_that_the_model_missed_is_a_mention():
    text, reading = read("我买了鹭羽H3，在[LOC 绍兴]。")
    found = with_known(reading, known(text, "鹭羽H3", "PRODUCT"), GENERAL.allows)
    assert names(text, found) == [("鹭羽H3", "PRODUCT"), ("绍兴", "LOC")]


def test_the_type_of_a_list_wins_and_triples_pass_to_it_where_they_may():
    text, reading = read(
        "[PER 汉武]在[LOC 绍兴]，[PER 林知远]生于[LOC 绍兴]。", "0 residence 1", "0 located_in 1", "2 place_of_birth 3"
    )
    found = with_known(reading, known(text, "汉武", "ORG"), GENERAL.allows)
    assert names(text, found)[0] == ("汉武", "ORG")
    assert facts(text, found) == [("汉武", "located_in", "绍兴"), ("林知远", "place_of_birth", "绍兴")]


def test_of_a_listed_name_and_a_longer_mention_the_longer_stays():
    text, reading = read("[ORG 北京大学]很大，[PER 知远]生于[LOC 绍兴]。", "1 place_of_birth 2")
    assert with_known(reading, known(text, "北京", "LOC"), GENERAL.allows) == reading
    text, reading = read("林[PER 知远]生于[LOC 绍兴]。", "0 place_of_birth 1")
    found = with_known(reading, known(text, "林知远", "PER"), GENERAL.allows)
    assert facts(text, found) == [("林知远", "place_of_birth", "绍兴")]


def without_relations(*types):
    """Settings of a model that knows these types and no relation."""
    return Settings(
        types=types,
        relations=(),
        symmetric=frozenset(),
        allowed=np.zeros((len(types), len(types), 0), bool),
        type_thresholds=np.zeros(len(types), np.float32),
        relation_thresholds=np.zeros(0, np.float32),
        type_calibration=Calibration(),
        relation_calibration=PairCalibration(slopes=np.zeros(4, np.float32), offsets=np.zeros(0, np.float32)),
    )


def test_listed_names_can_be_forced_among_the_spans_of_a_model():
    text = "林知远生于绍兴"
    places = np.array([(n, n + 1) for n in range(len(text))], np.int32)
    features = Features(text=text, ids=np.zeros((7, 1), np.int32), bits=np.zeros((7, 0), np.uint8), spans=places)
    scores = np.full((7, 4, 2), -5.0, np.float32)
    settings = without_relations("PER", "LOC")
    spans = [Span(first=1, last=2, type=0, score=3.0), Span(first=5, last=6, type=0, score=2.0)]
    wanted = [*known(text, "林知远", "PER"), *known(text, "绍兴", "LOC")]
    assert forced_spans(spans, features, wanted, scores, settings) == [
        Span(first=0, last=2, type=0, score=pytest.approx(2.944, abs=0.001)),
        Span(first=5, last=6, type=1, score=pytest.approx(2.944, abs=0.001)),
    ]
    assert forced_spans(spans, features, known(text, "林", "PER"), scores, settings)[0].last == 0
    assert forced_spans(spans, features, known(text, "远", "LOC"), scores, settings) == spans
    assert forced_spans(spans, features, known(text, "林知远生于", "PER"), scores, settings) == spans


# --- the extractor ----------------------------------------------------------------------------------------------------


class Model:
    """Reads what it is told to."""

    def __init__(self, readings):
        self.readings = readings
        self.settings = without_relations("PER")

    def read(self, texts, known=None):
        return [self.readings[text] for text in texts]


def extract(monkeypatch, text, reading, settings):
    monkeypatch.setattr(compact.CompactModel, "load", lambda _folder: Model({text: reading}))
    extractor = compact.create(GENERAL, {"workers": 0, **settings})
    [found] = extractor.extract([Passage(id="p", text=text, language="zh")])
    return found


def test_the_extractor_links_what_the_model_reads(monkeypatch):
    text, reading = read(
        "[ORG 北京大学]很大。[ORG 北大]在[LOC 北京]，[ORG 该校]建于[TIME 1898年]，不是[TIME 1902年]。",
        "1 located_in 2",
        "3 inception 4 0.9",
        "3 inception 5 0.5",
    )
    found = extract(monkeypatch, text, reading, {})
    stated = {(t.head, t.relation, t.tail) for t in found.triples}
    assert stated == {("北京大学", "located_in", "北京"), ("北京大学", "inception", "1898年")}
    assert all(text[m.start :].startswith(m.text) for m in found.mentions)


def test_the_extractor_has_the_gazetteer_of_the_lexicon(monkeypatch, tmp_path):
    (tmp_path / "names.tsv").write_text("鹭羽H3\tPRODUCT\n", "utf-8")
    (tmp_path / "patterns.jsonl").write_text('{"label": "ORG", "pattern": "明溪社"}\n', "utf-8")
    text, reading = read("我在明溪社买了[PER 鹭羽H3]。")
    files = [str(tmp_path / "names.tsv"), str(tmp_path / "patterns.jsonl")]
    found = extract(monkeypatch, text, reading, {"gazetteer": files, "cache_dir": str(tmp_path / "cache")})
    assert [(m.text, m.label) for m in found.mentions] == [("明溪社", "ORG"), ("鹭羽H3", "PRODUCT")]
    with_names = compact.create(GENERAL, {"gazetteer": files}).fingerprint
    assert with_names != compact.create(GENERAL, {}).fingerprint
    with pytest.raises(ConfigError, match="cannot be read"):
        compact.create(GENERAL, {"gazetteer": str(tmp_path / "none.tsv")})


def test_a_language_without_a_model_has_the_gazetteer_too(tmp_path):
    (tmp_path / "names.yaml").write_text("PRODUCT: [Quellstone]\n", "utf-8")
    extractor = compact.create(GENERAL, {"workers": 0, "gazetteer": str(tmp_path / "names.yaml")})
    [found] = extractor.extract([Passage(id="p", text="We sold Quellstone.", language="fr")])
    assert ("Quellstone", "PRODUCT") in {(m.text, m.label) for m in found.mentions}


def test_the_model_of_the_package_gives_linked_claims():
    text = "北京大学创办于1898年，位于北京市海淀区。北大的校长是林知远，林知远1960年生于浙江绍兴。"
    extractor = compact.create(GENERAL, {"workers": 0})
    [found] = extractor.extract([Passage(id="p", text=text, language="zh")])
    assert {m.text for m in found.mentions} >= {"北京大学", "北大", "林知远"}
    assert found.triples
    assert "北大" not in {t.head for t in found.triples}
    assert [m.start for m in found.mentions if m.text == "林知远"] == [text.index("林知远"), text.rindex("林知远")]
    assert all(text[m.start : m.start + len(m.text)] == m.text for m in found.mentions)
