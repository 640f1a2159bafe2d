# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Equirectangular panoramas by overlapping perspective views, brought to one scale and joined on the sphere.

Models predict planar depth z (along the axis of a view), or its inverse up to scale and shift. The same point has
another z in each view, so that views are joined by what they agree about: the distance r along the ray. With the ray
through a pixel (x, y, 1), of length n, r = z n. A metric view gives r up to the factor that another lens than the
training's costs. A relative view gives d = a / z + b with unknown a > 0 and b, so that 1 / r = (d - b) / (a n) is
linear in d / n and 1 / n.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np

from ...geometry.disparity import PredictionKind
from ...geometry.equirectangular import (
    check_equirectangular,
    equirectangular_directions,
    equirectangular_places,
    icosahedral_views,
)
from .local_alignment import fit_to_reference, from_domain, to_domain
from .part_passes import Part, PartPredictor, predict_parts
from .tiles import shrink


# Views of 90 degrees: x and y of the ray run from -1 to 1.
INNER = 0.5
GRID_HEIGHT = 96
CELLS = 32
ROUNDS = 10
CUTOFF = 2.5
# Of the range of a view's disparity, or of metres: where all views agree to less, none of them is an outlier. Else
# what the priors below leave over would make one of a view that agrees as well.
SMALLEST_SPREAD = 1e-3
# Of the weight of all pairs: how much each view's scale is drawn to the others', and its shift to none. The shift that
# all views share is next to undetermined: in the middle between two views its traces cancel.
SCALE_PRIOR, SHIFT_PRIOR = 1e-6, 1e-6
SMALLEST_SCALE = 0.05
ROWS_AT_ONCE = 64
# OpenCV keeps places in pictures in 16 bits.
LARGEST_WIDTH = 32766


def predict_panorama(predictor: PartPredictor, image: np.ndarray) -> np.ndarray:
    """Predict an equirectangular panorama.

    Args:
        predictor: whose passes run.
        image: uint8 (H, W, 3), twice as wide as high.

    Returns:
        float32 (H, W): metres from the camera along the ray, or disparity along the ray: its inverse up to one scale
        and shift for the whole sphere.

    Raises:
        ValueError: a picture of another shape or a model that keeps the size of images.
        RuntimeError: a view cannot be predicted.
    """
    height, width = image.shape[:2]
    check_equirectangular(height, width)
    if width > LARGEST_WIDTH:
        raise ValueError(f"a panorama may be at most {LARGEST_WIDTH} pixels wide, got {width}; shrink it first")
    side = predictor.input_size
    if side is None:
        raise ValueError("this model keeps the size of images, and has no size for views; open it with an input_size")
    views = icosahedral_views()
    # In the middle of a view its pixels are as far apart as those of a panorama pi times as wide as the view.
    small = shrink(image, math.pi * side / width)

    def parts() -> Iterator[Part]:
        for number, view in enumerate(views):
            yield f"view {number + 1} of {len(views)}", partial(cut_view, small, view, side)

    maps = list(predict_parts(predictor, parts()))
    return join_views(maps, views, predictor.prediction_kind, height, width)


def cut_view(panorama: np.ndarray, axes: np.ndarray, side: int) -> np.ndarray:
    """Return a square perspective view of 90 degrees.

    Args:
        panorama: uint8 (H, W, 3), equirectangular.
        axes: (3, 3), of the view, as rows.
        side: pixels of the view.

    Returns:
        uint8 (side, side, 3); what crosses the panorama's border is taken from its other side.
    """
    height, width = panorama.shape[:2]
    across = _ray_places(side)
    rays = np.stack(np.broadcast_arrays(across, across[:, None], 1.0), axis=-1)
    rows, columns = equirectangular_places(rays @ axes, height, width)
    # A row beyond a pole is the pole's own, half a turn on, which it is half a pixel away from.
    rows = np.clip(rows, 0, height - 1)
    view: np.ndarray = cv2.remap(
        panorama,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return view


def join_views(maps: list[np.ndarray], views: np.ndarray, kind: PredictionKind, height: int, width: int) -> np.ndarray:
    """Join the maps of views on the sphere.

    First one scale (and shift, of disparity) for each view, all at once, so that overlapping views agree, with
    outliers left out; then smooth fields of these that bring each view to the blend of all, as for tiles; then the
    blend, with weights that are 0 at the border of a view. All are functions of the direction alone, so that neither
    the border of the panorama nor a pole shows.

    Args:
        maps: (h, w) each, planar depth in metres or disparity, of square views of 90 degrees.
        views: (N, 3, 3), axes of each as rows.
        kind: of the maps.
        height: of the panorama.
        width: of the panorama.

    Returns:
        float32 (height, width), see `predict_panorama`.
    """
    rays = [_ray_lengths(each.shape[0], each.shape[1]) for each in maps]
    if kind == "depth":
        along = [to_domain(each * length, kind) for each, length in zip(maps, rays, strict=True)]
        scales = _solve_factors(along, views)
        along = [(each + scale).astype(np.float32) for each, scale in zip(along, scales, strict=True)]
    else:
        along = [(each / length).astype(np.float32) for each, length in zip(maps, rays, strict=True)]
        inverse = [(1 / length).astype(np.float32) for length in rays]
        fits = _solve_scales_and_shifts(along, inverse, views)
        along = [
            (scale * each + shift * other).astype(np.float32)
            for each, other, (scale, shift) in zip(along, inverse, fits, strict=True)
        ]
    blend = _blend(along, views, 2 * GRID_HEIGHT, 4 * GRID_HEIGHT)
    smooth = [_align(each, axes, blend, kind == "disparity") for each, axes in zip(along, views, strict=True)]
    joined = _blend(smooth, views, height, width)
    if kind == "disparity":
        # Disparity below zero is behind infinity; the shift is unknown, so that any that avoids it is as good.
        joined -= min(0.0, float(joined.min()))
        return joined
    return from_domain(joined, kind)


def _ray_places(count: int) -> np.ndarray:
    """Return x (or y) of the rays through the middle of each of so many pixels, between -1 and 1."""
    places: np.ndarray = (np.arange(count) + 0.5) * 2 / count - 1
    return places


def _ray_lengths(height: int, width: int) -> np.ndarray:
    """Return the length of the ray (x, y, 1) of each pixel, float64 (height, width)."""
    lengths: np.ndarray = np.sqrt(1 + _ray_places(width) ** 2 + _ray_places(height)[:, None] ** 2)
    return lengths


def _weight(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how much a view counts at (x, y): 1 in its middle, 0 at its border, smooth between."""
    weight = np.ones(np.broadcast(x, y).shape)
    for place in (x, y):
        part = np.clip((1 - np.abs(place)) / (1 - INNER), 0, 1)
        weight = weight * (part * part * (3 - 2 * part))
    return weight


def _look(values: np.ndarray, directions: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a view's values in directions, float32 (..., ), and their weights, 0 where the view does not reach."""
    inside = directions @ axes.T
    ahead = np.maximum(inside[..., 2], 1e-6)
    x, y = inside[..., 0] / ahead, inside[..., 1] / ahead
    weight = np.where(inside[..., 2] > 0.5, _weight(x, y), 0.0)
    height, width = values.shape
    columns = np.clip(((x + 1) / 2) * width - 0.5, 0, width - 1)
    rows = np.clip(((y + 1) / 2) * height - 0.5, 0, height - 1)
    above = np.minimum(rows.astype(np.int64), height - 2)
    before = np.minimum(columns.astype(np.int64), width - 2)
    down, across = (rows - above).astype(np.float32), (columns - before).astype(np.float32)
    upper = values[above, before] * (1 - across) + values[above, before + 1] * across
    lower = values[above + 1, before] * (1 - across) + values[above + 1, before + 1] * across
    return upper * (1 - down) + lower * down, weight


def _blend(along: list[np.ndarray], views: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the weighted mean of all views at the pixels of a panorama, float32 (height, width)."""
    joined = np.empty((height, width), dtype=np.float32)
    for start in range(0, height, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, height))
        directions = equirectangular_directions(height, width, rows)
        total = np.zeros(directions.shape[:2])
        weights = np.zeros_like(total)
        for values, axes in zip(along, views, strict=True):
            # The corners of a view are 54.7 degrees from its middle.
            reached = np.flatnonzero((directions @ axes[2] > 1 / math.sqrt(3)).any(axis=0))
            if not reached.size:
                continue
            found, weight = _look(values, directions[:, reached], axes)
            total[:, reached] += weight * found
            weights[:, reached] += weight
        joined[rows] = total / weights
    return joined


def _align(values: np.ndarray, axes: np.ndarray, blend: np.ndarray, has_scale: bool) -> np.ndarray:
    """Bring a view to the blend by smooth fields; where it has nothing to say, leave it as it is."""
    places = _ray_places(CELLS)
    rays = np.stack(np.broadcast_arrays(places, places[:, None], 1.0), axis=-1)
    rows, columns = equirectangular_places(rays @ axes, *blend.shape)
    wanted = cv2.remap(
        blend,
        columns.astype(np.float32),
        np.clip(rows, 0, blend.shape[0] - 1).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    coarse = cv2.resize(values, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    fit = fit_to_reference(coarse, wanted, has_scale=has_scale)
    return values if fit is None else fit.apply(values)


def _on_grid(along: list[np.ndarray], views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of all views on a coarse grid of the sphere, (N, points), and their weights."""
    directions = equirectangular_directions(GRID_HEIGHT, 2 * GRID_HEIGHT).reshape(-1, 3)
    area = np.hypot(directions[:, 0], directions[:, 2])
    found = [_look(each, directions, axes) for each, axes in zip(along, views, strict=True)]
    return np.stack([values for values, _ in found]).astype(np.float64), np.stack([w * area for _, w in found])


def _pairs(weights: np.ndarray) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    """Return the overlaps: two views, the points that both see, and the weights of these."""
    overlaps = []
    for one in range(len(weights)):
        for other in range(one + 1, len(weights)):
            weight = weights[one] * weights[other]
            points = np.flatnonzero(weight)
            if points.size:
                overlaps.append((one, other, points, weight[points]))
    return overlaps


def _robust_weights(residuals: list[np.ndarray], base: list[np.ndarray]) -> list[np.ndarray]:
    spread = max(SMALLEST_SPREAD, 1.4826 * float(np.median(np.abs(np.concatenate(residuals)))))
    return [weight / (1 + (each / (CUTOFF * spread)) ** 2) ** 2 for each, weight in zip(residuals, base, strict=True)]


def _solve_factors(along: list[np.ndarray], views: np.ndarray) -> np.ndarray:
    """Return the logarithm of a factor for each view, (N,); their mean is 0, so that metres are the views' mean."""
    values, weights = _on_grid(along, views)
    overlaps = _pairs(weights)
    base = [weight for *_, weight in overlaps]
    robust, count = base, len(along)
    solved = np.zeros(count)
    for _ in range(ROUNDS):
        # The Laplacian of the graph of views.
        matrix, goal = np.full((count, count), 1 / count), np.zeros(count)
        for (one, other, points, _), weight in zip(overlaps, robust, strict=True):
            total = weight.sum()
            difference = (weight * (values[other, points] - values[one, points])).sum()
            matrix[[one, other], [one, other]] += total
            matrix[[one, other], [other, one]] -= total
            goal[one] += difference
            goal[other] -= difference
        solved = np.linalg.solve(matrix, goal)
        residuals = [
            solved[one] + values[one, points] - solved[other] - values[other, points]
            for one, other, points, _ in overlaps
        ]
        robust = _robust_weights(residuals, base)
    logarithms: np.ndarray = solved - solved.mean()
    return logarithms


def _solve_scales_and_shifts(along: list[np.ndarray], inverse: list[np.ndarray], views: np.ndarray) -> np.ndarray:
    """Return scale and shift of each view, (N, 2), for values d / n and 1 / n; the scales' mean is 1."""
    count = len(along)
    values, weights = _on_grid(along, views)
    ones, _ = _on_grid(inverse, views)
    size = float(np.median([np.ptp(each[weight > 0]) for each, weight in zip(values, weights, strict=True)])) or 1.0
    values = values / size
    overlaps = _pairs(weights)
    base = [weight for *_, weight in overlaps]
    prior, solved = 1.0, np.zeros(2 * count)
    # A prior so strong that no view is turned over is found in a few steps.
    for _ in range(12):
        robust = base
        for _ in range(ROUNDS):
            solved = _solve_once(values, ones, overlaps, robust, prior)
            residuals = [
                _columns(values, ones, one, points) @ solved[2 * one : 2 * one + 2]
                - _columns(values, ones, other, points) @ solved[2 * other : 2 * other + 2]
                for one, other, points, _ in overlaps
            ]
            robust = _robust_weights(residuals, base)
        if (solved[::2] > SMALLEST_SCALE).all():
            break
        prior *= 10
    fits: np.ndarray = solved.reshape(count, 2) * [1, size]
    return fits


def _columns(values: np.ndarray, ones: np.ndarray, view: int, points: np.ndarray) -> np.ndarray:
    columns: np.ndarray = np.stack([values[view, points], ones[view, points]], axis=-1)
    return columns


def _solve_once(
    values: np.ndarray,
    ones: np.ndarray,
    overlaps: list[tuple[int, int, np.ndarray, np.ndarray]],
    robust: list[np.ndarray],
    prior: float,
) -> np.ndarray:
    """Solve the least squares of all overlaps under the condition that the scales' mean is 1."""
    count = len(values)
    matrix, goal = np.zeros((2 * count + 1, 2 * count + 1)), np.zeros(2 * count + 1)
    for (one, other, points, _), weight in zip(overlaps, robust, strict=True):
        both = np.concatenate([_columns(values, ones, one, points), -_columns(values, ones, other, points)], axis=1)
        places = [2 * one, 2 * one + 1, 2 * other, 2 * other + 1]
        matrix[np.ix_(places, places)] += both.T @ (both * weight[:, None])
    total = prior * sum(float(weight.sum()) for weight in robust) / count
    scales, shifts = np.arange(0, 2 * count, 2), np.arange(1, 2 * count, 2)
    matrix[scales, scales] += SCALE_PRIOR * total
    goal[scales] += SCALE_PRIOR * total
    matrix[shifts, shifts] += SHIFT_PRIOR * total
    matrix[-1, scales] = matrix[scales, -1] = 1.0
    goal[-1] = count
    solved: np.ndarray = np.linalg.solve(matrix, goal)[:-1]
    return solved
