"""Public rows as examples: labels in our ontology, and everything open that the source leaves open."""

import re
from itertools import pairwise

import pytest

from graph_schema import load_ontology
from kgbuilder.errors import ConfigError, ParseError
from tests.training.samples import DATA, match, needs_data, span, write_rows
from training.data import Triple
from training.data.public import read_source
from training.data.rows import read_rows
from training.data.sources import Claim, load_sources

GENERAL = load_ontology("general")
ALL_TYPES = frozenset(GENERAL.entity_types)


def example(folder, source, row, places=()):
    write_rows(folder, source, row)
    (found,) = read_source(load_sources()[source], folder, places=places)
    return found


def marked(found):
    return {(found.text[m.start : m.end], m.type) for m in found.mentions}


def open_spans(found):
    return {found.text[c.start : c.end]: set(c.types) for c in found.candidates}


def stated(found, triples):
    """Triples by the names of their entities."""
    names = {m.entity: found.text[m.start : m.end] for m in (*found.candidates, *found.mentions)}
    return {(names[t.head], t.relation, names[t.tail]) for t in triples}


def test_names_of_people_places_and_organisations_only(tmp_path):
    text = "Ann Lee left Tampa for NASA and the US."
    entities = [span(text, "Ann Lee", "PER"), span(text, "Tampa", "LOC"), span(text, "US", "LOC")]
    found = example(tmp_path, "btc.train", {"text": text, "entities": entities})
    assert marked(found) == {("Ann Lee", "PER"), ("Tampa", "LOC"), ("US", "LOC")}
    assert found.exhaustive_types == {"PER", "ORG", "LOC"}
    assert (found.relations, found.triples, found.unknown) == (frozenset(), (), ())


def test_a_label_that_does_not_say_the_type_leaves_a_candidate(tmp_path):
    text = "010 is an album."
    found = example(tmp_path, "wikigold.all", {"text": text, "entities": [span(text, "010", "MISC")]})
    assert found.mentions == ()
    assert open_spans(found) == {"010": {"LOC", "WORK", "EVENT", "PRODUCT", "TERM"}}


def test_a_label_that_the_table_does_not_have_is_left_out(tmp_path):
    text = "The Lender paid Acme."
    entities = [span(text, "Lender", "PER"), span(text, "Acme", "ORG")]
    found = example(tmp_path, "sec_filings.train", {"text": text, "entities": entities})
    assert marked(found) == {("Acme", "ORG")}


def test_only_proper_names_are_kept_of_noun_phrases_and_without_their_article(tmp_path):
    text = "the airfield near the Euphrates and a highway to Port of Basra"
    names = ("the airfield", "the Euphrates", "a highway", "Port of Basra")
    entities = [span(text, name, "Location") for name in names]
    found = example(tmp_path, "re3d.train", {"text": text, "entities": entities})
    assert marked(found) == {("Euphrates", "LOC"), ("Port of Basra", "LOC")}


def test_of_spans_that_overlap_the_longer_one_stays(tmp_path):
    text = "Syrian Arab Army of Syria"
    entities = [
        span(text, "Syrian", "Nationality"),
        span(text, "Syrian Arab Army", "Vehicle"),
        span(text, "Syria", "Location"),
    ]
    entities[2]["start"], entities[2]["end"] = 20, 25
    found = example(tmp_path, "re3d.train", {"text": text, "entities": entities})
    assert marked(found) == {("Syrian Arab Army", "PRODUCT"), ("Syria", "LOC")}


def test_a_chain_of_places_in_one_span_is_left_out(tmp_path):
    text = "他从新泽西州爱迪生市去了法国巴黎和撒哈拉沙漠。"
    names = ("新泽西州爱迪生市", "法国巴黎", "撒哈拉沙漠")
    row = {"lang": "zh", "text": text, "entities": [span(text, name, "LOC") for name in names]}
    found = example(tmp_path, "uner_zh.train", row, places={"法国", "撒"})
    assert marked(found) == {("撒哈拉沙漠", "LOC")}
    assert "LOC" not in found.exhaustive_types | found.partial_types


KN_TEXT = "He runs Acme, which Ann Lee left."


def kn_row(**more):
    he, acme, ann = span(KN_TEXT, "He", "PER"), span(KN_TEXT, "Acme", "ORG"), span(KN_TEXT, "Ann Lee", "PER")
    spans = {e["text"]: [e["start"], e["end"]] for e in (he, acme, ann)}

    def triple(head, relation, tail):
        return {
            "head": head, "relation": relation, "tail": tail, "head_span": spans[head], "tail_span": spans[tail]
        }  # fmt: skip

    triples = [triple("Acme", "CEO", "He"), triple("Ann Lee", "EMPLOYEE_OR_MEMBER_OF", "Acme")]
    annotated = ["CEO", "EMPLOYEE_OR_MEMBER_OF"]
    row = {"id": "kn-7-1", "text": KN_TEXT, "entities": [he, acme, ann], "triples": triples}
    return row | {"annotated_relations": annotated} | more


def test_a_pronoun_is_an_argument_and_no_entity(tmp_path):
    found = example(tmp_path, "knowledgenet.train", kn_row())
    assert marked(found) == {("Acme", "ORG"), ("Ann Lee", "PER")}
    assert open_spans(found) == {"He": set()}
    assert stated(found, found.triples) == {("Acme", "led_by", "He")}


def test_of_two_possible_relations_one_holds(tmp_path):
    found = example(tmp_path, "knowledgenet.train", kn_row())
    (group,) = found.either
    assert stated(found, group) == {("Ann Lee", "employer", "Acme"), ("Ann Lee", "member_of", "Acme")}


def test_what_a_label_may_imply_is_unknown(tmp_path):
    found = example(tmp_path, "knowledgenet.train", kn_row())
    assert stated(found, found.unknown) == {("He", "employer", "Acme")}


def test_only_the_relations_that_a_row_annotates_have_negatives(tmp_path):
    found = example(tmp_path, "knowledgenet.train", kn_row(annotated_relations=["CEO", "SPOUSE"], triples=[]))
    assert found.relations == {"led_by", "spouse"}
    assert not found.marked_pairs
    assert (found.exhaustive_types, found.partial_types) == (frozenset(), {"PER", "ORG", "LOC", "TIME"})


def test_passages_of_one_document_are_one_group(tmp_path):
    assert example(tmp_path, "knowledgenet.train", kn_row()).group == "knowledgenet.train:kn-7"


def docred(tmp_path, text, entities, here, beyond):
    """A sentence with the triples stated here, in a document that states `beyond` as well."""
    numbered = [span(text, name, type_, entity=n) for n, (name, type_) in enumerate(entities)]
    numbers = {name: n for n, (name, _) in enumerate(entities)}

    def triple(head, relation, tail):
        one, other = numbered[numbers[head]], numbered[numbers[tail]]
        return {
            "head": head, "relation": relation, "tail": tail,
            "head_span": [one["start"], one["end"]], "tail_span": [other["start"], other["end"]],
            "head_entity": numbers[head], "tail_entity": numbers[tail],
        }  # fmt: skip

    triples = [triple(*fact) for fact in here]
    document = {"id": "redocred-dev-3", "text": text, "entities": numbered}
    write_rows(tmp_path, "redocred_doc.dev", document | {"triples": triples + [triple(*fact) for fact in beyond]})
    row = {"id": "redocred-dev-3-0", "text": text, "entities": numbered, "triples": triples}
    return example(tmp_path, "redocred_sent.dev", row)


def test_what_only_the_document_states_is_unknown_in_the_sentence(tmp_path):
    entities = [("Ann", "PER"), ("Acme", "ORG"), ("Ohio", "LOC")]
    found = docred(
        tmp_path, "Ann of Acme met in Ohio.", entities, [("Ann", "employer", "Acme")], [("Ann", "residence", "Ohio")]
    )
    assert stated(found, found.triples) == {("Ann", "employer", "Acme")}
    assert stated(found, found.unknown) == {("Ann", "residence", "Ohio")}
    assert found.relations == {"employer", "residence"}
    assert found.group == "redocred_sent.dev:redocred-dev-3"


def test_an_inverse_label_is_turned_round(tmp_path):
    found = docred(tmp_path, "Ohio, Elyria.", [("Ohio", "LOC"), ("Elyria", "LOC")], [("Ohio", "capital", "Elyria")], [])
    assert stated(found, found.triples) == {("Elyria", "capital_of", "Ohio")}


def test_a_step_over_a_place_between_is_unknown(tmp_path):
    within = "located in the administrative territorial entity"
    entities = [("Elyria", "LOC"), ("Ohio", "LOC"), ("United States", "LOC")]
    here = [("Elyria", within, "Ohio"), ("Ohio", "country", "United States"), ("Elyria", "country", "United States")]
    found = docred(tmp_path, "Elyria, Ohio, United States", entities, here, [])
    assert stated(found, found.triples) == {("Elyria", "located_in", "Ohio"), ("Ohio", "located_in", "United States")}
    assert stated(found, found.unknown) == {("Elyria", "located_in", "United States")}


def test_a_relation_tells_the_type_of_a_candidate(tmp_path):
    entities = [("Jaws", "MISC"), ("Ann", "PER"), ("Expo", "MISC")]
    here = [("Jaws", "director", "Ann"), ("Ann", "participant of", "Expo")]
    found = docred(tmp_path, "Jaws by Ann at Expo.", entities, here, [])
    assert marked(found) == {("Jaws", "WORK"), ("Ann", "PER"), ("Expo", "EVENT")}


def test_of_several_relations_the_types_choose(tmp_path):
    entities = [("Beatles", "ORG"), ("Ringo", "PER"), ("Help", "MISC")]
    here = [("Beatles", "has part", "Ringo"), ("Help", "creator", "Ringo")]
    found = docred(tmp_path, "The Beatles: Ringo. Help.", entities, here, [])
    assert stated(found, found.triples) == {("Ringo", "member_of", "Beatles")}
    (group,) = found.either
    assert stated(found, group) >= {("Help", "author", "Ringo"), ("Help", "made_by", "Ringo")}


def test_a_symmetric_relation_stands_once(tmp_path):
    here = [("Ann", "spouse", "Bob"), ("Bob", "spouse", "Ann")]
    found = docred(tmp_path, "Ann and Bob", [("Ann", "PER"), ("Bob", "PER")], here, [])
    assert found.triples == (Triple(head=0, relation="spouse", tail=1),)


def test_names_without_offsets_stand_wherever_they_match(tmp_path):
    text = "Jaws by Ann Lee. Jaws!"
    jaws = match(text, "Jaws", "film") | {"matches": [[0, 4], [17, 21]]}
    row = {
        "text": text,
        "entities": [jaws, match(text, "Ann Lee", "human")],
        "triples": [{"head": "Jaws", "relation": "director", "tail": "Ann Lee"}],
    }
    found = example(tmp_path, "t2kg_tekgen.train", row)
    assert [(m.start, m.entity) for m in found.mentions] == [(0, 0), (8, 1), (17, 0)]
    assert stated(found, found.triples) == {("Jaws", "director", "Ann Lee")}
    assert found.relations == {"director"}
    assert found.exhaustive_types == frozenset()


def test_an_argument_that_is_not_in_the_text_gives_no_triple(tmp_path):
    text = "Jaws."
    row = {
        "text": text,
        "entities": [match(text, "Jaws", "film"), {"text": "Ann", "type": "human"}],
        "triples": [{"head": "Jaws", "relation": "director", "tail": "Ann"}],
    }
    assert example(tmp_path, "t2kg_tekgen.train", row).triples == ()


@pytest.mark.parametrize(
    ("label", "triples", "unknown"),
    [
        ("收购", {("甲公司", "acquired", "乙公司")}, {("乙公司", "owned_by", "甲公司")}),
        ("被收购", {("乙公司", "acquired", "甲公司")}, {("甲公司", "owned_by", "乙公司")}),
        ("合作", set(), {("甲公司", "partner_of", "乙公司")}),
        ("分析", set(), set()),
    ],
)
def test_news_relations_that_do_not_carry_over_are_unknown(tmp_path, label, triples, unknown):
    text = "甲公司与乙公司。"
    entities = [match(text, "甲公司"), match(text, "乙公司")]
    row = {
        "lang": "zh",
        "text": text,
        "entities": entities,
        "triples": [{"head": "甲公司", "relation": label, "tail": "乙公司"}],
    }
    found = example(tmp_path, "finre.train", row)
    assert marked(found) == {("甲公司", "ORG"), ("乙公司", "ORG")}
    assert (stated(found, found.triples), stated(found, found.unknown)) == (triples, unknown)
    assert found.marked_pairs
    assert {"acquired", "partner_of", "competitor_of", "owned_by", "invested_in"} <= found.relations


def event(tmp_path, *more, trigger="Event:Adverse_event"):
    text = "The rash was due to aspirin given for a severe long lasting unexplained headache."
    entities = [span(text, "The rash", "Effect"), span(text, "aspirin", "Treatment.Drug")]
    entities.append(span(text, "a severe long lasting unexplained headache", "Treatment.Disorder"))
    entities.append(span(text, "due", trigger))
    due = [entities[-1]["start"], entities[-1]["end"]]
    triples = [
        {
            "head": "due",
            "head_type": trigger,
            "relation": e["type"],
            "tail": e["text"],
            "head_span": due,
            "tail_span": [e["start"], e["end"]],
        }
        for e in entities[:-1]
    ]
    extra = [
        {"head": "due", "head_type": trigger, "relation": label, "tail": "was", "head_span": due} for label in more
    ]
    return example(tmp_path, "phee.train", {"text": text, "entities": entities, "triples": triples + extra})


def test_a_drug_causes_the_effect_and_treats_the_disorder_of_its_event(tmp_path):
    found = event(tmp_path)
    disorder = "severe long lasting unexplained headache"
    assert stated(found, found.triples) == {("aspirin", "causes", "rash"), ("aspirin", "treats", disorder)}
    assert marked(found) == {("rash", "TERM"), (disorder, "TERM")}
    assert open_spans(found) == {"aspirin": {"PRODUCT", "TERM"}}


@pytest.mark.parametrize("doubt", ["Negated", "Speculated"])
def test_an_event_that_is_denied_or_doubted_is_unknown(tmp_path, doubt):
    found = event(tmp_path, doubt)
    assert found.triples == ()
    assert {relation for _, relation, _ in stated(found, found.unknown)} == {"causes", "treats"}


def test_a_wanted_effect_is_not_caused(tmp_path):
    found = event(tmp_path, trigger="Event:Potential_therapeutic_event")
    assert {triple.relation for triple in found.triples} == {"treats"}


def test_wrong_offsets_are_told_with_their_line(tmp_path):
    write_rows(
        tmp_path,
        "btc.train",
        {"text": "Ann"},
        {"text": "Ann", "entities": [{"text": "Bob", "type": "PER", "start": 0, "end": 3}]},
    )
    with pytest.raises(ParseError, match=r"btc\.train\.jsonl:2: offsets 0 to 3 do not hold 'Bob'"):
        list(read_source(load_sources()["btc.train"], tmp_path))


def test_a_line_that_is_no_row_is_told_with_its_line(tmp_path):
    (tmp_path / "btc.train.jsonl").write_text('{"id": "1"}\n', encoding="utf-8")
    with pytest.raises(ParseError, match=r"btc\.train\.jsonl:1"):
        list(read_source(load_sources()["btc.train"], tmp_path))


def test_a_source_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="there is no such source"):
        list(read_source(load_sources()["btc.train"], tmp_path))


def test_the_table_says_what_its_signs_mean():
    relations = load_sources()["redocred_sent.dev"].relations
    assert relations["father"] == ((Claim(relation="child_of"),),)
    assert relations["child"] == ((Claim(relation="child_of", inverse=True),),)
    assert relations["chairperson"][1] == (Claim(relation="employer", inverse=True, sure=False),)
    assert len(relations["developer"][0]) == 2


def test_every_label_of_the_table_fits_the_ontology():
    for source in load_sources().values():
        assert frozenset().union(*source.entities.values()) <= ALL_TYPES, source.name
        claims = {c.relation for facts in source.relations.values() for fact in facts for c in fact}
        assert claims <= GENERAL.relation_types.keys(), source.name
        assert not source.exhaustive & source.partial, source.name
        assert source.licence
        assert source.credit


@needs_data
def test_only_sources_whose_rows_may_train_are_in_the_table():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    allowed = {
        row.split("|")[1].strip()
        for row in readme.splitlines()
        if re.match(r"\|.*\((?:A|B|A\*|A/B)\)|\|.*\|.*\|.*\| MIT", row)
    }
    assert allowed
    named = " ".join(allowed)
    for name in load_sources():
        assert name.partition(".")[0] in named, f"{name} is not among the rows A and B of the README"
        assert not (DATA / "measure_only" / f"{name}.jsonl").exists()


@needs_data
def test_every_label_of_the_rows_was_decided_on():
    """A relation of a source that says nothing about ours is written down here; any other one is in the table."""
    foreign = {
        "redocred_doc.dev": {"narrative location", "sister city"},
        "t2kg_tekgen.train": {
            *("depicts", "designated as terrorist by", "distribution format", "filming location", "instrumentation"),
            *("location of landing", "main subject", "military casualty classification", "named after"),
            *("narrative location", "next higher rank", "nominated for", "place of publication", "reservoir created"),
            "site of astronomical discovery",
        },
        "knowledgenet.train": set(),
        "finre.train": {"分析", "被分析", "纠纷", "欠款", "被欠款"},
    }
    for name, known in foreign.items():
        source = load_sources()["redocred_sent.dev" if name == "redocred_doc.dev" else name]
        labels = {triple.relation for row in read_rows(DATA / f"{name}.jsonl") for triple in row.triples}
        assert labels - source.relations.keys() == known, name


@pytest.mark.slow
@needs_data
def test_every_source_gives_examples_that_fit_their_text():
    for source in load_sources().values():
        n_examples = 0
        for found in read_source(source, DATA):
            n_examples += 1
            spans = sorted((s.start, s.end) for s in (*found.mentions, *found.candidates))
            assert all(0 <= start < end <= len(found.text) for start, end in spans), found.id
            assert all(one[1] <= other[0] for one, other in pairwise(spans)), found.id
            types = {m.entity: {m.type} for m in found.mentions} | {c.entity: c.types for c in found.candidates}
            for triple in found.triples:
                heads, tails = types[triple.head] or ALL_TYPES, types[triple.tail] or ALL_TYPES
                assert any(GENERAL.allows(h, triple.relation, t) for h in heads for t in tails), found.id
            assert not set(found.triples) & set(found.unknown), found.id
        assert n_examples >= 100, source.name
