"""Claims out of the many forms in which models answer."""

import json

import pytest

from graph_schema import load_ontology
from kgbuilder.errors import ParseError
from kgbuilder.instructions import Example, Schema, answer, parse, render, schema_for
from kgbuilder.records import MentionClaim, TripleClaim

GENERAL = load_ontology("general")
OPEN = load_ontology("open")


def mentions(reply: str, task: str = "NER", schema=GENERAL) -> list[tuple[str, str]]:
    return [(claim.text, claim.label) for claim in parse(task, reply, schema).mentions]


def triples(reply: str, task: str = "RE", schema=GENERAL) -> list[tuple[str, str, str]]:
    return [(claim.head, claim.relation, claim.tail) for claim in parse(task, reply, schema).triples]


@pytest.mark.parametrize(
    "reply",
    [
        '{"人物": ["Ada"], "地点": ["Leeds"]}',
        '{"person": ["Ada"], "location": ["Leeds"], "work": []}',
        '{"PER": ["Ada"], "Location": "Leeds"}',
        '[{"entity": "Ada", "entity_type": "人物"}, {"entity": "Leeds", "entity_type": "地点"}]',
        '[{"name": "Ada", "type": "person"}, {"name": "Leeds", "type": "place"}]',
        '[{"span": "Ada", "label": "PER"}, {"text": "Leeds", "category": "LOC"}]',
        '{"entities": [{"mention": "Ada", "entityType": "person"}, {"word": "Leeds", "class": "location"}]}',
        '{"entities": {"person": ["Ada"], "location": ["Leeds"]}}',
        '{"result": {"人物": ["Ada"], "地点": ["Leeds"]}}',
        '{"实体": [{"名称": "Ada", "类型": "人物"}, {"名称": "Leeds", "类型": "地点"}]}',
        '{"person": [{"name": "Ada"}], "location": [{"text": "Leeds"}]}',
        '{"person": {"name": "Ada"}, "location": {"Leeds": "a city"}}',
        '{"person": [["Ada"]], "location": [["Leeds"]]}',
        '[["Ada", "person"], ["location", "Leeds"]]',
        '[{"person": ["Ada"]}, {"location": ["Leeds"]}]',
        '{"person": ["Ada"]}\n{"location": ["Leeds"]}',
        "{'person': ['Ada',], 'location': ['Leeds'], 'time': None,}",
        'Sure, here it is:\n```json\n{"person": ["Ada"], "location": ["Leeds"]}\n```',
        '{"person": ["Ada", "Ada"], "location": ["Leeds"], "person": ["Ada"]}',
        '{"person": ["Ada"], "location": ["Leeds"]}' * 3,
        '{"person": ["Ada"], "location": ["Leeds"], "work": ["The Lo',
        '{"person": ["Ada"], "location": "Leeds", "time": "NAN", "work": NAN, "event": ["NAN"], "product": null}',
        '{"instruction": "x", "schema": ["person"], "input": "t"}\n{"person": ["Ada"], "location": ["Leeds"]}',
        "｛“人物”：［“Ada”］，“地点”：［“Leeds”］｝",
    ],
)
def test_entities_are_read(reply):
    assert mentions(reply) == [("Ada", "PER"), ("Leeds", "LOC")]


@pytest.mark.parametrize(
    "reply",
    [
        '{"配偶": [{"head": "Ada", "tail": "Ben"}], "出生地": [{"head": "Ada", "tail": "Leeds"}]}',
        '{"spouse": [{"subject": "Ada", "object": "Ben"}], "placeOfBirth": [{"subject": "Ada", "object": "Leeds"}]}',
        '{"spouse": [{"h": "Ada", "t": "Ben"}], "place_of_birth": [{"source": "Ada", "target": "Leeds"}]}',
        '{"spouse": [["Ada", "Ben"]], "place of birth": ["Ada", "Leeds"]}',
        '{"spouse": {"head": "Ada", "tail": "Ben"}, "place of birth": {"Ada": "Leeds"}}',
        '{"spouse": {"head": "Ada", "tail": "Ben"}, "place of birth": {"Ada": ["Leeds"]}}',
        '[{"head": "Ada", "relation": "配偶", "tail": "Ben"}, {"head": "Ada", "relation": "出生地", "tail": "Leeds"}]',
        '[{"subject": "Ada", "predicate": "spouse", "object": "Ben"}, '
        '{"s": "Ada", "p": "place of birth", "o": "Leeds"}]',
        '[{"from": "Ada", "type": "spouse", "to": "Ben"}, {"头实体": "Ada", "关系": "出生地", "尾实体": "Leeds"}]',
        '[["Ada", "spouse", "Ben"], ["出生地", "Ada", "Leeds"]]',
        "[('Ada', 'spouse', 'Ben'), ('Ada', 'place of birth', 'Leeds')]",
        '{"triples": [["Ada", "spouse", "Ben"], ["Ada", "place of birth", "Leeds"]]}',
        '{"关系": [["Ada", "spouse", "Ben"], ["Ada", "place of birth", "Leeds"]]}',
        '{"relation": [{"head": "Ada", "relation": "spouse", "tail": "Ben"}, '
        '{"head": "Ada", "relation": "place of birth", "tail": "Leeds"}]}',
        '{"spo_list": [{"subject": "Ada", "predicate": "spouse", "object": {"@value": "Ben"}}, '
        '{"subject": "Ada", "predicate": "place of birth", "object": {"@value": "Leeds"}}]}',
        '{"spouse": [{"head": {"name": "Ada"}, "tail": {"name": "Ben"}}], "place of birth": [{"head": "Ada", '
        '"tail": ["Leeds"]}]}',
        '{"spouse": [{"head": "Ada", "tail": "Ben"}, {"head": "Ada", "tail": "Ben"}], "place of birth": '
        '[{"head": "Ada", "tail": "Leeds"}, {"head": "", "tail": ""}, {"head": null, "tail": "NAN"}]}',
        '{"spouse": [["Ada", "Ben"]], "place of birth": [{"head": "Ada", "tail": "Leeds"}], "employer": [{"he',
    ],
)
def test_triples_are_read(reply):
    assert triples(reply) == [("Ada", "spouse", "Ben"), ("Ada", "place_of_birth", "Leeds")]


@pytest.mark.parametrize(
    "reply",
    [
        '{"entities":{"person":["Ada","Ben"]},"relations":{"spouse":[["Ada","Ben"]]}}',
        '{"entities":{"人物":["Ada","Ben"]},"relations":{"配偶":[{"head":"Ada","tail":"Ben"}]}}',
        '{"entities":[{"name":"Ada","type":"person"},{"name":"Ben","type":"person"}],"triples":[["Ada","spouse","Ben"]]}',
        '{"nodes":[{"id":1,"name":"Ada","label":"person"},{"id":2,"name":"Ben","label":"person"}],'
        '"edges":[{"source":"Ada","target":"Ben","type":"spouse"}]}',
        '{"person":["Ada","Ben"],"spouse":[["Ada","Ben"]]}',
        '{"实体":{"人物":["Ada","Ben"]},"关系":{"配偶":[["Ada","Ben"]]}}',
        '{"answer":{"entities":{"person":["Ada","Ben"]},"relations":{"spouse":[["Ada","Ben"]]}}}',
        '[{"name":"Ada","type":"person"},{"name":"Ben","type":"person"},{"head":"Ada","relation":"spouse","tail":"Ben"}]',
        '{"entities":{"person":["Ada","Ben"]},"relations":{"spouse":[["Ada","Ben"],["Ada","Ce',
    ],
)
def test_joint_answers_are_read(reply):
    assert mentions(reply, "JOINT") == [("Ada", "PER"), ("Ben", "PER")]
    assert triples(reply, "JOINT") == [("Ada", "spouse", "Ben")]


def test_a_marked_name_is_read_without_its_mark():
    assert triples('{"entities":{},"relations":{"首府*":[["成都","四川"]]}}', "JOINT") == [
        ("成都", "capital_of", "四川")
    ]


@pytest.mark.parametrize("task", ["NER", "RE", "JOINT"])
@pytest.mark.parametrize("reply", ["[]", "{}", " {}\n", "```json\n[]\n```", "NAN", "null", "None", "无"])
def test_nothing_found_is_an_answer(task, reply):
    parsed = parse(task, reply, GENERAL)
    assert (parsed.mentions, parsed.triples, parsed.problems) == ((), (), ())
    assert parsed.complete


def test_empty_lists_are_an_answer():
    assert mentions('{"person": [], "location": []}') == []
    assert triples('{"spouse": []}') == []
    assert mentions('{"entities": {}, "relations": {}}', "JOINT") == []


@pytest.mark.parametrize("task", ["NER", "RE", "JOINT"])
@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I am sorry, I cannot help with that.",
        '"person"',
        "42",
        '{"error": "overloaded"}',
        "[1]",
        "<html></html>",
        "}",
    ],
)
def test_what_resembles_no_answer_is_an_error(task, reply):
    with pytest.raises(ParseError, match="holds no answer"):
        parse(task, reply, GENERAL)


def test_an_echo_of_the_prompt_is_no_answer():
    for language in ("zh", "en"):
        with pytest.raises(ParseError):
            parse("JOINT", render("JOINT", language, schema_for(GENERAL, language), "Ada."), GENERAL)
        with pytest.raises(ParseError):
            parse("NER", render("NER", language, schema_for(GENERAL, language), "Ada."), GENERAL)


def test_a_cut_reply_says_so():
    assert parse("NER", '{"person": ["Ada", "Be', GENERAL).complete is False
    assert parse("NER", '{"person": ["Ada", "Ben"]}', GENERAL).complete is True


def test_a_cut_reply_without_a_whole_item_is_no_error():
    parsed = parse("RE", '{"spouse": [{"head": "Ada', GENERAL)
    assert parsed.triples == ()
    assert not parsed.complete


def test_an_unknown_type_keeps_its_name_for_a_wider_ontology():
    assert mentions('{"person": ["Ada"], "spaceship": ["Heron"]}') == [("Ada", "PER"), ("Heron", "spaceship")]
    assert triples('{"flies": [["Ada", "Heron"]]}') == [("Ada", "flies", "Heron")]
    assert mentions('{"spaceship": ["Heron"]}', schema=OPEN) == [("Heron", "Spaceship")]


def test_names_without_an_ontology_come_out_as_the_prompt_has_them():
    assert mentions('{"组织 机构": ["a"], "x": ["b"]}', schema=["组织机构"]) == [("a", "组织机构"), ("b", "x")]
    assert triples('{"父亲": [["a", "b"]]}', schema=Schema(relations=("父亲",))) == [("a", "父亲", "b")]


def test_the_types_given_with_a_triple_are_kept():
    (claim,) = parse(
        "RE",
        '[{"head": "Ada", "head_type": "人物", "relation": "出生地", "tail": "Leeds", "tail_type": "planet"}]',
        GENERAL,
    ).triples
    assert (claim.head_label, claim.tail_label) == ("PER", "planet")


@pytest.mark.parametrize("name", ["O'Brien", '他说"好"', "a\\b", " Ada ", "《红楼梦》", "C:\\new", "12,000", "1.50"])
def test_a_name_comes_out_as_it_stands(name):
    for reply in (json.dumps({"person": [name]}), "So: " + json.dumps({"person": [name]}, ensure_ascii=False)):
        assert mentions(reply) == [(name, "PER")]


def test_numbers_are_names_as_written():
    assert mentions('{"时间": [1978, 2003.10]}') == [("1978", "TIME"), ("2003.10", "TIME")]


@pytest.mark.parametrize(
    ("task", "reply", "claim"),
    [
        ("NER", '{"person": ["Ada", true]}', "true"),
        ("NER", '["Ada", {"person": ["Ada"]}]', '"Ada"'),
        ("NER", '{"person": ["Ada"], "remark": "x"}', '{"remark": "x"}'),
        ("NER", '{"person": ["Ada", "\\ud800x"]}', '["\\ud800x", "PER"]'),
        ("RE", '{"spouse": [["Ada", "Ben"], {"head": "Ada"}]}', '{"head": "Ada"}'),
        ("RE", '{"spouse": [["Ada", "Ben"], ["Ada"]]}', '["Ada"]'),
        ("RE", '{"spouse": [["Ada", "Ben"], "Ada and Ben"]}', '"Ada and Ben"'),
        ("RE", '[["Ada", "spouse", "Ben"], {"head": "Ada", "tail": "Ben"}]', '{"head": "Ada", "tail": "Ben"}'),
        ("JOINT", '{"entities": {"person": ["Ada"]}, "remark": 5}', '{"remark": "5"}'),
    ],
)
def test_what_cannot_be_read_is_kept_with_a_reason(task, reply, claim):
    (problem,) = parse(task, reply, GENERAL).problems
    assert problem.claim == claim
    assert problem.reason
    assert problem.detail


def test_claims_never_hold_half_a_surrogate_pair():
    parsed = parse(
        "JOINT", '{"entities":{"person":["\\ud800"]},"relations":{"spouse":[["a","\\udfff"],["a","b"]]}}', GENERAL
    )
    assert parsed.mentions == ()
    assert [claim.tail for claim in parsed.triples] == ["b"]
    assert len(parsed.problems) == 2
    json.dumps([problem.claim for problem in parsed.problems]).encode()


def test_one_item_cannot_make_thousands_of_triples():
    many = [f"n{i}" for i in range(1000)]
    parsed = parse("RE", json.dumps({"spouse": [{"head": many, "tail": many}, ["a", "b"]]}), GENERAL)
    assert len(parsed.triples) == 1
    assert parsed.problems[0].detail == "more than 64 triples in one"
    assert len(parsed.problems[0].claim) < 3000


def test_problems_are_bounded():
    parsed = parse("NER", json.dumps({"person": ["Ada"], **{f"k{i}": "x" for i in range(5000)}}), GENERAL)
    assert len(parsed.problems) == 101
    assert parsed.problems[-1].reason == "too many problems"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("keys", [("head", "tail"), ("subject", "object")])
def test_a_perfect_answer_is_exactly_the_gold(language, keys):
    gold = Example(
        text="",
        mentions=(
            MentionClaim(text='Ada "the Boss"', label="PER"),
            MentionClaim(text="红楼梦", label="WORK"),
            MentionClaim(text="NANO", label="PRODUCT"),
        ),
        triples=(
            TripleClaim(head="成都", relation="capital_of", tail="四川"),
            TripleClaim(head="Ada", relation="spouse", tail="Ben"),
            TripleClaim(head="Ben", relation="spouse", tail="Ada"),
        ),
    )
    schema = schema_for(GENERAL, language)
    parsed = parse("NER", answer("NER", schema, gold, ontology=GENERAL, keys=keys), GENERAL)
    assert (set(parsed.mentions), parsed.problems) == (set(gold.mentions), ())
    parsed = parse("RE", answer("RE", schema, gold, ontology=GENERAL, keys=keys), GENERAL)
    assert (set(parsed.triples), parsed.problems) == (set(gold.triples), ())
    parsed = parse("JOINT", answer("JOINT", schema, gold, ontology=GENERAL), GENERAL)
    assert (set(parsed.mentions), set(parsed.triples), parsed.problems) == (set(gold.mentions), set(gold.triples), ())
