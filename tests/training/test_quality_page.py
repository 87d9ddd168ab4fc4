"""The page on quality: what stands on it, what must not, and that a second run writes the same."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from graph_schema import load_ontology
from kgbuilder.errors import ConfigError, ModelError
from kgbuilder.extract import compact
from kgbuilder.records import Extraction, MentionClaim, Passage, TripleClaim
from tests.training.made_quality import SECRET, TEXT, card, example, made_quality
from training.__main__ import main
from training.quality import command
from training.quality.command import EXAMPLES_FILE
from training.quality.judged import read_judged
from training.quality.measure import measure_quality
from training.quality.page import render_page

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / ".venv-train" / "bin" / "python"
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
TESTS = {"written": [example()], "real_zh": [example("2", SECRET, source="real")], "sec_filings.test": []}
JUDGED = """
judged: 40
date: 2026-11-22
by: compact
wrong:
  - {document: zh/a.txt, fact: "甲 spouse 乙", reason: the text | denies it}
"""


def page(**given: object) -> str:
    return render_page(made_quality(), TESTS, picture="images/quality.png", **given)


def line(text: str, *parts: str) -> str:
    found = [one for one in text.splitlines() if all(part in one for part in parts)]
    assert len(found) == 1, found
    return found[0]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_it_shows_sets_types_relations_thresholds_classes_and_examples() -> None:
    text = page()
    assert "100.0 (100.0 to 100.0) | 66.7 (66.7 to 66.7) | 80.0" in line(text, "`written` | zh | compact", "| 36 |")
    assert line(text, "`written` | zh | compact", "| 12 | 1 of 4 |")
    assert line(text, "| `PER` | 100.0 | 50.0 |", "| 24 | 100.0 | 100.0 |")
    assert len([one for one in text.splitlines() if one.startswith("| `spouse` | 0.0 | – |")]) == 2
    assert "types: PER 0.50, LOC 0.27" in text
    assert "relations: stated from a probability of 0.73 on; its logit is" in text
    assert "and spouse" in text
    assert "error of calibration on `written`: entities " in text
    assert "| missed | 12 (100 %) | 0 | 12 (100 %) |" in text
    assert "missed             苏晚 PER" in text
    assert "![F1 by relation, precision over recall, calibration](images/quality.png)" in text
    assert "not measured: sec_filings.test" in text


def test_it_says_what_each_language_is_read_by() -> None:
    text = page()
    assert "- Chinese is read by the model `made_zh`." in text
    assert "- English is read by the lexicon: the compact extractor has no model for it." in text
    assert "English, read by lexicon; written test" in text


def test_only_sentences_of_the_written_corpus_are_shown() -> None:
    text = page()
    assert TEXT in text
    assert SECRET not in text
    assert "不可引用" not in text


def test_the_same_numbers_give_the_same_page() -> None:
    assert page() == page()


def test_a_trial_is_told() -> None:
    assert "**A trial: only the first 7 texts of each set" in page(limit=7)
    assert "trial" not in page()


def test_what_people_judged_is_shown_and_survives(tmp_path: Path) -> None:
    path = tmp_path / EXAMPLES_FILE
    assert read_judged(path) is None
    assert "judged by hand" not in page(judged=None)
    path.write_text(JUDGED, encoding="utf-8")
    text = page(judged=read_judged(path))
    assert "(2026-11-22): 39 of 40 are what a careful reader would draw" in text
    assert "97.5 (87.1 to 99.6) percent" in text
    assert "| zh/a.txt | 甲 spouse 乙 | the text \\| denies it |" in text
    assert path.read_text(encoding="utf-8") == JUDGED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("judged: 0\ndate: x\nby: y", "judged: "),
        ("date: x\nby: y", "judged: Field required"),
        ("judged: 1\ndate: x\nby: y\nwrong: [{fact: a}]", "wrong.0.document"),
        ("judged: 1\ndate: x\nby: y\nwrongs: []", "wrongs"),
        (
            "judged: 1\ndate: x\nby: y\nwrong: [{document: a, fact: b, reason: c}, {document: a, fact: d, reason: e}]",
            "2 are",
        ),
        ("[", "cannot be read"),
        ("", "the file"),
    ],
)
def test_a_wrong_file_of_judgements_is_told_with_its_form(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / EXAMPLES_FILE
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as told:
        read_judged(path)
    assert EXAMPLES_FILE in str(told.value)
    assert "judged: 120" in told.value.remedy


# --- measuring --------------------------------------------------------------------------------------------------------


class Scripted:
    """Finds 林知远 and his place of birth, and states as many triples as the thresholds of its model let it."""

    name = "compact"
    fingerprint = "f" * 32

    def __init__(self, models: Path) -> None:
        content = json.loads((models / "zh" / "model.json").read_text(encoding="utf-8"))
        self.eager = content["relations"][0]["threshold"] <= -4.0
        self.asked: list[str] = []

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        for passage in passages:
            self.asked.append(passage.text)
            triples = [TripleClaim(head="林知远", relation="place_of_birth", tail="绍兴", score=0.9)]
            if self.eager:
                triples.append(TripleClaim(head="林知远", relation="spouse", tail="绍兴", score=0.01))
            mentions = (MentionClaim(text="林知远", label="PER", start=passage.text.find("林知远")),)
            yield Extraction(
                passage_id=passage.id, extractor="x", state="done", mentions=mentions, triples=tuple(triples)
            )

    def close(self) -> None:
        pass


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "zh"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(card().model_dump_json(), encoding="utf-8")
    return folder.parent


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "create", lambda _, settings: Scripted(Path(str(settings["models"]))))


@pytest.mark.usefixtures("scripted")
def test_compact_is_measured_where_it_has_a_model_and_the_lexicon_everywhere(models: Path) -> None:
    tests = TESTS | {"written": [example(), example("3", TEXT, language="en")]}
    said: list[str] = []
    quality = measure_quality(tests, load_ontology("general"), models, say=said.append)
    assert [(one.name, one.language, one.reader) for one in quality.measured] == [
        ("written", "zh", "compact"),
        ("written", "zh", "lexicon"),
        ("written", "en", "lexicon"),
        ("real_zh", "zh", "compact"),
        ("real_zh", "zh", "lexicon"),
    ]
    trained = quality.measured[0].report
    assert (trained.entities.overall.n, trained.entities.overall.n_correct) == (3, 1)
    assert trained.triples.overall.f1 == 1.0
    assert quality.left_out == ("sec_filings.test",)
    assert len(said) == 7


@pytest.mark.usefixtures("scripted")
def test_scores_are_taken_with_low_thresholds_from_a_copy_of_the_model(models: Path) -> None:
    before = (models / "zh" / "model.json").read_bytes()
    quality = measure_quality(TESTS, load_ontology("general"), models, say=lambda _: None)
    assert [(one.name, one.language) for one in quality.probabilities] == [("written", "zh"), ("real_zh", "zh")]
    assert quality.probabilities[0].triples.scores.tolist() == [0.9, 0.01]
    assert quality.probabilities[0].triples.right.tolist() == [True, False]
    assert (models / "zh" / "model.json").read_bytes() == before


@pytest.mark.usefixtures("scripted")
def test_examples_come_from_the_main_reader_and_the_written_corpus(models: Path) -> None:
    short = example("4", "林知远，绍兴。")
    tests = {"written": [example(), short], "real_zh": [example("2", "林知远绍兴", source="real")]}
    quality = measure_quality(tests, load_ontology("general"), models, say=lambda _: None)
    assert {one.text for one in quality.examples} == {short.text}
    assert [(one.part, one.mistake.kind, one.mistake.gold.text) for one in quality.examples] == [
        ("entities", "missed", "绍兴")
    ]


def test_without_any_model_the_lexicon_is_measured(tmp_path: Path) -> None:
    quality = measure_quality(TESTS, load_ontology("general"), tmp_path, say=lambda _: None)
    assert {one.reader for one in quality.measured} == {"lexicon"}
    text = render_page(quality, TESTS, picture="x.png")
    assert "- Chinese is read by the lexicon: the compact extractor has no model for it." in text
    assert "Thresholds" not in text


def test_a_model_that_cannot_be_used_is_told_before_anything_is_measured(models: Path) -> None:
    said: list[str] = []
    for name in ("vocabulary.json", "encoder.onnx", "relations.onnx"):
        (models / "zh" / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="zh"):
        measure_quality(TESTS, load_ontology("general"), models, say=said.append)
    assert said == []


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if matplotlib were here and the data were the few texts above."""
    from training.data import dataset
    from training.quality import picture

    monkeypatch.setattr(command, "_check_matplotlib", lambda: None)
    monkeypatch.setattr(picture, "draw_quality", lambda _, target: target.write_bytes(b"PNG"))
    monkeypatch.setattr(dataset, "load_dataset", lambda **_: dataset.Dataset(train=(), dev=(), tests=TESTS, n_leaks={}))


@pytest.mark.usefixtures("scripted", "drawn")
def test_the_command_writes_the_same_page_twice(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "docs"
    out.mkdir()
    (out / EXAMPLES_FILE).write_text(JUDGED, encoding="utf-8")
    given = ["quality", "--data", str(tmp_path), "--real", str(tmp_path), "--models", str(models), "--out", str(out)]
    assert main(given) == 0
    first = (out / "quality.md").read_bytes()
    assert b"39 of 40" in first
    assert (out / "images" / "quality.png").is_file()
    assert main(given) == 0
    assert (out / "quality.md").read_bytes() == first
    assert "quality.md" in capsys.readouterr().out
    (out / EXAMPLES_FILE).unlink()
    assert main(given) == 0
    assert b"judged by hand" not in (out / "quality.md").read_bytes()


@pytest.mark.usefixtures("scripted", "drawn")
def test_a_limit_holds_for_each_language(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [example(str(n), language=language) for n, language in enumerate(["zh", "zh", "en", "en", "en"])]
    assert [one.id for one in command._first(known, 1)] == ["0", "2"]
    given = [
        "quality",
        "--data",
        str(tmp_path),
        "--real",
        str(tmp_path),
        "--models",
        str(models),
        "--out",
        str(tmp_path),
    ]
    assert main([*given, "--limit", "1"]) == 0
    assert "**A trial" in (tmp_path / "quality.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("drawn")
def test_wrong_folders_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KGBUILDER_DATA", "KGBUILDER_CORPUS_REAL"):
        monkeypatch.delenv(name, raising=False)
    here = str(tmp_path)
    for given, said in (
        ([], "KGBUILDER_DATA"),
        (["--data", here], "--real"),
        (["--data", str(tmp_path / "none"), "--real", here], "there is no such folder"),
        (["--data", here, "--real", here, "--models", here], "there is no model"),
    ):
        assert main(["quality", *given, "--out", here]) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "quality.md").exists()


def test_without_matplotlib_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["quality"]) == 1
    assert "make install-train" in capsys.readouterr().err


@pytest.mark.skipif(not HAS_MATPLOTLIB and not TRAIN.is_file(), reason="needs the training extra: make install-train")
def test_the_picture_is_drawn_the_same_twice(tmp_path: Path) -> None:
    python = sys.executable if HAS_MATPLOTLIB else str(TRAIN)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pictures = [tmp_path / "1.png", tmp_path / "2.png"]
    for picture in pictures:
        script = str(ROOT / "tests" / "training" / "made_quality.py")
        arguments = [python, "-W", "error", script, str(picture)]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    first, second = (picture.read_bytes() for picture in pictures)
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"matplotlib" not in first
