"""Relations the lexicon finds, and those it must not find."""

import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("林知远1978年3月生于绍兴。", {("林知远", "place_of_birth", "绍兴"), ("林知远", "date_of_birth", "1978年3月")}),
        (
            "沈硯秋（1912年—1994年）是畫家。",
            {("沈硯秋", "date_of_birth", "1912年"), ("沈硯秋", "date_of_death", "1994年")},
        ),
        (
            "远棹科技由陆汀舟、韩若溪于2006年创办。",
            {("远棹科技", "founded_by", "陆汀舟"), ("远棹科技", "founded_by", "韩若溪")},
        ),
        (
            "澜岳集团总部位于合肥，注册资本1.2亿元，员工1280人。",
            {
                ("澜岳集团", "headquarters", "合肥"),
                ("澜岳集团", "registered_capital", "1.2亿元"),
                ("澜岳集团", "employees", "1280人"),
            },
        ),
        (
            "澜岳集团董事长林知远出席。",
            {
                ("澜岳集团", "led_by", "林知远"),
                ("林知远", "employer", "澜岳集团"),
                ("林知远", "position_held", "董事长"),
            },
        ),
        (
            "《晚渡》由澜江电影制片厂出品，程亦川导演，贺行舟、阮知夏主演。",
            {
                ("晚渡", "publisher", "澜江电影制片厂"),
                ("晚渡", "director", "程亦川"),
                ("晚渡", "cast_member", "贺行舟"),
                ("晚渡", "cast_member", "阮知夏"),
            },
        ),
        (
            "高血压可导致脑卒中，头晕、头痛是高血压的常见症状。",
            {
                ("高血压", "causes", "脑卒中"),
                ("头晕", "symptom_of", "高血压"),
                ("头痛", "symptom_of", "高血压"),
            },
        ),
        ("堪培拉是澳大利亚的首都。", {("堪培拉", "capital_of", "澳大利亚")}),
    ],
)
def test_chinese_relations(triples, text: str, expected: set[tuple[str, str, str]]) -> None:
    assert expected <= triples(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ruth Ellison was born in Cardiff on 7 November 1971.",
            {
                ("Ruth Ellison", "place_of_birth", "Cardiff"),
                ("Ruth Ellison", "date_of_birth", "7 November 1971"),
            },
        ),
        (
            "Pellworth Instruments was founded by Ruth Ellison and Colin Pryce in 1987.",
            {
                ("Pellworth Instruments", "founded_by", "Ruth Ellison"),
                ("Pellworth Instruments", "founded_by", "Colin Pryce"),
                ("Pellworth Instruments", "inception", "1987"),
            },
        ),
        (
            "Naomi Feldt, chief executive of Brightmere Systems, was in Portland.",
            {
                ("Brightmere Systems", "led_by", "Naomi Feldt"),
                ("Naomi Feldt", "employer", "Brightmere Systems"),
            },
        ),
        (
            "Ruth Ellison, a Welsh engineer, died in Bath in 1999.",
            {
                ("Ruth Ellison", "nationality", "Welsh"),
                ("Ruth Ellison", "occupation", "engineer"),
                ("Ruth Ellison", "place_of_death", "Bath"),
            },
        ),
        (
            "Symptoms of influenza include fever and headache.",
            {
                ("fever", "symptom_of", "influenza"),
                ("headache", "symptom_of", "influenza"),
            },
        ),
        ("Canberra, the capital of Australia, was quiet.", {("Canberra", "capital_of", "Australia")}),
    ],
)
def test_english_relations(triples, text: str, expected: set[tuple[str, str, str]]) -> None:
    assert expected <= triples(text, "en")


def test_a_subject_carries_over_to_the_clauses_behind(triples) -> None:
    found = triples("任正非，1944年10月25日出生于贵州安顺，毕业于重庆大学，现居深圳。")
    assert ("任正非", "place_of_birth", "贵州安顺") in found
    assert ("任正非", "educated_at", "重庆大学") in found
    assert ("任正非", "residence", "深圳") in found


def test_a_new_subject_ends_the_carrying_over(triples) -> None:
    found = triples("林知远生于绍兴，妻子阮玉蝶生于广西东兴，毕业于浙江大学。")
    assert ("林知远", "spouse", "阮玉蝶") in found
    assert ("阮玉蝶", "educated_at", "浙江大学") in found
    assert ("林知远", "educated_at", "浙江大学") not in found


def test_father_and_mother_are_those_of_the_same_person(triples) -> None:
    found = triples("沈砚秋的父亲沈鹤年是书法家，1884年出生于绍兴。母亲方素琴是画家。")
    assert ("沈砚秋", "child_of", "沈鹤年") in found
    assert ("沈砚秋", "child_of", "方素琴") in found
    assert ("沈鹤年", "date_of_birth", "1884年") in found
    assert ("沈砚秋", "date_of_birth", "1884年") not in found
    english = triples(
        "Edwin Harcourt was a surgeon. His father, Josiah Harcourt, was a pilot; his mother was Ellen Harcourt.", "en"
    )
    assert ("Edwin Harcourt", "child_of", "Ellen Harcourt") in english
    assert ("Josiah Harcourt", "child_of", "Ellen Harcourt") not in english


def test_a_pronoun_stands_for_the_subject_before(triples) -> None:
    assert ("林知远", "educated_at", "浙江大学") in triples("林知远生于绍兴。后来他毕业于浙江大学。")
    assert ("Ruth Ellison", "place_of_death", "Bath") in triples(
        "Ruth Ellison was born in Cardiff. She died in Bath.", "en"
    )


@pytest.mark.parametrize(
    "text",
    [
        "华翎集团并未收购恒砚光电。",
        "传闻华翎集团收购恒砚光电。",
        "华翎集团计划收购恒砚光电。",
        "林知远否认毕业于浙江大学。",
    ],
)
def test_what_is_denied_or_planned_is_no_fact(triples, text: str) -> None:
    assert triples(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Harrow Biologics has not acquired Peltier Diagnostics.",
        "Harrow Biologics plans to acquire Peltier Diagnostics.",
        "Harrow Biologics reportedly acquired Peltier Diagnostics.",
        "Harrow Biologics denied that it acquired Peltier Diagnostics.",
    ],
)
def test_what_is_denied_or_planned_is_no_fact_in_english(triples, text: str) -> None:
    assert triples(text, "en") == set()


def test_respectively_pairs_in_order(triples) -> None:
    found = triples("林知远、阮玉蝶分别毕业于浙江大学和武汉大学。")
    assert found == {("林知远", "educated_at", "浙江大学"), ("阮玉蝶", "educated_at", "武汉大学")}


def test_every_relation_of_the_general_ontology_has_a_pattern(general) -> None:
    from kgbuilder.extract.lexicon.patterns import load_rules

    covered = {gift.relation for rule in load_rules("zh").rules for gift in rule.gifts}
    english = {gift.relation for rule in load_rules("en").rules for gift in rule.gifts}
    assert set(general.relation_types) - covered == set()
    assert covered | english <= set(general.relation_types)
