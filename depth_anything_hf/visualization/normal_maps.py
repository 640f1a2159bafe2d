# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Surface normals as colours, and back."""

from __future__ import annotations

import numpy as np


# From the axes of OpenCV to those of such pictures: y up, z towards the camera.
TO_PICTURE = np.array([1, -1, -1], dtype=np.float32)
NO_NORMAL = 0


def normals_to_picture(normals: np.ndarray) -> np.ndarray:
    """Colour normals as renderers do: red to the right, green up, blue towards the camera, -1..1 as 1..255.

    A wall that faces the camera is (128, 128, 255), a floor is green.

    Args:
        normals: (H, W, 3) of length 1, x to the right, y down, z forward; NaN: none.

    Returns:
        uint8 (H, W, 3) RGB; black without a normal.
    """
    known = np.isfinite(normals).all(axis=-1, keepdims=True)
    codes = np.rint(128 + 127 * np.where(known, normals, 0.0) * TO_PICTURE)
    picture: np.ndarray = np.where(known, np.clip(codes, 1, 255), NO_NORMAL).astype(np.uint8)
    return picture


def normals_from_picture(picture: np.ndarray) -> np.ndarray:
    """Return what `normals_to_picture` was given, float32 (H, W, 3), to half a step of 1 / 127 in each component."""
    codes = picture.astype(np.float32)
    normals = (codes - 128) / 127 * TO_PICTURE
    with np.errstate(invalid="ignore", divide="ignore"):
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    restored: np.ndarray = np.where((picture == NO_NORMAL).all(axis=-1, keepdims=True), np.float32(np.nan), normals)
    return restored
