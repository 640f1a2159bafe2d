# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels by two teachers: the detail of one, fitted to the scale of the other for each picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..geometry.maps import check_same_shape
from ..geometry.trimmed_fit import fit_trimmed_scale_and_shift
from ..inference.confidence import disparity_divisor
from .fusion_settings import FusionSettings


# Pixels of the regular grid that the fit is made on.
GRID_PIXELS = 40_000
# Depth beyond this share of what the scale teacher can predict at most only says "far".
SATURATED_SHARE = 0.95
FEWEST_PIXELS = 100
LEAST_SHARE = 0.02
LEAST_CORRELATION = 0.5


@dataclass
class FusedLabel:
    """The label of one picture by two teachers.

    Attributes:
        disparity: float32 (H, W): of a metric scale teacher 1 / metres, 0 where the fitted value is not positive; of a
            relative one in its own scale. Where the fit is bad, the scale teacher's own prediction.
        scale: fitted disparity = scale * sharp disparity + shift; NaN without a fit.
        shift: see there.
        inliers: share of the pixels used whose relative residual is within the tolerance; 0 without a fit.
        residual: median relative residual over the pixels used, |fitted - scale teacher's| / scale teacher's; NaN
            without a fit.
        fault: why the fit is bad; "" where it is not.
        disagreement: float32 (H, W), the relative residual of each pixel; 0 where both only say "far", and infinite
            everywhere without a fit of positive scale.
    """

    disparity: np.ndarray
    scale: float = math.nan
    shift: float = math.nan
    inliers: float = 0.0
    residual: float = math.nan
    fault: str = ""
    disagreement: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def is_ok(self) -> bool:
        """Whether the fit is good enough."""
        return not self.fault


def fuse_labels(
    sharp: np.ndarray,
    scale: np.ndarray,
    *,
    sharp_kind: PredictionKind = "disparity",
    scale_kind: PredictionKind = "depth",
    max_depth: float | None = None,
    settings: FusionSettings | None = None,
) -> FusedLabel:
    """Give the prediction of a sharp teacher the scale of another one.

    Both are taken as disparity (depth is inverted), and scale and shift are fitted per picture by least trimmed
    squares, `fit_trimmed_scale_and_shift`, on a regular grid of at most 40,000 pixels. Pixels are left out where the
    scale teacher only says "far" (beyond 0.95 of its `max_depth`), and where either is cut off at 0. The relative
    residual of a pixel is |fitted - d| / d with the scale teacher's disparity d; of a relative one, whose zero means
    nothing, the divisor is that of `inference.confidence.disparity_divisor`.

    What the fit puts at a disparity of 0 or less lies beyond every distance that the scale teacher knows. It becomes
    disparity 0, the code of the sky: valid for a relative student, out of range for a metric one; never a negative
    depth, and no wall at the largest one.

    A fit is bad where fewer than 2 % of the pixels (or 100 of the grid) can be used, a teacher is constant, the scale
    is not positive, the two correlate by less than 0.5 over the inliers, or inliers are fewer than
    `settings.least_inliers`. The label is then the scale teacher's own prediction: without the detail, and in the same
    unit as all others.

    Args:
        sharp: float32 (H, W), finite, prediction of the teacher with the detail.
        scale: float32 (H, W), finite, prediction of the teacher with the scale.
        sharp_kind: "disparity", or "depth" of a metric model, whose own metres then have no effect.
        scale_kind: "depth" (metres), or "disparity", whose scale and shift the label then has.
        max_depth: metres, the largest depth that the scale teacher can predict; None without such an end.
        settings: when a fit is bad, and thresholds; None takes the defaults.

    Raises:
        ValueError: the shapes differ, or a depth that is not positive.
    """
    settings = settings or FusionSettings()
    check_same_shape(sharp=sharp, scale=scale)
    detail, wanted = _disparity_of(sharp, sharp_kind), _disparity_of(scale, scale_kind)
    is_metric = scale_kind == "depth"
    farthest = 1 / (SATURATED_SHARE * max_depth) if is_metric and max_depth else 0.0
    step = max(1, math.ceil(math.sqrt(detail.size / GRID_PIXELS)))
    values, target = detail[::step, ::step].astype(np.float64), wanted[::step, ::step].astype(np.float64)
    usable = (values != 0) & ((target > farthest) if is_metric else (target != 0))
    divisor = target if is_metric else disparity_divisor(target, target.ravel())
    label = FusedLabel(wanted, disagreement=np.full(detail.shape, np.inf, dtype=np.float32))
    count = int(usable.sum())
    if count < max(min(FEWEST_PIXELS, usable.size // 2), LEAST_SHARE * usable.size):
        label.fault = f"{count / usable.size:.1%} of the pixels are within the range of both teachers"
        return label
    values, target, divisor = values[usable], target[usable], np.asarray(divisor, np.float64)[usable]
    for who, each in (("the teacher", values), ("the scale teacher", target)):
        if each.max() - each.min() <= 1e-6 * np.abs(each).max():
            label.fault = f"the prediction of {who} is constant"
            return label
    label.scale, label.shift = fit_trimmed_scale_and_shift(values, target, np.ones(count, dtype=bool))
    fitted = label.scale * values + label.shift
    residuals = np.abs((np.maximum(fitted, 0) if is_metric else fitted) - target) / divisor
    inside = residuals <= settings.fit_tolerance
    label.inliers, label.residual = float(inside.mean()), float(np.median(residuals))
    label.fault = _fault(label, values[inside], target[inside], settings)
    if label.scale > 0:
        fused = np.float32(label.scale) * detail + np.float32(label.shift)
        if is_metric:
            np.maximum(fused, 0, out=fused)
        label.disagreement = _disagreement(fused, wanted, is_metric, farthest)
        if label.is_ok:
            label.disparity = fused
    return label


def _fault(label: FusedLabel, values: np.ndarray, target: np.ndarray, settings: FusionSettings) -> str:
    if not label.scale > 0:
        return f"the teachers contradict each other: the fitted scale is {label.scale:.3g}"
    if label.inliers < settings.least_inliers:
        return f"{label.inliers:.1%} of the pixels fit within {settings.fit_tolerance:g}"
    correlation = float(np.corrcoef(values, target)[0, 1]) if values.std() > 0 and target.std() > 0 else 0.0
    if correlation < LEAST_CORRELATION:
        return f"the teachers are unrelated: their correlation is {correlation:.2f}"
    return ""


def _disagreement(fused: np.ndarray, wanted: np.ndarray, is_metric: bool, farthest: float) -> np.ndarray:
    residual: np.ndarray
    if is_metric:
        residual = np.abs(fused - wanted) / np.maximum(wanted, np.finfo(np.float32).tiny)
        residual[(wanted <= farthest) & (fused <= farthest)] = 0
    else:
        sample = wanted.ravel()[:: max(1, wanted.size // GRID_PIXELS)].astype(np.float64)
        residual = np.abs(fused - wanted) / disparity_divisor(wanted, sample)
    return residual.astype(np.float32, copy=False)


def _disparity_of(values: np.ndarray, kind: PredictionKind) -> np.ndarray:
    if kind == "disparity":
        return np.asarray(values, dtype=np.float32)
    disparity = depth_to_disparity(np.asarray(values, dtype=np.float32))
    if np.isnan(disparity).any():
        raise ValueError(f"expected depth that is positive everywhere, the smallest is {float(np.nanmin(values))}")
    return disparity
