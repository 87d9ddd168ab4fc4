"""From the scores of a compact model to mentions and triples.

Scores are logits: 0 is where the model thinks yes and no alike. `Settings` says how a score reads as a probability, and
from where on a type or relation is stated.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kgbuilder.extract.compact.features import Features, sentence_ends

__all__ = [
    "N_PAIR_FEATURES",
    "Calibration",
    "PairCalibration",
    "Pairs",
    "ReadMention",
    "ReadTriple",
    "Reading",
    "Settings",
    "Span",
    "apart",
    "candidate_pairs",
    "decide",
    "decode_spans",
    "narrowed",
    "pair_features",
]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

N_PAIR_FEATURES = 3
"""See `pair_features`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt scaling: the probability of a score s is 1 / (1 + e^-(slope * s + offset))."""

    slope: float = 1.0
    offset: float = 0.0

    def probability(self, score: float) -> float:
        return float(1.0 / (1.0 + np.exp(-np.clip(self.slope * score + self.offset, -30.0, 30.0))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairCalibration:
    """Logistic regression on the score of a triple, the `pair_features` of its arguments, and its relation.

    `slopes` (1 + N_PAIR_FEATURES,), `offsets` (n_relations,).
    """

    slopes: FloatArray
    offsets: FloatArray

    def logits(self, scores: FloatArray, features: FloatArray) -> FloatArray:
        """Return the logits of the probabilities; `scores` (n_pairs, n_relations), `features` of the pairs."""
        found: FloatArray = self.slopes[0] * scores + (features @ self.slopes[1:])[:, None] + self.offsets
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settings:
    """How the numbers of a model read.

    `allowed` (n_types, n_types, n_relations) says which relations a pair of types may stand in. A type's threshold is a
    score, a relation's the logit of a probability. `across_sentences` is taken from that logit where a sentence ends
    between both arguments: what is trained on keeps to its subject there, documents do not.
    """

    types: tuple[str, ...]
    relations: tuple[str, ...]
    symmetric: frozenset[int]
    allowed: npt.NDArray[np.bool_]
    type_thresholds: FloatArray
    relation_thresholds: FloatArray
    type_calibration: Calibration
    relation_calibration: PairCalibration
    across_sentences: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Tokens `first` to `last`, both included, of type number `type` with a logit."""

    first: int
    last: int
    type: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Ordered pairs of spans by number, (n_pairs,) each, and their logits (n_pairs, n_relations)."""

    head: IntArray
    tail: IntArray
    scores: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMention:
    """A span of code points with the id of its type; `score` is a probability."""

    start: int
    end: int
    type: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTriple:
    """A relation, by id, between two mentions by their places in the reading; `score` is a probability."""

    head: int
    relation: str
    tail: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a model finds in a text: mentions in order, without overlap, and triples between them."""

    mentions: tuple[ReadMention, ...]
    triples: tuple[ReadTriple, ...]


def decode_spans(scores: FloatArray, features: Features, thresholds: FloatArray) -> list[Span]:
    """Take spans by score, highest first, that overlap none taken before; return them in order.

    `scores` (n_tokens, width, n_types), `thresholds` (n_types,).
    """
    n_tokens = len(features)
    over = scores[:n_tokens] - thresholds
    cells = np.argwhere(over.max(-1) > 0)
    found = [
        (float(over[first, w].max()), int(first), int(first + w), int(over[first, w].argmax()))
        for first, w in cells
        if first + w < n_tokens
    ]
    real = features.spans[:, 1] > features.spans[:, 0]
    taken = np.zeros(n_tokens, bool)
    spans = []
    for _, first, last, type_ in sorted(found, key=lambda item: (-item[0], item[1:])):
        if real[first] and real[last] and not taken[first : last + 1].any():
            taken[first : last + 1] = True
            spans.append(Span(first=first, last=last, type=type_, score=float(scores[first, last - first, type_])))
    return sorted(spans)


def pair_features(spans: Sequence[Span], head: IntArray, tail: IntArray) -> FloatArray:
    """Return what a model's score of a pair does not say well, (n_pairs, N_PAIR_FEATURES): the lower score of both
    spans; how far they are apart; how many spans between them have the type of one of them. Of both the logarithm.
    """
    firsts, lasts = np.array([span.first for span in spans]), np.array([span.last for span in spans])
    certain = np.array([span.score for span in spans], np.float32)
    types = np.array([span.type for span in spans])
    before = np.zeros((len(spans) + 1, int(types.max(initial=0)) + 1))
    before[np.arange(len(spans)) + 1, types] = 1.0
    before = before.cumsum(0)
    low, high = np.minimum(head, tail), np.maximum(head, tail)
    gap = np.maximum(firsts[high] - lasts[low] - 1, 0)
    rivals = sum(before[high, types[side]] - before[low + 1, types[side]] for side in (head, tail))
    columns = np.minimum(certain[head], certain[tail]), np.log1p(gap), np.log1p(rivals)
    found: FloatArray = np.stack(columns, 1).astype(np.float32)
    return found


def apart(mentions: Iterable[ReadMention]) -> Iterator[ReadMention]:
    """Yield mentions in text order but for those that overlap one before; of two that begin together the longer."""
    end = 0
    for mention in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if mention.start >= end:
            yield mention
            end = mention.end


def candidate_pairs(spans: Sequence[Span], allowed: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Return heads and tails of the ordered pairs of spans whose types some relation allows."""
    if not spans:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    types = np.array([span.type for span in spans])
    possible = allowed.any(-1)[types][:, types]
    np.fill_diagonal(possible, False)
    head, tail = np.nonzero(possible)
    return head, tail


def decide(features: Features, spans: Sequence[Span], pairs: Pairs, settings: Settings) -> Reading:
    """State what is over its threshold and allowed by its types; a symmetric relation once, from the first mention."""
    mentions = tuple(
        ReadMention(
            start=int(features.spans[span.first, 0]),
            end=int(features.spans[span.last, 1]),
            type=settings.types[span.type],
            score=settings.type_calibration.probability(span.score),
        )
        for span in spans
    )
    best: dict[tuple[int, int, int], float] = {}
    if len(pairs.head):
        types = np.array([span.type for span in spans])
        features_of_pairs = pair_features(spans, pairs.head, pairs.tail)
        logits = settings.relation_calibration.logits(pairs.scores, features_of_pairs)
        fits = settings.allowed[types[pairs.head], types[pairs.tail]]
        stated = (logits > settings.relation_thresholds) & fits
        if settings.across_sentences and stated.any():
            logits -= settings.across_sentences * _across(features, spans, pairs)[:, None]
            stated &= logits > settings.relation_thresholds
        for n, relation in np.argwhere(stated):
            head, tail = int(pairs.head[n]), int(pairs.tail[n])
            if int(relation) in settings.symmetric:
                head, tail = min(head, tail), max(head, tail)
            key = (head, int(relation), tail)
            best[key] = max(best.get(key, -np.inf), float(logits[n, relation]))
    triples = tuple(
        ReadTriple(
            head=head,
            relation=settings.relations[relation],
            tail=tail,
            score=Calibration().probability(score),
        )
        for (head, relation, tail), score in sorted(best.items())
    )
    return Reading(mentions=mentions, triples=triples)


def _across(features: Features, spans: Sequence[Span], pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Return for each pair whether a sentence ends between its spans."""
    ends = sentence_ends(features)
    firsts, lasts = np.array([span.first for span in spans]), np.array([span.last for span in spans])
    low, high = np.minimum(pairs.head, pairs.tail), np.maximum(pairs.head, pairs.tail)
    found: npt.NDArray[np.bool_] = np.searchsorted(ends, firsts[high], "right") > np.searchsorted(
        ends, lasts[low], "right"
    )
    return found


def narrowed(settings: Settings, types: Iterable[str], relations: Iterable[str]) -> Settings:
    """Return settings by which only these types and relations come out."""
    wanted_types, wanted = frozenset(types), frozenset(relations)
    never = np.float32(np.inf)
    return replace(
        settings,
        type_thresholds=np.where([t in wanted_types for t in settings.types], settings.type_thresholds, never),
        relation_thresholds=np.where([r in wanted for r in settings.relations], settings.relation_thresholds, never),
    )
