# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of order against a reference in plain loops; ties, sky, annotated points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from label_maps import KINDS, make_maps

from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.metrics.depth import (
    depth_metrics,
)
from depth_anything_hf.metrics.ordinal import ordinal_accuracy, pairwise_agreement, point_pairs_correct


def reference_order(
    prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, pairs: int, min_ratio: float, seed: int
) -> float:
    pixels = list(zip(prediction[mask].tolist(), depth[mask].tolist(), strict=True))
    drawn = np.random.default_rng(seed).integers(0, len(pixels), size=(2, pairs))
    points, count = 0.0, 0
    for first, second in drawn.T:
        (p1, t1), (p2, t2) = pixels[first], pixels[second]
        if max(t1, t2) <= min_ratio * min(t1, t2):
            continue
        count += 1
        points += 0.5 if p1 == p2 else float((p1 > p2) == (t1 < t2))
    return points / count


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("single valid pixel", "constant label")])
@pytest.mark.parametrize("seed", [0, 5])
def test_ordinal_accuracy_equals_the_reference(kind: str, seed: int) -> None:
    disparity, depth, mask = make_maps(kind)
    disparity = np.round(disparity, 1)  # makes ties
    found = ordinal_accuracy(disparity, depth, mask, pairs=700, min_ratio=1.3, seed=seed)
    assert found == pytest.approx(reference_order(disparity, depth, mask, 700, 1.3, seed), rel=1e-9)


def test_a_reversed_prediction_is_all_wrong_in_order_though_the_alignment_forgives_it() -> None:
    _, depth, mask = make_maps("random")
    prediction = np.where(mask, -1 / depth, 0)
    assert ordinal_accuracy(prediction, depth, mask) == 0
    aligned, _ = align_disparity(prediction, depth, mask, 1e-3, 80)
    assert depth_metrics(aligned, depth, mask)["delta1"] == 1
    assert ordinal_accuracy(-np.where(mask, depth, 0), depth, mask) == 1  # a depth prediction, negated


def test_ordinal_accuracy_of_constant_sky_and_unclear_pairs() -> None:
    _, depth, mask = make_maps("random")
    assert ordinal_accuracy(np.zeros(depth.shape), depth, mask) == 0.5
    everywhere = np.ones((1, 4), dtype=bool)
    sky = np.array([[2.0, np.inf, np.inf, 2.0]])
    assert ordinal_accuracy(np.array([[1.0, 0.0, 0.0, 1.0]]), sky, everywhere, pairs=200) == 1
    close = np.array([[2.0, 2.1, 2.05, 2.0]])
    assert math.isnan(ordinal_accuracy(close, close, everywhere))
    assert math.isnan(ordinal_accuracy(close, close, np.zeros((1, 4), dtype=bool)))


def test_agreement_is_the_share_of_pairs_in_the_same_order() -> None:
    random = np.random.default_rng(3)
    teacher = random.random((20, 20))
    assert pairwise_agreement(5 * teacher - 2, teacher) == 1
    assert pairwise_agreement(-teacher, teacher) == 0
    assert pairwise_agreement(np.zeros((20, 20)), teacher) == 0.5
    assert pairwise_agreement(random.random((20, 20)), teacher) == pytest.approx(0.5, abs=0.05)
    assert math.isnan(pairwise_agreement(teacher, np.ones((20, 20))))

    student = teacher + random.normal(0, 0.1, teacher.shape)
    drawn = np.random.default_rng(8).integers(0, 400, size=(2, 900))
    points, count = 0, 0
    spread = teacher.max() - teacher.min()
    for first, second in drawn.T:
        if abs(teacher.flat[first] - teacher.flat[second]) > 0.05 * spread:
            count += 1
            points += (student.flat[first] > student.flat[second]) == (teacher.flat[first] > teacher.flat[second])
    assert pairwise_agreement(student, teacher, pairs=900, seed=8) == pytest.approx(points / count, rel=1e-9)


def test_agreement_counts_the_pairs_that_the_depth_orders_clearly() -> None:
    depth = np.array([[1.0, 1.05, 9.0, np.nan]])
    teacher = np.array([[3.0, 1.0, 2.0, np.nan]])
    # Clear pairs are (0, 2) and (1, 2); the student agrees on the first and ties the second.
    student = np.array([[5.0, 2.0, 2.0, np.nan]])
    found = pairwise_agreement(student, teacher, pairs=40000, depth=depth)
    assert found == pytest.approx(0.75, abs=0.02)
    assert pairwise_agreement(teacher, teacher, depth=depth) == 1


def test_the_same_seed_gives_the_same_pairs() -> None:
    disparity, depth, mask = make_maps("random")
    one = [ordinal_accuracy(disparity, depth, mask, pairs=50, seed=seed) for seed in (0, 0, 1)]
    assert one[0] == one[1] != one[2]


def test_point_pairs_want_a_strictly_larger_value_at_the_nearer_point() -> None:
    disparity = np.array([[3.0, 1.0, 2.0], [2.0, 0.0, 5.0]])
    nearer, farther = np.array([[0, 0], [0, 2], [1, 1]]), np.array([[0, 1], [1, 0], [1, 2]])
    assert point_pairs_correct(disparity, nearer, farther).tolist() == [True, False, False]
    assert point_pairs_correct(-disparity, nearer, farther).tolist() == [False, False, True]
    assert point_pairs_correct(disparity, np.zeros((0, 2), int), np.zeros((0, 2), int)).shape == (0,)
    with pytest.raises(ValueError, match=r"farther\[1\] is row 2, column 0, outside the map of 2 rows and 3 columns"):
        point_pairs_correct(disparity, nearer[:2], np.array([[0, 0], [2, 0]]))
    with pytest.raises(ValueError, match="the same length, got 3 and 2 points"):
        point_pairs_correct(disparity, nearer, farther[:2])
    with pytest.raises(ValueError, match="NaN at an annotated point"):
        point_pairs_correct(np.full((2, 3), np.nan), nearer, farther)
