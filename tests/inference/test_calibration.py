# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Calibration: exact for two points, recovers scale and shift, refuses what makes no sense, survives its file."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depth_anything_hf.inference.calibration import Calibration, Form, fit_calibration, fit_per_image


FORMS: list[Form] = ["disparity", "log"]
EXAMPLE = Calibration("disparity", 0.1, 0.05, 4, 0, 0.01, 1.0, 9.0, "some/model", 518)


def measured(form: str, scale: float, shift: float, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    disparity = np.random.default_rng(4).uniform(0.5, 20, count)
    depth = 1 / (scale * disparity + shift) if form == "disparity" else np.exp(shift + scale * np.log(disparity))
    return disparity, depth


@pytest.mark.parametrize("form", FORMS)
def test_two_points_are_met_exactly(form: Form) -> None:
    disparity, depth = np.array([12.0, 3.0]), np.array([1.5, 6.25])
    fit = fit_calibration(disparity, depth, form)
    np.testing.assert_allclose(fit.apply(disparity), depth, rtol=1e-6)
    assert fit.points == 2 and fit.points_beyond == 0 and fit.abs_rel < 1e-6
    assert (fit.smallest_disparity, fit.largest_disparity) == (3, 12)
    between = fit.apply(np.array([[5.0], [8.0]]))
    assert between.dtype == np.float32 and between.shape == (2, 1) and 6.25 > between[0, 0] > between[1, 0] > 1.5


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize(
    ("form", "scale", "shift"), [("disparity", 0.03, 0.04), ("disparity", 2e-7, 1e-8), ("log", -1.3, 2.0)]
)
def test_an_exact_relation_is_recovered(form: Form, scale: float, shift: float, robust: bool) -> None:
    disparity, depth = measured(form, scale, shift)
    fit = fit_calibration(disparity, depth, form, robust=robust, model_id="a/b", input_size=518)
    assert (fit.scale, fit.shift) == pytest.approx((scale, shift), rel=1e-8)
    assert (fit.model_id, fit.input_size, fit.points) == ("a/b", 518, 40)


@pytest.mark.parametrize("form", FORMS)
def test_the_fit_is_weighted_least_squares(form: Form) -> None:
    disparity, depth = measured(form, 0.03 if form == "disparity" else -1.0, 0.2)
    random = np.random.default_rng(1)
    depth *= np.exp(random.normal(0, 0.05, depth.shape))
    weights = random.uniform(0, 3, depth.shape)
    fit = fit_calibration(disparity, depth, form, weights)
    predictor, target = (disparity, 1 / depth) if form == "disparity" else (np.log(disparity), np.log(depth))
    slope, offset = np.polyfit(predictor, target, 1, w=np.sqrt(weights))
    assert (fit.scale, fit.shift) == pytest.approx((slope, offset), rel=1e-8)
    errors = [abs(p - d) / d for p, d in zip(fit.apply(disparity).tolist(), depth.tolist(), strict=True)]
    assert fit.abs_rel == pytest.approx(sum(errors) / len(errors), rel=1e-6)


def test_the_robust_fit_withstands_wrong_points() -> None:
    disparity, depth = measured("disparity", 0.03, 0.04)
    depth[:8] = 0.3
    robust = fit_calibration(disparity, depth, robust=True)
    plain = fit_calibration(disparity, depth)
    assert robust.scale == pytest.approx(0.03, rel=0.1)
    assert abs(plain.shift - 0.04) > 5 * abs(robust.shift - 0.04)

    disparity, depth = measured("disparity", 0.03, 0.04, count=3000)
    depth[:600] = 0.3
    many = fit_calibration(disparity, depth, robust=True)
    assert many.scale == pytest.approx(0.03, rel=0.1) and many.points == 3000
    assert many == fit_calibration(disparity, depth, robust=True)


def test_unmeasured_pixels_and_zero_weights_do_not_count() -> None:
    disparity, depth = measured("disparity", 0.03, 0.04)
    expected = fit_calibration(disparity[4:], depth[4:])
    holes, weights = depth.copy(), np.ones(depth.shape)
    holes[:2], holes[2], weights[3], disparity[0] = np.nan, np.inf, 0, np.nan
    found = fit_calibration(disparity.reshape(5, 8), holes.reshape(5, 8), weights=weights.reshape(5, 8))
    assert (found.scale, found.shift, found.points) == pytest.approx((expected.scale, expected.shift, 36), rel=1e-12)


def test_pixels_beyond_every_distance_are_nan_or_the_largest_depth() -> None:
    fit = Calibration("disparity", 0.1, -0.2, 2, 0, 0.0, 4.0, 12.0)
    disparity = np.array([[12.0, 3.0, 2.0, 1.0, np.nan]], dtype=np.float32)
    np.testing.assert_allclose(fit.apply(disparity), [[1, 10, np.nan, np.nan, np.nan]], rtol=1e-6)
    np.testing.assert_allclose(fit.apply(disparity, max_depth=8), [[1, 8, 8, 8, np.nan]], rtol=1e-6)
    assert fit.extrapolated_share(disparity) == 0.75 and math.isnan(fit.extrapolated_share(disparity[:, 4:]))
    log = Calibration("log", -1.0, 0.0, 2, 0, 0.0, 1.0, 2.0)
    np.testing.assert_allclose(log.apply(np.array([4.0, 0.0, -1.0])), [0.25, np.nan, np.nan])
    np.testing.assert_allclose(log.apply(np.array([4.0, 0.0, 1e-300]), 50), [0.25, 50, 50])
    with pytest.raises(ValueError, match="max_depth must be positive"):
        fit.apply(disparity, max_depth=0)


def test_points_that_the_fit_loses_are_counted() -> None:
    disparity = np.array([1.0, 2.0, 3.0, 20.0])
    fit = fit_calibration(disparity, np.array([50.0, 50.0, 50.0, 0.1]))
    assert fit.points_beyond == int(np.isnan(fit.apply(disparity)).sum()) > 0 and math.isfinite(fit.abs_rel)


@pytest.mark.parametrize(
    ("disparity", "depth", "options", "message"),
    [
        ([3.0], [1.0], {}, "at least two measured points, got 1"),
        ([3.0, 4.0], [1.0, math.nan], {}, "at least two measured points, got 1"),
        ([3.0, 3.0], [1.0, 2.0], {}, "all 2 points have the disparity 3.0"),
        ([3.0, 9.0], [1.0, 2.0], {}, "the measurements contradict the prediction"),
        ([3.0, 9.0], [1.0, 2.0], {"form": "log"}, "the measurements contradict the prediction"),
        ([3.0, 9.0], [2.0, 2.0], {}, "the measurements contradict the prediction"),
        ([3.0, 9.0], [2.0, 0.0], {}, "measured depths must be positive metres, the smallest is 0.0"),
        ([3.0, 9.0], [2.0, -1.0], {}, "the smallest is -1.0"),
        ([3.0, math.nan], [2.0, 1.0], {}, "not finite at 1 measured points"),
        ([0.0, 9.0], [2.0, 1.0], {"form": "log"}, "needs positive disparities"),
        ([3.0, 9.0], [2.0, 1.0], {"form": "affine"}, "form must be one of"),
        ([3.0, 9.0], [2.0, 1.0], {"weights": [1, -1]}, "weights must be finite and not negative"),
        ([3.0, 9.0], [2.0, 1.0], {"weights": [1, 2], "robust": True}, "takes no weights"),
        ([3.0, 9.0], [2.0, 1.0, 4.0], {}, "the same shape"),
    ],
)
def test_points_that_make_no_calibration(disparity: Any, depth: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_calibration(np.array(disparity, dtype=float), np.array(depth), **options)


@pytest.mark.parametrize("fit", [EXAMPLE, Calibration("log", -1.1, 0.3, 2, 1, 0.0, 1.0, 2.0)])
def test_a_saved_calibration_loads_as_it_was(fit: Calibration, tmp_path: Path) -> None:
    path = fit.save(tmp_path / "new folder" / "camera.json")
    assert Calibration.load(path) == fit
    disparity = np.linspace(0, 9, 7)
    np.testing.assert_array_equal(Calibration.load(path).apply(disparity), fit.apply(disparity))


def test_a_saved_calibration_names_no_place_on_the_machine(tmp_path: Path) -> None:
    fit = fit_calibration(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    path = replace(fit, model_id="/home/somebody/my runs/student").save(tmp_path / "camera.json")
    assert Calibration.load(path).model_id == "student"
    # Files of earlier versions do.
    path.write_text(path.read_text().replace('"student"', '"/home/somebody/student"'))
    assert Calibration.load(path).model_id == "/home/somebody/student"


def test_a_calibration_is_not_written_in_place(tmp_path: Path) -> None:
    path = EXAMPLE.save(tmp_path / "camera.json")
    # Another name of the same content, which a write in place would change.
    (tmp_path / "opened.json").hardlink_to(path)
    changed = replace(EXAMPLE, scale=2 * EXAMPLE.scale)
    assert changed.save(path) == path
    assert Calibration.load(path) == changed and Calibration.load(tmp_path / "opened.json") == EXAMPLE
    assert sorted(file.name for file in tmp_path.iterdir()) == ["camera.json", "opened.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "other"}, "not a calibration"),
        ({"version": 2}, "has version 2, this package reads 1"),
        ({"form": "cubic"}, "form must be one of"),
        ({"scale": -1.0}, "the scale must be positive"),
        ({"form": "log"}, "form 'log' must be negative"),
        ({"scale": "big"}, "scale is 'big', expected int or float"),
        ({"shift": math.nan}, "shift must be a number, got nan"),
        ({"points": 1}, "at least two points"),
        ({"points": True}, "points is True"),
        ({"colour": 1}, r"unknown \['colour'\]"),
    ],
)
def test_a_file_that_is_no_calibration_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = EXAMPLE.save(tmp_path / "camera.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message) as raised:
        Calibration.load(path)
    assert str(path) in str(raised.value)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing.json"):
        Calibration.load(tmp_path / "nothing.json")
    (tmp_path / "text.json").write_bytes(b"\xff\xfe half")
    with pytest.raises(ValueError, match=r"text.json is not JSON"):
        Calibration.load(tmp_path / "text.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"list.json is not a calibration"):
        Calibration.load(tmp_path / "list.json")


def test_several_images_show_how_far_one_calibration_carries() -> None:
    disparity, depth = measured("disparity", 0.03, 0.04)
    same = fit_per_image({"a": (disparity[:9], depth[:9]), "b": (disparity[9:], depth[9:])})
    assert same.scale_spread == pytest.approx(1) and max(same.pooled_abs_rel.values()) < 1e-6

    points = {"a": (disparity, depth), "b": (disparity * 2 + 3, depth), "c": (disparity[:1], depth[:1])}
    fit = fit_per_image(points, model_id="a/b")
    assert fit.scale_spread == pytest.approx(2) and set(fit.per_image) == {"a", "b"}
    assert fit.per_image["b"].abs_rel < 1e-6 < 0.05 < fit.pooled_abs_rel["b"]
    assert fit.without_fit == {"c": "scale and shift need at least two measured points, got 1."}
    assert fit.pooled.points == 81 and fit.pooled.model_id == "a/b"
    with pytest.raises(ValueError, match="no image with measured points"):
        fit_per_image({})
