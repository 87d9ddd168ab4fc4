import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from graph_schema import load_ontology
from kgbuilder.instructions import Example, render, schema_for
from kgbuilder.records import MentionClaim, TripleClaim
from tests.servers.model import Answers, ModelServer, Script

ONTOLOGY = load_ontology("general")
GOLD = Example(
    text="Acme Inc. was founded by Bo Li. It is in Leeds.",
    mentions=(
        MentionClaim(text="Acme Inc.", label="ORG"),
        MentionClaim(text="Bo Li", label="PER"),
        MentionClaim(text="Leeds", label="LOC"),
    ),
    triples=(TripleClaim(head="Acme Inc.", relation="founded_by", tail="Bo Li"),),
)
ANSWERS = Answers([GOLD], ONTOLOGY)


def test_a_known_text_is_found_inside_a_passage() -> None:
    assert ANSWERS.find(f"Some words. {GOLD.text}\nAnd more.").mentions == GOLD.mentions
    assert ANSWERS.find("Acme Inc. was founded by Bo Li.").mentions == ()


def test_the_answer_has_only_what_the_prompt_asks_under_its_names() -> None:
    for language, person, founder in (("en", "person", "founded by"), ("zh", "人物", "创始人")):
        prompt = render("NER", language, [person], GOLD.text)
        assert json.loads(ANSWERS.answer(prompt)) == {person: ["Bo Li"]}
        prompt = render("RE", language, [founder, "spouse"], GOLD.text)
        assert json.loads(ANSWERS.answer(prompt)) == {founder: [{"head": "Acme Inc.", "tail": "Bo Li"}], "spouse": []}
        prompt = render("JOINT", language, schema_for(ONTOLOGY, language, ["founded_by"]), GOLD.text)
        answer = json.loads(ANSWERS.answer(prompt))
        assert answer["relations"] == {founder: [["Acme Inc.", "Bo Li"]]}
        assert answer["entities"][person] == ["Bo Li"]


def test_faults_are_the_same_in_every_run_and_change_with_the_try() -> None:
    drawn = []
    for _ in range(2):
        server = ModelServer(ANSWERS, Script(rate=0.3, seed=5))
        drawn.append([server.fault_for(f"prompt {number % 50}") for number in range(200)])
    assert drawn[0] == drawn[1]
    share = sum(fault is not None for fault in drawn[0]) / 200
    assert 0.15 < share < 0.45
    assert drawn[0][:50] != drawn[0][50:100]


def test_persistent_faults_come_every_time() -> None:
    server = ModelServer(ANSWERS, Script(rate=0.3, is_persistent=True))
    drawn = [server.fault_for(f"prompt {number % 50}") for number in range(100)]
    assert drawn[:50] == drawn[50:]


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    row = {
        "text": GOLD.text,
        "entities": [{"text": claim.text, "label": claim.label} for claim in GOLD.mentions],
        "triples": [{"head": "Acme Inc.", "relation": "founded_by", "tail": "Bo Li"}],
    }
    answers.write_text(json.dumps(row) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "tests.servers.model", "--answers", str(answers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as program:
        try:
            assert program.stdout is not None
            url = program.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
            prompt = render("JOINT", "en", schema_for(ONTOLOGY, "en"), GOLD.text)
            body = json.dumps({"model": "test-model", "messages": [{"role": "user", "content": prompt}]}).encode()
            with urllib.request.urlopen(f"{url}/chat/completions", body, timeout=10) as response:
                reply = json.loads(response.read())
            assert "Bo Li" in reply["choices"][0]["message"]["content"]
            with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=10) as response:
                assert json.loads(response.read())["requests"] == 1
        finally:
            program.terminate()
