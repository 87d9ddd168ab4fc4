"""Vectors, thresholds and probabilities, against what is known."""

import numpy as np
import pytest

from training.compact.measure import Judged, fit_pairs, fit_platt, precise_threshold
from training.compact.tables import distance_ids, rope_tables
from training.compact.vectors import character_vectors, truncated_svd


def test_the_randomised_svd_agrees_with_the_exact_one():
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(60, 8)) @ rng.normal(size=(8, 40))).astype(np.float32)
    left, values = truncated_svd(matrix, 8)
    exact = np.linalg.svd(matrix, compute_uv=False)[:8]
    assert np.allclose(values, exact, rtol=1e-3)
    assert np.allclose(left.T @ left, np.eye(8), atol=1e-3)


def test_characters_of_the_same_places_have_near_vectors():
    rng = np.random.default_rng(0)
    # 2 and 3 stand before 6, 4 and 5 before 7.
    texts = [[int(rng.choice([2, 3])), 6] if rng.random() < 0.5 else [int(rng.choice([4, 5])), 7] for _ in range(400)]
    vectors = character_vectors(texts, 8, 4)
    near, far = np.linalg.norm(vectors[2] - vectors[3]), np.linalg.norm(vectors[2] - vectors[4])
    assert near < 0.5 * far


def test_platt_scaling_finds_the_curve_that_made_the_scores():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000) * 2
    right = rng.random(20_000) < 1 / (1 + np.exp(-(1.5 * scores - 0.5)))
    slope, offset = fit_platt(list(zip(scores.tolist(), right.tolist(), strict=True)))
    assert slope == pytest.approx(1.5, abs=0.1)
    assert offset == pytest.approx(-0.5, abs=0.1)


def test_platt_scaling_of_scores_that_are_all_right_is_left_alone():
    assert fit_platt([(1.0, True)]) == (1.0, 0.0)


def judged(n, seed=0):
    """Triples of three relations whose probability is known."""
    rng = np.random.default_rng(seed)
    relations = rng.integers(0, 3, n)
    scores, features = rng.normal(size=n) * 2, rng.normal(size=(n, 3)) * 2
    logits = 1.5 * scores + features @ np.array([0.5, -0.3, 0.0]) + np.array([-1.0, 0.0, 1.0])[relations]
    right = rng.random(n) < 1 / (1 + np.exp(-logits))
    return Judged(
        scores=scores.astype(np.float32),
        features=features.astype(np.float32),
        relations=relations,
        right=right,
        examples=np.arange(n) // 5,
    )


def test_the_calibration_of_pairs_finds_the_curve_that_made_the_scores():
    fit = fit_pairs(judged(20_000), 3)
    assert fit.slopes.tolist() == pytest.approx([1.5, 0.5, -0.3, 0.0], abs=0.1)
    assert fit.offsets.tolist() == pytest.approx([-1.0, 0.0, 1.0], abs=0.2)


def test_a_relation_that_was_hardly_seen_is_like_the_others():
    seen = judged(2_000)
    fit = fit_pairs(seen.of(seen.relations != 2), 3)
    assert fit.offsets[2] == pytest.approx(fit.offsets[:2].mean(), abs=0.3)


@pytest.mark.parametrize("target", [0.7, 0.8, 0.9])
def test_over_the_threshold_new_triples_are_as_precise_as_was_asked(target):
    threshold = precise_threshold(judged(20_000), 3, target)
    fit, new = fit_pairs(judged(20_000), 3), judged(20_000, seed=1)
    logits = fit.logits(new.scores[:, None], new.features)[np.arange(20_000), new.relations]
    stated = logits > threshold
    assert stated.any()
    assert new.right[stated].mean() > target - 0.02
    # Precision alone would let in what is hardly better than a guess.
    assert threshold >= 0.0


def test_without_triples_or_without_errors_there_is_a_fit_too():
    empty = judged(5).of(np.zeros(5, bool))
    assert precise_threshold(empty, 3, 0.8) == 0.0
    assert fit_pairs(empty, 3).slopes.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_distances_fall_into_rising_buckets():
    ids = distance_ids().tolist()
    assert ids == sorted(ids)
    assert (ids[0], ids[1], ids[2], ids[-1]) == (0, 0, 1, 5)


def test_rotary_positions_keep_lengths():
    cosines, sines = rope_tables(10, 8)
    assert np.allclose(cosines**2 + sines**2, 1.0, atol=1e-6)
