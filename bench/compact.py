"""Measure the compact extractor's models: python -m bench.compact [--models DIR] [--runs N].

Each model runs in a process of its own on one thread: time to load, sentences and characters a CPU second, the most
memory. spaCy's blank tokenizer reads the same sentences: a yardstick of the machine.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.machine import ROOT, machine, spread
from kgbuilder.extract.compact.extractor import MODELS
from kgbuilder.extract.compact.model import CompactModel, model_folders
from kgbuilder.ingest import sentences

N_SENTENCES = 1_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.compact", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="a folder with zh/ or en/ in it")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.only:
        print(json.dumps(_measure(given.models / given.only, given.only, given.runs)))
        return
    print(machine())
    for folder in model_folders(given.models).values():
        command = [sys.executable, "-m", "bench.compact", "--models", given.models, "--runs", str(given.runs)]
        command += ["--only", folder.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        _print(folder, json.loads(done.stdout))


def _print(folder: Path, found: dict[str, list[float]]) -> None:
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{folder.name}: {size:.1f} MB, sentences of {found['characters'][0]:.0f} characters on average")
    print(f"  load                       {spread(found['load_s'], '.2f')} s, imports and dictionaries included")
    print(f"  sentences a CPU second     {spread(found['rate'], '.0f')}")
    print(f"  spaCy's blank tokenizer    {spread(found['spacy_rate'], '.0f')}")
    print(f"  memory at most             {found['memory_mb'][0]:.0f} MB")


def _measure(folder: Path, language: str, n_runs: int) -> dict[str, list[float]]:
    texts = _sentences(language)
    began = time.process_time()
    model = CompactModel.load(folder)
    model.read(texts[:1])
    load_s = time.process_time() - began + _START
    rates = []
    for _ in range(n_runs):
        began = time.process_time()
        for at in range(0, len(texts), 64):
            model.read(texts[at : at + 64])
        rates.append(len(texts) / (time.process_time() - began))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "characters": [sum(map(len, texts)) / len(texts)],
        "load_s": [load_s],
        "rate": rates,
        "spacy_rate": _spacy_rates(language, texts, n_runs),
        "memory_mb": [memory_mb],
    }


def _sentences(language: str) -> list[str]:
    """Return sentences of the written corpus, spread over all of its files."""
    from training.data import read_corpus

    texts = [passage.text for passage in read_corpus() if passage.language == language]
    found = [text[start:end] for text in texts for start, end in sentences(text, language)]
    return found[:: max(1, len(found) // N_SENTENCES)][:N_SENTENCES]


def _spacy_rates(language: str, texts: Sequence[str], n_runs: int) -> list[float]:
    import spacy

    nlp = spacy.blank(language)
    rates = []
    for _ in range(n_runs):
        began = time.process_time()
        for _ in nlp.pipe(texts):
            pass
        rates.append(len(texts) / (time.process_time() - began))
    return rates


_START = time.process_time()
"""CPU seconds until everything is imported."""


if __name__ == "__main__":
    main()
