"""A build with a scripted extractor and a graph in memory: whatever happens on the way, a replay ends the same."""

import os
import time
from dataclasses import replace
from itertools import chain, count, repeat
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from graph_schema import load_ontology
from kgbuilder import pipeline
from kgbuilder.config import init_workspace, open_workspace
from kgbuilder.errors import KGBuilderError, StoreError
from kgbuilder.ids import content_id
from kgbuilder.ingest import chunk
from kgbuilder.ledger import Ledger, Reading
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.engine import mark
from kgbuilder.pipeline import build, delete_document, open_ledger, record_corrections, replay
from kgbuilder.records import Extraction, Failure
from kgbuilder.review import parse_request
from kgbuilder.stores import WriteCounts
from tests.test_derive import SENTENCES, said

ONTOLOGY = load_ontology("general")


class Graph:
    """A graph store in memory: a relationship is written between entities that stand, and nowhere else."""

    def __init__(self):
        self.documents, self.chunks, self.entities, self.mentions, self.facts = {}, {}, {}, {}, {}
        self.before_write = lambda batch: None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def migrate(self):
        pass

    def clear(self):
        for rows in (self.documents, self.chunks, self.entities, self.mentions, self.facts):
            rows.clear()

    def write(self, batch):
        batch.check()
        self.before_write(batch)
        self.documents.update({row.id: row for row in batch.documents})
        self.chunks.update({row.id: row for row in batch.chunks})
        self.entities.update({row.id: row for row in batch.entities})
        n_unmatched = 0
        for row in batch.mentions:
            if row.entity in self.entities and row.chunk in self.chunks:
                self.mentions[row.entity, row.chunk] = row
            else:
                n_unmatched += 1
        for row in batch.facts:
            if row.head in self.entities and row.tail in self.entities:
                self.facts[row.head, row.type, row.tail] = row
            else:
                n_unmatched += 1
        for key in batch.removed_facts:
            self.facts.pop((key.head, key.type, key.tail), None)
        for key in batch.removed_mentions:
            self.mentions.pop(key, None)
        for gone in batch.removed_entities:
            self.entities.pop(gone, None)
            self.facts = {k: row for k, row in self.facts.items() if gone not in (k[0], k[2])}
            self.mentions = {k: row for k, row in self.mentions.items() if k[0] != gone}
        for gone in batch.removed_documents:
            self.documents.pop(gone, None)
            self._drop_chunks([row.id for row in self.chunks.values() if row.document == gone])
        self._drop_chunks(batch.removed_chunks)
        return WriteCounts(unmatched=n_unmatched)

    def _drop_chunks(self, ids):
        for gone in ids:
            self.chunks.pop(gone, None)
            self.mentions = {k: row for k, row in self.mentions.items() if k[1] != gone}

    def state(self):
        kinds = (self.documents, self.chunks, self.entities, self.mentions, self.facts)
        return [dict(rows) for rows in kinds]

    def names(self, relation):
        pairs = {(h, t) for h, kind, t in self.facts if kind == relation}
        return {(self.entities[h].name, self.entities[t].name) for h, t in pairs}


class Model:
    """An extractor that reads passage by passage; `reply` may be replaced."""

    name = "lexicon"

    def __init__(self, fingerprint="x"):
        self.fingerprint = fingerprint
        self.asked = []
        self.reply = said

    def extract(self, passages):
        for passage in passages:
            self.asked.append(passage.text)
            found = self.reply(passage.id, passage.text)
            yield Extraction(
                passage_id=passage.id,
                extractor=self.fingerprint,
                state=found.state,
                mentions=found.mentions,
                triples=found.triples,
                failure=found.failure,
            )

    def close(self):
        pass


def document(text):
    return content_id("document", text)


def long(sentence):
    """A paragraph that begins with a sentence and fills a chunk of 50 tokens."""
    return sentence[:-1] + "，" + "此后无事可记" * 6 + "。\n\n"


def line(number, text):
    """A line of a JSON Lines file."""
    return orjson.dumps({"id": str(number), "text": text}).decode() + "\n"


def failed(passage_id, _):
    failure = Failure(kind="timeout", what="no answer", remedy="try again")
    return Extraction(passage_id=passage_id, extractor="x", state="failed", failure=failure)


def one_by_one(replies):
    """Answer each passage with the next of the replies."""

    def reply(passage_id, text):
        return next(replies)(passage_id, text)

    return reply


class Bench:
    """A workspace with files, a model and a graph."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.graph, self.model = Graph(), Model()
        init_workspace(folder / "w")
        self.workspace = open_workspace(folder / "w")
        self.files = folder / "files"
        self.files.mkdir()
        self._clock = count(int(time.time()) - 10_000)
        monkeypatch.setattr(pipeline, "open_store", lambda *_, **__: self.graph)
        monkeypatch.setattr(pipeline, "load_extractor", lambda *_: self.model)

    def file(self, name, text):
        path = self.files / name
        path.write_text(text, encoding="utf-8")
        at = next(self._clock)
        os.utime(path, (at, at))
        return path

    def build(self, *names, **options):
        return build(self.workspace, [self.files / name for name in names] or [self.files], **options)

    def correct(self, **request):
        return record_corrections(self.workspace, [parse_request(orjson.dumps(request), where="test")])[0]

    def replayed(self):
        replay(self.workspace)
        return self.graph.state()

    def cut(self, **settings):
        """Cut documents in another way from now on; without overlap, so that passages can be shared."""
        text = "chunk: {overlap_sentences: 0, " + ", ".join(f"{k}: {v}" for k, v in settings.items()) + "}"
        (self.folder / "w" / "kgbuilder.yaml").write_text(text)
        self.workspace = open_workspace(self.folder / "w")

    def rows(self, *columns):
        with open_ledger(self.workspace) as ledger, ledger.reading() as connection:
            return [tuple(row) for row in connection.execute(sa.select(*columns))]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


def test_a_replay_gives_the_graph_that_the_build_made(bench):
    for n, sentence in enumerate(SENTENCES):
        bench.file(f"{n}.txt", sentence)
    bench.build()
    built = bench.graph.state()
    assert bench.graph.facts
    assert bench.replayed() == built


def test_a_second_source_of_the_same_text_is_told_to_the_graph(bench):
    bench.file("b.txt", SENTENCES[0])
    bench.build()
    bench.file("a.txt", SENTENCES[0])
    bench.build()
    built = bench.graph.state()
    assert bench.replayed() == built


def test_a_source_that_moves_on_is_told_to_the_graph_though_another_still_holds_the_text(bench):
    bench.file("a.txt", SENTENCES[0])
    bench.file("b.txt", SENTENCES[0])
    bench.build()
    bench.file("a.txt", SENTENCES[1])
    bench.build()
    built = bench.graph.state()
    assert bench.replayed() == built


def test_corrections_reach_a_document_that_becomes_the_revision_of_another(bench):
    bench.file("a.txt", SENTENCES[0])
    bench.file("b.txt", SENTENCES[0] + SENTENCES[3])
    bench.build()
    triples = bench.rows(t.triple.c.id, t.triple.c.document_id)
    bench.correct(action="reject", target=next(i for i, held in triples if held == document(SENTENCES[0])))
    assert ("林知远", "绍兴") in bench.graph.names("PLACE_OF_BIRTH")
    bench.file("a.txt", SENTENCES[0] + SENTENCES[3])
    bench.build()
    assert ("林知远", "绍兴") not in bench.graph.names("PLACE_OF_BIRTH")
    built = bench.graph.state()
    assert bench.replayed() == built


def test_a_passage_that_is_answered_but_not_yet_committed_is_not_asked_again(bench):
    shared = SENTENCES[0]
    for n in range(3):
        bench.file(f"{n}.txt", shared + ("" if n == 0 else " " * n))
    bench.model.reply = one_by_one(chain([said], repeat(failed)))
    bench.build()
    passages = bench.rows(t.attempt.c.passage_id)
    assert len(passages) == len(set(passages))
    built = bench.graph.state()
    assert bench.replayed() == built


def test_a_passage_that_is_healed_for_one_document_is_healed_for_all_that_share_it(bench):
    bench.cut(max_tokens=50)
    bench.file("a.txt", long(SENTENCES[0]) + long(SENTENCES[3]))
    bench.file("b.txt", long(SENTENCES[0]) + long(SENTENCES[4]))
    bench.model.reply = one_by_one(chain([failed, said, failed], repeat(said)))
    bench.build()
    for _ in range(2):
        bench.build(retry_failed=True)
        built = bench.graph.state()
        assert bench.replayed() == built


def test_a_passage_that_is_healed_in_a_build_that_is_cancelled_is_healed_for_all(bench, monkeypatch):
    monkeypatch.setattr(pipeline, "_PROGRESS_S", 0.0)
    bench.cut(max_tokens=50)
    bench.file("a.txt", long(SENTENCES[0]) + long(SENTENCES[3]))
    bench.file("b.txt", long(SENTENCES[0]) + long(SENTENCES[4]))
    bench.model.reply = one_by_one(chain([failed], repeat(said)))
    bench.build()
    assert bench.build(retry_failed=True, on_progress=lambda progress: False).cancelled
    assert {state for (state,) in bench.rows(t.chunk.c.state)} == {"done"}
    built = bench.graph.state()
    assert bench.replayed() == built


def test_a_batch_that_could_not_be_committed_leaves_no_document_half_read(bench, monkeypatch):
    monkeypatch.setattr(pipeline, "_BATCH_S", 0.0)
    bench.cut(max_tokens=50)
    bench.file("a.txt", long(SENTENCES[0]) + long(SENTENCES[3]))
    put, calls = Ledger.put_attempts, count()

    def full_at_first(self, connection, extractions):
        if extractions and next(calls) == 0:
            time.sleep(0.3)
            raise StoreError("the disk is full")
        put(self, connection, extractions)

    monkeypatch.setattr(Ledger, "put_attempts", full_at_first)
    with pytest.raises(StoreError, match="full"):
        bench.build()
    assert bench.rows(t.reading.c.derived) == [(0,)]
    bench.build()
    assert {state for (state,) in bench.rows(t.chunk.c.state)} == {"done"}


def test_a_decision_made_while_the_graph_is_written_reaches_it(bench):
    bench.file("a.txt", SENTENCES[0])
    bench.build()
    [fact] = [row.id for row in bench.graph.facts.values()]
    bench.file("b.txt", SENTENCES[0] + SENTENCES[3])
    once = iter([1])

    def decide(batch):
        if batch.entities and next(once, None):
            with open_ledger(bench.workspace) as ledger, ledger.writing() as connection:
                deriver = pipeline.open_deriver(bench.workspace, ledger)
                request = parse_request(orjson.dumps({"action": "reject", "target": fact}), where="")
                pipeline.correct(ledger, deriver, connection, [request], ontology=ONTOLOGY)

    bench.graph.before_write = decide
    bench.build()
    bench.build()
    assert fact not in {row.id for row in bench.graph.facts.values()}
    built = bench.graph.state()
    assert bench.replayed() == built


def test_a_fact_that_comes_while_the_graph_is_written_waits_for_its_entities(bench):
    bench.file("a.txt", SENTENCES[0])
    bench.file("b.txt", SENTENCES[7])
    bench.build()
    gone = document(SENTENCES[0])
    once = iter([1])

    def come_back(batch):
        if (batch.mentions or batch.removed_mentions) and next(once, None):
            with open_ledger(bench.workspace) as ledger, ledger.writing() as connection:
                text = replace(ledger.document(connection, gone), source="a.txt")
                chunks = tuple(chunk(text, max_tokens=1000, overlap_sentences=1))
                settings = {"extractor_id": "x", "max_tokens": 1000, "overlap_sentences": 1}
                ledger.register(connection, [Reading(document=text, chunks=chunks, **settings)], author="")
                pipeline.open_deriver(bench.workspace, ledger).derive(connection, [gone])

    bench.graph.before_write = come_back
    delete_document(bench.workspace, gone)
    bench.graph.before_write = lambda batch: None
    bench.build("b.txt")
    assert bench.graph.names("PLACE_OF_BIRTH") == {("林知远", "绍兴")}
    built = bench.graph.state()
    assert bench.replayed() == built


def test_facts_are_written_though_their_entities_change_while_the_graph_is_written(bench):
    bench.file("a.txt", SENTENCES[0])
    once = iter([1])

    def change(batch):
        if batch.documents and next(once, None):
            with open_ledger(bench.workspace) as ledger, ledger.writing() as connection:
                keys = connection.execute(sa.select(t.outbox.c.a).where(t.outbox.c.kind == "entity")).scalars().all()
                assert keys
                mark(connection, "entity", [(key, "", "") for key in keys])

    bench.graph.before_write = change
    bench.build()
    assert bench.graph.names("PLACE_OF_BIRTH") == {("林知远", "绍兴")}
    assert bench.graph.mentions


def test_a_graph_that_another_program_emptied_is_told_and_a_replay_makes_it_whole(bench):
    bench.file("a.txt", SENTENCES[0])

    def empty(batch):
        if batch.facts:
            bench.graph.clear()

    bench.graph.before_write = empty
    with pytest.raises(StoreError, match="kgbuilder replay"):
        bench.build()
    bench.graph.before_write = lambda batch: None
    bench.replayed()
    assert bench.graph.names("PLACE_OF_BIRTH") == {("林知远", "绍兴")}
    built = bench.graph.state()
    bench.build()
    assert bench.graph.state() == built


def test_lines_that_leave_a_file_leave_the_graph(bench):
    lines = [line(n, SENTENCES[n]) for n in (0, 3)]
    bench.file("a.jsonl", "".join(lines))
    bench.build()
    assert len(bench.graph.documents) == 2
    bench.file("a.jsonl", lines[0])
    bench.build()
    assert len(bench.graph.documents) == 1


def test_a_line_that_could_not_be_read_is_forgotten_once_it_can(bench):
    good = line(1, SENTENCES[0])
    bench.file("a.jsonl", good + "oops\n")
    bench.build()
    assert bench.rows(t.failure.c.source)
    bench.file("a.jsonl", good)
    bench.build()
    assert not bench.rows(t.failure.c.source)


def test_a_name_that_is_no_unicode_is_read_or_reported(bench):
    path = os.fsencode(bench.files) + b"/\xff.txt"
    Path(os.fsdecode(path)).write_text(SENTENCES[0], encoding="utf-8")
    os.utime(path, (1_000_000, 1_000_000))
    report = bench.build()
    assert report.documents or report.unreadable


def test_a_build_with_another_extractor_that_stops_early_is_what_a_replay_gives(bench):
    for n in range(3):
        bench.file(f"{n}.txt", SENTENCES[n])
    bench.build()
    bench.model = Model("y")

    def breaks(passage_id, text):
        if len(bench.model.asked) > 1:
            raise KGBuilderError("the model is gone")
        return said(passage_id, text)

    bench.model.reply = breaks
    with pytest.raises(KGBuilderError, match="gone"):
        bench.build()
    stopped = bench.graph.state()
    assert bench.replayed() == stopped
