"""`kgbuilder evaluate`: what it prints, its JSON, how it ends when something is wrong, and that its page is true."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from kgbuilder.cli import main
from kgbuilder.config import init_workspace
from kgbuilder.score.compare import ENTITY_ERRORS, TRIPLE_ERRORS

TEXT = "林知远1978年3月生于绍兴。"
ENTITIES = [
    {"text": "林知远", "type": "PER", "start": 0, "end": 3},
    {"text": "1978年3月", "type": "TIME", "start": 3, "end": 10},
    {"text": "绍兴", "type": "LOC", "start": 12, "end": 14},
]
TRIPLES = [
    {"head": "林知远", "relation": "date_of_birth", "tail": "1978年3月"},
    {"head": "林知远", "relation": "place_of_birth", "tail": "绍兴"},
]
PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def row(**changes: object) -> str:
    content = {"id": "1", "lang": "zh", "source": "s", "text": TEXT, "entities": ENTITIES, "triples": TRIPLES}
    return json.dumps(content | changes, ensure_ascii=False)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ws") / "graph"
    init_workspace(folder, ontology="general", extractor="lexicon")
    return folder


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    wrong = [ENTITIES[0], {"text": "3月生于绍兴", "type": "LOC", "start": 8, "end": 14}]
    path.write_text("\n".join([row(), row(id="2", entities=wrong), row(id="3")]), encoding="utf-8")
    return path


class Run:
    """Calls the command in this process."""

    def __init__(self, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace, self.monkeypatch = workspace, monkeypatch

    def __call__(self, *arguments: object, status: int = 0) -> str:
        """Return what was printed where it belongs for this exit status."""
        streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for name in ("stdout", "stderr")}
        with self.monkeypatch.context() as patch:
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            given = ["kgbuilder", "evaluate", *map(str, arguments), "--workspace", str(self.workspace)]
            patch.setattr(sys, "argv", given)
            with pytest.raises(SystemExit) as ended:
                main()
        said = {}
        for name, stream in streams.items():
            stream.flush()
            said[name] = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert (ended.value.code or 0) == status, said
        return said["stderr" if status else "stdout"]


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(workspace, monkeypatch)


def test_it_prints_figures_intervals_classes_and_the_worst(run: Run, gold: Path) -> None:
    out = run("--data", gold)
    assert "3 texts, 0 without a usable extraction" in out
    assert "95 % of resamples of the texts: precision " in out
    assert "by relation  place_of_birth  1.000      1.000   1.000  3" in out
    assert "errors: type 0, boundary 1, boundary and type 0, missed 0, invented 1" in out
    assert "\n1. 2 (zh, s): 2 errors\n" in out
    assert "3月生于绍兴 LOC predicted as 绍兴 LOC" in out


def test_json_keeps_the_promised_keys_and_has_the_new_ones(run: Run, gold: Path) -> None:
    report = json.loads(run("--data", gold, "--json"))
    for part, kinds in (("entities", ENTITY_ERRORS), ("triples", TRIPLE_ERRORS)):
        assert {"precision", "recall", "f1", "n", "by_language", "by_source", "by_type"} <= set(report[part])
        assert list(report[part]["errors"]) == list(kinds)
        for figure, (low, high) in report[part]["bootstrap"].items():
            assert low <= report[part][figure] <= high
        assert report[part]["by_language"]["zh"]["bootstrap"] == report[part]["bootstrap"]
    (worst,) = report["worst"]
    assert (worst["id"], worst["n_errors"], worst["text"]) == ("2", 2, TEXT)
    assert [error["class"] for error in worst["errors"]] == ["boundary", "invented"]


def test_the_same_command_prints_the_same(run: Run, gold: Path) -> None:
    assert run("--data", gold, "--json") == run("--data", gold, "--json")


def test_worst_says_how_many_are_shown(run: Run, gold: Path) -> None:
    assert "the texts with the most errors" not in run("--data", gold, "--worst", 0)
    run("--data", gold, "--worst", -1, status=2)
    run("--data", gold, "--limit", -1, status=2)


def test_types_of_arguments_count_when_asked(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(row(triples=[t | {"head_type": "ORG"} for t in TRIPLES]), encoding="utf-8")
    assert json.loads(run("--data", path, "--json"))["triples"]["f1"] == 1.0
    strict = json.loads(run("--data", path, "--json", "--with-types"))
    assert (strict["triples"]["f1"], strict["triples"]["errors"]["argument_type"]) == (0.0, 2)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="pipes have no names here")
def test_it_reads_from_a_pipe(run: Run) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{row()}\n{row(id='2')}\n".encode())
    os.close(writing)
    assert json.loads(run("--data", f"/dev/fd/{reading}", "--json"))["n_records"] == 2
    os.close(reading)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not a line of JSON"),
        ('{"id": "1"}', "lang: Field required"),
        (row(entities=[ENTITIES[0] | {"start": 1}]), "offsets 1 to 3 do not hold '林知远'"),
        (row(entities=[ENTITIES[0] | {"end": None}]), "offsets 0 to None"),
        (row(entities=[ENTITIES[2] | {"start": -3, "end": -1}]), "offsets -3 to -1"),
        (row(triples=[{"head": "a", "tail": "b"}]), "triples.0.relation: Field required"),
    ],
)
def test_a_bad_line_is_told_with_file_line_and_remedy(run: Run, tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f"{row()}\n\n{line}\n", encoding="utf-8")
    told = run("--data", path, status=1)
    assert f"error: {path}:3: {said}" in told
    assert told.rstrip().endswith(")")


def test_a_file_without_a_record_and_one_that_is_not_there_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n", encoding="utf-8")
    assert "empty.jsonl: there is no record" in run("--data", tmp_path / "empty.jsonl", status=1)
    assert "none.jsonl: cannot be read" in run("--data", tmp_path / "none.jsonl", status=1)
    assert "cannot be read" in run("--data", tmp_path, status=1)


def test_a_mapping_to_what_the_ontology_lacks_is_refused_with_every_mistake(
    run: Run, gold: Path, tmp_path: Path
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("s: {entities: {a: PERSONN, b: PER}, relations: {c: ~spouse, d: '~wed', e: spouse}}", "utf-8")
    assert "m.yaml" in run("--data", gold, "--mapping", path, status=2)
    path.write_text("s: {entities: {a: PERSONN, b: PER}, relations: {d: '~wed', e: spouse}}", "utf-8")
    told = run("--data", gold, "--mapping", path, status=2)
    assert "'PERSONN'" in told
    assert "'~wed'" in told
    assert "'spouse'" not in told


def test_an_unknown_extractor_is_told(run: Run, gold: Path) -> None:
    assert "installed: " in run("--data", gold, "--extractor", "nope", status=2)


def test_the_page_defines_every_class_in_the_words_of_the_code() -> None:
    flat = " ".join(PAGE.split())
    for kinds in (ENTITY_ERRORS, TRIPLE_ERRORS):
        for kind, means in kinds.items():
            assert f"| `{kind}` | {means} |" in flat


def test_the_page_names_every_key_and_option(run: Run, gold: Path) -> None:
    report = json.loads(run("--data", gold, "--json"))
    keys = {*report, *report["entities"], *report["worst"][0]}
    assert sorted(key for key in keys if f"`{key}`" not in PAGE) == []
    for option in ("--data", "--extractor", "--limit", "--mapping", "--with-types", "--worst", "--json"):
        assert f"`{option}" in PAGE
