# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The pinhole camera: intrinsics, and ray distance to planar depth."""

from __future__ import annotations

import math

import numpy as np


def pinhole_intrinsics(height: int, width: int, horizontal_field_of_view_degrees: float) -> np.ndarray:
    """Return the intrinsic matrix of a pinhole camera with square pixels and a centred principal point.

    Integer pixel indices are pixel centres, so the image spans -0.5 .. width - 0.5 and its middle lies at
    `(width / 2 - 0.5, height / 2 - 0.5)`.

    Args:
        height: pixels.
        width: pixels.
        horizontal_field_of_view_degrees: angle between the left and the right image border, in (0, 180).

    Returns:
        (3, 3) float64 matrix; the focal length is in pixels.

    Raises:
        ValueError: if the size or the angle is out of range.
    """
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1 pixel, got {height} and {width}.")
    if not 0 < horizontal_field_of_view_degrees < 180:
        raise ValueError(
            "horizontal_field_of_view_degrees must be between 0 and 180 (both excluded), got "
            f"{horizontal_field_of_view_degrees}."
        )
    focal = width / 2 / math.tan(math.radians(horizontal_field_of_view_degrees) / 2)
    return np.array([[focal, 0.0, width / 2 - 0.5], [0.0, focal, height / 2 - 0.5], [0.0, 0.0, 1.0]])


def distance_to_planar_depth(distance: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Convert the distance along each pixel's ray to depth along the optical axis (planar z).

    A ray through pixel (x, y) points along ((x - cx) / fx, (y - cy) / fy, 1), hence `z = distance / |that vector|`.

    Args:
        distance: (..., H, W) metres from the camera centre; `+inf` and NaN stay what they are.
        intrinsics: (3, 3) pinhole matrix in pixels, integer indices = pixel centres.

    Returns:
        (..., H, W) planar z in metres, float64 unless `distance` is a wider type.

    Raises:
        ValueError: if `distance` has fewer than two dimensions or `intrinsics` is not (3, 3).
    """
    distance = np.asarray(distance)
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    if distance.ndim < 2 or intrinsics.shape != (3, 3):
        raise ValueError(
            f"distance must be (..., H, W) and intrinsics (3, 3), got {distance.shape} and {intrinsics.shape}."
        )
    height, width = distance.shape[-2:]
    across = (np.arange(width) - intrinsics[0, 2]) / intrinsics[0, 0]
    down = (np.arange(height)[:, None] - intrinsics[1, 2]) / intrinsics[1, 1]
    depth: np.ndarray = distance / np.sqrt(across**2 + down**2 + 1)
    return depth
