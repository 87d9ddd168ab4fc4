"""Train the tiny recipe on a few lines, at once and in two halves, and print the losses, in a process of its own."""
# ruff: noqa: T201

import json
import sys
from importlib import resources
from pathlib import Path

import numpy as np

from graph_schema import load_ontology
from kgbuilder.extract.compact.context import load_context
from kgbuilder.extract.compact.features import Features
from tests.compact.lac_reference import lac_tags, lac_vectors, names
from training.compact.corpus import Corpus
from training.compact.train import export_run, train
from training.data import read_corpus
from training.data.dataset import as_example

TEXT = "夏道镇是中国福建省南平市延平区下辖的一个镇，曹雪芹没有来过。"


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
    result["context"] = _compare_context(out)
    print("RESULT " + json.dumps(result))


def _compare_context(model: Path) -> dict[str, object]:
    """Return the difference between the graph and its definition, and the names that the network itself finds."""
    context = load_context(model)
    assert context is not None
    numbers = json.loads((model / "context.json").read_text(encoding="utf-8"))
    ids = [numbers["characters"].get(char, numbers["unknown"]) for char in TEXT]
    spans = np.array([(at, at + 1) for at in range(len(TEXT))], np.int32)
    empty = np.zeros((len(TEXT), 0))
    piece = Features(text=TEXT, ids=empty.astype(np.int32), bits=empty.astype(np.uint8), spans=spans)
    [found] = context.vectors([piece], len(TEXT))
    lines = resources.files("jieba").joinpath("lac_small", "tag.dic").read_text(encoding="utf-8").splitlines()
    tags = lac_tags(ids)
    difference = np.abs(found.reshape(len(TEXT), 4, -1) - lac_vectors(ids)).max()
    return {"difference": float(difference), "names": names(TEXT, tags, [line.split("\t")[1] for line in lines])}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
