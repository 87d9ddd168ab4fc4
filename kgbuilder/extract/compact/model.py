"""A model folder: `encoder.onnx`, `relations.onnx`, `vocabulary.json`, `model.json` and, for some, a context.

The encoder takes ids, bits and a mask and returns a vector for each token and the scores of all spans of a band; the
spans are chosen here, and the relations graph scores pairs of them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from kgbuilder.errors import ModelError
from kgbuilder.extract.compact.context import CONTEXT_CHARACTERS, CONTEXT_GRAPH, CharacterContext, load_context
from kgbuilder.extract.compact.decode import (
    N_PAIR_FEATURES,
    Calibration,
    IntArray,
    PairCalibration,
    Pairs,
    Reading,
    ReadMention,
    ReadTriple,
    Settings,
    Span,
    apart,
    candidate_pairs,
    decide,
    decode_spans,
)
from kgbuilder.extract.compact.features import Features, Featurizer, load_featurizer, sentence_ends
from kgbuilder.extract.compact.known import forced_spans
from kgbuilder.extract.compact.session import Session, open_session

__all__ = [
    "CARD",
    "ENCODER_GRAPH",
    "FORMAT",
    "RELATIONS_GRAPH",
    "VOCABULARY",
    "CompactModel",
    "ModelCard",
    "RelationCard",
    "Scored",
    "join_readings",
    "model_files",
    "model_folders",
    "split_features",
    "stack_features",
]

CARD, VOCABULARY, ENCODER_GRAPH, RELATIONS_GRAPH = "model.json", "vocabulary.json", "encoder.onnx", "relations.onnx"

FORMAT = 2
"""The form of model.json; a model of another one is refused."""

_BATCH_TOKENS = 1_024

KnownByText = Mapping[str, Sequence[ReadMention]]
"""Names that people have listed, in order, by the text they stand in."""


class RelationCard(BaseModel):
    """A relation that a model knows, with the types that may stand in it; `threshold` is a logit, see `Settings`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    pairs: tuple[tuple[str, str], ...]
    symmetric: bool = False
    threshold: float = 0.0
    offset: float = 0.0


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
    across_sentences: float = 0.0
    type_calibration: tuple[float, float] = (1.0, 0.0)
    relation_calibration: tuple[float, ...] = (1.0, *(0.0,) * N_PAIR_FEATURES)
    """The slopes of `PairCalibration`."""

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
            across_sentences=self.across_sentences,
            type_calibration=Calibration(slope=self.type_calibration[0], offset=self.type_calibration[1]),
            relation_calibration=PairCalibration(
                slopes=np.array(self.relation_calibration, np.float32),
                offsets=np.array([relation.offset for relation in self.relations], np.float32),
            ),
        )


class Scored:
    """One piece of text with its spans and the logits of their pairs."""

    __slots__ = ("features", "pairs", "spans")

    def __init__(self, features: Features, spans: list[Span], pairs: Pairs) -> None:
        self.features, self.spans, self.pairs = features, spans, pairs


class CompactModel:
    """Reads texts: features, encoder, spans, relations."""

    def __init__(
        self,
        card: ModelCard,
        featurizer: Featurizer,
        encoder: Session,
        relations: Session,
        context: CharacterContext | None = None,
    ) -> None:
        self.card, self.settings, self.featurizer = card, card.settings(), featurizer
        self.encoder, self.relations, self.context = encoder, relations, context

    @staticmethod
    def load(folder: Path, *, n_threads: int = 1) -> "CompactModel":
        """Load a model folder.

        Raises:
            ModelError: when a file is missing or not of this form, or onnxruntime is not installed.
        """
        try:
            card = ModelCard.model_validate_json((folder / CARD).read_bytes())
            featurizer = load_featurizer(folder / VOCABULARY)
            context = load_context(folder, n_threads=n_threads)
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            remedy = "install the package anew, or export the model again"
            raise ModelError(f"this is no model folder: {reason}", where=str(folder), remedy=remedy) from error
        if card.format != FORMAT:
            remedy = "take the model that comes with this version"
            raise ModelError(f"the model has form {card.format}, not {FORMAT}", where=str(folder), remedy=remedy)
        encoder, relations = (
            open_session(folder / name, n_threads=n_threads) for name in (ENCODER_GRAPH, RELATIONS_GRAPH)
        )
        return CompactModel(card, featurizer, encoder, relations, context)

    def read(self, texts: Sequence[str], known: KnownByText | None = None) -> list[Reading]:
        """Return what is found in each text; relations are asked of the names in `known`, too.

        A text that is too long is read in windows; relations stay within one.
        """
        pieces: list[Features] = []
        bounds = [0]
        for text in texts:
            pieces.extend(split_features(self.featurizer.features(text), self.card.max_tokens))
            bounds.append(len(pieces))
        readings = [
            decide(scored.features, scored.spans, scored.pairs, self.settings)
            for scored in self.score(pieces, known=known)
        ]
        return [join_readings(pieces[start:end], readings[start:end]) for start, end in pairwise(bounds)]

    def score(
        self,
        pieces: Sequence[Features],
        thresholds: npt.NDArray[np.float32] | None = None,
        known: KnownByText | None = None,
    ) -> list[Scored]:
        """Return the spans of each piece over `thresholds` (the model's if none) with the logits of all their pairs."""
        found: dict[int, Scored] = {}
        limits = self.settings.type_thresholds if thresholds is None else thresholds
        for numbers in _batches([len(piece) for piece in pieces]):
            scored = self._score_batch([pieces[n] for n in numbers], limits, known or {})
            found.update(zip(numbers, scored, strict=True))
        return [found[n] for n in range(len(pieces))]

    def _score_batch(
        self, pieces: Sequence[Features], thresholds: npt.NDArray[np.float32], known: KnownByText
    ) -> list[Scored]:
        length = max(1, *(len(piece) for piece in pieces))
        ids, signals, mask = stack_features(pieces, self.context, n_rows=len(pieces), length=length)
        feeds: dict[str, npt.NDArray[Any]] = {"ids": ids.astype(np.int64), "mask": mask}
        if signals.shape[2]:
            feeds["signals"] = signals
        hidden, scores = self.encoder.run(None, feeds)
        spans = [
            forced_spans(
                decode_spans(scores[row], piece, thresholds),
                piece,
                known.get(piece.text, ()),
                scores[row],
                self.settings,
            )
            for row, piece in enumerate(pieces)
        ]
        return [
            Scored(piece, spans[row], self._score_pairs(hidden[row : row + 1, : len(piece)], scores[row], spans[row]))
            for row, piece in enumerate(pieces)
        ]

    def _score_pairs(self, hidden: npt.NDArray[Any], scores: npt.NDArray[Any], spans: Sequence[Span]) -> Pairs:
        """Score the pairs of one piece: a pair looks at every token of its own piece, and at no other."""
        head, tail = candidate_pairs(spans, self.settings.allowed)
        if not len(head):
            logits = np.zeros((0, len(self.settings.relations)), np.float32)
            return Pairs(head=head, tail=tail, scores=logits)
        feeds: dict[str, npt.NDArray[Any]] = {
            "hidden": hidden,
            "mask": np.ones(hidden.shape[:2], np.float32),
            "start": np.array([span.first for span in spans], np.int64),
            "end": np.array([span.last for span in spans], np.int64),
            "types": np.stack([scores[span.first, span.last - span.first] for span in spans]),
            "head": head,
            "tail": tail,
        }
        (logits,) = self.relations.run(None, feeds)
        return Pairs(head=head, tail=tail, scores=logits)


def model_folders(models: Path) -> dict[str, Path]:
    """Return the model folders in a folder, by language."""
    return {path.parent.name: path.parent for path in sorted(models.glob(f"*/{CARD}"))}


def model_files(folder: Path) -> list[Path]:
    """Return the files of a model folder that decide what is read; only those of the context may be missing."""
    context = [folder / name for name in (CONTEXT_GRAPH, CONTEXT_CHARACTERS)]
    needed = [folder / name for name in (CARD, VOCABULARY, ENCODER_GRAPH, RELATIONS_GRAPH)]
    return needed + [path for path in context if path.is_file()]


def stack_features(
    pieces: Sequence[Features], context: CharacterContext | None, *, n_rows: int, length: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return ids (n_rows, length, n_fields), signals (n_rows, length, n_bits + context) and mask (n_rows, length)."""
    n_bits = pieces[0].bits.shape[1]
    ids = np.zeros((n_rows, length, pieces[0].ids.shape[1]), np.int32)
    signals = np.zeros((n_rows, length, n_bits + (context.size if context else 0)), np.float32)
    mask = np.zeros((n_rows, length), np.float32)
    for row, piece in enumerate(pieces):
        n = len(piece)
        ids[row, :n], signals[row, :n, :n_bits], mask[row, :n] = piece.ids, piece.bits, 1.0
    if context:
        signals[: len(pieces), :, n_bits:] = context.vectors(pieces, length)
    return ids, signals, mask


def split_features(features: Features, max_tokens: int) -> Iterator[Features]:
    """Yield windows of at most `max_tokens` tokens that end where sentences do, offsets kept; marks go with each.

    The next one begins with the first sentence of the last quarter of the one before, so what is close together
    stands in one window.
    """
    n_tokens = len(features)
    if n_tokens <= max_tokens:
        yield features
        return
    marks = features.spans[:, 0] == features.spans[:, 1]
    first, last = (1 if marks[0] else 0), (n_tokens - 1 if marks[-1] else n_tokens)
    size = max_tokens - first - (n_tokens - last)
    ends = sentence_ends(features)
    ends = ends[(ends > first) & (ends <= last)]
    at = first
    while True:
        end = min(at + size, last)
        if end < last:
            end = _last_before(ends, at + size // 2, end)
        chosen = np.concatenate([np.arange(first), np.arange(at, end), np.arange(last, n_tokens)]).astype(np.int64)
        yield Features(
            text=features.text, ids=features.ids[chosen], bits=features.bits[chosen], spans=features.spans[chosen]
        )
        if end == last:
            return
        at = _first_after(ends, end - size // 4, end)


def _last_before(places: IntArray, low: int, high: int) -> int:
    """Return the last place over `low` and up to `high`; `high` if there is none."""
    at = int(np.searchsorted(places, high, side="right"))
    return int(places[at - 1]) if at and places[at - 1] > low else high


def _first_after(places: IntArray, low: int, high: int) -> int:
    """Return the first place from `low` on and before `high`; `low` if there is none."""
    at = int(np.searchsorted(places, low, side="left"))
    return int(places[at]) if at < len(places) and places[at] < high else low


def join_readings(pieces: Sequence[Features], readings: Sequence[Reading]) -> Reading:
    """Join the readings of the windows of one text.

    Up to the middle of what two windows share, the mentions of the first count, from there on those of the second.
    A triple whose argument does not count goes to the same mention of the other window; where that saw another name in
    its place the triple is lost.
    """
    if len(readings) == 1:
        return readings[0]
    middles = [int(one.spans[:, 1].max() + _start(other)) // 2 for one, other in pairwise(pieces)]
    bounds = [0, *middles, len(pieces[0].text) + 1]
    owned = [
        mention
        for reading, (low, high) in zip(readings, pairwise(bounds), strict=True)
        for mention in reading.mentions
        if low <= mention.start < high
    ]
    kept = {(mention.start, mention.end, mention.type): mention for mention in apart(owned)}
    taken = _Taken(kept.values())
    triples: dict[tuple[ReadMention, str, ReadMention], float] = {}
    for reading in readings:
        for triple in reading.triples:
            arguments = []
            for mention in (reading.mentions[triple.head], reading.mentions[triple.tail]):
                key = mention.start, mention.end, mention.type
                if key not in kept and taken.add(mention):
                    kept[key] = mention
                if key in kept:
                    arguments.append(kept[key])
            if len(arguments) == 2:
                said = arguments[0], triple.relation, arguments[1]
                triples[said] = max(triple.score, triples.get(said, 0.0))
    mentions = sorted(kept.values(), key=lambda mention: mention.start)
    numbers = {mention: n for n, mention in enumerate(mentions)}
    joined = (
        ReadTriple(head=numbers[head], relation=relation, tail=numbers[tail], score=score)
        for (head, relation, tail), score in triples.items()
    )
    return Reading(mentions=tuple(mentions), triples=tuple(sorted(joined, key=lambda t: (t.head, t.relation, t.tail))))


def _start(piece: Features) -> int:
    real = piece.spans[:, 1] > piece.spans[:, 0]
    return int(piece.spans[real, 0].min())


class _Taken:
    """Places of a text that mentions stand in."""

    def __init__(self, mentions: Iterable[ReadMention]) -> None:
        self._spans = sorted((mention.start, mention.end) for mention in mentions)

    def add(self, mention: ReadMention) -> bool:
        """Take the place of a mention; return False where another one stands."""
        at = bisect_left(self._spans, (mention.start, mention.end))
        before = at == 0 or self._spans[at - 1][1] <= mention.start
        after = at == len(self._spans) or mention.end <= self._spans[at][0]
        if before and after:
            self._spans.insert(at, (mention.start, mention.end))
        return before and after


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
