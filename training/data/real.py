"""Annotated real sentences outside the project: marked lines beside their raw lines, read in place."""

from pathlib import Path

from graph_schema import Ontology
from kgbuilder.errors import IngestError
from training.data.lines import read_lines
from training.data.marked import LANGUAGES, parse_line
from training.data.mistakes import CorpusError, Mistake, refuse
from training.data.records import AnnotatedPassage
from training.data.standoff import join_text

__all__ = ["read_real"]

_SOURCES = {"finre": "finre.train", "batch": "uner_zh.train"}


def read_real(folder: Path, *, ontology: Ontology | None = None) -> tuple[AnnotatedPassage, ...]:
    """Read every `zh_N.txt` of a folder with `raw/zh_N.raw.txt`, line by line; the marked file may end first.

    The id of a passage is the reference of its row, source:id.

    Raises:
        CorpusError: with every mistake: form, annotation, a raw line that is missing or has another text.
        IngestError: when the folder has no such files.
    """
    mistakes: list[Mistake] = []
    passages: list[AnnotatedPassage] = []
    files = [path for language in LANGUAGES for path in sorted(folder.glob(f"{language}_*.txt"))]
    if not files:
        remedy = "give the folder that holds zh_1.txt and raw/zh_1.raw.txt"
        raise IngestError("there are no annotated sentences", where=str(folder), remedy=remedy)
    for path in files:
        raws = read_lines(folder / "raw" / f"{path.stem}.raw.txt")
        for number, line in enumerate(read_lines(path), 1):
            raw = raws[number - 1] if number <= len(raws) else ""
            try:
                passages.append(_passage(line, raw, path.stem, f"{path}:{number}", ontology))
            except CorpusError as error:
                mistakes.extend(error.mistakes)
    refuse(mistakes)
    return tuple(passages)


def _passage(line: str, raw: str, stem: str, where: str, ontology: Ontology | None) -> AnnotatedPassage:
    id_, tab, text = raw.partition("\t")
    source = _SOURCES.get(id_.partition("-")[0])
    if not tab or source is None:
        remedy = "give each marked line its raw line, id, a tab and the text"
        raise CorpusError([Mistake(where=where, what="there is no raw line of a known source", remedy=remedy)])
    annotation = parse_line(line, where=where, ontology=ontology)
    return join_text(annotation, f"{source}:{id_}", text, stem.partition("_")[0], where)
