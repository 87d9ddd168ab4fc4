"""The ledger on PostgreSQL: the same statements from the same documents and decisions."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from kgbuilder.derive import Deriver
from kgbuilder.errors import StoreError
from kgbuilder.ids import content_id
from kgbuilder.ledger import Ledger, jobs, views
from kgbuilder.resolve import Resolver
from tests.servers.postgres import find_postgres, running_postgres
from tests.test_derive import ONTOLOGY, SENTENCES, Bench

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgres")]


@pytest.fixture(scope="module")
def url():
    if find_postgres() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL must be installed in CI")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="kgbuilder-postgres-", dir="/tmp"))
    try:
        with running_postgres(folder) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgresBench(Bench):
    """The bench of the derive tests, on another database."""

    def __init__(self, url, folder):
        self.ledger = Ledger.open(url, lock_path=folder / "write.lock")
        self.deriver = Deriver(self.ledger, ONTOLOGY, Resolver())


def test_both_databases_derive_the_same_from_the_same(url, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    lite, server = Bench(tmp_path / "a"), PostgresBench(url, tmp_path / "b")
    for bench in (lite, server):
        for sentence in SENTENCES:
            bench.add(sentence)
        bench.correct(action="merge", entities=[bench.entity("华灿"), bench.entity("华灿科技")])
        bench.delete(content_id("document", SENTENCES[1]))
    assert server.state() == lite.state()
    server.replay()
    assert server.state() == lite.state()
    with server.ledger.reading() as connection:
        assert views.count(connection).documents == len(SENTENCES) - 1
        assert views.document_views(connection, text=SENTENCES[0])
        assert views.losses(connection) == []
    with server.ledger.writing() as connection:
        job = jobs.enqueue(connection, "build", {}, author="")
        assert jobs.claim_job(connection).id == job
    lite.ledger.close()
    server.ledger.close()


def test_a_second_machine_may_not_build_meanwhile(url, tmp_path):
    one = Ledger.open(url, lock_path=tmp_path / "one" / "write.lock")
    other = Ledger.open(url, lock_path=tmp_path / "other" / "write.lock")
    refused = pytest.raises(StoreError, match="another machine")
    with one.building("a build", wait=False), refused, other.building("a build", wait=False):
        pass
    with other.building("a build", wait=False):
        pass
    one.close()
    other.close()


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="start the database server"):
        Ledger.open("postgresql+psycopg://kg@127.0.0.1:1/x", lock_path=tmp_path / "l")
