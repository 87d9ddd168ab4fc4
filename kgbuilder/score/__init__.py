"""Score extractions against annotated text: precision, recall, F1, intervals, errors by class, the worst examples.

An entity is right when its span and type are (its text and type where offsets are missing). A triple is right when its
relation is and head and tail are written like the annotated ones: like any mention of the same entity where the data
numbers entities, else letter by letter; a symmetric relation holds either way round. Items are sets per record, so a
repeat counts once, as in the CoNLL and SpERT scorers; a ratio with nothing below the line is 0.
"""

from kgbuilder.score.annotated import AnnotatedEntity, AnnotatedText, AnnotatedTriple, read_annotated
from kgbuilder.score.labels import Mapped, check_mapping, load_mapping
from kgbuilder.score.measure import evaluate, score
from kgbuilder.score.report import Report
from kgbuilder.score.tally import Score, Scores

__all__ = [
    "AnnotatedEntity",
    "AnnotatedText",
    "AnnotatedTriple",
    "Mapped",
    "Report",
    "Score",
    "Scores",
    "check_mapping",
    "evaluate",
    "load_mapping",
    "read_annotated",
    "score",
]
