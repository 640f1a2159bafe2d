# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A floor, a wall, a sphere and a box, whose depth is known by formulas. Axes: x to the right, y down, z forward."""

from __future__ import annotations

import numpy as np

from depth_anything_hf.geometry.intrinsics import CameraIntrinsics


FLOOR_Y, WALL_Z = 1.2, 6.0
CENTRE, RADIUS = np.array([-0.9, 0.3, 3.0]), 0.7
BOX_LOW, BOX_HIGH = np.array([0.5, 0.1, 2.2]), np.array([1.4, 1.2, 3.1])
COLOURS = np.array([[60, 120, 60], [200, 200, 190], [200, 60, 50], [50, 80, 200]], np.uint8)


def analytic_camera(height: int = 96, width: int = 128) -> CameraIntrinsics:
    """Return a camera with unequal focal lengths and a principal point off the middle."""
    return CameraIntrinsics(width, height, 0.95 * width, 0.97 * width, 0.53 * width, 0.44 * height)


def cast_rays(camera: CameraIntrinsics) -> tuple[np.ndarray, np.ndarray]:
    """Return depth, float64 (H, W), and what is seen, int (H, W): 0 floor, 1 wall, 2 sphere, 3 box."""
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width].astype(float)
    rays = np.stack(
        [(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy, np.ones_like(rows)], axis=-1
    )  # of length 1 along z, so that their factors are depths
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(rays[..., 1] > 0, FLOOR_Y / rays[..., 1], np.inf)
        wall = np.full(floor.shape, WALL_Z)
        a, b, c = (rays**2).sum(-1), rays @ CENTRE, CENTRE @ CENTRE - RADIUS**2
        sphere = np.where(b * b > a * c, (b - np.sqrt(b * b - a * c)) / a, np.inf)
        near, far = np.sort([BOX_LOW / rays, BOX_HIGH / rays], axis=0)
        enters, leaves = near.max(axis=-1), far.min(axis=-1)
        box = np.where((enters < leaves) & (enters > 0), enters, np.inf)
    depths = np.stack([floor, wall, sphere, box])
    return depths.min(axis=0), depths.argmin(axis=0)


def distances_to_surfaces(points: np.ndarray) -> np.ndarray:
    """(N, 3) -> the distance of each point to the nearest of the four surfaces, (N,)."""
    outside = np.maximum(np.maximum(BOX_LOW - points, points - BOX_HIGH), 0)
    inside = np.minimum(points - BOX_LOW, BOX_HIGH - points).min(axis=-1)
    box = np.where((outside > 0).any(axis=-1), np.linalg.norm(outside, axis=-1), np.abs(inside))
    return np.min(
        [
            np.abs(points[:, 1] - FLOOR_Y),
            np.abs(points[:, 2] - WALL_Z),
            np.abs(np.linalg.norm(points - CENTRE, axis=-1) - RADIUS),
            box,
        ],
        axis=0,
    )


def true_normals(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the directions of the surfaces towards the camera, (H, W, 3); NaN for the box, which has three."""
    normals = np.full(points.shape, np.nan)
    normals[seen == 0] = (0, -1, 0)
    normals[seen == 1] = (0, 0, -1)
    normals[seen == 2] = (points[seen == 2] - CENTRE) / RADIUS
    return normals
