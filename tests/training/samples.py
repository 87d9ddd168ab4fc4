"""Passages and rows built by hand, and the folders outside the project."""

import json
import os
from pathlib import Path

import pytest

from training.data import AnnotatedPassage
from training.data.marked import parse_line

SHARED = Path(__file__).parents[3] / "shared"
DATA = Path(os.environ.get("KGBUILDER_DATA", SHARED / "data"))
REAL = Path(os.environ.get("KGBUILDER_CORPUS_REAL", SHARED / "corpus_real"))

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the public rows are not at {DATA}")
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"the annotated real sentences are not at {REAL}")


def passage(line, id="zh_test-1", language="zh", accepted=()):
    """A passage from a marked line."""
    annotation = parse_line(line)
    return AnnotatedPassage(
        id=id,
        language=language,
        source="written",
        text=annotation.text,
        mentions=annotation.mentions,
        triples=annotation.triples,
        where=f"{id}.txt:1",
        accepted=frozenset(accepted),
    )


def write_rows(folder, source, *rows):
    """A file of public rows; what a row does not say is filled in."""
    lines = []
    for number, row in enumerate(rows):
        blank = {"id": str(number), "lang": "en", "source": source, "entities": [], "triples": []}
        lines.append(json.dumps(blank | row, ensure_ascii=False))
    (folder / f"{source}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def span(text, name, type_, **more):
    """An entity of a row, where its name first stands."""
    start = text.index(name)
    return {"text": name, "type": type_, "start": start, "end": start + len(name), **more}


def match(text, name, type_=None):
    """An entity of a row that has no offsets."""
    start = text.index(name)
    return {"text": name, "type": type_, "start": None, "end": None, "matches": [[start, start + len(name)]]}
