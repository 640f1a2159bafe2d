# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole numbers of a room, and of the same room as other devices write it."""

from __future__ import annotations

import numpy as np


def room(seed: int = 0) -> np.ndarray:
    """Millimetres of a room, 1 to 4 m, some without a value."""
    rng = np.random.default_rng(seed)
    depth = np.linspace(1000, 4000, 60 * 80).reshape(60, 80) + rng.uniform(-20, 20, (60, 80))
    depth[rng.random((60, 80)) < 0.1] = 0
    return depth.astype(np.uint16)


def rotate(millimetres: np.ndarray) -> np.ndarray:
    return millimetres << 3 | millimetres >> 13


def raw_of(millimetres: np.ndarray) -> np.ndarray:
    metres = np.where(millimetres == 0, 1, millimetres) / 1000
    return np.where(millimetres == 0, 2047, np.round(1092.5 - 351.3 / metres)).astype(np.uint16)


def corridor(height: int = 120, width: int = 160, noise: float = 0.002) -> np.ndarray:
    """Metres of a corridor of 2.4 by 2 m, 6 m long, seen at an angle, as a sensor measures them: float64 (H, W)."""
    rows, columns = np.mgrid[0:height, 0:width]
    across, down = (columns - width / 2) / width + 0.1, (rows - height / 2) / width
    # 1 / z of the walls, floor, ceiling and end; the nearest is seen.
    inverses = np.stack([across / 1.2, -across / 1.2, down / 1.0, -down / 1.0, 1 / 6 + across / 30])
    rng = np.random.default_rng(0)
    depth: np.ndarray = 1 / inverses.max(axis=0) * rng.normal(1, noise, (height, width))
    return depth
