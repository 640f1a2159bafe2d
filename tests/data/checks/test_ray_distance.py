# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distances along rays are told from planar depth by flat surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from checked_scenes import HEIGHT, WIDTH, scene

from depth_anything_hf.data.checks.ray_distance import flat_surfaces


MATRIX = np.array([[WIDTH / 2, 0, (WIDTH - 1) / 2], [0, WIDTH / 2, (HEIGHT - 1) / 2], [0, 0, 1]])


def distance(depth):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    x, y = (columns - MATRIX[0, 2]) / MATRIX[0, 0], (rows - MATRIX[1, 2]) / MATRIX[1, 1]
    return depth * np.sqrt(1 + x * x + y * y)


@pytest.mark.parametrize("intrinsics", [None, MATRIX])
def test_flat_surfaces_tell_which_it_is_and_the_lens(intrinsics):
    depth = scene(3)[1].astype(np.float64)
    counts = flat_surfaces(depth, intrinsics)
    assert sum(rays for rays, _ in counts.values()) == 0 and max(planar for _, planar in counts.values()) >= 3
    counts = flat_surfaces(distance(depth), intrinsics)
    best = max(counts, key=lambda fov: counts[fov][0])
    assert best == pytest.approx(90, abs=10) and counts[90][0] >= 3 and counts[90][1] == 0


def test_values_that_are_missing_or_no_planes_tell_nothing():
    depth = scene(3)[1].astype(np.float64)
    depth[::4, ::4] = np.nan
    assert flat_surfaces(depth) == {}
    noise = np.random.default_rng(0).uniform(1, 5, (HEIGHT, WIDTH))
    assert all(counts == (0, 0) for counts in flat_surfaces(noise).values())
