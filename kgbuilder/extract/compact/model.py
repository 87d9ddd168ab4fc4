"""A model folder: `encoder.onnx`, `relations.onnx`, `vocabulary.json` and `model.json`, read with onnxruntime.

The encoder takes ids, bits and a mask and returns a vector for each token and the scores of all spans of a band; the
spans are chosen here, and the relations graph scores pairs of them.
"""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from kgbuilder.errors import ModelError
from kgbuilder.extract.compact.decode import (
    Calibration,
    Pairs,
    Reading,
    ReadMention,
    ReadTriple,
    Settings,
    Span,
    candidate_pairs,
    decide,
    decode_spans,
)
from kgbuilder.extract.compact.features import Features, Featurizer, load_featurizer

__all__ = [
    "FORMAT",
    "CompactModel",
    "ModelCard",
    "RelationCard",
    "Scored",
    "join_readings",
    "open_session",
    "split_features",
]

FORMAT = 1
"""The form of model.json; a model of another one is refused."""

_BATCH_TOKENS = 1_024
_SENTENCE_ENDS = frozenset("。！？!?；;\n")


class RelationCard(BaseModel):
    """A relation that a model knows, with the types that may stand in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    pairs: tuple[tuple[str, str], ...]
    symmetric: bool = False
    threshold: float = 0.0


class ModelCard(BaseModel):
    """model.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: int
    name: str
    language: str
    max_tokens: int
    width: int
    types: tuple[str, ...]
    type_thresholds: tuple[float, ...]
    relations: tuple[RelationCard, ...]
    type_calibration: tuple[float, float] = (1.0, 0.0)
    relation_calibration: tuple[float, float] = (1.0, 0.0)

    def settings(self) -> Settings:
        numbers = {name: number for number, name in enumerate(self.types)}
        allowed = np.zeros((len(self.types), len(self.types), len(self.relations)), bool)
        for n, relation in enumerate(self.relations):
            for head, tail in relation.pairs:
                allowed[numbers[head], numbers[tail], n] = True
        return Settings(
            types=self.types,
            relations=tuple(relation.id for relation in self.relations),
            symmetric=frozenset(n for n, relation in enumerate(self.relations) if relation.symmetric),
            allowed=allowed,
            type_thresholds=np.array(self.type_thresholds, np.float32),
            relation_thresholds=np.array([relation.threshold for relation in self.relations], np.float32),
            type_calibration=Calibration(slope=self.type_calibration[0], offset=self.type_calibration[1]),
            relation_calibration=Calibration(slope=self.relation_calibration[0], offset=self.relation_calibration[1]),
        )


class Session(Protocol):
    """What is used of an onnxruntime session."""

    def run(self, outputs: Sequence[str] | None, feeds: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]: ...


class Scored:
    """One piece of text with its spans and the logits of their pairs."""

    __slots__ = ("features", "pairs", "spans")

    def __init__(self, features: Features, spans: list[Span], pairs: Pairs) -> None:
        self.features, self.spans, self.pairs = features, spans, pairs


class CompactModel:
    """Reads texts: features, encoder, spans, relations."""

    def __init__(self, card: ModelCard, featurizer: Featurizer, encoder: Session, relations: Session) -> None:
        self.card, self.settings, self.featurizer = card, card.settings(), featurizer
        self.encoder, self.relations = encoder, relations

    @staticmethod
    def load(folder: Path, *, n_threads: int = 1) -> "CompactModel":
        """Load a model folder.

        Raises:
            ModelError: when a file is missing or not of this form, or onnxruntime is not installed.
        """
        try:
            card = ModelCard.model_validate_json((folder / "model.json").read_bytes())
            featurizer = load_featurizer(folder / "vocabulary.json")
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            remedy = "install the package anew, or export the model again"
            raise ModelError(f"this is no model folder: {reason}", where=str(folder), remedy=remedy) from error
        if card.format != FORMAT:
            remedy = "take the model that comes with this version"
            raise ModelError(f"the model has form {card.format}, not {FORMAT}", where=str(folder), remedy=remedy)
        sessions = [open_session(folder / name, n_threads=n_threads) for name in ("encoder.onnx", "relations.onnx")]
        return CompactModel(card, featurizer, *sessions)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Return what is found in each text. A text that is too long is read in pieces; relations stay within one."""
        pieces: list[Features] = []
        bounds = [0]
        for text in texts:
            pieces.extend(split_features(self.featurizer.features(text), self.card.max_tokens))
            bounds.append(len(pieces))
        readings = [decide(scored.features, scored.spans, scored.pairs, self.settings) for scored in self.score(pieces)]
        return [join_readings(readings[start:end]) for start, end in pairwise(bounds)]

    def score(self, pieces: Sequence[Features], thresholds: npt.NDArray[np.float32] | None = None) -> list[Scored]:
        """Return the spans of each piece over `thresholds` (the model's if none) with the logits of all their pairs."""
        found: dict[int, Scored] = {}
        limits = self.settings.type_thresholds if thresholds is None else thresholds
        for numbers in _batches([len(piece) for piece in pieces]):
            scored = self._score_batch([pieces[n] for n in numbers], limits)
            found.update(zip(numbers, scored, strict=True))
        return [found[n] for n in range(len(pieces))]

    def _score_batch(self, pieces: Sequence[Features], thresholds: npt.NDArray[np.float32]) -> list[Scored]:
        length = max(1, *(len(piece) for piece in pieces))
        n_fields, n_bits = pieces[0].ids.shape[1], pieces[0].bits.shape[1]
        ids = np.zeros((len(pieces), length, n_fields), np.int64)
        bits = np.zeros((len(pieces), length, n_bits), np.float32)
        mask = np.zeros((len(pieces), length), np.float32)
        for row, piece in enumerate(pieces):
            n = len(piece)
            ids[row, :n], bits[row, :n], mask[row, :n] = piece.ids, piece.bits, 1.0
        feeds: dict[str, npt.NDArray[Any]] = {"ids": ids, "mask": mask}
        if n_bits:
            feeds["bits"] = bits
        hidden, scores = self.encoder.run(None, feeds)
        spans = [decode_spans(scores[row], piece, thresholds) for row, piece in enumerate(pieces)]
        pairs = self._score_pairs(hidden, scores, spans)
        return [Scored(piece, spans[row], pairs[row]) for row, piece in enumerate(pieces)]

    def _score_pairs(
        self, hidden: npt.NDArray[Any], scores: npt.NDArray[Any], spans: Sequence[Sequence[Span]]
    ) -> list[Pairs]:
        length = hidden.shape[1]
        start: list[int] = []
        end: list[int] = []
        types: list[npt.NDArray[Any]] = []
        heads, tails = [], []
        for row, found in enumerate(spans):
            offset = len(start)
            head, tail = candidate_pairs(found, self.settings.allowed)
            heads.append(head + offset)
            tails.append(tail + offset)
            for span in found:
                start.append(row * length + span.first)
                end.append(row * length + span.last)
                types.append(scores[row, span.first, span.last - span.first])
        bounds = np.cumsum([0, *map(len, heads)])
        if bounds[-1] == 0:
            logits = np.zeros((0, len(self.settings.relations)), np.float32)
        else:
            feeds = {
                "hidden": hidden,
                "start": np.array(start, np.int64),
                "end": np.array(end, np.int64),
                "types": np.array(types, np.float32),
                "head": np.concatenate(heads),
                "tail": np.concatenate(tails),
            }
            (logits,) = self.relations.run(None, feeds)
        firsts = np.cumsum([0, *map(len, spans)])
        return [
            Pairs(head=head - first, tail=tail - first, scores=logits[low:high])
            for head, tail, first, (low, high) in zip(heads, tails, firsts, pairwise(bounds), strict=False)
        ]


def split_features(features: Features, max_tokens: int) -> Iterator[Features]:
    """Yield pieces of at most `max_tokens` tokens that end where sentences do, offsets kept; marks go with each."""
    n_tokens = len(features)
    if n_tokens <= max_tokens:
        yield features
        return
    marks = features.spans[:, 0] == features.spans[:, 1]
    first, last = (1 if marks[0] else 0), (n_tokens - 1 if marks[-1] else n_tokens)
    size = max_tokens - first - (n_tokens - last)
    at = first
    while at < last:
        end = min(at + size, last)
        if end < last:
            end = _sentence_end(features, at + size // 2, end)
        chosen = np.concatenate([np.arange(first), np.arange(at, end), np.arange(last, n_tokens)]).astype(np.int64)
        yield Features(
            text=features.text, ids=features.ids[chosen], bits=features.bits[chosen], spans=features.spans[chosen]
        )
        at = end


def _sentence_end(features: Features, low: int, high: int) -> int:
    """Return the last place between two tokens after which a sentence begins, `high` if there is none."""
    for at in range(high, low, -1):
        start, end = features.spans[at - 1]
        if features.text[start:end] in _SENTENCE_ENDS:
            return at
    return high


def join_readings(readings: Sequence[Reading]) -> Reading:
    """Join the readings of the pieces of one text."""
    if len(readings) == 1:
        return readings[0]
    mentions: list[ReadMention] = []
    triples: list[ReadTriple] = []
    for reading in readings:
        n = len(mentions)
        mentions.extend(reading.mentions)
        triples.extend(replace(triple, head=triple.head + n, tail=triple.tail + n) for triple in reading.triples)
    return Reading(mentions=tuple(mentions), triples=tuple(triples))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield numbers of texts of about the same length, few enough that their tokens stay in the cache."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if batch and (len(batch) + 1) * lengths[number] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def open_session(path: Path, *, n_threads: int = 1) -> Session:
    """Open a graph for the CPU.

    Raises:
        ModelError: when onnxruntime is not installed or the file is no graph.
    """
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        remedy = "pip install onnxruntime, or take another extractor"
        raise ModelError("onnxruntime is not installed", where=str(path), remedy=remedy) from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    try:
        return cast(Session, runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
    except _load_errors() as error:
        remedy = "install the package anew, or export the model again"
        raise ModelError(f"the graph cannot be loaded: {error}", where=str(path), remedy=remedy) from error


def _load_errors() -> tuple[type[Exception], ...]:
    # Its exceptions have no base of their own, and no public name.
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (RuntimeError, *(getattr(state, name) for name in names))
