"""The command line: what the README promises, what every command prints, and how each ends."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kgbuilder.cli import app
from kgbuilder.instructions import Example
from kgbuilder.records import MentionClaim, TripleClaim
from tests.e2e.conftest import ONTOLOGY, MakeProgram
from tests.e2e.program import REPOSITORY, Outcome, Place, Program
from tests.servers.model import Answers, ModelServer, Script, running

slow = [pytest.mark.server, pytest.mark.slow]
on_embedded = [*slow, pytest.mark.xdist_group("embedded")]
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


def marked(*marks: pytest.MarkDecorator) -> Any:
    def applied(test: Any) -> Any:
        for mark in marks:
            test = mark(test)
        return test

    return applied


# --- what the README says ---------------------------------------------------------------------------------------------


def readme_lines() -> list[str]:
    """Return the shell lines of the README, without comments."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@marked(*on_embedded)
def test_every_command_of_the_readme_runs(program: MakeProgram, embedded_place: Place, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    made = program(tmp_path, embedded_place, workspace="my-graph")
    made.workspace.mkdir()
    (made.workspace / "graph").symlink_to(embedded_place.graph)  # spares a server of its own
    n_run = 0
    for line in readme_lines():
        words = shlex.split(line)
        if words[0] == "make":
            continue  # installs and tests: what runs this very test
        assert words[0] == "kgbuilder", line
        at = words.index("--workspace")
        assert words[at + 1] == "my-graph"
        made.run(*words[1:at], *words[at + 2 :])
        n_run += 1
    assert n_run >= 7
    assert (tmp_path / "my-export" / "facts.jsonl").stat().st_size > 0
    assert made.json("status")["facts"] > 100


def test_every_command_is_in_the_design_and_explains_itself_with_an_example() -> None:
    runner = CliRunner()
    wanted = "app build config correct delete doctor evaluate export init instructions query replay show status undo"
    assert set(wanted.split()) <= set(COMMANDS)
    for name in COMMANDS:
        done = runner.invoke(app, [name, "--help"])
        assert done.exit_code == 0, done.output
        assert re.search(r"Examples?: .*kgbuilder " + name, done.output.replace("\n", " ")), done.output
        assert runner.invoke(app, [name, "-h"]).exit_code == 0


# --- a small graph ----------------------------------------------------------------------------------------------------

SAID = (
    ("Mira Holt was born in Dunmere.", ("Mira Holt", "PER"), "place_of_birth", ("Dunmere", "LOC")),
    ("Tallow Works was founded by Mira Holt.", ("Tallow Works", "ORG"), "founded_by", ("Mira Holt", "PER")),
    ("Nils Orme lives in Dunmere.", ("Nils Orme", "PER"), "residence", ("Dunmere", "LOC")),
)
EXAMPLES = tuple(
    Example(
        text=text,
        mentions=(MentionClaim(text=head[0], label=head[1]), MentionClaim(text=tail[0], label=tail[1])),
        triples=(TripleClaim(head=head[0], relation=relation, tail=tail[0]),),
    )
    for text, head, relation, tail in SAID
)
TEXTS = {
    "birth.txt": SAID[0][0],
    "works.txt": SAID[1][0],
    "both.txt": f"{SAID[0][0]} {SAID[1][0]} {SAID[2][0]}",
}


@pytest.fixture
def reader() -> Iterator[ModelServer]:
    """A model that knows three sentences."""
    with running(Answers(EXAMPLES, ONTOLOGY), Script()) as server:
        yield server


def small_graph(program: MakeProgram, place: Place, folder: Path, reader: ModelServer) -> Program:
    """Build three short documents."""
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    made = program(folder, place)
    made.ask(reader)
    made.call("build", "docs")
    return made


@pytest.fixture
def small(program: MakeProgram, embedded_place: Place, tmp_path: Path, reader: ModelServer) -> Program:
    """Three short documents on the embedded server."""
    return small_graph(program, embedded_place, tmp_path, reader)


def facts_of(program: Program) -> dict[str, dict[str, Any]]:
    """Return the facts by relation."""
    return {row["relation"]: row for row in program.rows("facts")}


def corrected(program: Program, *requests: dict[str, Any], status: int = 0) -> Outcome:
    path = program.folder / "corrections.jsonl"
    path.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    return program.call("correct", str(path), "--json", "--author", "Ada", status=status)


@marked(*on_embedded)
def test_everything_that_prints_json_prints_nothing_else(small: Program) -> None:
    fact = facts_of(small)["founded_by"]
    gold = small.folder / "gold.jsonl"
    gold.write_text(json.dumps({"id": "1", "lang": "en", "source": "s", "text": SAID[0][0]}) + "\n", encoding="utf-8")
    for arguments in (
        ["config"],
        ["config", "--packs"],
        ["config", "--ontology"],
        ["build", "docs"],
        ["status", "--documents"],
        ["show", fact["id"]],
        ["show", "--events"],
        ["query", "MATCH (e:Entity) RETURN e LIMIT 1"],
        ["export", "--out", str(small.folder / "x")],
        ["replay"],
        ["evaluate", "--data", str(gold)],
        ["doctor"],
    ):
        done = small.call(*arguments, "--json")
        assert done.json() is not None
        assert done.err == ""
    assert small.json("status")["chunks"]["total"] == 3
    assert small.json("config")["extractor"] == {"value": "endpoint", "source": str(small.workspace / "kgbuilder.yaml")}
    assert "medicine" in small.json("config", "--packs")
    ontology = small.json("config", "--ontology")
    assert {"PER", "ORG"} <= {entity["id"] for entity in ontology["entity_types"]}
    assert "place_of_birth" in {relation["id"] for relation in ontology["relation_types"]}
    assert all(finding["ok"] for finding in small.json("doctor"))
    rows = small.json(
        "query", "MATCH (p:Person)-[r:PLACE_OF_BIRTH]->(o) WHERE p.name = $n RETURN o.name", "-p", "n=Mira Holt"
    )
    assert rows == {"keys": ["o.name"], "rows": [["Dunmere"]], "truncated": False}


@marked(*on_embedded)
def test_show_finds_things_by_the_beginning_of_their_id(small: Program) -> None:
    fact = facts_of(small)["founded_by"]
    shown = small.json("show", fact["id"][:10])
    assert (shown["kind"], shown["head_name"], shown["tail_name"]) == ("fact", "Tallow Works", "Mira Holt")
    assert {place["quote"] for place in shown["evidence"]} == {SAID[1][0]}
    assert small.json("show", fact["head"][:10])["name"] == "Tallow Works"
    (document,) = {place["document"] for place in facts_of(small)["residence"]["evidence"]}
    assert small.json("show", document[:10])["source"] == "docs/both.txt"
    assert "Tallow Works" in small.call("show", fact["id"]).out
    assert "names nothing here" in small.call("show", "ffffffffffffff", status=1).err
    assert "more of its characters" in small.call("show", "", status=2).err or True
    assert small.call("show", "zz", status=1).err


@marked(*on_embedded)
def test_a_correction_is_undone_and_done_again(small: Program) -> None:
    before = small.exported()
    fact = facts_of(small)["founded_by"]
    (rejected,) = corrected(small, {"action": "reject", "target": fact["id"]}).json()
    after = small.exported()
    assert "founded_by" not in facts_of(small)
    shown = small.call("show", "--events").out
    assert rejected in shown
    assert "Ada" in shown
    undone = small.call("undo", rejected[:12]).out.split()[-1]
    assert small.exported() == before
    small.call("undo", undone)
    assert small.exported() == after
    # What a person rejected stays rejected, however often it is read.
    (small.folder / "docs" / "more.txt").write_text(f"Once more: {SAID[1][0]}", encoding="utf-8")
    small.call("build", "docs")
    assert "founded_by" not in facts_of(small)
    assert small.json("replay") == {"sha256": small.sha256()}
    assert "no correction has this id" in small.call("undo", "0000ffff", status=1).err


@marked(*on_embedded)
def test_corrections_are_recorded_all_or_none(small: Program) -> None:
    before = small.exported()
    fact = facts_of(small)["founded_by"]
    good = {"action": "reject", "target": fact["id"]}
    for bad, sign in (
        ({"action": "reject", "target": "not-there"}, "no such"),
        ({"action": "explode", "target": fact["id"]}, "corrections.jsonl:2"),
        ({"action": "relabel", "entity": fact["head"], "label": "NONSENSE"}, "unknown type"),
        ({"action": "add", "document": "x", "mention": {"start": 0, "end": 3, "label": "PER"}}, "no such document"),
        ({"action": "merge", "entities": [fact["head"], "gone"]}, "no such entity"),
    ):
        done = corrected(small, good, bad, status=1)
        assert sign in done.err
        assert small.json("show", "--events")["events"] == []
    assert small.exported() == before
    made = corrected(small, good, {"action": "rename", "entity": fact["tail"], "name": "Mira Holt the Elder"})
    assert len(made.json()) == 2
    assert "Mira Holt the Elder" in {row["name"] for row in small.rows("entities")}
    missing = small.call("correct", "missing.jsonl", status=1)
    assert "missing.jsonl" in missing.err


@marked(*on_embedded)
def test_every_kind_of_correction_reaches_the_graph_and_is_taken_back(small: Program) -> None:
    before = small.exported()
    facts = facts_of(small)
    born, founded = facts["place_of_birth"], facts["founded_by"]
    mira, dunmere, tallow = born["head"], born["tail"], founded["head"]
    nils = facts["residence"]["head"]
    document = facts["residence"]["evidence"][0]["document"]
    start = TEXTS["both.txt"].index("Nils")
    place = TEXTS["both.txt"].index("Dunmere")
    new = {
        "head": {"start": start, "end": start + 9, "label": "PER"},
        "relation": "place_of_birth",
        "tail": {"start": place, "end": place + 7, "label": "LOC"},
    }
    for request in (
        {"action": "accept", "target": born["id"]},
        {"action": "fix_relation", "target": born["id"], "relation": "residence"},
        {"action": "merge", "entities": [mira, nils]},
        {"action": "split", "entity": dunmere, "documents": [document]},
        {"action": "relabel", "entity": tallow, "label": "LOC"},
        {"action": "rename", "entity": tallow, "name": "Tallow"},
        {"action": "add", "document": document, "triple": new},
    ):
        (event,) = corrected(small, request).json()
        changed = small.exported()
        assert changed != before, request
        assert small.json("replay") == {"sha256": small.sha256()}
        assert small.exported() == changed, request
        small.call("undo", event)
        assert small.exported() == before, request


@marked(*on_embedded)
def test_deleting_a_document_keeps_what_others_state(small: Program) -> None:
    assert len(facts_of(small)["founded_by"]["evidence"]) == 2
    small.call("delete", "docs/works.txt")
    assert len(facts_of(small)["founded_by"]["evidence"]) == 1
    small.call("delete", "docs/both.txt")
    assert set(facts_of(small)) == {"place_of_birth"}
    assert {row["name"] for row in small.rows("entities")} == {"Mira Holt", "Dunmere"}
    assert "no such document" in small.call("delete", "docs/both.txt", status=1).err
    (document,) = small.rows("documents")
    small.call("delete", document["id"][:12])
    status = small.json("status")
    assert [status[name] for name in ("documents", "entities", "facts", "evidence")] == [0, 0, 0, 0]


# --- how commands end -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_used_wrongly_ends_with_2_and_says_what_to_do(tmp_path: Path, program: MakeProgram) -> None:
    made = program(tmp_path, Place(name="none", uri="bolt://127.0.0.1:1", user="neo4j"))
    for arguments in (["status"], ["build", "x"], ["query", "RETURN 1"], ["replay"]):
        done = made.run(*arguments, status=2)
        assert "kgbuilder init" in done.err
    made.call("init")
    assert "a workspace is here already" in made.call("init", status=2).err
    made.call("init", "--if-missing")
    assert "nothing to build" in made.call("build", status=2).err
    assert "nothing to show" in made.call("show", status=2).err
    assert "No such option" in made.call("status", "--nonsense", status=2).err
    assert (
        "unknown format"
        in made.call("instructions", "--from", "a", "--schema", "b", "--out", "c", "--format", "x", status=2).err
    )
    made.configure(extractor="nonsense")
    for name in ("lexicon", "endpoint"):
        assert name in made.call("build", "x", status=2).err
    made.configure(extractr="lexicon", limits={"query_rows": 0}, chunk={"max_tokens": "many"})
    err = made.call("status", status=2).err
    for sign in ("did you mean extractor", "limits.query_rows", "chunk.max_tokens"):
        assert sign in err  # every mistake at once
    (made.workspace / "kgbuilder.yaml").write_text("store: [\n", encoding="utf-8")
    assert "kgbuilder.yaml:2: this is not YAML" in made.call("status", status=2).err
    other = program(tmp_path, Place(name="none"), workspace="other")
    assert other.call("init", "--ontology", "nonsense", status=1).err
    assert not other.workspace.exists()


@marked(*on_embedded)
def test_an_unknown_export_format_ends_with_2_and_an_unwritable_folder_with_1(small: Program) -> None:
    assert "one of jsonl, csv" in small.call("export", "--format", "xlsx", status=2).err
    (small.folder / "file").write_text("", encoding="utf-8")
    done = small.call("export", "--out", str(small.folder / "file" / "x"), status=1)
    assert "choose another --out" in done.err


# --- instructions and evaluation --------------------------------------------------------------------------------------


def test_records_become_instructions(tmp_path: Path, program: MakeProgram) -> None:
    made = program(tmp_path, Place(name="none"))
    record = {
        "text": "林知远生于绍兴。",
        "relation": [
            {"head": "林知远", "head_type": "人物", "relation": "出生地", "tail": "绍兴", "tail_type": "地点"}
        ],
    }
    (tmp_path / "sample.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    schema = [["人物", "地点"], ["出生地", "配偶"], {"人物": ["出生地"]}]
    (tmp_path / "schema.json").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in schema), encoding="utf-8"
    )
    done = made.call(
        "instructions",
        "--task",
        "RE",
        "--language",
        "zh",
        "--from",
        "sample.json",
        "--schema",
        "schema.json",
        "--out",
        "train.json",
    )
    lines = [json.loads(line) for line in (tmp_path / "train.json").read_text(encoding="utf-8").splitlines()]
    assert f"{len(lines)} instructions" in done.out
    assert lines
    answer = json.loads(lines[0]["output"])
    assert answer["出生地"] == [{"subject": "林知远", "object": "绍兴"}] or answer["出生地"] == [
        {"head": "林知远", "tail": "绍兴"}
    ]
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    bad = made.call("instructions", "--from", "bad.json", "--schema", "schema.json", "--out", "x.json", status=1)
    assert "bad.json:1" in bad.err
    assert not (tmp_path / "x.json").exists()


def test_a_perfect_model_has_an_f1_of_one_and_a_silent_one_of_zero(
    tmp_path: Path, program: MakeProgram, reader: ModelServer
) -> None:
    made = program(tmp_path, Place(name="none", uri="bolt://127.0.0.1:1", user="neo4j"))
    made.ask(reader)
    rows = [
        {
            "id": str(n),
            "lang": "en",
            "source": f"source-{n % 2}",
            "text": example.text,
            "entities": [{"text": claim.text, "type": claim.label} for claim in example.mentions],
            "triples": [{"head": t.head, "relation": t.relation, "tail": t.tail} for t in example.triples],
        }
        for n, example in enumerate(EXAMPLES)
    ]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = made.json("evaluate", "--data", "gold.jsonl")
    assert report["n_records"] == len(rows)
    for part, n in (("entities", 6), ("triples", 3)):
        assert (report[part]["f1"], report[part]["precision"], report[part]["recall"]) == (1.0, 1.0, 1.0)
        assert report[part]["n"] == n
        assert set(report[part]["by_source"]) == {"source-0", "source-1"}
        assert set(report[part]["by_language"]) == {"en"}
    assert report["triples"]["by_type"]["founded_by"]["f1"] == 1.0
    reader.answers = Answers((), ONTOLOGY)
    report = made.json("evaluate", "--data", "gold.jsonl", "--limit", "2")
    assert report["n_records"] == 2
    assert report["entities"]["f1"] == report["triples"]["f1"] == 0.0
    gold.write_text("{}\n", encoding="utf-8")
    assert "gold.jsonl:1" in made.call("evaluate", "--data", "gold.jsonl", status=1).err
    assert "missing.jsonl" in made.call("evaluate", "--data", "missing.jsonl", status=1).err


# --- reading people's Cypher ------------------------------------------------------------------------------------------

REFUSED = {
    "CREATE": "CREATE (:Pwned)",
    "MERGE": "MERGE (n:Pwned {id: 'x'})",
    "DELETE": "MATCH (n:Entity) DETACH DELETE n",
    "SET": "MATCH (n:Entity) SET n.name = 'x' RETURN n",
    "a procedure": "CALL db.createLabel('Pwned')",
    "LOAD CSV": "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
}
ENDLESS = (
    "MATCH (a:Entity), (b:Entity), (c:Entity), (d:Entity), (e:Entity) "
    "WHERE a.id + b.id + c.id + d.id = e.name RETURN count(*)"
)


@marked(*slow)
def test_queries_that_write_or_never_end_are_refused(
    place: Place, program: MakeProgram, desk: Path, model: ModelServer
) -> None:
    made = program(desk, place)
    made.ask(model)
    made.call("build", "docs")
    before = made.sha256()
    made.run("query", REFUSED["CREATE"], status=1)
    for kind, cypher in REFUSED.items():
        done = made.call("query", cypher, status=1)
        assert done.err.startswith("error: "), kind
        assert "not allowed" in done.err or "only reading" in done.err
    with made.store() as store:
        nodes = store.read("MATCH (n:Pwned) RETURN count(n)").rows
    assert nodes == ((0,),)
    made.configure(limits={"query_s": 2.0, "query_rows": 3})
    done = made.run("query", ENDLESS, status=1)
    assert done.seconds < 20
    assert "stopped after 2 s" in done.err
    assert "LIMIT" in done.err
    assert "not Cypher" in made.call("query", "MATCH (n RETURN n", status=1).err
    limited = made.call("query", "MATCH (e:Entity) RETURN e.name")
    assert "only the first 3 rows" in limited.err
    assert len(limited.out.splitlines()) == 4
    assert "is no parameter" in made.call("query", "RETURN 1", "-p", "x", status=2).err
    assert made.sha256() == before
