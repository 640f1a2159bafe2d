# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distances along rays told from planar depth, by the flat surfaces of a label.

Of a plane n . X = d seen by a pinhole, the inverse of planar depth z is linear in the pixel, 1 / z = n . r / d with
the ray r = ((x - cx) / fx, (y - cy) / fy, 1). The distance to the camera's centre is z |r|, whose inverse is linear
only when it is multiplied by |r|. Which of the two is linear tells them apart; where the lens is not known, several
are tried.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .label_values import thinned


# Degrees between the left and the right border of lenses that are tried.
FIELDS_OF_VIEW = tuple(range(50, 131, 5))
# Where none of these makes anything flat, the others are not tried.
FIRST_TRIED = (60, 90, 120)
SIDE, LEAST_SIDE = 160, 48
# Patches of pixels: side as a share of the larger side of the label, and steps between them as a share of their own.
PATCH, PATCH_STEP = 1 / 5, 1 / 3
# Root mean square by which a patch is off a plane, as a share of its mean inverse depth: at most so much where it is
# flat, and so many times more by the other reading.
FLAT, RATIO = 3e-3, 2.0


def flat_surfaces(depth: np.ndarray, intrinsics: np.ndarray | None = None) -> dict[int, tuple[int, int]]:
    """Count the flat surfaces by each of two readings, for each lens.

    Args:
        depth: (H, W) positive, NaN without a value.
        intrinsics: (3, 3) in pixels of the label; None tries `FIELDS_OF_VIEW`.

    Returns:
        Degrees between the left and the right border -> how many patches are flat if the numbers are distances along
        rays and not if they are planar depth, and the other way round. Empty where no patch has all its values.
    """
    if min(depth.shape) < LEAST_SIDE:
        return {}
    step = -(-max(depth.shape) // SIDE)
    thin = thinned(depth, SIDE).astype(np.float64)
    height, width = thin.shape
    side = max(8, round(max(height, width) * PATCH))
    patches, places = _patches(thin, side)
    if not len(patches):
        return {}
    basis = _plane_basis(side)
    planar = _off_plane(patches, basis)
    rows, columns = np.divmod(np.arange(side * side), side)
    lenses = _lenses(width, height, step, intrinsics)

    def count(fov: int) -> tuple[int, int]:
        fx, fy, cx, cy = lenses[fov]
        x = (places[:, 1:] + columns - cx) / fx
        y = (places[:, :1] + rows - cy) / fy
        along_rays = _off_plane(patches * np.sqrt(1 + x * x + y * y), basis)
        is_flat = np.minimum(planar, along_rays) < FLAT
        rays = int((is_flat & (RATIO * along_rays < planar)).sum())
        return rays, int((is_flat & (RATIO * planar < along_rays)).sum())

    found = {fov: count(fov) for fov in lenses if intrinsics is not None or fov in FIRST_TRIED}
    if any(rays for rays, _ in found.values()):
        found |= {fov: count(fov) for fov in lenses if fov not in found}
    return found


def _lenses(
    width: int, height: int, step: int, intrinsics: np.ndarray | None
) -> dict[int, tuple[float, float, float, float]]:
    if intrinsics is not None:
        # Pixel centres are whole numbers, and every `step`-th pixel is left.
        fx, fy, cx, cy = (float(intrinsics[place]) / step for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
        return {round(math.degrees(2 * math.atan(width / 2 / fx))): (fx, fy, cx, cy)}
    lenses = {}
    for fov in FIELDS_OF_VIEW:
        focal = width / 2 / math.tan(math.radians(fov) / 2)
        lenses[fov] = focal, focal, (width - 1) / 2, (height - 1) / 2
    return lenses


def _patches(values: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverses of patches that have all their values, (N, side * side), and their upper left corners."""
    patches, places = [], []
    step = max(4, round(side * PATCH_STEP))
    for row in range(0, values.shape[0] - side + 1, step):
        for column in range(0, values.shape[1] - side + 1, step):
            patch = values[row : row + side, column : column + side]
            if np.isfinite(patch).all() and (patch > 0).all():
                patches.append(1 / patch.ravel())
                places.append((row, column))
    return np.array(patches), np.array(places)


@lru_cache(maxsize=8)
def _plane_basis(side: int) -> np.ndarray:
    """Return an orthonormal basis of the planes on a square of pixels, (side * side, 3)."""
    rows, columns = np.divmod(np.arange(side * side), side)
    planes = np.stack([np.ones(side * side), rows / side - 0.5, columns / side - 0.5], axis=1)
    basis: np.ndarray = np.linalg.qr(planes)[0]
    return basis


def _off_plane(patches: np.ndarray, basis: np.ndarray) -> np.ndarray:
    residuals = patches - (patches @ basis) @ basis.T
    off: np.ndarray = np.sqrt((residuals**2).mean(axis=1)) / patches.mean(axis=1)
    return off
