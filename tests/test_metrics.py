# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every metric against a reference in plain loops, on ordinary and on adversarial maps."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.feature import canny

from depth_anything_hf.geometry.alignment import align_depth, align_disparity, align_median
from depth_anything_hf.metrics.boundaries import boundary_f1, canny_edges, depth_boundary_errors, depth_edges
from depth_anything_hf.metrics.depth import (
    align_prediction,
    aligned_depth_metrics,
    check_alignment,
    depth_metrics,
    prediction_fault,
)
from depth_anything_hf.metrics.hf_evaluate import DepthMetric
from depth_anything_hf.metrics.ordinal import ordinal_accuracy, pairwise_agreement, point_pairs_correct
from depth_anything_hf.metrics.table import ALIGNMENTS, DEPTH_METRICS, METRICS


def reference_depth_metrics(prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    sums = dict.fromkeys(["abs", "sq", "square", "log_square", "log10", "d1", "d2", "d3"], 0.0)
    logs: list[float] = []
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            if not mask[row, column]:
                continue
            p, t = float(prediction[row, column]), float(depth[row, column])
            logs.append(math.log(p) - math.log(t))
            sums["abs"] += abs(p - t) / t
            sums["sq"] += (p - t) ** 2 / t
            sums["square"] += (p - t) ** 2
            sums["log_square"] += math.log(p / t) ** 2
            sums["log10"] += abs(math.log10(p / t))
            for power in (1, 2, 3):
                sums[f"d{power}"] += max(p / t, t / p) < 1.25**power
    mean = {key: value / len(logs) for key, value in sums.items()}
    mean_log = math.fsum(logs) / len(logs)
    variance = math.fsum((log - mean_log) ** 2 for log in logs) / len(logs)
    return {
        "abs_rel": mean["abs"],
        "sq_rel": mean["sq"],
        "rmse": math.sqrt(mean["square"]),
        "rmse_log": math.sqrt(mean["log_square"]),
        "log10": mean["log10"],
        "silog": 100 * math.sqrt(variance),
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
        assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-9), name


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
    others = {name: metric.needs for name, metric in METRICS.items() if name not in DEPTH_METRICS}
    assert others == {
        "ordinal_accuracy": "order",
        "pairwise_agreement": "reference",
        "boundary_f1": "boundaries",
        "edge_accuracy_error": "edges",
        "edge_completeness_error": "edges",
        "pair_accuracy": "pairs",
    }
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {
        "delta1",
        "delta2",
        "delta3",
        "ordinal_accuracy",
        "pairwise_agreement",
        "boundary_f1",
        "pair_accuracy",
    }
    assert all(metric.name == name and metric.description for name, metric in METRICS.items())


def test_errors_say_what_is_wrong() -> None:
    disparity, depth, mask = make_maps("random")
    with pytest.raises(ValueError, match="the same shape"):
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


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_aligned_metrics_are_the_alignment_then_the_metrics(kind: str, alignment: Any) -> None:
    disparity, depth, mask = make_maps(kind)
    prediction = np.exp(-disparity).astype(np.float32)  # a depth, positive everywhere
    found = aligned_depth_metrics(prediction, depth, mask, alignment, "depth", 0.3, 45)
    inside = mask & (depth > 0)
    wide = prediction.astype(np.float64)
    if alignment == "none":
        aligned = np.clip(wide, 0.3, 45)
        outside = [not 0.3 <= value <= 45 for value in wide[inside].tolist()]
        share = sum(outside) / len(outside)
    else:
        align = {"disparity": align_disparity, "depth": align_depth, "median": align_median}[alignment]
        aligned, share = align(1 / wide if alignment == "disparity" else wide, depth, mask, 0.3, 45)
    assert found.pop("clamped_share") == pytest.approx(share, abs=1e-12)
    expected = reference_depth_metrics(aligned, depth, mask)
    assert found == {name: pytest.approx(value, rel=1e-6, abs=1e-9) for name, value in expected.items()}
    if alignment == "disparity":
        again = aligned_depth_metrics(1 / wide, depth, mask, "disparity", "disparity", 0.3, 45)
        assert again == {**found, "clamped_share": share}


def test_which_predictions_can_be_aligned() -> None:
    for alignment in ALIGNMENTS:
        check_alignment(alignment, "depth")
    check_alignment("disparity", "disparity")
    with pytest.raises(ValueError, match="use alignment='disparity'"):
        check_alignment("median", "disparity")
    with pytest.raises(ValueError, match=r"alignment must be one of \['disparity', 'depth', 'median', 'none'\]"):
        check_alignment("affine", "depth")
    with pytest.raises(ValueError, match="prediction_kind must be"):
        check_alignment("disparity", "metres")

    everywhere = np.ones((1, 3), dtype=bool)
    assert prediction_fault(np.array([[1.0, -2, 0]]), everywhere, "disparity", "disparity") == ""
    assert prediction_fault(np.array([[1.0, -2, 0]]), everywhere, "none", "depth") == ""
    assert "not positive at 2 of 3" in prediction_fault(np.array([[1.0, -2, 0]]), everywhere, "disparity", "depth")
    assert "has the median -1.0" in prediction_fault(np.array([[1.0, -2, -1]]), everywhere, "median", "depth")
    assert "not finite at 1 of 3" in prediction_fault(np.array([[1.0, np.nan, 0]]), everywhere, "depth", "depth")
    with pytest.raises(ValueError, match="not positive at 2 of 3 valid pixels"):
        align_prediction(np.array([[1.0, -2, 0]]), np.ones((1, 3)), everywhere, "disparity", "depth", 1, 2)
    with pytest.raises(ValueError, match="min_depth < max_depth"):
        align_prediction(np.ones((1, 3)), np.ones((1, 3)), everywhere, "none", "depth", 2, 1)


def smooth_depth(seed: int, height: int = 33, width: int = 41) -> np.ndarray:
    """Depth with slopes, two steps and a little noise, so that every threshold finds something."""
    random = np.random.default_rng(seed)
    depth = np.exp(cv2.GaussianBlur(random.normal(size=(height, width)), (0, 0), 2) * 2 + 1)
    depth[8:20, 10:25] *= 0.4
    depth[15:30, 20:38] *= 1.9
    return depth


def reference_boundary_f1(prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> float:
    """On inverse depth, pixel by pixel."""
    height, width = depth.shape
    score = weights = 0.0
    any_contour = False
    for step in range(10):
        threshold = 1.05 + step * 0.2 / 9
        precision = recall = 0.0
        for row_step, column_step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            counts = {"both": 0, "predicted": 0, "true": 0}
            for row in range(height):
                for column in range(width):
                    other = (row + row_step, column + column_step)
                    if not (0 <= other[0] < height and 0 <= other[1] < width):
                        continue
                    if not (mask[row, column] and mask[other]):
                        continue
                    contours = []
                    for values in (prediction, depth):
                        far, near = 1 / float(values[row, column]), 1 / float(values[other])
                        contours.append(near > threshold * far)
                    counts["predicted"] += contours[0]
                    counts["true"] += contours[1]
                    counts["both"] += all(contours)
            precision += counts["both"] / max(counts["predicted"], 1) / 4
            recall += counts["both"] / max(counts["true"], 1) / 4
            any_contour = any_contour or counts["true"] > 0
        f1 = 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)
        score += threshold * f1
        weights += threshold
    return score / weights if any_contour else math.nan


@pytest.mark.parametrize("valid_share", [1.0, 0.8, 0.01])
@pytest.mark.parametrize("kind", ["random", "constant prediction", "constant label", "sky"])
def test_boundary_f1_equals_the_reference(kind: str, valid_share: float) -> None:
    random = np.random.default_rng(2)
    depth = smooth_depth(1, 21, 27)
    prediction = depth * np.exp(random.normal(0, 0.06, depth.shape))
    mask = random.random(depth.shape) < valid_share
    mask[4, 4:6] = True
    if kind == "constant prediction":
        prediction = np.full(depth.shape, 2.0)
    elif kind == "constant label":
        depth = np.full(depth.shape, 2.0)
    elif kind == "sky":
        depth[:7] = np.inf
        prediction[:6] = 80
    found = boundary_f1(prediction, depth, mask)
    assert found == pytest.approx(reference_boundary_f1(prediction, depth, mask), rel=1e-6, nan_ok=True)
    assert math.isnan(found) == (kind == "constant label" or (valid_share == 0.01 and math.isnan(found)))


def test_boundary_f1_of_perfect_scaled_shifted_and_blurred_maps() -> None:
    depth = smooth_depth(3)
    everywhere = np.ones(depth.shape, dtype=bool)
    assert boundary_f1(depth, depth, everywhere) == 1
    assert boundary_f1(depth * 1e3, depth, everywhere) == 1
    assert boundary_f1(cv2.GaussianBlur(depth, (0, 0), 2), depth, everywhere) < 0.5
    step = np.where(np.arange(41) < 20, 2.0, 5.0) * np.ones((33, 1))
    assert boundary_f1(step, step, everywhere) == 0.25  # contours in one of the four directions
    assert boundary_f1(np.roll(step, 1, axis=1)[:, 1:], step[:, 1:], everywhere[:, 1:]) == 0
    assert math.isnan(boundary_f1(depth, depth, ~everywhere))
    with pytest.raises(ValueError, match="prediction_depth must be positive"):
        boundary_f1(-depth, depth, everywhere)
    with pytest.raises(ValueError, match="the same shape"):
        boundary_f1(depth[1:], depth, everywhere)


def test_depth_edges_are_the_near_side_of_clear_steps() -> None:
    depth = np.array([[1.0, 1.0, 2.0, np.inf, np.inf, 2.4, 3.0, np.nan]])
    edges = depth_edges(depth, ~np.isnan(depth))
    assert edges.tolist() == [[False, True, True, False, False, True, False, False]]  # 3.0 / 2.4 is not more than 1.25
    assert depth_edges(depth.T, ~np.isnan(depth).T).tolist() == edges.T.tolist()
    with pytest.raises(ValueError, match="min_ratio"):
        depth_edges(depth, ~np.isnan(depth), min_ratio=0.5)


def reference_boundary_errors(
    prediction: np.ndarray, edges: np.ndarray, mask: np.ndarray, limit: float
) -> dict[str, float]:
    """Edges by scikit-image, distances by comparing every pair of edge pixels."""
    scaled = (prediction - prediction.min()) / np.ptp(prediction)
    predicted = np.argwhere(canny(scaled, sigma=math.sqrt(2), low_threshold=0.15, high_threshold=0.3)).tolist()
    true = np.argwhere(edges).tolist()
    to_true = [
        min((math.dist(one, other) for other in true), default=math.inf) for one in predicted if mask[tuple(one)]
    ]
    to_predicted = [
        min((math.dist(one, other) for other in predicted), default=math.inf) for one in true if mask[tuple(one)]
    ]
    near = [distance for distance in to_true if distance < limit]
    if not to_predicted:
        return {"edge_accuracy_error": math.nan, "edge_completeness_error": math.nan}
    both = [min(distance, limit) for distance in to_true + to_predicted]
    return {
        "edge_accuracy_error": sum(near) / len(near) if near else limit,
        "edge_completeness_error": sum(both) / len(both) if near else limit,
    }


@pytest.mark.parametrize("limit", [10.0, 3.0])
@pytest.mark.parametrize("valid_share", [1.0, 0.7, 0.01])
def test_boundary_errors_equal_the_reference(valid_share: float, limit: float) -> None:
    random = np.random.default_rng(6)
    depth = smooth_depth(4)
    edges = depth_edges(depth, np.ones(depth.shape, dtype=bool), 1.4)
    mask = random.random(depth.shape) < valid_share
    blurred = cv2.GaussianBlur(depth, (0, 0), 1) * np.exp(random.normal(0, 0.01, depth.shape))
    for prediction in (blurred, 1e3 * smooth_depth(5) - 7e3):
        expected = reference_boundary_errors(prediction, edges, mask, limit)
        found = depth_boundary_errors(prediction, edges, mask, limit)
        assert found == {name: pytest.approx(value, rel=1e-6, nan_ok=True) for name, value in expected.items()}


def test_boundary_errors_of_exact_moved_and_missing_edges() -> None:
    step = np.where(np.arange(60) < 30, 2.0, 5.0) * np.ones((40, 1))
    edges = np.zeros(step.shape, dtype=bool)
    edges[1:-1, 29] = True
    exact = depth_boundary_errors(step, edges)
    assert exact["edge_accuracy_error"] <= 1 and exact["edge_completeness_error"] <= 1
    moved = depth_boundary_errors(np.roll(step, 4, axis=1), edges)
    assert moved["edge_accuracy_error"] == pytest.approx(exact["edge_accuracy_error"] + 4, abs=1.01)
    worst = {"edge_accuracy_error": 10.0, "edge_completeness_error": 10.0}
    assert depth_boundary_errors(np.ones(step.shape), edges) == worst
    far_away = np.where(np.arange(60) < 45, 2.0, 5.0) * np.ones((40, 1))
    assert depth_boundary_errors(far_away, edges) == worst
    nothing = depth_boundary_errors(step, np.zeros(step.shape, dtype=bool))
    assert all(math.isnan(value) for value in nothing.values())
    broken = step.copy()
    broken[3, 3] = np.nan
    with pytest.raises(ValueError, match="not finite at 1 of"):
        depth_boundary_errors(broken, edges)
    with pytest.raises(ValueError, match="max_distance_pixels"):
        depth_boundary_errors(step, edges, max_distance_pixels=0)


@pytest.mark.parametrize("seed", range(6))
def test_canny_edges_equal_scikit_images(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = cv2.GaussianBlur(random.normal(size=(50 + seed, 64)), (0, 0), 1 + seed / 2)
    scaled = (values - values.min()) / np.ptp(values)
    expected = canny(scaled, sigma=math.sqrt(2), low_threshold=0.15, high_threshold=0.3)
    assert expected.any()
    np.testing.assert_array_equal(canny_edges(values * 40 - 3), expected)


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


def images_of_different_sizes() -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(9)
    predictions, references = [], []
    for height, width in ((12, 17), (9, 30), (20, 20), (5, 6)):
        depth = np.exp(random.uniform(-1, 5, (height, width))).astype(np.float32)
        predictions.append((2 / depth + random.normal(0, 0.1, depth.shape) + 3).astype(np.float32))
        depth[random.random(depth.shape) < 0.3] = np.nan
        references.append(depth)
    return predictions, references


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_the_evaluate_adapter_gives_the_mean_of_the_images(alignment: Any, tmp_path: Path) -> None:
    predictions, references = images_of_different_sizes()
    kind: Any = "disparity" if alignment == "disparity" else "depth"
    metric = DepthMetric(
        alignment=alignment, prediction_kind=kind, min_depth=0.5, max_depth=60, cache_dir=str(tmp_path)
    )
    rows = []
    for prediction, depth in zip(predictions, references, strict=True):
        mask = (depth >= 0.5) & (depth <= 60)
        row = aligned_depth_metrics(prediction, depth, mask, alignment, kind, 0.5, 60)
        row["ordinal_accuracy"] = ordinal_accuracy(prediction if kind == "disparity" else -prediction, depth, mask)
        rows.append(row)
    metric.add_batch(predictions=predictions[:3], references=references[:3])
    metric.add(prediction=predictions[3].tolist(), reference=references[3].tolist())
    expected = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    assert metric.compute() == {**expected, "images": 4, "images_with_too_few_pixels": 0}
    again = metric.compute(predictions=predictions[:1], references=references[:1])
    assert again == {**rows[0], "images": 1, "images_with_too_few_pixels": 0}


def test_the_evaluate_adapter_counts_empty_images_and_names_broken_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions, references = images_of_different_sizes()
    metric = DepthMetric(cache_dir=str(tmp_path))
    with pytest.raises(ValueError, match="no image was added"):
        metric.compute()
    metric.add_batch(predictions=predictions[:1], references=references[:1])
    alone = metric.compute()
    metric.add_batch(predictions=predictions[:2], references=[references[0], np.full_like(references[1], np.nan)])
    assert metric.compute() == {**alone, "images": 2, "images_with_too_few_pixels": 1}
    # As `evaluate` does, an image with a handful of pixels gets no number that would weigh as much as a whole one's.
    sparse = np.full_like(references[1], np.nan)
    sparse.flat[:9] = 3
    metric.add_batch(predictions=predictions[:2], references=[references[0], sparse])
    assert metric.compute() == {**alone, "images": 2, "images_with_too_few_pixels": 1}
    lenient = DepthMetric(min_valid_pixels=9, cache_dir=str(tmp_path))
    assert lenient.compute(predictions=predictions[1:2], references=[sparse])["images_with_too_few_pixels"] == 0

    metric.add_batch(predictions=predictions[:1], references=references[:1])
    with pytest.raises(ValueError, match="image 2: all maps must have the same shape"):
        metric.add_batch(predictions=predictions[1:3], references=[references[1], references[3]])
    with pytest.raises(ValueError, match="got 1 predictions for 2 references"):
        metric.add_batch(predictions=predictions[:1], references=references[:2])
    with pytest.raises(ValueError, match="both predictions and references"):
        metric.compute(predictions=predictions)
    assert metric.compute() == alone
    with pytest.raises(ValueError, match="use alignment='disparity'"):
        DepthMetric(alignment="none")
    with pytest.raises(ValueError, match="min_depth < max_depth"):
        DepthMetric(min_depth=0)
    with pytest.raises(ValueError, match="min_valid_pixels must be at least 1"):
        DepthMetric(min_valid_pixels=0)
    monkeypatch.setitem(sys.modules, "evaluate", None)
    with pytest.raises(ImportError, match=r"depth_anything_hf\[evaluate\]"):
        DepthMetric()
