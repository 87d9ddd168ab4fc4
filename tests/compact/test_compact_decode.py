"""Scores to mentions and triples, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from kgbuilder.extract.compact.decode import (
    Calibration,
    PairCalibration,
    Pairs,
    Settings,
    Span,
    candidate_pairs,
    decide,
    decode_spans,
    narrowed,
    pair_features,
)
from kgbuilder.extract.compact.features import Features

TYPES = ("PER", "ORG")
RELATIONS = ("spouse", "employer")


def text_features(text="甲乙丙丁"):
    spans = np.array([(n, n + 1) for n in range(len(text))], np.int32)
    return Features(
        text=text, ids=np.zeros((len(text), 1), np.int32), bits=np.zeros((len(text), 0), np.uint8), spans=spans
    )


def make_settings(threshold=0.0):
    allowed = np.zeros((2, 2, 2), bool)
    allowed[0, 0, 0] = allowed[0, 1, 1] = True
    return Settings(
        types=TYPES,
        relations=RELATIONS,
        symmetric=frozenset({0}),
        allowed=allowed,
        type_thresholds=np.zeros(2, np.float32),
        relation_thresholds=np.full(2, threshold, np.float32),
        type_calibration=Calibration(),
        relation_calibration=PairCalibration(
            slopes=np.array([2.0, 0.5, 0.0, 0.0], np.float32), offsets=np.array([1.0, -1.0], np.float32)
        ),
    )


def scores(**cells):
    found = np.full((4, 3, 2), -5.0, np.float32)
    for cell, score in cells.items():
        first, width, type_ = (int(digit) for digit in cell[1:])
        found[first, width, type_] = score
    return found


def test_of_spans_that_overlap_the_highest_stays():
    spans = decode_spans(scores(_010=2.0, _100=3.0, _301=1.0), text_features(), np.zeros(2, np.float32))
    assert spans == [Span(first=1, last=1, type=0, score=3.0), Span(first=3, last=3, type=1, score=1.0)]


def test_a_type_below_its_threshold_does_not_come_out():
    spans = decode_spans(scores(_000=1.0, _001=0.5), text_features(), np.array([2.0, 0.0], np.float32))
    assert [span.type for span in spans] == [1]


def test_a_token_that_stands_for_nothing_is_in_no_span():
    features = text_features()
    features.spans[0] = 0
    assert decode_spans(scores(_000=9.0), features, np.zeros(2, np.float32)) == []


def test_only_pairs_that_some_relation_allows_are_candidates():
    spans = [Span(first=0, last=0, type=0, score=1.0), Span(first=2, last=2, type=1, score=1.0)]
    head, tail = candidate_pairs(spans, make_settings().allowed)
    assert (head.tolist(), tail.tolist()) == ([0], [1])


def test_a_symmetric_relation_is_stated_once_from_the_first_mention():
    spans = [Span(first=0, last=0, type=0, score=1.0), Span(first=2, last=2, type=0, score=1.0)]
    pairs = Pairs(head=np.array([0, 1]), tail=np.array([1, 0]), scores=np.array([[0.5, 9.0], [1.5, 9.0]], np.float32))
    reading = decide(text_features(), spans, pairs, make_settings())
    assert [(t.head, t.relation, t.tail) for t in reading.triples] == [(0, "spouse", 1)]
    # 2 * 1.5 for its score, 0.5 * 1 for its arguments, 1 for the relation.
    assert reading.triples[0].score == pytest.approx(1 / (1 + np.exp(-4.5)))


def test_a_triple_is_as_sure_as_the_less_sure_of_its_arguments():
    spans = [Span(first=0, last=0, type=0, score=9.0), Span(first=2, last=2, type=1, score=-1.0)]
    pairs = Pairs(head=np.array([0]), tail=np.array([1]), scores=np.array([[0.0, 1.0]], np.float32))
    [triple] = decide(text_features(), spans, pairs, make_settings()).triples
    # 2 * 1 - 0.5 * 1 - 1
    assert triple.score == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert not decide(text_features(), spans, pairs, make_settings(threshold=0.6)).triples


def test_a_triple_across_sentences_needs_more():
    spans = [Span(first=0, last=0, type=0, score=9.0), Span(first=3, last=3, type=1, score=9.0)]
    pairs = Pairs(head=np.array([0]), tail=np.array([1]), scores=np.array([[0.0, 1.0]], np.float32))
    cautious = replace(make_settings(), across_sentences=4.0)
    [apart] = decide(
        text_features("甲。乙丁"), spans, pairs, replace(cautious, relation_thresholds=np.full(2, -9.0))
    ).triples
    [together] = decide(text_features("甲，乙丁"), spans, pairs, cautious).triples
    assert np.log(together.score / (1 - together.score)) - np.log(apart.score / (1 - apart.score)) == pytest.approx(4.0)
    inside = [Span(first=0, last=1, type=0, score=9.0), Span(first=2, last=3, type=1, score=9.0)]
    assert decide(text_features("甲。乙。"), inside, pairs, cautious).triples[0].score < together.score


def test_features_of_a_pair_are_certainty_distance_and_rivals():
    places = [(0, 0, 0, 3.0), (1, 1, 1, 2.0), (3, 4, 0, 1.0), (6, 6, 1, 5.0)]
    spans = [Span(first=first, last=last, type=type_, score=score) for first, last, type_, score in places]
    found = pair_features(spans, np.array([0, 3, 2]), np.array([3, 0, 0]))
    expected = [[3.0, np.log(6), np.log(3)], [3.0, np.log(6), np.log(3)], [1.0, np.log(3), 0.0]]
    assert np.allclose(found, expected)


def test_mentions_are_code_points_of_the_text():
    reading = decide(
        text_features("😀𠮷丙丁"),
        [Span(first=1, last=2, type=0, score=0.0)],
        Pairs(head=np.zeros(0, int), tail=np.zeros(0, int), scores=np.zeros((0, 2), np.float32)),
        make_settings(),
    )
    mention = reading.mentions[0]
    assert ("😀𠮷丙丁"[mention.start : mention.end], mention.type, mention.score) == ("𠮷丙", "PER", 0.5)


def test_narrowed_settings_let_only_what_is_asked_for_out():
    settings = narrowed(make_settings(), ["PER"], ["employer"])
    spans = decode_spans(scores(_000=9.0, _201=9.0), text_features(), settings.type_thresholds)
    assert [span.type for span in spans] == [0]
    assert settings.relation_thresholds.tolist() == [np.inf, 0.0]
