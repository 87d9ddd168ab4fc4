"""Train the tiny recipe on a few lines, at once and in two halves, and print the losses, in a process of its own."""
# ruff: noqa: T201

import json
import sys
from pathlib import Path

from graph_schema import load_ontology
from training.compact.corpus import Corpus
from training.compact.train import export_run, train
from training.data import read_corpus
from training.data.dataset import as_example


def main(folder: Path, corpus_file: Path) -> None:
    ontology = load_ontology("general")
    examples = tuple(as_example(passage, ontology) for passage in read_corpus([corpus_file]))
    corpus = Corpus(train=examples, dev=examples[:2], tests={"written": examples})
    no = {"data": None, "real": None, "minilm": None, "corpus": corpus, "say": lambda _: None}
    whole = train("tiny", folder / "whole", resume=False, steps=8, **no)
    halves = train("tiny", folder / "halves", resume=False, steps=4, **no)
    halves += train("tiny", folder / "halves", resume=True, steps=8, **no)
    out = export_run(folder / "whole", data=None, real=None, target=0.8, say=lambda _: None, corpus=corpus)
    lineage = json.loads((folder / "whole" / "lineage.json").read_text(encoding="utf-8"))
    files = sorted(path.name for path in out.iterdir())
    result = {"whole": whole, "halves": halves, "differences": lineage["differences_to_mindspore"], "files": files}
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
