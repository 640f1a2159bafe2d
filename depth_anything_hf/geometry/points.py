# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth maps as points in space: unprojection, surface normals, and triangles that are cut where depth jumps.

Points are in the camera's axes as OpenCV has them: x to the right, y down, z forward along the optical axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .disparity import depth_to_disparity


EDGE_THRESHOLD = 0.05
# Where a model draws a border as a ramp over several pixels, no single step is large, but the ramp is seen so flatly.
# With a larger threshold than that above the angle is smaller in proportion.
SMALLEST_ANGLE_DEGREES = 4.0


@dataclass(frozen=True)
class Mesh:
    """Triangles with the picture as their texture.

    Attributes:
        vertices: float32 (N, 3), in the camera's axes: x to the right, y down, z forward.
        faces: int64 (M, 3), counterclockwise as the camera sees them.
        texture_coordinates: float32 (N, 2), from the picture's left border and from its lower one, 0 to 1.
    """

    vertices: np.ndarray
    faces: np.ndarray
    texture_coordinates: np.ndarray


def unproject(depth: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the point in space of each pixel: `((x - cx) / fx, (y - cy) / fy, 1) * depth`.

    Args:
        depth: (H, W) planar z, metres.
        matrix: (3, 3) pinhole intrinsics in pixels, integer indices = pixel centres.

    Returns:
        float64 (H, W, 3), metres; NaN where depth is NaN, infinite, zero or negative.

    Raises:
        ValueError: other shapes.
    """
    depth, matrix = np.asarray(depth, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
    if depth.ndim != 2 or matrix.shape != (3, 3):
        raise ValueError(f"depth must be (H, W) and the intrinsics (3, 3), got {depth.shape} and {matrix.shape}")
    height, width = depth.shape
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)
    points = np.empty((height, width, 3))
    points[..., 0] = (np.arange(width) - matrix[0, 2]) / matrix[0, 0] * depth
    points[..., 1] = ((np.arange(height) - matrix[1, 2]) / matrix[1, 1])[:, None] * depth
    points[..., 2] = depth
    return points


def find_connections(points: np.ndarray, threshold: float = EDGE_THRESHOLD) -> tuple[np.ndarray, np.ndarray]:
    """Return which neighbouring pixels belong to one surface.

    Two neighbours are apart where depth jumps: where the farther is more than `1 + threshold` times as far as the
    nearer, and a plane through the pixels on either side does not explain it (inverse depth is affine in the pixels of
    a plane, so that floors are not cut); or where the line between them is seen at less than
    `SMALLEST_ANGLE_DEGREES`, as a border is that a model has drawn as a ramp (with a larger threshold: at an angle
    smaller in proportion).

    Args:
        points: (H, W, 3) of `unproject`.
        threshold: relative jump of depth; infinity connects all neighbours that have a depth.

    Returns:
        bool (H, W - 1), each pixel with the next on its right, and bool (H - 1, W), with the next below.

    Raises:
        ValueError: a threshold that is not positive.
    """
    if not threshold > 0:
        raise ValueError(f"edge_threshold must be above 0 (infinity cuts nothing), got {threshold}")
    across = _connections_across(points, threshold)
    down = _connections_across(points.transpose(1, 0, 2), threshold).T
    return across, down


def find_normals(points: np.ndarray, threshold: float = EDGE_THRESHOLD) -> np.ndarray:
    """Return the direction of the surface at each pixel, towards the camera.

    It is the cross product of the differences to the neighbours across and down: the mean of both sides, or of one
    where the other is apart by `find_connections`.

    Args:
        points: (H, W, 3) of `unproject`.
        threshold: as of `find_connections`.

    Returns:
        float64 (H, W, 3) of length 1, in the camera's axes; NaN without depth or without a neighbour that has one.
    """
    right, below = find_connections(points, threshold)
    across = _tangents(points, right)
    down = _tangents(points.transpose(1, 0, 2), below.T).transpose(1, 0, 2)
    normals = np.cross(across, down)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        away = (normals * points).sum(axis=-1) > 0
    normals[away] *= -1
    return normals


def make_triangles(right: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return two triangles for each square of four pixels, none across a cut of `find_connections`.

    Args:
        right: bool (H, W - 1).
        below: bool (H - 1, W).

    Returns:
        int64 (N, 3), numbers of pixels counted row by row; counterclockwise as the camera sees them.
    """
    height, width = below.shape[0] + 1, right.shape[1] + 1
    number = np.arange(height * width).reshape(height, width)
    top_left, top_right = number[:-1, :-1], number[:-1, 1:]
    bottom_left, bottom_right = number[1:, :-1], number[1:, 1:]
    upper = right[:-1] & below[:, :-1]
    lower = right[1:] & below[:, 1:]
    return np.concatenate(
        [
            np.stack([top_left[upper], bottom_left[upper], top_right[upper]], axis=-1),
            np.stack([bottom_right[lower], top_right[lower], bottom_left[lower]], axis=-1),
        ]
    )


def _connections_across(points: np.ndarray, threshold: float) -> np.ndarray:
    depth = points[..., 2]
    first, second = depth[:, :-1], depth[:, 1:]
    known: np.ndarray = np.isfinite(first) & np.isfinite(second)
    if math.isinf(threshold):
        return known
    disparity = depth_to_disparity(depth)
    left, right = disparity[:, :-1], disparity[:, 1:]
    # What a plane through the two pixels on each side foretells.
    beyond = np.pad(disparity, ((0, 0), (1, 1)), constant_values=np.nan)
    with np.errstate(invalid="ignore"):
        by_left = np.abs(2 * left - beyond[:, :-3] - right)
        by_right = np.abs(2 * right - beyond[:, 3:] - left)
        jump = np.fmin(np.abs(right - left), np.fmax(by_left, by_right))
        is_jump = jump > threshold * np.minimum(left, right)
        step = np.diff(points, axis=1)
        ray = points[:, :-1] + points[:, 1:]
        sine = np.linalg.norm(np.cross(step, ray), axis=-1)
        degrees = SMALLEST_ANGLE_DEGREES * min(1.0, EDGE_THRESHOLD / threshold)
        is_flat = sine < math.sin(math.radians(degrees)) * np.linalg.norm(step, axis=-1) * (
            np.linalg.norm(ray, axis=-1)
        )
    connected: np.ndarray = known & ~is_jump & ~is_flat
    return connected


def _tangents(points: np.ndarray, connected: np.ndarray) -> np.ndarray:
    """(H, W, 3), bool (H, W - 1) -> the difference to the neighbours across, (H, W, 3); NaN without one."""
    steps = np.diff(points, axis=1)
    missing = np.full((points.shape[0], 1, 3), np.nan)
    before, after = np.concatenate([missing, steps], axis=1), np.concatenate([steps, missing], axis=1)
    lone = np.zeros((points.shape[0], 1), dtype=bool)
    has_before, has_after = np.concatenate([lone, connected], axis=1), np.concatenate([connected, lone], axis=1)
    with np.errstate(invalid="ignore"):
        # Without a neighbour on the same surface, the one that is less far away.
        nearer = np.abs(before[..., 2]) <= np.abs(after[..., 2])
    is_before = np.where(has_before | has_after, has_before, nearer | np.isnan(after[..., 2]))
    tangents: np.ndarray = np.where(is_before[..., None], before, after)
    both = has_before & has_after
    tangents[both] = (before[both] + after[both]) / 2
    return tangents
