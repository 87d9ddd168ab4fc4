"""The annotated text of this project: the written corpus, and the standoff annotations of real sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from graph_schema import Ontology
from kgbuilder.errors import IngestError
from training.data.folders import corpus_folder
from training.data.marked import LANGUAGES, read_marked
from training.data.mistakes import CorpusError, Mistake, refuse
from training.data.records import AnnotatedPassage
from training.data.rows import Texts
from training.data.standoff import read_standoff

__all__ = ["corpus_files", "read_all_standoff", "read_corpus", "same_texts"]


def corpus_files(folder: Path | None = None) -> tuple[Path, ...]:
    """Return the files of marked lines of a corpus folder, by name; the folder of this package if none is given."""
    corpus = folder or corpus_folder()
    return tuple(path for language in LANGUAGES for path in sorted(corpus.glob(f"{language}_*.txt")))


def read_corpus(files: Sequence[Path] = (), *, ontology: Ontology | None = None) -> tuple[AnnotatedPassage, ...]:
    """Read files of marked lines, all of the written corpus if none is named.

    Raises:
        CorpusError: with every mistake of every file, a text that stands twice included.
        IngestError: when a file cannot be read, or there is none.
    """
    paths = files or corpus_files()
    if not paths:
        raise IngestError("there is no corpus", where=str(corpus_folder()), remedy="install the package anew")
    mistakes: list[Mistake] = []
    passages: list[AnnotatedPassage] = []
    for path in paths:
        try:
            passages.extend(read_marked(path, ontology=ontology))
        except CorpusError as error:
            mistakes.extend(error.mistakes)
    refuse([*mistakes, *same_texts(passages)])
    return tuple(passages)


def read_all_standoff(data: Path, *, folder: Path | None = None) -> tuple[AnnotatedPassage, ...]:
    """Join every standoff file of a corpus folder with the rows of the folder `data`.

    Raises:
        CorpusError: with every mistake of every file, a sentence that stands in two files included.
        IngestError: when a file cannot be read.
    """
    texts = Texts(data)
    mistakes: list[Mistake] = []
    passages: list[AnnotatedPassage] = []
    for path in sorted(((folder or corpus_folder()) / "standoff").glob("*.jsonl")):
        try:
            passages.extend(read_standoff(path, texts))
        except CorpusError as error:
            mistakes.extend(error.mistakes)
    refuse([*mistakes, *same_texts(passages)])
    return tuple(passages)


def same_texts(passages: Iterable[AnnotatedPassage]) -> list[Mistake]:
    """Return a mistake for each passage whose text stood before."""
    places: dict[str, str] = {}
    mistakes = []
    for passage in passages:
        first = places.setdefault(passage.text, passage.where)
        if first != passage.where:
            what = f"the text stands at {first} already"
            mistakes.append(Mistake(where=passage.where, what=what, remedy="keep one of the two"))
    return mistakes
