# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Panoramas: a room whose distances are known by formulas, its wrap and poles, and where views look."""

from __future__ import annotations

import numpy as np
import pytest
from formula_predictor import FormulaPredictor, soft_picture
from tiny_predictors import random_image

from depth_anything_hf.geometry.equirectangular import equirectangular_directions, icosahedral_views
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.panorama import cut_view, join_views, predict_panorama


# Walls of a box room around the camera, which does not stand in its middle: x to the right, y down, z forward.
LOW, HIGH = np.array([-2.0, -1.2, -3.0]), np.array([3.0, 1.5, 4.0])
SIDE = 84
HEIGHT, WIDTH = 128, 256


def multiples_to_walls(rays: np.ndarray) -> np.ndarray:
    """(..., 3) -> how many lengths of the ray it is to the wall."""
    with np.errstate(divide="ignore"):
        multiples: np.ndarray = np.where(rays > 0, HIGH / rays, LOW / rays).min(axis=-1)
    return multiples


def planar_depths() -> list[np.ndarray]:
    places = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    rays = np.stack(np.broadcast_arrays(places, places[:, None], 1.0), axis=-1)  # of length 1 along z
    return [multiples_to_walls(rays @ axes) for axes in icosahedral_views()]


def distances() -> np.ndarray:
    return multiples_to_walls(equirectangular_directions(HEIGHT, WIDTH))


def test_a_metric_room_is_its_distances_along_the_ray() -> None:
    maps = [each.astype(np.float32) for each in planar_depths()]
    joined = join_views(maps, icosahedral_views(), "depth", HEIGHT, WIDTH)
    assert joined.dtype == np.float32 and joined.shape == (HEIGHT, WIDTH)
    ratio = joined / distances()
    # Corners of the room are rounded by interpolation.
    assert np.abs(ratio - 1).mean() < 0.001 and np.abs(ratio - 1).max() < 0.02


def test_views_of_other_metres_are_brought_to_their_geometric_mean() -> None:
    factors = np.exp(np.random.default_rng(0).normal(0, 0.3, 12))
    maps = [(factor * each).astype(np.float32) for factor, each in zip(factors, planar_depths(), strict=True)]
    # One view of nonsense in a corner is outvoted.
    maps[3][:20, :20] *= 5
    ratio = join_views(maps, icosahedral_views(), "depth", HEIGHT, WIDTH) / distances()
    assert np.median(ratio) == pytest.approx(np.exp(np.log(factors).mean()), rel=0.01)
    assert np.quantile(ratio, 0.95) / np.quantile(ratio, 0.05) < 1.02


def test_disparities_of_any_scale_and_shift_become_inverse_distance() -> None:
    random = np.random.default_rng(1)
    scales, shifts = np.exp(random.normal(0, 0.3, 12)), random.uniform(-0.3, 0.3, 12)
    maps = [
        (scale / each + shift).astype(np.float32)
        for scale, shift, each in zip(scales, shifts, planar_depths(), strict=True)
    ]
    joined = join_views(maps, icosahedral_views(), "disparity", HEIGHT, WIDTH)
    inverse = 1 / distances()
    scale, shift = np.polyfit(inverse.ravel(), joined.ravel(), 1)
    error = np.abs((joined - shift) / scale - inverse)
    assert scale > 0 and error.mean() < 0.005 * np.ptp(inverse) and error.max() < 0.05 * np.ptp(inverse)
    # The views' own shift, too, which overlaps of exact views do tell.
    assert abs(shift) < 0.02 * scale * np.ptp(inverse)


def test_equal_distance_all_around_stays_so() -> None:
    # Nothing but scales and shifts differs, so that no view is an outlier.
    places = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    lengths = np.sqrt(1 + places**2 + places[:, None] ** 2)
    for shifts in (np.linspace(-1, 1, 12), np.full(12, 0.3)):
        maps = [
            (scale * lengths / 3 + shift).astype(np.float32)
            for scale, shift in zip(np.linspace(0.5, 2, 12), shifts, strict=True)
        ]
        joined = join_views(maps, icosahedral_views(), "disparity", HEIGHT, WIDTH)
        assert joined.std() < 0.002 * joined.mean()


@pytest.mark.parametrize("kind", ["depth", "disparity"])
def test_neither_the_border_nor_a_pole_shows(kind: str) -> None:
    random = np.random.default_rng(2)
    # Views that disagree, as those of a model do.
    maps = [
        (each**-1 * np.exp(random.normal(0, 0.2)) + random.uniform(0, 0.1)).astype(np.float32)
        for each in planar_depths()
    ]
    if kind == "depth":
        maps = [1 / each for each in maps]
    joined = join_views(maps, icosahedral_views(), kind, HEIGHT, WIDTH)  # type: ignore[arg-type]
    across_the_border = np.abs(joined[:, 0] - joined[:, -1])
    inside = np.abs(np.diff(joined, axis=1))
    assert across_the_border.mean() < 1.5 * inside.mean() and across_the_border.max() <= inside.max()
    for pole in (joined[0], joined[-1]):
        # All of these pixels are less than half a pixel from the pole.
        assert np.ptp(pole) < 0.02 * pole.mean()


def test_views_are_cut_where_they_look_and_wrap() -> None:
    directions = equirectangular_directions(128, 256)
    panorama = np.rint((directions + 1) * 127.5).astype(np.uint8)
    places = (np.arange(32) + 0.5) * 2 / 32 - 1
    rays = np.stack(np.broadcast_arrays(places, places[:, None], 1.0), axis=-1)
    backwards = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, -1]])
    for axes in [*icosahedral_views(), backwards]:
        wanted = rays @ axes
        wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
        found = cut_view(panorama, axes, 32) / 127.5 - 1
        assert np.abs(found - wanted).max() < 0.03


def test_a_panorama_of_a_tiny_model(predictor: DepthPredictor) -> None:
    values = predict_panorama(predictor, random_image((60, 120)))
    assert values.shape == (60, 120) and np.isfinite(values).all() and values.std() > 0
    with pytest.raises(ValueError, match="twice as wide as high, got 120 x 90 pixels"):
        predict_panorama(predictor, random_image((90, 120)))


def test_a_brighter_panorama_is_nearer_all_around() -> None:
    picture = soft_picture(100, 200)
    picture[:, -30:] = picture[:, :1]  # no step where it wraps
    values = predict_panorama(FormulaPredictor(56), picture)
    assert values.shape == (100, 200)
    assert np.abs(values[:, 0] - values[:, -1]).max() <= np.abs(np.diff(values, axis=1)).max()
