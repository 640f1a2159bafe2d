# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What each rule of a protocol does to the score of an image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from predictors import brightness, make_dataset

from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.scoring import cut_sample, score_image, target_of
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.metrics.boundaries import depth_edges


def test_metric_models_are_compared_in_metres_without_alignment() -> None:
    sample = make_dataset(1)[0]
    settings = EvaluationSettings(alignment="none")
    depth = np.where(np.isfinite(sample["depth"]), sample["depth"], 5)
    perfect = score_image(depth, sample, settings, "depth")
    assert perfect["abs_rel"] == 0 and perfect["ordinal_accuracy"] == 1 and perfect["clamped_share"] == 0
    scaled = score_image(1.2 * depth, sample, settings, "depth")
    assert scaled["abs_rel"] == pytest.approx(0.2) and scaled["silog"] == pytest.approx(0, abs=1e-5)
    dead = score_image(np.zeros_like(depth), sample, settings, "depth")
    assert dead["clamped_share"] == 1 and dead["zero_share"] == 1 and dead["ordinal_accuracy"] == 0.5
    aligned = score_image(1.2 * depth, sample, EvaluationSettings(), "depth")
    assert aligned["abs_rel"] == pytest.approx(0, abs=1e-6) and aligned["ordinal_accuracy"] == 1


def test_the_unit_of_a_disparity_label_cancels() -> None:
    sample = make_dataset(1)[0]
    output = brightness(sample["image"])
    in_metres = score_image(output, sample, EvaluationSettings(), "disparity")
    for baseline in (1.0, 250.0):
        disparity = (baseline / sample["depth"]).astype(np.float32)
        found = score_image(output, {"disparity": disparity}, EvaluationSettings(), "disparity")
        assert found["valid_pixels"] == in_metres["valid_pixels"]
        for name in ("delta1", "delta2", "delta3", "ordinal_accuracy"):
            assert found[name] == pytest.approx(in_metres[name], abs=2e-3)
        assert math.isnan(found["rmse"]) and math.isnan(found["sq_rel"])
        assert 0 <= found["clamped_share"] < 1 and math.isfinite(found["abs_rel"])
    # Sky has disparity 0: it is not scored, though valid.
    found = score_image(np.nan_to_num(3 * disparity + 1), {"disparity": disparity}, EvaluationSettings(), "disparity")
    assert found["delta1"] == 1 and found["abs_rel"] < 1e-6 and found["valid_pixels"] == 18 * 24 - 8


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return (1.0 + rows / 10 + columns / 20).astype(np.float32)


def test_pixels_outside_the_crop_do_not_count() -> None:
    depth = ramp(480, 640)
    damaged = depth.copy()
    damaged[:45], damaged[471:], damaged[:, :41], damaged[:, 601:] = 3, 3, 3, 3
    settings = PROTOCOLS["nyu-metric"].settings
    wrong_outside = score_image(damaged, {"depth": depth, "name": "a"}, settings, "depth")
    assert wrong_outside["abs_rel"] == 0 and wrong_outside["delta1"] == 1
    inside = depth[45:471, 41:601]
    assert wrong_outside["valid_pixels"] == (inside <= 10).sum() < inside.size


def test_the_benchmark_crop_cuts_image_and_label_before_the_model_sees_them() -> None:
    settings = PROTOCOLS["marigold-kitti"].settings
    image = np.arange(375 * 1242, dtype=np.uint32).astype(np.uint8).reshape(375, 1242, 1).repeat(3, axis=2)
    depth = ramp(375, 1242) / 2
    cut = cut_sample({"image": image, "depth": depth, "name": "a"}, settings)
    assert np.array_equal(cut["image"], image[23:, 13:1229])
    assert np.array_equal(cut["depth"], depth[23:, 13:1229])
    target = target_of(cut, settings)
    assert not target.mask[:117].any() and target.mask[117:321, 43:1172].all()  # type: ignore[union-attr]


@pytest.mark.parametrize("alignment", ["disparity", "depth", "median", "none"])
def test_each_alignment_forgives_what_it_fits(alignment: Any) -> None:
    depth = ramp()
    sample = {"depth": depth, "name": "a"}
    settings = EvaluationSettings(alignment=alignment)
    outputs = {
        "exact": depth,
        "scaled": 1.7 * depth,
        "shifted": 1.7 * depth + 0.8,
        "shifted disparity": 1 / (0.6 / depth + 0.05),
    }
    forgiven = {
        name for name, output in outputs.items() if score_image(output, sample, settings, "depth")["abs_rel"] < 1e-6
    }
    expected = {
        "none": {"exact"},
        "median": {"exact", "scaled"},
        "depth": {"exact", "scaled", "shifted"},
        "disparity": {"exact", "scaled", "shifted disparity"},
    }
    assert forgiven == expected[alignment]
    if alignment != "disparity":
        with pytest.raises(ValueError, match="use alignment='disparity'"):
            score_image(1 / depth, sample, settings, "disparity")


def test_the_clamp_decides_pixels_whose_aligned_disparity_is_negative() -> None:
    depth = ramp()
    output = 1 / depth
    output[0, :3] = -0.01  # behind everything, also once it is aligned
    sample = {"depth": depth, "name": "a"}
    results = {
        clamp: score_image(output, sample, EvaluationSettings(clamp=clamp), "disparity")
        for clamp in ("range", "farthest label")
    }
    assert results["range"]["rmse"] > 5 * results["farthest label"]["rmse"]
    assert 0 < results["range"]["clamped_share"] <= results["farthest label"]["clamped_share"]


def test_a_smallest_disparity_limits_the_prediction_and_not_the_label() -> None:
    depth = ramp()
    depth[:4] = 5000.0
    output = 1 / depth
    sample = {"depth": depth, "name": "a"}
    unlimited = replace(PROTOCOLS["marigold-eth3d-disparity"].settings, min_aligned_disparity=None)
    assert unlimited.fit_positive_only
    limited = score_image(output, sample, PROTOCOLS["marigold-eth3d-disparity"].settings, "disparity")
    assert limited["valid_pixels"] == depth.size and limited["clamped_share"] == pytest.approx(0.1)
    # A tenth of the pixels at 1000 m instead of 5000 m; all else is exact.
    assert limited["abs_rel"] == pytest.approx(0.1 * 0.8, abs=1e-4)
    assert score_image(output, sample, unlimited, "disparity")["abs_rel"] < 1e-4
    for name, protocol in PROTOCOLS.items():
        expected = 1e-3 if name.startswith("marigold") and name.endswith("-disparity") else None
        assert protocol.settings.min_aligned_disparity == expected
    for wrong in (0.0, 1e3):
        with pytest.raises(ValueError, match="min_aligned_disparity"):
            EvaluationSettings(min_aligned_disparity=wrong)


def test_labels_far_beyond_the_nearest_do_not_count() -> None:
    settings = PROTOCOLS["moge-ddad"].settings
    depth = ramp()
    depth[0, :7] = 9000.0
    depth[1, :3] = 900.0
    target = target_of({"depth": depth, "name": "a"}, settings)
    # The nearest percent is about 1 m away.
    assert np.array_equal(target.mask, depth < 1000)  # type: ignore[union-attr]
    assert target.max_depth == 900  # type: ignore[union-attr]
    for name, protocol in PROTOCOLS.items():
        assert protocol.settings.largest_over_near_quantile == (1000 if name.startswith("moge-") else None)
    with pytest.raises(ValueError, match="largest_over_near_quantile must be more than 1"):
        EvaluationSettings(largest_over_near_quantile=1.0)


def test_the_fit_may_leave_pixels_out_but_the_score_does_not() -> None:
    depth = ramp()
    output = 0.5 / depth + 0.1
    output[::2, 1:] = 0.0
    sample = {"depth": depth, "name": "a"}
    everywhere = score_image(output, sample, EvaluationSettings(), "disparity")
    positive = score_image(output, sample, EvaluationSettings(fit_positive_only=True), "disparity")
    # Half of the pixels are exact once the others do not disturb the fit.
    assert positive["delta1"] > everywhere["delta1"] and positive["delta1"] == pytest.approx(0.5, abs=0.03)
    assert positive["valid_pixels"] == everywhere["valid_pixels"] == depth.size
    # A grid of every second row and column misses the zeros.
    output = 0.5 / depth + 0.1
    output[1::2, 1::2] = 0.0
    grid = score_image(output, sample, EvaluationSettings(fit_max_side=30), "disparity")
    assert grid["delta1"] > 0.74 > score_image(output, sample, EvaluationSettings(), "disparity")["delta1"]


def test_a_prediction_is_enlarged_to_the_label_and_never_the_label_reduced() -> None:
    # A plane in disparity; with aligned corners its bilinear enlargement is the same plane.
    large, small = (np.linspace(0.1, 0.5, h)[:, None] + np.linspace(0.0, 0.3, w) for h, w in ((80, 120), (40, 60)))
    sample = {"depth": 1 / large, "name": "a"}
    found = score_image(small, sample, EvaluationSettings(), "disparity")
    assert found["valid_pixels"] == 80 * 120 and found["abs_rel"] < 1e-6
    with pytest.raises(
        ValueError, match=r"a: the prediction is \(40, 57\) and the label \(80, 120\); both must have one aspect ratio"
    ):
        score_image(small[:, :-3], sample, EvaluationSettings(), "disparity")
    with pytest.raises(ValueError, match=r"b\.png: the image is \(40, 60\) and the label \(41, 60\)"):
        cut_sample(
            {"image": np.zeros((40, 60, 3), dtype=np.uint8), "depth": ramp(41, 60), "name": "b.png"},
            EvaluationSettings(),
        )


def test_boundaries_and_edges_are_scored_where_the_protocol_asks() -> None:
    depth = np.full((40, 60), 8.0, dtype=np.float32)
    depth[10:30, 20:40] = 2.0
    depth[:5] = np.inf
    sample = {"depth": depth, "name": "a"}
    settings = PROTOCOLS["sintel"].settings
    output = np.where(np.isinf(depth), 0.0, 1 / depth).astype(np.float32)
    sharp = score_image(output, sample, settings, "disparity")
    soft = score_image(cv2.GaussianBlur(output, (0, 0), 2.0), sample, settings, "disparity")
    assert sharp["boundary_f1"] > 0.9 > 0.5 > soft["boundary_f1"]
    assert sharp["edge_accuracy_error"] < 1 and sharp["edge_completeness_error"] < soft["edge_completeness_error"] + 1
    # Without exact labels edges must be annotated.
    ibims = PROTOCOLS["ibims"].settings
    assert math.isnan(score_image(output, sample, ibims, "disparity")["edge_accuracy_error"])
    annotated = {**sample, "edges": depth_edges(depth, depth > 0)}
    assert score_image(output, annotated, ibims, "disparity")["edge_accuracy_error"] == sharp["edge_accuracy_error"]


@pytest.mark.parametrize("name", ["sintel", "ibims", "moge-spring"])
def test_a_perfect_prediction_has_perfect_boundaries_whatever_lies_beyond_the_range(name: str) -> None:
    settings = PROTOCOLS[name].settings
    depth = np.full((40, 60), 8.0, dtype=np.float32)
    depth[10:30, 5:20] = 2.0
    depth[:, 30:] = 3e5  # beyond the range, or the nearest percent, of each
    depth[10:30, 40:50] = 1e6
    depth[:5, 50:] = np.inf
    output = np.where(np.isinf(depth), 0.0, 1 / depth)
    found = score_image(output, {"depth": depth, "name": "a"}, replace(settings, exact_labels=True), "disparity")
    assert found["abs_rel"] < 1e-6 and found["boundary_f1"] == 1
    beyond = target_of({"depth": depth, "name": "a"}, settings)
    assert not beyond.mask[:, 30:].any()  # type: ignore[union-attr]
    if "edge_completeness_error" in found:
        # No edge is expected between two pixels beyond the range.
        near = depth.copy()
        near[:, 30:] = np.inf
        expected = score_image(output, {"depth": near, "name": "a"}, replace(settings, exact_labels=True), "disparity")
        assert found["edge_completeness_error"] == expected["edge_completeness_error"]
