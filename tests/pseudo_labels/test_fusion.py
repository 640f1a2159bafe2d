# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fused labels have the metres of one teacher and the detail of the other, and a bad fit never mixes units."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from depth_anything_hf.pseudo_labels.fusion import fuse_labels
from depth_anything_hf.pseudo_labels.fusion_settings import FusionSettings
from depth_anything_hf.utils.option_errors import OptionError


def _scene() -> np.ndarray:
    """Metres of a ground plane, posts that stand on it, and a far wall, float32 (96, 128)."""
    rows = np.arange(96, dtype=np.float32)[:, None]
    depth = np.minimum(40.0, 60.0 / np.maximum(rows - 30, 1)) * np.ones((1, 128), dtype=np.float32)
    for column, metres in ((20, 3.0), (60, 5.0), (100, 8.0)):
        depth[20:80, column : column + 3] = np.minimum(depth[20:80, column : column + 3], metres)
    return depth.astype(np.float32)


def _relative(depth: np.ndarray, scale: float = 40.0, shift: float = -0.4) -> np.ndarray:
    """What a sharp relative teacher predicts: disparity up to scale and shift."""
    return (scale / depth + shift).astype(np.float32)


def _blurred(depth: np.ndarray) -> np.ndarray:
    """What a metric teacher of a low resolution predicts, which misses the posts."""
    small = cv2.resize(depth, (16, 12), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _abs_rel(disparity: np.ndarray, depth: np.ndarray) -> float:
    return float(np.mean(np.abs(1 / np.maximum(disparity, 1e-3) - depth) / depth))


def test_a_fused_label_has_the_metres_of_one_and_the_detail_of_the_other() -> None:
    depth = _scene()
    metric = _blurred(depth)
    label = fuse_labels(_relative(depth), metric, max_depth=80)
    assert label.is_ok and label.disparity.dtype == np.float32
    assert _abs_rel(label.disparity, depth) < 0.25 * _abs_rel(1 / metric, depth)
    assert label.scale == pytest.approx(1 / 40, rel=0.1) and label.shift == pytest.approx(0.01, abs=0.004)
    np.testing.assert_allclose(label.disparity, label.scale * _relative(depth) + label.shift, rtol=1e-5)
    posts = np.zeros(depth.shape, dtype=bool)
    posts[25:40, 60:63] = True
    assert label.disagreement[posts].min() > 0.3 > np.median(label.disagreement)


def test_pixels_that_the_scale_teacher_cannot_reach_take_no_part_and_are_never_negative() -> None:
    depth = _scene()
    depth[:25] = 1e4
    metric = np.minimum(_scene(), 20.0)
    metric[:25] = 20.0
    # With a shift that puts the sky below zero.
    label = fuse_labels(_relative(depth, 40.0, 0.2) - 0.3 * (depth > 1e3), metric, max_depth=20)
    assert label.is_ok and label.scale == pytest.approx(1 / 40, rel=0.02)
    assert (label.disparity[:25, :15] == 0).all() and (label.disparity >= 0).all()
    assert (label.disagreement[:20, :15] == 0).all()
    below_20 = depth < 15
    np.testing.assert_allclose(1 / label.disparity[below_20], depth[below_20], rtol=0.03)


def test_a_scale_teacher_of_disparity_gives_its_own_scale() -> None:
    depth = _scene()
    wanted = _relative(_blurred(depth), 7.0, 1.5)
    label = fuse_labels(_relative(depth), wanted, scale_kind="disparity")
    assert label.is_ok
    assert label.scale == pytest.approx(7 / 40, rel=0.1) and label.shift == pytest.approx(1.57, abs=0.1)
    assert np.median(label.disagreement) < 0.1


def test_a_metric_teacher_of_the_detail_is_fitted_by_its_disparity() -> None:
    depth = _scene()
    label = fuse_labels(2.5 * depth, depth, sharp_kind="depth")
    assert label.is_ok and label.scale == pytest.approx(2.5, rel=1e-4)
    np.testing.assert_allclose(1 / label.disparity, depth, rtol=1e-3)


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ("inverted", "contradict each other"),
        ("constant", "the prediction of the teacher is constant"),
        ("constant scale", "the prediction of the scale teacher is constant"),
        ("saturated", r"0\.0% of the pixels are within the range of both"),
        ("another picture", r"\d% of the pixels fit within 0\.15|contradict|unrelated"),
        ("zero", "within the range of both"),
    ],
)
def test_a_bad_fit_is_marked_and_holds_the_metres_of_the_scale_teacher(case: str, fault: str) -> None:
    depth = _scene()
    sharp, metric, max_depth = _relative(depth), _blurred(depth), 80.0
    if case == "inverted":
        sharp = -sharp
    elif case == "constant":
        sharp = np.full_like(sharp, 3.0)
    elif case == "constant scale":
        metric = np.full_like(metric, 4.0)
    elif case == "saturated":
        metric = np.full_like(metric, 79.5)
    elif case == "zero":
        sharp = np.zeros_like(sharp)
    else:
        sharp = np.random.default_rng(0).random(depth.shape, dtype=np.float32)
    label = fuse_labels(sharp, metric, max_depth=max_depth)
    assert not label.is_ok
    assert re.search(fault, label.fault), label.fault
    np.testing.assert_allclose(label.disparity, 1 / metric, rtol=1e-6)
    assert label.disagreement.shape == depth.shape


def test_small_and_odd_pictures_are_fused() -> None:
    depth = _scene()[30:38, :7]
    assert fuse_labels(_relative(depth), depth).is_ok
    assert not fuse_labels(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)).is_ok
    with pytest.raises(ValueError, match="same shape"):
        fuse_labels(_relative(depth), depth[:4])
    with pytest.raises(ValueError, match="positive everywhere"):
        fuse_labels(_relative(depth), np.where(depth == depth.min(), 0, depth).astype(np.float32))


def test_settings_are_checked() -> None:
    with pytest.raises(OptionError, match=r"least_inliers is 1\.5, expected at least 0 and at most 1"):
        FusionSettings(least_inliers=1.5)
    with pytest.raises(OptionError, match="fit_tolerance is 0"):
        FusionSettings(fit_tolerance=0)
    strict = fuse_labels(_relative(_scene()), _blurred(_scene()), settings=FusionSettings(least_inliers=1.0))
    assert not strict.is_ok and strict.scale == pytest.approx(1 / 40, rel=0.1)
