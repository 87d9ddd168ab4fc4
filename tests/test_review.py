"""Corrections laid over what a machine extracted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.errors import ParseError
from kgbuilder.review import (
    Change,
    DraftMention,
    DraftTriple,
    TripleAnchor,
    apply_changes,
    build_rules,
    parse_request,
    relocate,
    span_at,
)

TEXT = "林知远生于绍兴，后来在杭州任教。"
PERSON = (0, 3, "PER")
BIRTHPLACE = (5, 7, "LOC")
WORKPLACE = (11, 13, "LOC")
MENTIONS = [DraftMention(start=s, end=e, label=label, score=0.9) for s, e, label in (PERSON, BIRTHPLACE, WORKPLACE)]
BORN = DraftTriple(head=PERSON, relation="place_of_birth", tail=BIRTHPLACE, score=0.9, start=0, end=15)


def span(place):
    start, end, label = place
    return span_at("d", TEXT, start=start, end=end, label=label)


def anchor(head=PERSON, relation="place_of_birth", tail=BIRTHPLACE):
    return TripleAnchor(head=span(head), relation=relation, tail=span(tail), start=0, end=15)


def applied(*changes, mentions=MENTIONS, triples=(BORN,)):
    kept, told = apply_changes(TEXT, mentions, list(triples), changes, fold=str.casefold)
    return {(m.start, m.end, m.label): m.status for m in kept}, {(t.head, t.relation, t.tail): t.status for t in told}


def test_a_rejected_triple_stays_rejected_when_another_span_states_it():
    again = DraftTriple(head=PERSON, relation="place_of_birth", tail=BIRTHPLACE, score=1.0, start=0, end=8)
    _, triples = applied(Change(kind="reject_triple", event_id="e", triple=anchor()), triples=[again])
    assert set(triples.values()) == {"rejected"}


def test_an_accepted_triple_stands_though_the_machine_no_longer_states_it():
    _, triples = applied(Change(kind="accept_triple", event_id="e", triple=anchor()), triples=[])
    assert triples == {(PERSON, "place_of_birth", BIRTHPLACE): "accepted"}


def test_the_later_decision_wins():
    changes = [Change(kind=f"{verb}_triple", event_id=verb, triple=anchor()) for verb in ("accept", "reject")]
    assert set(applied(*changes)[1].values()) == {"rejected"}
    assert set(applied(*reversed(changes))[1].values()) == {"accepted"}


def test_fixing_the_relation_rejects_the_old_and_states_the_new():
    _, triples = applied(Change(kind="fix_relation", event_id="e", triple=anchor(), relation="residence"))
    assert triples == {
        (PERSON, "place_of_birth", BIRTHPLACE): "rejected",
        (PERSON, "residence", BIRTHPLACE): "accepted",
    }


def test_reversing_turns_head_and_tail():
    _, triples = applied(Change(kind="reverse", event_id="e", triple=anchor()))
    assert triples[BIRTHPLACE, "place_of_birth", PERSON] == "accepted"


def test_a_moved_span_carries_its_triples_and_their_evidence_covers_it():
    longer = (3, 7, "LOC")
    change = Change(kind="fix_span", event_id="e", span=span(BIRTHPLACE), start=3, end=7)
    narrow = DraftTriple(head=PERSON, relation="place_of_birth", tail=BIRTHPLACE, score=0.9, start=0, end=7)
    mentions, triples = apply_changes(TEXT, MENTIONS, [narrow], [change], fold=str)
    assert longer in {(m.start, m.end, m.label) for m in mentions}
    assert [(t.tail, t.start <= 3 and t.end >= 7) for t in triples] == [(longer, True)]


def test_a_retyped_mention_takes_its_triples_along():
    mentions, triples = applied(Change(kind="fix_type", event_id="e", span=span(BIRTHPLACE), label="ORG"))
    assert (5, 7, "ORG") in mentions
    assert (PERSON, "place_of_birth", (5, 7, "ORG")) in triples


def test_rejecting_a_mention_takes_away_what_rests_on_it():
    mentions, triples = applied(Change(kind="reject_mention", event_id="e", span=span(BIRTHPLACE)))
    assert BIRTHPLACE not in mentions
    assert not triples


def test_an_added_triple_brings_its_mentions():
    added = Change(kind="add_triple", event_id="e", triple=anchor(relation="residence", tail=WORKPLACE))
    mentions, triples = applied(added, mentions=[], triples=[])
    assert mentions == {PERSON: "added", WORKPLACE: "added"}
    assert triples == {(PERSON, "residence", WORKPLACE): "added"}


def test_an_undone_event_has_no_effect_and_undoing_the_undo_brings_it_back():
    payload = {"nodes": ["a", "b"]}
    assert build_rules([("1", "merge", payload)]).constraints == [("a", "b", True)]
    undone = [("1", "merge", payload), ("2", "undo", {"event": "1"})]
    assert build_rules(undone).constraints == []
    assert build_rules([*undone, ("3", "undo", {"event": "2"})]).constraints == [("a", "b", True)]


def test_an_anchor_is_found_again_after_text_was_put_before_it():
    moved = relocate(span(BIRTHPLACE), "d2", "新的一段话。" + TEXT)
    assert moved is not None
    assert (moved.start, moved.end, moved.text) == (11, 13, "绍兴")


def test_an_anchor_that_stands_in_two_places_alike_is_not_guessed():
    assert relocate(span(BIRTHPLACE), "d2", TEXT + TEXT) is None


def test_an_anchor_whose_words_are_gone_is_not_placed():
    assert relocate(span(BIRTHPLACE), "d2", "完全不同的文字。") is None


def test_a_span_outside_the_text_is_refused_with_its_place():
    with pytest.raises(ParseError, match="characters 3 to 99"):
        span_at("d", TEXT, start=3, end=99, label="PER")


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "not json",
        '{"action": "explode"}',
        '{"action": "reject"}',
        '{"action": "reject", "target": "x", "surprise": 1}',
        '{"action": "merge", "entities": ["only-one"]}',
    ],
)
def test_a_correction_of_the_wrong_form_is_refused_with_file_and_line(line):
    with pytest.raises(ParseError, match=r"corrections\.jsonl:3"):
        parse_request(line, where="corrections.jsonl:3")


@given(st.text(max_size=60), st.text(max_size=60), st.text(min_size=1, max_size=12).filter(lambda s: s.strip()))
def test_a_relocated_anchor_always_names_the_same_words(before, after, words):
    text = before + words + after
    anchored = span_at("d", text, start=len(before), end=len(before) + len(words), label="PER")
    moved = relocate(anchored, "d2", "prefix " + text)
    assert moved is None or ("prefix " + text)[moved.start : moved.end] == words
