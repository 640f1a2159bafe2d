# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours of frames: those of pictures, with a bar of constant width."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.inference.video.colours import FrameColours
from depth_anything_hf.visualization.colour_maps import colour_map


VALUES = np.random.default_rng(0).uniform(0.5, 4, (130, 90)).astype(np.float32)


@pytest.mark.parametrize("kind", ["disparity", "depth"])
def test_the_colours_are_those_of_pictures(kind):
    coloured = FrameColours("gray", kind)(VALUES, (0.6, 1.5))
    expected = colour_map(1 / VALUES if kind == "depth" else VALUES, 0.6, 1.5, name="gray")
    # In float32, a value between two colours may take either.
    assert np.abs(coloured.astype(int) - expected).max() <= 1
    assert (coloured == expected).mean() > 0.99


def test_pixels_without_a_value_are_grey_and_equal_limits_work():
    broken = VALUES.copy()
    broken[0, 0] = np.nan
    assert FrameColours("inferno", "disparity")(broken, (0.5, 4))[0, 0].tolist() == [128] * 3
    flat = FrameColours("inferno", "disparity")(np.ones((4, 5), np.float32), (1.0, 1.0))
    np.testing.assert_array_equal(flat, colour_map(np.ones((4, 5)), 1.0, 1.0))


def test_fixed_ends_win():
    fixed = FrameColours("gray", "depth", ends=(0.25, 2.0))
    np.testing.assert_array_equal(fixed(VALUES, (9, 10)), FrameColours("gray", "depth")(VALUES, (0.25, 2.0)))


def test_frames_with_a_bar_have_one_size_whatever_the_numbers():
    colours = FrameColours("viridis", "disparity", legend=True)
    sizes = {colours(VALUES, limits).shape for limits in [(0, 1), (0.123, 4.567), (-1000.5, 123456), (1, 1)]}
    assert len(sizes) == 1
    ((height, width, _),) = sizes
    assert height == 130 and width > 120
    low = FrameColours("viridis", "depth", legend=True)(VALUES[:40], (0.2, 2))
    assert low.shape[0] == 120 and (low[100, :90] == 255).all()


def test_side_by_side_begins_with_the_frame():
    image = np.random.default_rng(1).integers(0, 256, (130, 90, 3), dtype=np.uint8)
    both = FrameColours("gray", "disparity")(VALUES, (0, 4), image)
    np.testing.assert_array_equal(both[:, :90], image)
    np.testing.assert_array_equal(both[:, -90:], FrameColours("gray", "disparity")(VALUES, (0, 4)))
