# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Boundary metrics against references in plain loops and scikit-image's edges."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage.feature import canny

from depth_anything_hf.metrics.boundaries import boundary_f1, canny_edges, depth_boundary_errors, depth_edges


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
