# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about a view: exact depth, exposure, colour curve, choice of the camera."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cameras import CAMERAS

from depth_anything_hf.geometry.camera import pinhole_intrinsics
from depth_anything_hf.rendering.builder import Builder
from depth_anything_hf.rendering.scene_geometry import IDENTITY, Camera, rotation, translation
from depth_anything_hf.rendering.scenes import build_scene
from depth_anything_hf.rendering.view import (
    NEAR_CLIP_METRES,
    choose_camera,
    encode_srgb,
    planar_depth,
    render_view,
    tone_map,
    view_quality,
)


pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")


BALL_CENTRE, BALL_RADIUS = np.array([0.0, 5.0, 1.0]), 1.0


HALF_GROUND = 2000.0


def ray_vectors(camera: Camera, height: int, width: int) -> np.ndarray:
    """Rays through the pixel centres, (H, W, 3), with unit length along the optical axis."""
    intrinsics = pinhole_intrinsics(height, width, camera.horizontal_field_of_view_degrees)
    right, up, forward = camera.axes()
    across = (np.arange(width)[None, :, None] - intrinsics[0, 2]) / intrinsics[0, 0]
    down = (np.arange(height)[:, None, None] - intrinsics[1, 2]) / intrinsics[1, 1]
    return forward + across * right - down * up


def analytic_depth(camera: Camera, height: int, width: int) -> np.ndarray:
    """Planar depth of a ball on a square ground, from the equations of plane and sphere."""
    rays, origin = ray_vectors(camera, height, width), np.asarray(camera.position)
    with np.errstate(divide="ignore"):
        plane = -origin[2] / rays[..., 2]
    hits = origin + np.where(plane > 0, plane, 0)[..., None] * rays
    inside = (plane > 0) & (np.abs(hits[..., :2]) <= HALF_GROUND).all(axis=-1)
    plane = np.where(inside, plane, np.inf)
    offset = origin - BALL_CENTRE
    a, b, c = (rays**2).sum(-1), 2 * rays @ offset, offset @ offset - BALL_RADIUS**2
    discriminant = b**2 - 4 * a * c
    ball = (-b - np.sqrt(np.maximum(discriminant, 0))) / (2 * a)
    return np.minimum(plane, np.where((discriminant > 0) & (ball > 0), ball, np.inf))


def worst_relative_error(depth: np.ndarray, truth: np.ndarray) -> float:
    """Over pixels with truth below 500 m; sky must agree on all but 1 in 1000 pixels."""
    assert (np.isfinite(depth) == np.isfinite(truth)).mean() > 0.999
    compared = np.isfinite(depth) & (truth < 500)
    assert compared.mean() > 0.3
    return float(np.abs(depth[compared] / truth[compared] - 1).max())


@pytest.fixture(scope="module")
def glass_ball_on_ground() -> Any:
    builder = Builder(np.random.default_rng(0))
    builder.panel(IDENTITY, (2 * HALF_GROUND, 2 * HALF_GROUND), builder.material("plain"))
    builder.ball(IDENTITY, BALL_CENTRE, 2 * BALL_RADIUS, builder.material("glass"))
    return builder.load()


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_is_planar_and_exact(glass_ball_on_ground: Any, camera: Camera) -> None:
    height, width = 45, 64
    depth = planar_depth(glass_ball_on_ground, camera, height, width)
    truth = analytic_depth(camera, height, width)
    assert depth.dtype == np.float32 and depth.shape == (height, width)
    assert worst_relative_error(depth, truth) < 1e-3
    ray_lengths = np.linalg.norm(ray_vectors(camera, height, width), axis=-1)
    assert worst_relative_error(depth * ray_lengths, truth) > 1e-2
    assert worst_relative_error(depth - NEAR_CLIP_METRES, truth) > 1e-3


def test_first_surface_counts_for_glass_and_mirrors() -> None:
    builder = Builder(np.random.default_rng(0))
    builder.box(IDENTITY, (0, 8, 0), (20, 0.2, 20), builder.material("plain"))
    builder.ball(IDENTITY, (0, 3, 0), 1.0, builder.material("glass"))
    builder.box(IDENTITY, (-1.5, 4, 0), (1, 0.02, 1), builder.material("pane"))
    builder.box(IDENTITY, (1.5, 4, 0), (1, 0.02, 1), builder.material("mirror"))
    depth = planar_depth(builder.load(), Camera((0, 0, 0), 0, 0, 0, 60), 33, 65)
    row = depth[16]
    assert row[32] == pytest.approx(2.5, abs=1e-4)
    focal = pinhole_intrinsics(33, 65, 60)[0, 0]
    for x in (-1.5, 1.5):
        assert row[round(32 + focal * x / 4)] == pytest.approx(3.99, abs=1e-4)
    assert row[0] == pytest.approx(7.9, abs=1e-4)


def test_no_pixel_mixes_two_surfaces() -> None:
    builder = Builder(np.random.default_rng(0))
    builder.box(IDENTITY, (0, 6, 0), (40, 2, 40), builder.material("plain"))
    tilted = translation(0.3, 3, 0) @ rotation((0, 1, 0), 27)
    builder.box(tilted, (0, 0, 0), (0.8, 2, 1.1), builder.material("plain"))
    camera = Camera((0, 0, 0), 0, 0, 0, 70)
    scene = builder.load()
    depth = planar_depth(scene, camera, 61, 80)
    to_a_surface = np.minimum(np.abs(depth - 2), np.abs(depth - 5))
    assert to_a_surface.max() < 1e-4
    assert 0.02 < (depth < 3).mean() < 0.9


def test_exposure_ignores_the_sky() -> None:
    radiance = np.full((10, 10, 3), 0.2)
    has_depth = np.zeros((10, 10), dtype=bool)
    has_depth[5:] = True
    darker, brighter = radiance.copy(), radiance.copy()
    darker[:5], brighter[:5] = 0.5, 500.0
    images = [tone_map(sky, has_depth, np.random.default_rng(3)) for sky in (darker, brighter)]
    np.testing.assert_array_equal(images[0][5:], images[1][5:])
    assert 100 < images[0][9, 9, 0] < 230
    assert images[1][0, 0, 0] >= 254


def test_srgb_curve_at_known_points() -> None:
    linear = np.array([-1.0, 0.0, 0.0031308, 0.2158605, 1.0, 7.0])
    np.testing.assert_array_equal(encode_srgb(linear), [0, 0, 10, 128, 255, 255])


@pytest.mark.parametrize("family", ["varied", "hazy-rooms"])
def test_chosen_views_meet_the_requirements_at_any_size(family: Any) -> None:
    scene = build_scene(family, seed=1, scene_number=0)
    cameras = [choose_camera(scene, 0.75, [view]) for view in range(3)]
    assert len(set(cameras)) == 3
    for camera in cameras:
        assert view_quality(planar_depth(scene.mitsuba_scene, camera, 60, 80), scene.requirements) >= 1
    assert choose_camera(scene, 0.75, [1]) == cameras[1]
    options: dict[str, Any] = {"samples_per_pixel": 1, "denoise": False}
    small, large = (render_view(scene, cameras[0], size, size, **options) for size in (16, 48))
    # The middle of a pixel is the middle of the central one of the three that a three times finer image has there.
    np.testing.assert_allclose(large.depth[1::3, 1::3], small.depth, rtol=1e-3, atol=0)
