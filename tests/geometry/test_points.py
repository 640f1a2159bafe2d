# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points, normals and triangles of a scene whose geometry is known by formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from analytic_scene import analytic_camera, cast_rays, distances_to_surfaces, true_normals

from depth_anything_hf.geometry.intrinsics import CameraIntrinsics
from depth_anything_hf.geometry.points import find_connections, find_normals, make_triangles, unproject


CAMERA = analytic_camera()
DEPTH, SEEN = cast_rays(CAMERA)
POINTS = unproject(DEPTH, CAMERA.matrix)


def test_points_lie_on_the_surfaces() -> None:
    assert distances_to_surfaces(POINTS.reshape(-1, 3)).max() < 1e-9
    assert POINTS[-1, 0, 0] < 0 < POINTS[-1, -1, 0]
    assert POINTS[0, 0, 1] < 0 < POINTS[-1, 0, 1]


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_without_depth_there_is_no_point(value: float) -> None:
    depth = np.full((3, 4), 2.0)
    depth[1, 2] = value
    points = unproject(depth, np.eye(3))
    assert np.isnan(points[1, 2]).all() and np.isfinite(points).sum() == 33


def test_normals_are_those_of_the_surfaces() -> None:
    normals = find_normals(POINTS)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1)
    assert ((normals * POINTS).sum(-1) < 0).all()
    truth = true_normals(POINTS, SEEN)
    degrees = np.degrees(np.arccos(np.clip((normals * truth).sum(-1), -1, 1)))
    # At corners and rims differences reach across two surfaces or flat along one.
    flat = (SEEN == 0) | (SEEN == 1)
    assert np.median(degrees[flat]) < 1e-4 and (degrees[flat] < 0.01).mean() > 0.97
    assert np.median(degrees[SEEN == 2]) < 1 and np.percentile(degrees[SEEN == 2], 80) < 3


def test_no_triangle_joins_what_is_apart_and_none_is_missing_on_a_surface() -> None:
    faces = make_triangles(*find_connections(POINTS))
    depths, seen = DEPTH.ravel()[faces], SEEN.ravel()[faces]
    # Where the sphere or the box touches the floor, they are joined rightly.
    mixed = seen.min(axis=1) != seen.max(axis=1)
    assert (depths[mixed].max(axis=1) / depths[mixed].min(axis=1)).max() < 1.12
    planar = np.isin(SEEN, (0, 1))
    squares = planar[:-1, :-1] & planar[1:, :-1] & planar[:-1, 1:] & planar[1:, 1:]
    # Floor and wall are one surface.
    on_planes = np.isin(seen, (0, 1)).all(axis=1).sum()
    assert 2 * squares.sum() <= on_planes <= 2 * squares.sum() + 300


def test_a_coarse_floor_is_not_cut() -> None:
    camera = CameraIntrinsics.from_field_of_view(90, 24, 24)
    depth, seen = cast_rays(camera)
    far = np.where(seen == 0, depth, np.nan)
    right, below = find_connections(unproject(far, camera.matrix))
    known = np.isfinite(far)
    assert (below == (known[:-1] & known[1:])).all() and (right == (known[:, :-1] & known[:, 1:])).all()
    column = far[:, 0][np.isfinite(far[:, 0])]
    assert np.abs(np.diff(column) / column[1:]).max() > 0.05


def step_scene(near: float, far: float, ramp: int = 0, focal: float = 60.0) -> np.ndarray:
    row = np.concatenate([np.full(20, near), np.linspace(near, far, ramp + 2)[1:-1], np.full(20, far)])
    camera = CameraIntrinsics.from_focal_length(focal, 10, row.size)
    return unproject(np.tile(row, (10, 1)), camera.matrix)


@pytest.mark.parametrize(
    ("near", "far", "ramp", "focal", "cuts"),
    [
        (2.0, 2.2, 0, 60.0, 1),
        (2.0, 2.08, 0, 60.0, 0),
        (1.0, 10.0, 0, 60.0, 1),
        (2.0, 3.0, 1, 60.0, 2),
        (2.0, 3.0, 8, 3000.0, 9),
    ],
    ids=["10 %", "4 %", "tenfold", "a pixel between", "ramp of a large picture"],
)
def test_steps_are_cut_by_the_threshold(near: float, far: float, ramp: int, focal: float, cuts: int) -> None:
    right, below = find_connections(step_scene(near, far, ramp, focal))
    assert (~right).sum(axis=1).tolist() == [cuts] * 10
    assert below[:, :20].all() and below[:, -20:].all()


def test_a_threshold_is_the_relative_jump_and_infinity_cuts_nothing() -> None:
    points = step_scene(2.0, 3.0)
    assert (~find_connections(points, 0.49)[0]).sum() == 10
    assert find_connections(points, 0.51)[0].all()
    assert find_connections(step_scene(2.0, 200.0), math.inf)[0].all()
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="edge_threshold must be above 0"):
            find_connections(points, wrong)


def test_triangles_are_counterclockwise_for_the_camera() -> None:
    faces = make_triangles(*find_connections(POINTS))
    corners = POINTS.reshape(-1, 3)[faces]
    directions = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # In axes that are half a turn about x away, a turn keeps what is counterclockwise.
    assert ((directions * corners.mean(axis=1)).sum(-1) < 0).all()


def test_a_hole_takes_its_triangles_with_it() -> None:
    depth = np.full((4, 5), 2.0)
    depth[1, 2] = math.nan
    faces = make_triangles(*find_connections(unproject(depth, np.diag([5.0, 5.0, 1.0]))))
    assert 7 not in faces and len(faces) == 2 * 12 - 6


def test_one_row_has_no_triangle_and_one_pixel_no_normal() -> None:
    assert make_triangles(*find_connections(unproject(np.ones((1, 5)), np.eye(3)))).shape == (0, 3)
    assert np.isnan(find_normals(unproject(np.ones((1, 1)), np.eye(3)))).all()
