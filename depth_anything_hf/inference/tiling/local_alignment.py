# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bring the map of a part of a picture to a reference: robust scale and shift that vary smoothly over the part.

Disparity is aligned as it is, by scale and shift. Depth in metres is aligned in its logarithm by a shift alone, which
is a scale of the metres: a part of a picture is one with a longer focal length to the model, and that moves its metres
by a factor, while a shift of metres would move near and far surfaces by the same length.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...geometry.disparity import PredictionKind


ROUNDS = 15
# Of the robust spread of the residuals: beyond it a cell counts less and less (weights of Geman and McClure).
CUTOFF = 2.5
# Of the side of a part: the standard deviation of the window in which scale and shift are fitted locally.
WINDOW = 0.2
# Of a part's variance: how much the scale of the whole part counts in a window.
PRIOR = 0.3
# Share of the reference's variance that a part must explain; with less it has nothing to add to the reference.
SMALLEST_AGREEMENT = 0.1
# Of the side of a part: the standard deviation of the window whose mean a part may not move far from the reference.
HELD_WINDOW = 0.1
# Of the spread of the whole reference: a difference of the means of which half is taken back.
TOLERANCE = 0.15
SMALLEST_DEPTH = 1e-6  # metres


def to_domain(values: np.ndarray, kind: PredictionKind) -> np.ndarray:
    """Return values as they are aligned and blended: disparity as it is, the logarithm of metres."""
    return np.log(np.maximum(values, SMALLEST_DEPTH)) if kind == "depth" else values


def from_domain(values: np.ndarray, kind: PredictionKind) -> np.ndarray:
    """Undo `to_domain`, in place."""
    return np.exp(values, out=values) if kind == "depth" else values


@dataclass(frozen=True)
class SmoothFit:
    """Scale and shift on a coarse grid that spans a part.

    Attributes:
        scale: float32 (m, n).
        shift: float32 (m, n).
    """

    scale: np.ndarray
    shift: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return `scale * values + shift`, float32 (H, W), with both interpolated bilinearly."""
        size = values.shape[::-1]
        aligned: np.ndarray = cv2.resize(self.scale, size, interpolation=cv2.INTER_LINEAR)
        aligned *= values
        aligned += cv2.resize(self.shift, size, interpolation=cv2.INTER_LINEAR)
        return aligned


def fit_to_reference(
    values: np.ndarray,
    reference: np.ndarray,
    *,
    has_scale: bool,
    weights: np.ndarray | None = None,
    spread: float | None = None,
) -> SmoothFit | None:
    """Fit scale and shift as smooth fields, with outliers left out.

    First one scale and shift for all cells, by least squares reweighted with the weights of Geman and McClure, whose
    cutoff follows the median residual; then, with these weights, a least-squares fit in a Gaussian window around each
    cell, whose scale is drawn to that of all cells.

    What such a fit takes for outliers stays where the part has it. With `spread` the shift is changed where the part
    contradicts the reference: where the means of both in a smaller window differ by much, the difference goes, and
    where they differ by little, it stays; detail that is finer than the window stays in both cases.

    Args:
        values: (m, n), the part's map, averaged over coarse cells.
        reference: (m, n), the wanted values there.
        has_scale: whether the scale is free, or 1.
        weights: (m, n), not negative; None: all the same.
        spread: standard deviation of the whole map that the reference is a part of; None: contradictions stay.

    Returns:
        The fit; None where the part has nothing to say: it is reversed to the reference, or explains next to nothing
        of it. Where the scale is not free and no spread is given, this is not asked.
    """
    base = np.ones(values.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    part, goal = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    scale, robust = _fit_robustly(part, goal, base, has_scale)
    if (has_scale or spread is not None) and not _agrees(part, goal, robust):
        return None
    deviation = WINDOW * max(part.shape)

    def blur(cells: np.ndarray) -> np.ndarray:
        blurred: np.ndarray = cv2.GaussianBlur(cells, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT)
        return blurred

    # A window all of whose cells are outliers follows the others.
    robust = robust + 1e-4 * robust.mean()
    # Around the means, so that no digits are lost where values are large and differ little.
    mean, mean_goal = _mean(part, robust), _mean(goal, robust)
    part, goal = part - mean, goal - mean_goal
    total = blur(robust)
    local, local_goal = blur(robust * part) / total, blur(robust * goal) / total
    scales = np.full(part.shape, scale)
    if has_scale:
        variance = np.maximum(blur(robust * part**2) / total - local**2, 0)
        covariance = blur(robust * part * goal) / total - local * local_goal
        prior = PRIOR * _mean(part**2, robust)
        scales = np.maximum((covariance + prior * scale) / (variance + prior), 0)
    shifts = mean_goal + local_goal - scales * (mean + local)
    if spread is not None:
        shifts -= _contradiction(scales * (part + mean) + shifts - goal - mean_goal, spread)
    return SmoothFit(scales.astype(np.float32), shifts.astype(np.float32))


def _mean(cells: np.ndarray, weights: np.ndarray) -> float:
    return float((weights * cells).sum() / weights.sum())


def _fit_robustly(part: np.ndarray, goal: np.ndarray, base: np.ndarray, has_scale: bool) -> tuple[float, np.ndarray]:
    """Return one scale for all cells and the weight of each."""
    weights, scale = base, 1.0
    for _ in range(ROUNDS):
        mean, mean_goal = _mean(part, weights), _mean(goal, weights)
        if has_scale:
            variance = _mean((part - mean) ** 2, weights)
            scale = _mean((part - mean) * (goal - mean_goal), weights) / variance if variance > 0 else 0.0
        residuals = np.abs(scale * (part - mean) - (goal - mean_goal))
        spread = 1.4826 * float(np.median(residuals[base > 0]))
        if spread <= 1e-7 * float(np.abs(goal).max()):
            break
        weights = base / (1 + (residuals / (CUTOFF * spread)) ** 2) ** 2
    return scale, weights


def _agrees(part: np.ndarray, goal: np.ndarray, weights: np.ndarray) -> bool:
    """Tell whether a part rises with the reference and explains enough of it."""
    part, goal = part - _mean(part, weights), goal - _mean(goal, weights)
    covariance = _mean(part * goal, weights)
    return covariance > 0 and covariance**2 >= SMALLEST_AGREEMENT * _mean(part**2, weights) * _mean(goal**2, weights)


def _contradiction(difference: np.ndarray, spread: float) -> np.ndarray:
    """Return what of the differences of a part to the reference goes: nearly nothing of small ones, all of large."""
    deviation = HELD_WINDOW * max(difference.shape)
    coarse = cv2.GaussianBlur(difference, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)
    # Without a spread all of it.
    tolerance = max((TOLERANCE * spread) ** 2, np.finfo(np.float64).tiny)
    taken: np.ndarray = coarse * (coarse**2 / (coarse**2 + tolerance))
    return taken


def sample_map(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolate a map bilinearly, beyond its border as at it.

    Args:
        values: float32 (h, w).
        rows: (m,), places along its height, of which 0 is the middle of the first row.
        columns: (n,), likewise.

    Returns:
        float32 (m, n).
    """
    # By hand: OpenCV rounds places to 1/32 of a pixel, which shows as steps where a map is enlarged much.
    above, down = _place(rows, values.shape[0])
    before, across = _place(columns, values.shape[1])
    after, below = (
        np.minimum(each + 1, length - 1) for each, length in ((before, values.shape[1]), (above, values.shape[0]))
    )
    wide = values[:, before] * (1 - across) + values[:, after] * across
    sampled: np.ndarray = wide[above] * (1 - down[:, None]) + wide[below] * down[:, None]
    return sampled


def _place(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    inside = np.clip(places, 0, length - 1)
    before = inside.astype(np.int64)
    return before, (inside - before).astype(np.float32)
