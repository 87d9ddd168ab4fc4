"""Annotated text: the written corpus, real sentences, public rows; its form, its rules, its splits."""

from training.data.conventions import check_conventions
from training.data.corpus import read_all_standoff, read_corpus
from training.data.dataset import Dataset, load_dataset
from training.data.leaks import find_leaks
from training.data.mistakes import CorpusError
from training.data.records import AnnotatedPassage, Annotation, Candidate, Example, Mention, Triple
from training.data.splits import split_passages

__all__ = [
    "AnnotatedPassage",
    "Annotation",
    "Candidate",
    "CorpusError",
    "Dataset",
    "Example",
    "Mention",
    "Triple",
    "check_conventions",
    "find_leaks",
    "load_dataset",
    "read_all_standoff",
    "read_corpus",
    "split_passages",
]
