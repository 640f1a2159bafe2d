# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth metrics against a reference in plain loops, on ordinary and on adversarial maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from label_maps import KINDS, make_maps

from depth_anything_hf.geometry.alignment import align_depth, align_disparity, align_median
from depth_anything_hf.metrics.depth import (
    align_prediction,
    aligned_depth_metrics,
    check_alignment,
    depth_metrics,
    prediction_fault,
)
from depth_anything_hf.metrics.ordinal import ordinal_accuracy, pairwise_agreement
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


@pytest.mark.parametrize("kind", KINDS)
def test_depth_metrics_equal_the_reference(kind: str) -> None:
    disparity, depth, mask = make_maps(kind)
    aligned, clamped_share = align_disparity(disparity, depth, mask, 1e-3, 80)
    assert (clamped_share > 0) == (kind in ("random", "negative aligned disparity"))
    found, expected = depth_metrics(aligned, depth, mask), reference_depth_metrics(aligned, depth, mask)
    assert set(found) == set(expected) == set(DEPTH_METRICS)
    for name in expected:
        assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-9), name


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


def test_an_empty_mask_gives_nan() -> None:
    found = depth_metrics(np.zeros((2, 2)), np.full((2, 2), np.nan), np.zeros((2, 2), dtype=bool))
    assert set(found) == set(DEPTH_METRICS) and all(math.isnan(value) for value in found.values())


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
        check_alignment("affine", "depth")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prediction_kind must be"):
        check_alignment("disparity", "metres")  # type: ignore[arg-type]

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
