"""Vectors, thresholds and probabilities, against what is known."""

import numpy as np
import pytest

from training.compact.measure import fit_platt
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


def test_distances_fall_into_rising_buckets():
    ids = distance_ids().tolist()
    assert ids == sorted(ids)
    assert (ids[0], ids[1], ids[2], ids[-1]) == (0, 0, 1, 5)


def test_rotary_positions_keep_lengths():
    cosines, sines = rope_tables(10, 8)
    assert np.allclose(cosines**2 + sines**2, 1.0, atol=1e-6)
