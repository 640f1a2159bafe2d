# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every metric against a reference in plain loops, on ordinary and on adversarial maps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.alignment import align_disparity
from depth_anything_hf.metrics import DEPTH_METRICS, METRICS, depth_metrics, ordinal_accuracy, pairwise_agreement


def reference_depth_metrics(prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    sums = dict.fromkeys(["abs", "sq", "square", "log", "log_square", "log10", "d1", "d2", "d3"], 0.0)
    count = 0
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            if not mask[row, column]:
                continue
            p, t = float(prediction[row, column]), float(depth[row, column])
            count += 1
            sums["abs"] += abs(p - t) / t
            sums["sq"] += (p - t) ** 2 / t
            sums["square"] += (p - t) ** 2
            sums["log"] += math.log(p / t)
            sums["log_square"] += math.log(p / t) ** 2
            sums["log10"] += abs(math.log10(p / t))
            for power in (1, 2, 3):
                sums[f"d{power}"] += max(p / t, t / p) < 1.25**power
    mean = {key: value / count for key, value in sums.items()}
    return {
        "abs_rel": mean["abs"],
        "sq_rel": mean["sq"],
        "rmse": math.sqrt(mean["square"]),
        "rmse_log": math.sqrt(mean["log_square"]),
        "log10": mean["log10"],
        "silog": 100 * math.sqrt(max(0.0, mean["log_square"] - mean["log"] ** 2)),
        "delta1": mean["d1"],
        "delta2": mean["d2"],
        "delta3": mean["d3"],
    }


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


def make_maps(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    depth = np.exp(random.uniform(-1, 4, (29, 37))).astype(np.float32)
    disparity = (1 / depth + random.normal(0, 0.2, depth.shape)).astype(np.float32)
    mask = random.random(depth.shape) < 0.8
    if kind == "one per cent valid":
        mask = random.random(depth.shape) < 0.01
        mask[3, 4] = True
    elif kind == "single valid pixel":
        mask = np.zeros(depth.shape, dtype=bool)
        mask[5, 6] = True
    elif kind == "constant prediction":
        disparity = np.full(depth.shape, 0.1, dtype=np.float32)
    elif kind == "constant label":
        depth = np.full(depth.shape, 3.7, dtype=np.float32)
    elif kind == "negative aligned disparity":
        # A few very near pixels pull the line so steep that far ones fall below zero.
        depth[0, :3] = 0.01
        mask[0, :3] = True
        disparity = (-np.log(depth) + random.normal(0, 1.0, depth.shape)).astype(np.float32)
    depth[~mask] = np.nan
    return disparity, depth, mask


KINDS = [
    "random",
    "one per cent valid",
    "single valid pixel",
    "constant prediction",
    "constant label",
    "negative aligned disparity",
]


@pytest.mark.parametrize("kind", KINDS)
def test_depth_metrics_equal_the_reference(kind: str) -> None:
    disparity, depth, mask = make_maps(kind)
    aligned, clamped_share = align_disparity(disparity, depth, mask, 1e-3, 80)
    assert (clamped_share > 0) == (kind in ("random", "negative aligned disparity"))
    found, expected = depth_metrics(aligned, depth, mask), reference_depth_metrics(aligned, depth, mask)
    assert set(found) == set(expected) == set(DEPTH_METRICS)
    for name in expected:
        # The reference for silog subtracts two nearly equal numbers, hence the absolute tolerance of its square root.
        assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-5 if name == "silog" else 1e-9), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("single valid pixel", "constant label")])
@pytest.mark.parametrize("seed", [0, 5])
def test_ordinal_accuracy_equals_the_reference(kind: str, seed: int) -> None:
    disparity, depth, mask = make_maps(kind)
    disparity = np.round(disparity, 1)  # makes ties
    found = ordinal_accuracy(disparity, depth, mask, pairs=700, min_ratio=1.3, seed=seed)
    assert found == pytest.approx(reference_order(disparity, depth, mask, 700, 1.3, seed), rel=1e-9)


def test_depth_metrics_by_hand() -> None:
    found = depth_metrics(np.array([[2.0, 5.0]]), np.array([[1.0, 4.0]]), np.ones((1, 2), dtype=bool))
    assert found["abs_rel"] == pytest.approx((1 + 0.25) / 2)
    assert found["sq_rel"] == pytest.approx((1 + 0.25) / 2)
    assert found["rmse"] == pytest.approx(1)
    assert found["delta1"] == 0  # 5 / 4 is exactly the threshold, which is strict
    assert found["delta2"] == 0.5
    assert found["silog"] == pytest.approx(100 * (math.log(2) - math.log(1.25)) / 2)


def test_a_perfect_prediction_up_to_scale_and_shift() -> None:
    _, depth, mask = make_maps("random")
    prediction = 40 / depth.astype(np.float64) - 3
    prediction[~mask] = 0
    aligned, _ = align_disparity(prediction, depth, mask, 1e-3, 80)
    found = depth_metrics(aligned, depth, mask)
    assert all(found[name] == 1 for name in ("delta1", "delta2", "delta3"))
    assert all(found[name] < 1e-6 for name in found if not METRICS[name].higher_is_better)
    assert ordinal_accuracy(prediction, depth, mask) == 1


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


def test_an_empty_mask_gives_nan() -> None:
    found = depth_metrics(np.zeros((2, 2)), np.full((2, 2), np.nan), np.zeros((2, 2), dtype=bool))
    assert set(found) == set(DEPTH_METRICS) and all(math.isnan(value) for value in found.values())


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


def test_the_table_of_metrics_covers_what_is_computed() -> None:
    assert set(METRICS) == {*DEPTH_METRICS, "ordinal_accuracy", "pairwise_agreement"}
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {
        "delta1",
        "delta2",
        "delta3",
        "ordinal_accuracy",
        "pairwise_agreement",
    }
    assert all(metric.name == name and metric.description for name, metric in METRICS.items())


def test_errors_say_what_is_wrong() -> None:
    disparity, depth, mask = make_maps("random")
    with pytest.raises(ValueError, match="one shape"):
        depth_metrics(disparity[1:], depth, mask)
    with pytest.raises(ValueError, match="prediction_depth must be positive"):
        depth_metrics(np.zeros(depth.shape), depth, mask)
    with pytest.raises(ValueError, match="prediction_disparity is not finite"):
        ordinal_accuracy(np.full(depth.shape, np.nan), depth, mask)
    with pytest.raises(ValueError, match="depth must be positive"):
        ordinal_accuracy(disparity, depth, np.ones_like(mask))
    with pytest.raises(ValueError, match="min_ratio"):
        ordinal_accuracy(disparity, depth, mask, min_ratio=0.9)
    with pytest.raises(ValueError, match="min_difference"):
        pairwise_agreement(disparity, disparity, min_difference=-1)
