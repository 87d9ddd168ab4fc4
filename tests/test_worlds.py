"""The generated world says truly what its documents state, and says the same every time."""

from itertools import islice

import pytest

from graph_schema import load_ontology
from kgbuilder.normalize import name_key
from tests.worlds import World, WorldDocument


@pytest.fixture(scope="module")
def documents() -> list[WorldDocument]:
    return list(World(n_entities=800, seed=3).documents(120))


def test_the_same_seed_and_index_give_the_same_document():
    alone = World(n_entities=800, seed=3).document(57)
    assert alone == next(islice(World(n_entities=800, seed=3).documents(60), 57, None))
    assert alone.text != World(n_entities=800, seed=4).document(57).text


def test_mentions_stand_where_they_say(documents):
    for document in documents:
        for mention in document.mentions:
            assert document.text[mention.start : mention.end] == mention.text


def test_triples_stand_in_their_sentence_and_obey_the_ontology(documents):
    ontology = load_ontology("general")
    for document in documents:
        for triple in document.triples:
            head, tail = document.mentions[triple.head], document.mentions[triple.tail]
            assert triple.start <= min(head.start, tail.start) <= max(head.end, tail.end) <= triple.end
            assert ontology.allows(head.label, triple.relation, tail.label), (head.label, triple.relation, tail.label)
            assert head.entity != tail.entity


def test_documents_are_about_1500_characters_in_both_languages(documents):
    assert {document.language for document in documents} == {"zh", "en"}
    assert all(1400 <= len(document.text) <= 1800 for document in documents)


def test_answers_name_what_the_sentence_holds(documents):
    for document in documents:
        answers = list(document.answers())
        assert sum(len(answer["triples"]) for answer in answers) == len(document.triples)
        for answer in answers:
            assert answer["text"] in document.text
            names = {entity["text"] for entity in answer["entities"]}
            assert all(name in answer["text"] for name in names)
            assert all({triple["head"], triple["tail"]} <= names for triple in answer["triples"])


def test_records_are_those_of_the_text(documents):
    document = documents[0]
    mentions, triples = document.records()
    assert document.document().id == document.id == mentions[0].document_id
    assert {triple.head for triple in triples} <= {mention.id for mention in mentions}
    assert set(document.names()) == {mention.label for mention in mentions}


def test_different_entities_of_one_type_never_share_a_full_name():
    world = World(n_entities=2000)
    for language in ("zh", "en"):
        for label in ("PER", "ORG", "LOC", "WORK", "PRODUCT", "EVENT", "TERM"):
            names = [name_key(world.entity(language, label, n).name, label) for n in range(400)]
            assert len(set(names)) == len(names), (language, label)


def test_entities_grow_more_slowly_than_documents(documents):
    def n_entities(some):
        return len({m.entity for d in some for m in d.mentions if m.label not in ("TIME", "NUM")})

    assert n_entities(documents) < 4 * n_entities(documents[:20])
