"""On generated documents with variants, abbreviations, near names and homonyms, resolution is nearly perfect."""

from collections import Counter, defaultdict

import pytest

from tests.resolve.memory import Memory
from tests.worlds import World, WorldDocument

N_DOCUMENTS = 400


@pytest.fixture(scope="module")
def documents() -> list[WorldDocument]:
    return list(World(n_entities=1500, seed=11).documents(N_DOCUMENTS))


@pytest.fixture(scope="module")
def resolved(documents: list[WorldDocument]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the true and the found entity of each mention."""
    memory = Memory()
    gold: dict[str, str] = {}
    found: dict[str, str] = {}
    for document in documents:
        mentions, _ = document.records()
        memory.add(document.id, document.text, mentions)
        gold |= {record.id: mention.entity for mention, record in zip(document.mentions, mentions, strict=True)}
    for document in documents:
        found |= memory.entity_of(document.id)
    return gold, found


def n_pairs(counts: Counter[object]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def test_pairs_of_mentions_are_right(resolved):
    gold, found = resolved
    both = n_pairs(Counter((gold[m], found[m]) for m in gold))
    assert both / n_pairs(Counter(found.values())) >= 0.99
    assert both / n_pairs(Counter(gold.values())) >= 0.99


def test_entities_are_right_as_a_whole(resolved):
    gold, found = resolved
    true, made = defaultdict(set), defaultdict(set)
    for mention in gold:
        true[gold[mention]].add(mention)
        made[found[mention]].add(mention)
    exact = {frozenset(group) for group in true.values()} & {frozenset(group) for group in made.values()}
    assert len(exact) / len(made) >= 0.99
    assert len(exact) / len(true) >= 0.99


def test_every_homonym_stays_apart(documents, resolved):
    _, found = resolved
    labels = {record.id: record.label for document in documents for record in document.records()[0]}
    names = defaultdict(set)
    for document in documents:
        for mention in document.mentions:
            names[mention.text].add(mention.label)
    homonyms = [name for name, of in names.items() if len(of) > 1]
    assert len(homonyms) >= 20
    mixed = defaultdict(set)
    for mention, entity in found.items():
        mixed[entity].add(labels[mention])
    assert all(len(of) == 1 for of in mixed.values())


VARIANTS = """
    （集团）有限公司 股份有限公司 有限責任公司 （简称“ （以下简称“ 教授 市 〇 Ｐ
    Inc. INC. Limited The Dr. hereinafter Mt. Mount USD 第2
"""


@pytest.mark.parametrize("sign", VARIANTS.split())
def test_every_kind_of_variant_occurs(documents, sign):
    assert any(sign in document.text for document in documents)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_other_worlds_resolve_as_well(seed):
    memory = Memory()
    gold = {}
    documents = list(World(n_entities=4000, seed=seed).documents(1500))
    for document in documents:
        mentions, _ = document.records()
        memory.add(document.id, document.text, mentions)
        gold |= {record.id: mention.entity for mention, record in zip(document.mentions, mentions, strict=True)}
    found = {mention: entity for document in documents for mention, entity in memory.entity_of(document.id).items()}
    both = n_pairs(Counter((gold[m], found[m]) for m in gold))
    assert both / n_pairs(Counter(found.values())) >= 0.99
    assert both / n_pairs(Counter(gold.values())) >= 0.99
