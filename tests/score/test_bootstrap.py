"""Intervals over resampled documents, against what is known of the binomial, and of resampling itself."""

import math

import numpy as np
import pytest

from kgbuilder.score.bootstrap import intervals, resampled_sums
from kgbuilder.score.compare import ENTITY_ERRORS
from kgbuilder.score.tally import Score, Tally


def tally(documents: list[tuple[int, int, int]]) -> Tally:
    """A tally of documents with so many gold, predicted and right items."""
    made = Tally(ENTITY_ERRORS)
    for number, (gold, predicted, correct) in enumerate(documents):
        made.add(number, "en", "s", gold={"PER": gold}, predicted={"PER": predicted}, correct={"PER": correct})
    return made


def overall(documents: list[tuple[int, int, int]], seed: int = 0) -> Score:
    return tally(documents).scores(len(documents), seed=seed).overall


@pytest.mark.parametrize(("n", "p"), [(400, 0.5), (2_000, 0.9), (1_000, 0.1)])
def test_the_interval_of_a_known_binomial(n: int, p: float) -> None:
    n_right = round(n * p)
    score = overall([(1, 1, 1)] * n_right + [(1, 1, 0)] * (n - n_right))
    assert score.bootstrap
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    for low, high in (score.bootstrap.precision, score.bootstrap.recall, score.bootstrap.f1):
        assert low == pytest.approx(p - half, abs=0.15 * half)
        assert high == pytest.approx(p + half, abs=0.15 * half)


def test_documents_are_drawn_not_items() -> None:
    """Twenty answers that stand or fall together say as little as one."""
    apart = overall([(1, 1, n % 2) for n in range(1_000)]).bootstrap
    together = overall([(20, 20, 20 * (n % 2)) for n in range(50)]).bootstrap
    assert apart
    assert together
    width = apart.precision[1] - apart.precision[0]
    assert together.precision[1] - together.precision[0] == pytest.approx(width * math.sqrt(20), rel=0.2)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    documents = [(3, 2, n % 3) for n in range(50)]
    assert overall(documents) == overall(documents)
    assert overall(documents, seed=1).bootstrap != overall(documents).bootstrap


def test_each_resample_draws_as_many_documents_as_there_are() -> None:
    n = 30
    weights = resampled_sums(np.arange(n), np.eye(n), np.array([0, n]), n_documents=n, n_resamples=200)[0]
    assert weights.sum(1).tolist() == [n] * 200
    assert weights.mean() == pytest.approx(1.0)
    # Of a multinomial: variance (1 - 1/n).
    assert weights.var() == pytest.approx(1 - 1 / n, rel=0.05)


def test_groups_are_drawn_together_and_blocks_of_draws_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    documents, counts = np.array([0, 1, 2, 3, 1, 3]), np.arange(18.0).reshape(6, 3)
    bounds = np.array([0, 4, 6])
    sums = resampled_sums(documents, counts, bounds, n_documents=5, n_resamples=40)
    alone = resampled_sums(documents[4:], counts[4:], np.array([0, 2]), n_documents=5, n_resamples=40)
    assert np.array_equal(sums[1], alone[0])
    weights = resampled_sums(np.arange(5), np.eye(5), np.array([0, 5]), n_documents=5, n_resamples=40)[0]
    assert np.allclose(sums[0], weights[:, [0, 1, 2, 3]] @ counts[:4])
    monkeypatch.setattr("kgbuilder.score.bootstrap._MAX_DRAWS", 35)
    assert resampled_sums(documents, counts, bounds, n_documents=5, n_resamples=40).shape == (2, 40, 3)


def test_what_is_never_defined_may_be_anything() -> None:
    found = intervals(np.zeros((10, 3)))
    assert (found.precision, found.recall, found.f1) == ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))


def test_resamples_without_a_prediction_say_nothing_about_precision() -> None:
    score = overall([(1, 1, 1)] + [(1, 0, 0)] * 3)
    assert score.bootstrap
    assert score.bootstrap.precision == (1.0, 1.0)
    assert score.bootstrap.recall[0] == 0.0


def test_nothing_to_count_has_no_interval() -> None:
    scores = Tally(ENTITY_ERRORS).scores(0)
    assert (scores.overall.n, scores.overall.bootstrap) == (0, None)
    assert tally([(1, 1, 1)]).scores(1, n_resamples=0).overall.bootstrap is None


def test_sums_are_by_language_source_and_type() -> None:
    made = Tally(ENTITY_ERRORS)
    made.add(0, "en", "a", gold={"PER": 2, "LOC": 1}, predicted={"PER": 1}, correct={"PER": 1})
    made.add(1, "zh", "a", gold={"LOC": 3}, predicted={"LOC": 4, "ORG": 1}, correct={"LOC": 2})
    scores = made.scores(2)
    found = {
        name: (s.n, s.n_predicted, s.n_correct)
        for part in (scores.by_language, scores.by_source, scores.by_type)
        for name, s in part.items()
    }
    assert (scores.overall.n, scores.overall.n_predicted, scores.overall.n_correct) == (6, 6, 3)
    assert found == {
        "en": (3, 1, 1),
        "zh": (3, 5, 2),
        "a": (6, 6, 3),
        "LOC": (4, 4, 2),
        "ORG": (0, 1, 0),
        "PER": (2, 1, 1),
    }
    assert list(scores.by_type) == ["LOC", "ORG", "PER"]
