"""Deriving document by document, in any order, with deletions and corrections, equals deriving everything at once."""

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_schema import load_ontology
from kgbuilder.corrections import correct, undo
from kgbuilder.derive import Deriver
from kgbuilder.errors import StoreError
from kgbuilder.ids import content_id
from kgbuilder.ingest import chunk
from kgbuilder.ledger import Ledger, Reading, derived
from kgbuilder.ledger import tables as t
from kgbuilder.records import Document, Extraction, MentionClaim, TripleClaim
from kgbuilder.resolve import Resolver
from kgbuilder.review import parse_request

NAMES = {
    "华灿科技有限公司": "ORG",
    "华灿科技": "ORG",
    "华灿": "PER",
    "世界河流组织": "ORG",
    "WRO": "ORG",
    "西部铁路办公室": "ORG",
    "林知远": "PER",
    "林知遠": "PER",
    "绍兴": "LOC",
    "绍兴市": "LOC",
}
SENTENCES = (
    "林知远生于绍兴。",
    "林知遠生于绍兴市。",
    "林知远创办了华灿科技有限公司。",
    "华灿科技位于绍兴。",
    "华灿是林知远的学生。",
    "世界河流组织（WRO）位于绍兴。",
    "西部铁路办公室（WRO）位于绍兴市。",
    "WRO由林知远领导。",
)
TRIPLES = {
    SENTENCES[0]: ("林知远", "place_of_birth", "绍兴"),
    SENTENCES[1]: ("林知遠", "place_of_birth", "绍兴市"),
    SENTENCES[2]: ("华灿科技有限公司", "founded_by", "林知远"),
    SENTENCES[3]: ("华灿科技", "located_in", "绍兴"),
    SENTENCES[4]: ("华灿", "student_of", "林知远"),
    SENTENCES[5]: ("世界河流组织", "located_in", "绍兴"),
    SENTENCES[6]: ("西部铁路办公室", "located_in", "绍兴市"),
    SENTENCES[7]: ("WRO", "led_by", "林知远"),
}
ONTOLOGY = load_ontology("general")
DERIVED = {
    t.mention: ("id", "start", "end", "label", "text", "status", "node_id"),
    t.triple: ("id", "head", "relation", "tail", "status", "start", "end", "quote", "head_node", "tail_node"),
    t.node: ("id", "label", "key", "variant", "value", "entity_id"),
    t.surface: ("node_id", "text", "n"),
    t.declaration: ("document_id", "short_node", "long_node"),
    t.chunk: ("id", "state", "seq"),
}

texts = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4, unique=True).map("".join)


class Bench:
    """A ledger in memory with what derives it."""

    def __init__(self, folder):
        self.ledger = Ledger.open(f"sqlite:///{folder}/ledger.db", lock_path=folder / "write.lock")
        self.deriver = Deriver(self.ledger, ONTOLOGY, Resolver())

    def add(self, text, source=None):
        document_id = content_id("document", text)
        document = Document(
            id=document_id, source=source or text, name="d", text=text, media_type="text/plain", language="zh"
        )
        reading = Reading(
            document=document,
            chunks=chunk(document, max_tokens=1000, overlap_sentences=1),
            extractor_id="x",
            max_tokens=1000,
            overlap_sentences=1,
        )
        with self.ledger.writing() as connection:
            left = self.ledger.register(connection, [reading], author="")
            self.deriver.retire(connection, left)
            self.ledger.put_attempts(connection, [said(c.passage_id, text[c.start : c.end]) for c in reading.chunks])
            self.deriver.derive(connection, [document_id])
        return document_id

    def delete(self, document_id):
        with self.ledger.writing() as connection:
            self.ledger.remove(connection, document_id, author="")
            self.deriver.retire(connection, [document_id])

    def correct(self, **request):
        with self.ledger.writing() as connection:
            parsed = parse_request(orjson.dumps(request), where="test")
            return correct(self.ledger, self.deriver, connection, [parsed], ontology=ONTOLOGY)[0]

    def undo(self, event):
        with self.ledger.writing() as connection:
            undo(self.ledger, self.deriver, connection, event)

    def replay(self):
        def cut(document, max_tokens, overlap):
            return chunk(document, max_tokens=max_tokens, overlap_sentences=overlap)

        with self.ledger.writing() as connection:
            self.ledger.rebuild_readings(connection, cut)
            self.deriver.derive(connection, derived.held_documents(connection))

    def state(self):
        with self.ledger.reading() as connection:
            return {
                table.name: sorted(
                    tuple(map(str, row)) for row in connection.execute(sa.select(*(table.c[name] for name in columns)))
                )
                for table, columns in DERIVED.items()
            }

    def names(self):
        """The spellings of each entity that has any."""
        query = sa.select(t.node.c.entity_id, t.surface.c.text).join(t.surface, t.surface.c.node_id == t.node.c.id)
        found = {}
        with self.ledger.reading() as connection:
            for entity, text in connection.execute(query):
                found.setdefault(entity, set()).add(text)
        return found

    def entity(self, name):
        return next(entity for entity, names in self.names().items() if name in names)

    def triples(self, status="extracted"):
        query = sa.select(t.triple.c.quote, t.triple.c.relation).where(t.triple.c.status == status)
        with self.ledger.reading() as connection:
            return {tuple(row) for row in connection.execute(query)}


def said(passage_id, text):
    return Extraction(
        passage_id=passage_id,
        extractor="x",
        state="done",
        mentions=tuple(MentionClaim(text=name, label=label) for name, label in NAMES.items() if name in text),
        triples=tuple(
            TripleClaim(head=head, relation=relation, tail=tail)
            for sentence, (head, relation, tail) in TRIPLES.items()
            if sentence in text
        ),
    )


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.ledger.close()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(added=st.lists(texts, min_size=1, max_size=5, unique=True), data=st.data())
def test_the_order_of_documents_and_deletions_leave_no_trace(tmp_path_factory, added, data):
    one, other = (Bench(tmp_path_factory.mktemp("w")) for _ in range(2))
    for text in added:
        one.add(text)
    for text in data.draw(st.permutations(added)):
        other.add(text)
    assert one.state() == other.state()
    gone = data.draw(st.sampled_from(added))
    one.delete(content_id("document", gone))
    if len(added) > 1:
        fresh = Bench(tmp_path_factory.mktemp("w"))
        for text in added:
            if text != gone:
                fresh.add(text)
        assert one.state() == fresh.state()
        fresh.ledger.close()
    one.add(gone)
    assert one.state() == other.state()
    one.replay()
    assert one.state() == other.state()
    one.ledger.close()
    other.ledger.close()


@pytest.mark.parametrize(
    "request_for",
    [
        lambda b: {"action": "merge", "entities": [b.entity("华灿"), b.entity("华灿科技")]},
        lambda b: {"action": "never_merge", "entities": [b.entity("林知远"), b.entity("绍兴")]},
        lambda b: {"action": "rename", "entity": b.entity("绍兴"), "name": "越州"},
        lambda b: {"action": "relabel", "entity": b.entity("绍兴"), "label": "ORG"},
        lambda b: {"action": "split", "entity": b.entity("林知远"), "names": ["林知遠"]},
        lambda b: {"action": "split", "entity": b.entity("绍兴"), "documents": [content_id("document", SENTENCES[3])]},
        lambda b: {"action": "reject", "target": a_triple(b)},
        lambda b: {"action": "accept", "target": a_triple(b)},
        lambda b: {"action": "reverse", "target": a_triple(b)},
        lambda b: {"action": "fix_relation", "target": a_triple(b), "relation": "residence"},
        lambda b: {"action": "fix_type", "target": a_mention(b), "label": "组织"},
        lambda b: {"action": "fix_span", "target": a_mention(b), "start": 0, "end": 2},
        lambda b: {"action": "reject", "target": a_mention(b)},
        lambda b: {
            "action": "add",
            "document": content_id("document", SENTENCES[0]),
            "mention": {"start": 3, "end": 5, "label": "TERM"},
        },
    ],
)
def test_every_correction_changes_something_survives_replay_and_can_be_undone(bench, request_for):
    for sentence in SENTENCES:
        bench.add(sentence)
    before = bench.state()
    request = request_for(bench)
    if request.get("label") == "组织":
        request["label"] = "机构"
    event = bench.correct(**request)
    after = bench.state()
    if request["action"] not in ("never_merge", "rename"):
        assert after != before
    bench.replay()
    assert bench.state() == after
    bench.undo(event)
    assert bench.state() == before
    bench.replay()
    assert bench.state() == before


def a_triple(bench):
    with bench.ledger.reading() as connection:
        query = sa.select(t.triple.c.id).where(t.triple.c.quote == SENTENCES[0])
        return connection.execute(query).scalar_one()


def a_mention(bench):
    with bench.ledger.reading() as connection:
        query = sa.select(t.mention.c.id).where(
            t.mention.c.document_id == content_id("document", SENTENCES[0]), t.mention.c.start == 0
        )
        return connection.execute(query).scalar_one()


def test_spellings_meet_and_homonyms_of_another_type_stay_apart(bench):
    for sentence in SENTENCES[:5]:
        bench.add(sentence)
    names = list(bench.names().values())
    assert {"林知远", "林知遠"} in names
    assert {"绍兴", "绍兴市"} in names
    assert {"华灿科技有限公司", "华灿科技"} in names
    assert {"华灿"} in names


def test_an_abbreviation_of_two_organisations_belongs_to_each_in_its_own_document_and_to_none_elsewhere(bench):
    for sentence in SENTENCES[5:]:
        bench.add(sentence)
    names = list(bench.names().values())
    assert {"世界河流组织", "WRO"} in names
    assert {"西部铁路办公室", "WRO"} in names
    assert {"WRO"} in names


def test_an_abbreviation_that_one_document_declares_is_understood_in_another(bench):
    bench.add(SENTENCES[5])
    bench.add(SENTENCES[7])
    assert {"世界河流组织", "WRO"} in bench.names().values()


def test_a_rejected_triple_stays_rejected_in_a_revision_of_its_document(bench):
    bench.add(SENTENCES[0], source="a.txt")
    bench.correct(action="reject", target=a_triple(bench))
    bench.add("前言。" + SENTENCES[0] + SENTENCES[3], source="a.txt")
    assert ("林知远生于绍兴。", "place_of_birth") in bench.triples("rejected")
    assert bench.triples("extracted") == {("华灿科技位于绍兴。", "located_in")}


def test_a_person_merges_what_the_machine_never_would_and_more_documents_do_not_undo_it(bench):
    bench.add(SENTENCES[4])
    bench.add(SENTENCES[3])
    bench.correct(action="merge", entities=[bench.entity("华灿"), bench.entity("华灿科技")])
    bench.add(SENTENCES[2])
    assert {"华灿", "华灿科技", "华灿科技有限公司"} in bench.names().values()


def test_a_split_stands_when_the_same_document_is_read_again_and_new_documents_join_the_rest(bench):
    for sentence in (SENTENCES[0], SENTENCES[3]):
        bench.add(sentence)
    bench.correct(action="split", entity=bench.entity("绍兴"), documents=[content_id("document", SENTENCES[3])])
    assert sorted(map(sorted, bench.names().values())).count(["绍兴"]) == 2
    bench.delete(content_id("document", SENTENCES[3]))
    bench.add(SENTENCES[3])
    bench.add(SENTENCES[1])
    names = sorted(map(sorted, bench.names().values()))
    assert names.count(["绍兴"]) == 1
    assert names.count(["绍兴", "绍兴市"]) == 1


def test_a_merge_of_three_holds_when_the_middle_one_is_no_longer_mentioned(bench):
    documents = [bench.add(SENTENCES[n]) for n in (4, 3, 5)]
    names = ("华灿", "华灿科技", "世界河流组织")
    bench.correct(action="merge", entities=[bench.entity(names[0]), bench.entity(names[1])])
    bench.correct(action="merge", entities=[bench.entity(names[1]), bench.entity(names[2])])
    bench.delete(documents[1])
    together = {"华灿", "世界河流组织", "WRO"}
    assert together in bench.names().values()
    bench.replay()
    assert together in bench.names().values()


def replayed(bench):
    """Check that a replay changes nothing."""
    before = bench.state()
    bench.replay()
    assert bench.state() == before


def test_a_merge_holds_whichever_of_its_names_is_gone(bench):
    documents = {"华灿": SENTENCES[4], "华灿科技": SENTENCES[3], "世界河流组织": SENTENCES[5]}
    for sentence in documents.values():
        bench.add(sentence)
    bench.correct(action="merge", entities=[bench.entity(name) for name in documents])
    for gone, sentence in documents.items():
        bench.delete(content_id("document", sentence))
        assert any(documents.keys() - {gone} <= names for names in bench.names().values())
        replayed(bench)
        bench.add(sentence)


def test_rejecting_a_mention_of_a_retyped_entity_takes_it_away(bench):
    bench.add(SENTENCES[0])
    bench.correct(action="relabel", entity=bench.entity("林知远"), label="ORG")
    bench.correct(action="reject", target=a_mention(bench))
    assert {"林知远"} not in bench.names().values()
    replayed(bench)


def test_retyping_one_mention_of_a_retyped_entity_leaves_one_mention(bench):
    bench.add(SENTENCES[0])
    bench.correct(action="relabel", entity=bench.entity("林知远"), label="ORG")
    bench.correct(action="fix_type", target=a_mention(bench), label="TERM")
    with bench.ledger.reading() as connection:
        labels = list(connection.execute(sa.select(t.mention.c.label).where(t.mention.c.start == 0)).scalars())
    assert labels == ["TERM"]
    replayed(bench)


def test_a_merged_entity_stays_one_when_it_is_retyped(bench):
    for sentence in (SENTENCES[3], SENTENCES[4]):
        bench.add(sentence)
    bench.correct(action="merge", entities=[bench.entity("华灿"), bench.entity("华灿科技")])
    before = bench.state()
    event = bench.correct(action="relabel", entity=bench.entity("华灿"), label="TERM")
    assert {"华灿", "华灿科技"} in bench.names().values()
    replayed(bench)
    bench.undo(event)
    assert bench.state() == before


def test_an_entity_of_several_spellings_stays_one_when_it_is_retyped(bench):
    for sentence in SENTENCES[:2]:
        bench.add(sentence)
    bench.correct(action="relabel", entity=bench.entity("绍兴"), label="TERM")
    assert {"绍兴", "绍兴市"} in bench.names().values()
    replayed(bench)


def test_the_second_of_three_retypings_can_be_undone(bench):
    bench.add(SENTENCES[0])
    events = [
        bench.correct(action="relabel", entity=bench.entity("绍兴"), label=label) for label in ("ORG", "TERM", "PER")
    ]
    for event in (events[1], events[2], events[0]):
        bench.undo(event)
        replayed(bench)


def test_a_mention_split_off_a_retyped_entity_keeps_the_new_type(bench):
    bench.add(SENTENCES[0])
    bench.add(SENTENCES[3])
    bench.correct(action="relabel", entity=bench.entity("绍兴"), label="ORG")
    bench.correct(action="split", entity=bench.entity("绍兴"), documents=[content_id("document", SENTENCES[3])])
    with bench.ledger.reading() as connection:
        query = sa.select(t.mention.c.label).where(t.mention.c.text == "绍兴")
        assert list(connection.execute(query).scalars()) == ["ORG", "ORG"]
    assert list(map(sorted, bench.names().values())).count(["绍兴"]) == 2
    replayed(bench)


def test_a_widened_mention_is_not_moved_onto_other_words(bench):
    bench.add("林知远生于绍兴市。", source="a.txt")
    first = content_id("document", "林知远生于绍兴市。")
    with bench.ledger.reading() as connection:
        query = sa.select(t.mention.c.id).where(t.mention.c.document_id == first, t.mention.c.start == 5)
        mention = connection.execute(query).scalars().first()
    bench.correct(action="fix_span", target=mention, start=5, end=9)
    bench.add("林知远生于绍兴市", source="a.txt")
    with bench.ledger.reading() as connection:
        rows = connection.execute(sa.select(t.mention.c.start, t.mention.c.end, t.mention.c.text)).all()
    assert all(row.end - row.start == len(row.text) for row in rows)
    replayed(bench)


def test_a_rejected_triple_stays_rejected_when_its_words_stand_twice_in_a_revision(bench):
    bench.add(SENTENCES[0], source="a.txt")
    bench.correct(action="reject", target=a_triple(bench))
    bench.add(SENTENCES[0] + SENTENCES[0], source="a.txt")
    assert bench.triples("extracted") == set()
    replayed(bench)


def test_a_correction_after_one_that_was_refused_has_its_effect(bench):
    bench.add(SENTENCES[0])
    words = {"start": 3, "end": 5, "label": "TERM"}
    asked = (
        {"action": "add", "document": content_id("document", SENTENCES[0]), "mention": words},
        {"action": "reject", "target": "nothing"},
    )
    requests = [parse_request(orjson.dumps(request), where="test") for request in asked]

    def correct_both():
        with bench.ledger.writing() as connection:
            correct(bench.ledger, bench.deriver, connection, requests, ontology=ONTOLOGY)

    with pytest.raises(StoreError):
        correct_both()
    bench.correct(action="reject", target=a_triple(bench))
    assert bench.triples("extracted") == set()
