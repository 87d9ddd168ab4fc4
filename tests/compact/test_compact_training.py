"""The tiny recipe: the losses are those that are expected, a run that stops and goes on has the same ones."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "tiny_losses.json").read_text(encoding="utf-8"))
NEEDED = ("mindspore", "onnx", "onnxruntime", "matplotlib")

TRAIN = HERE.parents[1] / ".venv-train" / "bin" / "python"
IS_HERE = all(importlib.util.find_spec(name) for name in NEEDED)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_HERE and not TRAIN.is_file(), reason="needs the training extra: make install-train"),
]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """What training in a process of its own printed: MindSpore wants to be imported first."""
    command = [
        sys.executable if IS_HERE else str(TRAIN),
        str(HERE / "tiny_training.py"),
        str(tmp_path_factory.mktemp("run")),
        str(HERE / "zh_tiny.txt"),
    ]
    root = str(HERE.parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[-1].removeprefix("RESULT "))


def test_the_losses_are_those_of_the_list(result):
    assert result["whole"] == pytest.approx(EXPECTED, rel=2e-3)


def test_the_loss_falls(result):
    assert result["whole"][-1] < result["whole"][0]


def test_a_run_that_stops_and_goes_on_has_the_same_losses(result):
    assert result["halves"] == pytest.approx(result["whole"], rel=1e-5)


def test_the_export_says_what_mindspore_says(result):
    assert max(result["differences"].values()) <= 1e-4


def test_a_model_folder_is_complete(result):
    graphs = ["context.onnx", "encoder.onnx", "relations.onnx"]
    assert result["files"] == sorted([*graphs, "context.json", "lineage.json", "model.json", "vocabulary.json"])


def test_the_network_of_characters_is_read_right(result):
    found = [tuple(name) for name in result["context"]["names"]]
    assert {("夏道镇", "LOC"), ("福建省", "LOC"), ("曹雪芹", "PER")} <= set(found)


def test_its_graph_says_what_its_definition_says(result):
    # The vectors of characters have 8 bits in the graph.
    assert result["context"]["difference"] <= 0.1
