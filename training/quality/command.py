"""`python -m training quality`: measure the extractors of the package and write the page on it, with its picture."""
# ruff: noqa: T201  a command prints

import argparse
import importlib.util
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgbuilder.errors import ConfigError
from training.data import Example
from training.data.folders import CORPUS_REAL_VARIABLE, DATA_VARIABLE, data_folder, optional_folder

__all__ = ["EXAMPLES_FILE", "add_arguments", "run"]

EXAMPLES_FILE = "quality_examples.yaml"
"""Beside the page: what people judged; see `judged`."""

_PAGE, _PICTURE = "quality.md", "images/quality.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"the public rows (or {DATA_VARIABLE})")
    parser.add_argument("--real", type=Path, metavar="DIR", help=f"the real sentences (or {CORPUS_REAL_VARIABLE})")
    parser.add_argument("--out", type=Path, default=Path("docs"), metavar="DIR", help="folder of the page (docs)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="compact models, zh/ and en/, not the package's")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="a trial: only N texts of each set")


def run(arguments: argparse.Namespace) -> int:
    """Measure, write page and picture, and return the exit status."""
    _check_matplotlib()
    from graph_schema import load_ontology
    from kgbuilder.extract.compact.extractor import MODELS
    from kgbuilder.extract.compact.model import model_folders
    from training.data.dataset import load_dataset
    from training.quality.judged import read_judged
    from training.quality.measure import measure_quality
    from training.quality.page import render_page
    from training.quality.picture import draw_quality

    out: Path = arguments.out
    models: Path = arguments.models or MODELS
    if arguments.models and not model_folders(models):
        raise ConfigError("there is no model", where=str(models), remedy="give a folder with zh/model.json in it")
    judged = read_judged(out / EXAMPLES_FILE)
    data, real = data_folder(arguments.data), optional_folder(arguments.real, CORPUS_REAL_VARIABLE)
    if real is None:
        remedy = f"name it by --real, or in {CORPUS_REAL_VARIABLE}"
        raise ConfigError("the folder of the real sentences is not known", where=CORPUS_REAL_VARIABLE, remedy=remedy)
    tests: Mapping[str, Sequence[Example]] = load_dataset(data=data, real=real).tests
    if arguments.limit > 0:
        tests = {name: _first(examples, arguments.limit) for name, examples in tests.items()}
    quality = measure_quality(tests, load_ontology("general"), models, say=_say)
    page = render_page(quality, tests, picture=_PICTURE, judged=judged, limit=max(0, arguments.limit))
    (out / _PICTURE).parent.mkdir(parents=True, exist_ok=True)
    draw_quality(quality, out / _PICTURE)
    (out / _PAGE).write_text(page, encoding="utf-8")
    _say(f"written: {out / _PAGE}, {out / _PICTURE}")
    return 0


def _first(examples: Sequence[Example], n: int) -> list[Example]:
    """Return the first examples of each language."""
    counts: Counter[str] = Counter()
    first = []
    for example in examples:
        counts[example.language] += 1
        if counts[example.language] <= n:
            first.append(example)
    return first


def _say(line: str) -> None:
    print(line, flush=True)


def _check_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        remedy = "make install-train, then .venv-train/bin/python -m training quality"
        raise ConfigError("matplotlib is not installed", where="quality", remedy=remedy)
