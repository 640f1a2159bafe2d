# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the surface points of one view are in another view, by exact depth and poses."""

from __future__ import annotations

import cv2
import numpy as np

from .maps import check_same_shape
from .points import unproject


# Of the disparity: a point that is nearer or farther than this in the other view is another one.
SAME_SURFACE = 0.01


def find_in_view(
    depth: np.ndarray, pose: np.ndarray, other_depth: np.ndarray, other_pose: np.ndarray, intrinsics: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where each pixel's surface point is in another view of the same camera, and whether it is seen there.

    Disparity is affine in the pixels of a plane, so its bilinear interpolation is exact on planes; a point is seen
    where that agrees with its own disparity in the other view within one percent.

    Args:
        depth: (H, W) planar z in metres; NaN or `+inf` (sky) has no point.
        pose: (4, 4), from the camera (x right, y down, z forward) to the world, metres.
        other_depth: (H, W).
        other_pose: (4, 4).
        intrinsics: (3, 3) pixels, of both.

    Returns:
        `(x, y, seen)`: float32 (H, W) pixels of the other view, and bool (H, W).

    Raises:
        ValueError: the shapes differ.
    """
    check_same_shape(depth=depth, other_depth=other_depth)
    height, width = depth.shape
    points = unproject(depth, intrinsics)
    has_point = np.isfinite(points[..., 2])
    points[~has_point] = 1.0
    to_other = np.linalg.inv(other_pose) @ pose
    moved = points @ to_other[:3, :3].T + to_other[:3, 3]
    has_point &= moved[..., 2] > 1e-6
    other_z = np.where(has_point, moved[..., 2], 1.0)
    other_x = moved[..., 0] / other_z * intrinsics[0, 0] + intrinsics[0, 2]
    other_y = moved[..., 1] / other_z * intrinsics[1, 1] + intrinsics[1, 2]
    inside = has_point & (other_x >= 0) & (other_x <= width - 1) & (other_y >= 0) & (other_y <= height - 1)
    other_x, other_y = (np.where(inside, each, 0).astype(np.float32) for each in (other_x, other_y))
    with np.errstate(divide="ignore"):
        other_disparity = (1 / other_depth).astype(np.float32)
    found = cv2.remap(other_disparity, other_x, other_y, cv2.INTER_LINEAR)
    seen: np.ndarray = inside & (np.abs(found * other_z - 1) <= SAME_SURFACE)
    return other_x, other_y, seen
