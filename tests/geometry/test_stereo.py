# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Disparity of a stereo pair in pixels becomes metres."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.geometry import stereo_disparity_to_depth


def test_triangles_of_a_rig() -> None:
    # A point at depth z is seen focal * baseline / z pixels apart by two cameras.
    depth = np.array([0.5, 1, 20, 300])
    left = 721.5 * 0.3 / depth
    right = 721.5 * (0.3 - 0.54) / depth
    np.testing.assert_allclose(stereo_disparity_to_depth(left - right, 721.5, 0.54), depth)
    np.testing.assert_allclose(stereo_disparity_to_depth(left - right - 30, 721.5, 0.54, 30), depth)


def test_infinitely_far_and_unknown() -> None:
    disparity = np.float32([0, -1, np.nan, np.inf])
    depth = stereo_disparity_to_depth(disparity, 100, 1)
    np.testing.assert_array_equal(depth, np.float32([np.inf, np.nan, np.nan, 0]))
    assert depth.dtype == np.float32


@pytest.mark.parametrize(("focal", "baseline", "offset"), [(0, 1, 0), (1, -1, 0), (np.inf, 1, 0), (1, 1, np.nan)])
def test_rigs_that_there_are_not(focal: float, baseline: float, offset: float) -> None:
    with pytest.raises(ValueError, match="focal and baseline must be positive, offset finite"):
        stereo_disparity_to_depth(np.ones(3), focal, baseline, offset)
