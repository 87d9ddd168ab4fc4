"""Builds with a model that fails in every way there is: nothing false in the graph, nothing lost, all of it told."""

import socket
from pathlib import Path
from typing import Any

import pytest

from kgbuilder.ledger import views
from tests.e2e.conftest import MakeProgram
from tests.e2e.graphs import check_grounded
from tests.e2e.program import Outcome, Place, Program
from tests.servers.model import FAULT_KINDS, HALLUCINATED, Answers, ModelServer, Script, running

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("embedded")]

RATE = 0.05
MAX_ROUNDS = 8
PATIENCE_S = 10.0


@pytest.fixture
def faulty(embedded_place: Place, program: MakeProgram, desk: Path) -> Program:
    """A workspace on an empty graph."""
    return program(desk, embedded_place, workspace="faulty")


def ask_impatiently(program: Program, model: ModelServer, **settings: object) -> None:
    """Try again only once, and give up on an answer soon, so that faults leave losses."""
    program.ask(model, max_retries=1, timeout_s={"total": 1.5}, **settings)


def chunks_of(program: Program) -> list[views.ChunkView]:
    """Return every chunk as `kgbuilder show` and the app show it."""
    with program.ledger() as ledger, ledger.reading() as connection:
        documents = views.document_views(connection, limit=1000)
        return [chunk for document in documents for chunk in views.chunk_views(connection, document.id)]


def check_told(program: Program) -> dict[str, Any]:
    """Check that every chunk has ended, with what the model said, and that all counts agree; return the status."""
    status: dict[str, Any] = program.json("status")
    counts = status["chunks"]
    chunks = chunks_of(program)
    assert counts["pending"] == 0
    assert counts["done"] + counts["failed"] + counts["quarantined"] == counts["total"] == len(chunks)
    for state in ("done", "failed", "quarantined"):
        assert counts[state] == sum(chunk.state == state for chunk in chunks)
    for chunk in chunks:
        if chunk.state == "done":
            assert chunk.failure is None
        else:
            assert chunk.failure
            assert chunk.failure["what"]
        if chunk.state != "failed":
            assert chunk.replies
            assert all(reply["text"] for reply in chunk.replies)
        if chunk.state == "quarantined":
            assert chunk.quarantined
    assert sum(len(chunk.quarantined) for chunk in chunks) == status["quarantined"]
    assert sum(status["quarantine_reasons"].values()) == status["quarantined"]
    assert sum(loss["n"] for loss in status["losses"]) == counts["failed"] + counts["quarantined"]
    facts = program.rows("facts")
    assert status["facts"] == len(facts)
    assert status["evidence"] == sum(len(fact["evidence"]) for fact in facts)
    assert status["entities"] == len(program.rows("entities"))
    shown = program.call("status", "--no-analysis").out
    for state in ("failed", "quarantined"):
        assert not counts[state] or f"{counts[state]} {state}" in shown
    for loss in status["losses"]:
        assert loss["what"]
        assert f"{loss['n']} chunks {loss['state']}: {loss['what']}" in shown
    return status


def test_faults_that_pass_are_healed_by_asking_again(
    faulty: Program, wanted: dict[str, bytes], answers: Answers
) -> None:
    script = Script(rate=RATE * len(FAULT_KINDS), seed=3)
    with running(answers, script) as model:
        ask_impatiently(faulty, model)
        built = faulty.run("build", "docs")
        assert set(FAULT_KINDS) <= set(model.counts)
        check_grounded(faulty)
        status = check_told(faulty)
        n_lost = status["chunks"]["failed"] + status["chunks"]["quarantined"]
        assert status["chunks"]["failed"] > 0
        assert status["chunks"]["quarantined"] > 0
        assert f"{status['chunks']['failed']} chunks failed and {status['chunks']['quarantined']}" in built.out
        assert "--retry-failed" in built.out
        for _ in range(MAX_ROUNDS):
            before, n_requests = n_lost, model.counts["requests"]
            counts = faulty.json("build", "--retry-failed")["chunks"]
            n_lost = counts["failed"] + counts["quarantined"]
            assert model.counts["requests"] - n_requests <= 4 * before  # only what was lost is asked again
            if not n_lost:
                break
    assert n_lost == 0
    assert not any(HALLUCINATED in row["name"] for row in faulty.rows("entities"))
    assert faulty.exported() == wanted
    check_told(faulty)


@pytest.mark.parametrize("options", [{}, {"mode": "iepile", "stream": True}], ids=["joint", "iepile"])
def test_faults_that_stay_leave_no_falsehood_and_heal_when_the_model_does(
    faulty: Program, wanted: dict[str, bytes], answers: Answers, options: dict[str, object]
) -> None:
    with running(answers, Script(rate=RATE * len(FAULT_KINDS), is_persistent=True, seed=5)) as model:
        ask_impatiently(faulty, model, **options)
        faulty.run("build", "docs")
        check_grounded(faulty)
        assert not any(HALLUCINATED in row["name"] for row in faulty.rows("entities"))
        status = check_told(faulty)
        assert status["chunks"]["failed"] > 0
        model.script.rate = 0.0
        faulty.call("build", "--retry-failed")
    status = check_told(faulty)
    assert status["chunks"]["done"] == status["chunks"]["total"]
    if not options:
        assert faulty.exported() == wanted
    else:
        # Asked in another way the extractor is another one, and is named in the evidence.
        assert faulty.exported()["entities.jsonl"] == wanted["entities.jsonl"]


# --- a model that cannot be had ---------------------------------------------------------------------------------------


@pytest.fixture
def alone(embedded_place: Place, program: MakeProgram, desk: Path) -> Program:
    """A workspace whose model is wrong in some way."""
    return program(desk, embedded_place)


def refused(program: Program, *arguments: str, environment: dict[str, str] | None = None) -> Outcome:
    """Run a command that must fail soon, with a message, and leave the documents waiting."""
    done = program.run(*arguments, status=1, environment=environment)
    assert done.seconds < PATIENCE_S
    assert done.err.startswith("error: ")
    assert done.err.count("\n") <= 2, done.err
    return done


def test_a_model_server_that_is_down(alone: Program, model: ModelServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    alone.configure(extractor="endpoint", extractors={"endpoint": {"url": url, "model": "test-model"}})
    done = refused(alone, "build", "docs")
    assert url in done.err
    assert "is up" in done.err
    assert alone.json("status")["chunks"]["done"] == 0
    alone.ask(model)
    alone.call("build", "docs")
    assert alone.json("status")["chunks"]["pending"] == 0


@pytest.mark.parametrize("options", [{}, {"mode": "iepile"}], ids=["joint", "iepile"])
def test_a_wrong_key(alone: Program, model: ModelServer, options: dict[str, object]) -> None:
    model.script.key = "right-key"
    alone.ask(model, api_key_env="THE_KEY", **options)
    done = refused(alone, "build", "docs", environment={"THE_KEY": "wrong-key-f00"})
    assert "401" in done.err
    assert "THE_KEY" in done.err
    assert "wrong-key-f00" not in done.said + alone.call("status").said
    assert model.counts["requests"] <= 256
    alone.run("build", "docs", environment={"THE_KEY": "right-key"})
    assert b"right-key" not in (alone.workspace / "ledger.db").read_bytes()


def test_a_model_that_the_server_does_not_have(alone: Program, model: ModelServer) -> None:
    alone.ask(model)
    model.script.model = "another-model"
    done = refused(alone, "build", "docs")
    assert "404" in done.err
    assert "test-model" in done.err
    assert "`model`" in done.err


def test_a_model_server_that_never_answers(alone: Program, model: ModelServer) -> None:
    model.script.rate, model.script.kinds = 1.0, ("hang",)
    alone.ask(model, timeout_s={"total": 2.0}, max_retries=0)
    done = refused(alone, "build", "docs")
    assert "no answer within 2 s" in done.err
    assert "timeout_s" in done.err
    model.script.rate = 0.0
    alone.call("build", "--retry-failed")
    assert alone.json("status")["chunks"]["done"] == alone.json("status")["chunks"]["total"]
