"""The ledger: what it keeps, what it refuses, and who may write."""

import sqlite3
import subprocess
import sys
import textwrap

import pytest
import sqlalchemy as sa

from kgbuilder.errors import ConfigError, IngestError, ParseError, StoreError
from kgbuilder.ids import content_id
from kgbuilder.ledger import Ledger, Reading, derived, jobs, views
from kgbuilder.ledger import tables as t
from kgbuilder.ledger.derived import MentionRow
from kgbuilder.records import Chunk, Document, Extraction, Failure, MentionClaim, Reply


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", lock_path=tmp_path / "write.lock") as opened:
        yield opened


def a_reading(text="林知远生于绍兴。", source="a.txt", extractor="x1"):
    document_id = content_id("document", text)
    document = Document(id=document_id, source=source, name=source, text=text, media_type="text/plain", language="zh")
    chunk = Chunk(
        id=content_id("chunk", document_id, 0, len(text)),
        document_id=document_id,
        seq=0,
        start=0,
        end=len(text),
        language="zh",
        passage_id=content_id("passage", "zh", text),
    )
    return Reading(document=document, chunks=(chunk,), extractor_id=extractor, max_tokens=1000, overlap_sentences=1)


def register(ledger, *readings):
    with ledger.writing() as connection:
        return ledger.register(connection, readings, author="me")


def count(ledger, table):
    with ledger.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_the_same_reading_twice_writes_nothing_the_second_time(ledger):
    reading = a_reading()
    register(ledger, reading)
    assert ledger.is_registered([reading])
    register(ledger, reading)
    assert count(ledger, t.event) == 1
    assert count(ledger, t.document) == 1


def test_one_text_from_two_sources_is_one_document(ledger):
    register(ledger, a_reading(source="a.txt"), a_reading(source="b.txt"))
    assert count(ledger, t.document) == 1
    with ledger.reading() as connection:
        assert ledger.sources(connection, a_reading().document.id) == ["a.txt", "b.txt"]


def test_a_changed_source_leaves_its_old_document_and_remembers_the_revision(ledger):
    old, new = a_reading(), a_reading("林知远生于杭州。")
    register(ledger, old)
    assert register(ledger, new) == [old.document.id]
    with ledger.reading() as connection:
        assert [e.kind for e in ledger.events(connection)] == ["add", "revise"]


def test_a_document_that_another_source_holds_is_not_left(ledger):
    register(ledger, a_reading(source="a.txt"), a_reading(source="b.txt"))
    assert register(ledger, a_reading("另一段。", source="a.txt")) == []


def test_an_attempt_comes_back_as_it_went_in_and_the_latest_counts(ledger):
    failed = Extraction(
        passage_id="p",
        extractor="x",
        state="failed",
        replies=(Reply(task="NER", text="garbage \ud800", prompt_id="h", model="m"),),
        failure=Failure(kind="timeout", what="no answer", remedy="try again"),
    )
    done = Extraction(passage_id="p", extractor="x", state="done", mentions=(MentionClaim(text="林", label="PER"),))
    with ledger.writing() as connection:
        ledger.put_attempts(connection, [failed])
    with ledger.reading() as connection:
        assert ledger.attempts(connection, "x", ["p"]) == {"p": failed}
    with ledger.writing() as connection:
        ledger.put_attempts(connection, [done])
    with ledger.reading() as connection:
        assert ledger.attempts(connection, "x", ["p"]) == {"p": done}
    assert count(ledger, t.attempt) == 2


def test_evidence_that_is_not_in_the_text_is_refused_at_the_door(ledger):
    row = MentionRow(
        id="m",
        document_id="d",
        chunk_id="c",
        start=0,
        end=2,
        label="PER",
        text="林远",
        score=1,
        status="extracted",
        node_id="n",
    )
    with pytest.raises(StoreError, match="does not stand at characters 0 to 2"), ledger.writing() as connection:
        derived.put_statements(connection, {"d": "林知远"}, [row], [])
    assert count(ledger, t.mention) == 0


def test_half_a_surrogate_pair_is_refused_in_a_document(ledger):
    with pytest.raises(ParseError, match="surrogate"):
        register(ledger, a_reading("bad \ud800 text"))


def test_a_transaction_that_fails_leaves_nothing(ledger):
    def fail_half_way():
        with ledger.writing() as connection:
            ledger.append(connection, "add", {"x": 1}, author="")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert count(ledger, t.event) == 0


def test_a_second_build_is_refused_at_once_and_names_the_first(ledger, tmp_path):
    holder = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from kgbuilder.ledger.engine import lock
        with lock(Path({str(tmp_path)!r}) / "build.lock", wait_s=0, holder="a build"):
            print("held", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"a build \\(process {child.pid}\\)"), ledger.building("b", wait=False):
            pass
        child.kill()
    with ledger.building("b", wait=False):
        pass


def test_a_database_of_another_kind_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="mysql"):
        Ledger.open("mysql://x/y", lock_path=tmp_path / "l")
    with pytest.raises(ConfigError, match="not a database URL"):
        Ledger.open("::::", lock_path=tmp_path / "l")


def test_a_file_that_is_no_database_says_so(tmp_path):
    (tmp_path / "ledger.db").write_text("this is a letter to my aunt, not a database at all " * 50)
    with pytest.raises(StoreError, match="not a database"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db", lock_path=tmp_path / "l")


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.open(url, lock_path=tmp_path / "l").close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Ledger.open(url, lock_path=tmp_path / "l")


def test_the_migrated_schema_is_the_schema_of_the_tables(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", lock_path=tmp_path / "l"):
        pass
    engine = sa.create_engine(f"sqlite:///{tmp_path}/ledger.db")
    found = {
        table: {c["name"] for c in sa.inspect(engine).get_columns(table)}
        for table in sa.inspect(engine).get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    assert found == {name: {c.name for c in table.columns} for name, table in t.metadata.tables.items()}


def test_an_unreadable_file_is_remembered_until_it_is_read(ledger):
    with ledger.writing() as connection:
        ledger.put_failure(connection, "a.txt", IngestError("empty", where="a.txt", remedy="put text in it"))
    with ledger.reading() as connection:
        assert views.unreadable(connection)[0]["remedy"] == "put text in it"
    assert not ledger.is_registered([a_reading()])
    register(ledger, a_reading())
    with ledger.reading() as connection:
        assert views.unreadable(connection) == []


def test_a_job_goes_from_queued_to_done_and_can_be_cancelled_while_it_runs(ledger):
    with ledger.writing() as connection:
        first = jobs.enqueue(connection, "build", {"paths": ["a"]}, author="me")
        second = jobs.enqueue(connection, "build", {"paths": ["b"]}, author="me")
        claimed = jobs.claim_job(connection)
    assert (claimed.id, claimed.state, claimed.payload) == (first, "running", {"paths": ["a"]})
    with ledger.writing() as connection:
        assert jobs.set_progress(connection, first, {"chunks": 1})
        jobs.request_cancel(connection, first)
        jobs.request_cancel(connection, second)
        assert not jobs.set_progress(connection, first, {"chunks": 2})
        assert jobs.job(connection, second).state == "cancelled"
        jobs.finish_job(connection, first, "cancelled")
        assert jobs.claim_job(connection) is None


def test_a_job_of_a_worker_that_died_is_queued_again(ledger):
    with ledger.writing() as connection:
        lost = jobs.enqueue(connection, "build", {}, author="")
        jobs.claim_job(connection)
        assert jobs.requeue_lost(connection, older_than_s=60) == 0
        assert jobs.requeue_lost(connection, older_than_s=-1) == 1
        assert jobs.claim_job(connection).id == lost


def test_a_reply_with_half_a_surrogate_pair_is_shown_with_an_escape(ledger):
    reading = a_reading()
    register(ledger, reading)
    [chunk] = reading.chunks
    failed = Extraction(
        passage_id=chunk.passage_id,
        extractor="x1",
        state="failed",
        replies=(Reply(task="NER", text="garbage \ud800", prompt_id="h", model="m"),),
        failure=Failure(kind="broken", what="garbage \ud800"),
    )
    with ledger.writing() as connection:
        ledger.put_attempts(connection, [failed])
        derived.set_chunk_states(connection, {chunk.id: "failed"})
    with ledger.reading() as connection:
        assert views.losses(connection)[0]["what"] == "garbage \\ud800"
        assert views.chunk_views(connection, reading.document.id)[0].replies[0]["text"] == "garbage \\ud800"
        assert views.model_use(connection)[0] == 1


def test_a_lock_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "locks").write_text("a file where the folder should be")
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db", lock_path=tmp_path / "locks" / "write.lock")
    with ledger, pytest.raises(StoreError, match="the lock cannot be made"), ledger.writing():
        pass


@pytest.mark.slow
def test_more_documents_than_a_statement_takes_values_can_be_listed(ledger):
    n = 33_000
    with ledger.writing() as connection:
        blank = {
            "media_type": "",
            "language": "zh",
            "sha256": "",
            "n_chars": 0,
            "text": "",
            "pages": b"",
            "warnings": "[]",
        }
        ids = [f"{i:032x}" for i in range(n)]
        connection.execute(sa.insert(t.document), [{"id": i, "name": i, **blank} for i in ids])
        how = {"extractor_id": "x", "max_tokens": 1, "overlap_sentences": 0, "derived": 1}
        connection.execute(sa.insert(t.reading), [{"document_id": i, **how} for i in ids])
    with ledger.reading() as connection:
        assert len(views.document_views(connection, limit=1_000_000)) == n
