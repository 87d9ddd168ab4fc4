"""Resolving document by document, in any order, with documents and decisions coming and going, is resolving at once."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuilder.ids import content_id
from kgbuilder.normalize import name_key
from kgbuilder.records import Mention
from kgbuilder.resolve import node_id
from tests.resolve.memory import Memory

# Spellings of a few things, with every way for them to hang together: keys, links, brackets, shared abbreviations.
NAMES = (
    ("华为技术有限公司", "ORG"),
    ("華為技術", "ORG"),
    ("华为", "ORG"),
    ("华为", "PER"),
    ("第一中学", "ORG"),
    ("第1中学", "ORG"),
    ("第二中学", "ORG"),
    ("River Thames", "LOC"),
    ("Thames River", "LOC"),
    ("World Health Organization", "ORG"),
    ("World Health Organisation", "ORG"),
    ("World Heritage Office", "ORG"),
    ("WHO", "ORG"),
    ("世界卫生组织", "ORG"),
    ("J. K. Rowling", "PER"),
    ("JK Rowling", "PER"),
)
BRACKETS = ((9, 12), (10, 12), (11, 12), (13, 12), (0, 2), (13, 9), (9, 13))


def document(pieces: Sequence[int | tuple[int, int]]) -> tuple[str, str, tuple[Mention, ...]]:
    """Write a text of names, and of pairs of them with the second in brackets."""
    text = ""
    spans: list[tuple[int, int, str]] = []
    for piece in pieces:
        long, *short = piece if isinstance(piece, tuple) else (piece,)
        spans.append((len(text), len(text) + len(NAMES[long][0]), NAMES[long][1]))
        text += NAMES[long][0]
        if short:
            text += "（"
            spans.append((len(text), len(text) + len(NAMES[short[0]][0]), NAMES[short[0]][1]))
            text += NAMES[short[0]][0] + "）"
        text += "。"
    id_ = content_id("document", text)
    mentions = tuple(
        Mention(
            id=content_id("mention", id_, start, end, label),
            document_id=id_,
            start=start,
            end=end,
            text=text[start:end],
            label=label,
            score=1.0,
        )
        for start, end, label in spans
    )
    return id_, text, mentions


PIECES = st.integers(0, len(NAMES) - 1) | st.sampled_from(BRACKETS)
DOCUMENTS = st.lists(st.lists(PIECES, min_size=1, max_size=4), min_size=1, max_size=6, unique_by=tuple).map(
    lambda all_: list({made[0]: made for made in map(document, all_)}.values())
)
NODE_IDS = [node_id(label, name_key(name, label)) for name, label in NAMES]
DECISIONS = st.lists(st.tuples(st.sampled_from(NODE_IDS), st.sampled_from(NODE_IDS), st.booleans()), max_size=3)


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(documents, random):
    one, other = Memory(), Memory()
    for made in documents:
        one.add(*made)
    random.shuffle(documents)
    for made in documents:
        other.add(*made)
    assert one.entities == other.entities == one.at_once()


@given(DOCUMENTS, DECISIONS, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_documents_and_decisions_may_come_and_go(documents, decisions, random):
    memory = Memory()
    waiting = [*documents, *decisions]
    held = []
    order = [step for step in waiting if not isinstance(step[-1], bool)]
    random.shuffle(waiting)
    decided = []
    for step in waiting:
        if isinstance(step[-1], bool):
            memory.decide(step[0], step[1], together=step[2])
            decided.append(step)
        else:
            memory.add(*step)
            held.append(step[0])
        if held and random.random() < 0.3:
            memory.remove(held.pop(random.randrange(len(held))))
        assert memory.entities == memory.at_once()
    fresh = Memory()
    for a, b, together in decided:
        fresh.decide(a, b, together=together)
    for made in order:
        if made[0] in held:
            fresh.add(*made)
    assert fresh.entities == memory.entities


@given(DOCUMENTS)
def test_taking_a_document_away_and_back_changes_nothing(documents):
    memory = Memory()
    for made in documents:
        memory.add(*made)
    before = dict(memory.entities)
    memory.remove(documents[0][0])
    memory.add(*documents[0])
    assert memory.entities == before


def entities(memory: Memory, *names: tuple[str, str]) -> list[str | None]:
    return [memory.entities.get(node_id(label, name_key(name, label))) for name, label in names]


def test_an_abbreviation_is_explained_for_other_documents_until_a_second_meaning_appears():
    memory = Memory()
    memory.add(*document([12]))
    memory.add(*document([(9, 12)]))
    short, long = entities(memory, NAMES[12], NAMES[9])
    assert short == long
    second = document([(11, 12)])
    memory.add(*second)
    assert len(set(entities(memory, NAMES[12], NAMES[9], NAMES[11]))) == 3
    memory.remove(second[0])
    short, long = entities(memory, NAMES[12], NAMES[9])
    assert short == long


def test_one_abbreviation_means_another_thing_in_another_document():
    memory = Memory()
    health, heritage = document([(9, 12), 12]), document([(11, 12), 12])
    memory.add(*health)
    memory.add(*heritage)
    of_health, of_heritage = set(memory.entity_of(health[0]).values()), set(memory.entity_of(heritage[0]).values())
    assert len(of_health) == len(of_heritage) == 1
    assert of_health != of_heritage


def test_homonyms_of_different_type_stay_apart():
    memory = Memory()
    memory.add(*document([2, 3]))
    assert len(set(memory.entities.values())) == 2


def test_a_merge_by_a_person_outlives_the_deletion_of_what_lies_between():
    memory = Memory()
    documents = [document([4]), document([6]), document([8])]
    for made in documents:
        memory.add(*made)
    ids = [node_id(label, name_key(name, label)) for name, label in (NAMES[4], NAMES[6], NAMES[8])]
    memory.decide(ids[0], ids[1], together=True)
    memory.decide(ids[1], ids[2], together=True)
    memory.remove(documents[1][0])
    assert memory.entities[ids[0]] == memory.entities[ids[2]]


@pytest.mark.parametrize("n_documents", [40, 80])
def test_a_new_document_touches_only_its_own_part(n_documents):
    memory = Memory()
    for n in range(n_documents):
        text = f"某某{n}事务所。"
        mention = Mention(
            id=f"m{n}", document_id=f"d{n}", start=0, end=len(text) - 1, text=text[:-1], label="ORG", score=1.0
        )
        memory.add(f"d{n}", text, [mention])
    assert memory.n_resolved == n_documents
