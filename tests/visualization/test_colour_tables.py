# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours by matplotlib's names."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depth_anything_hf.visualization.colour_maps import colour_map
from depth_anything_hf.visualization.colour_tables import COLOUR_MAPS, colour_table


# First, middle (entry 128) and last colour as matplotlib 3.11 has them (`colormaps[name](index, bytes=True)`).
MATPLOTLIB = {
    "autumn": [(255, 0, 0), (255, 128, 0), (255, 255, 0)],
    "binary": [(255, 255, 255), (127, 127, 127), (0, 0, 0)],
    "Blues": [(247, 251, 255), (106, 173, 213), (8, 48, 107)],
    "bone": [(0, 0, 0), (112, 123, 143), (255, 255, 255)],
    "cividis": [(0, 34, 77), (124, 123, 120), (253, 231, 55)],
    "cool": [(0, 255, 255), (128, 127, 255), (255, 0, 255)],
    "gray": [(0, 0, 0), (128, 128, 128), (255, 255, 255)],
    "grey": [(0, 0, 0), (128, 128, 128), (255, 255, 255)],
    "Greys": [(255, 255, 255), (149, 149, 149), (0, 0, 0)],
    "hot": [(10, 0, 0), (255, 91, 0), (255, 255, 255)],
    "inferno": [(0, 0, 3), (187, 55, 84), (252, 254, 164)],
    "jet": [(0, 0, 127), (124, 255, 121), (127, 0, 0)],
    "magma": [(0, 0, 3), (182, 54, 121), (251, 252, 191)],
    "plasma": [(12, 7, 134), (203, 71, 119), (239, 248, 33)],
    "RdBu": [(103, 0, 31), (246, 246, 246), (5, 48, 97)],
    "RdYlBu": [(165, 0, 38), (254, 254, 192), (49, 54, 149)],
    "RdYlGn": [(165, 0, 38), (254, 254, 189), (0, 104, 55)],
    "Spectral": [(158, 1, 66), (254, 254, 190), (94, 79, 162)],
    "spring": [(255, 0, 255), (255, 128, 127), (255, 255, 0)],
    "summer": [(0, 127, 102), (128, 191, 102), (255, 255, 102)],
    "turbo": [(48, 18, 59), (164, 252, 59), (122, 4, 2)],
    "viridis": [(68, 1, 84), (32, 144, 140), (253, 231, 36)],
    "winter": [(0, 0, 255), (0, 128, 191), (0, 255, 127)],
    "YlGnBu": [(255, 255, 217), (64, 181, 195), (8, 29, 88)],
    "YlOrRd": [(255, 255, 204), (252, 140, 59), (128, 0, 38)],
}


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_are_those_of_matplotlib(name: str) -> None:
    table = colour_table(name)
    assert table.shape == (256, 3) and table.dtype == np.uint8
    # OpenCV rounds where matplotlib cuts off.
    assert np.abs(table[[0, 128, 255]].astype(int) - np.array(MATPLOTLIB[name])).max() <= 1
    np.testing.assert_array_equal(colour_table(f"{name}_r"), table[::-1])


def test_the_default_is_the_inferno_of_opencv() -> None:
    codes = np.arange(256, dtype=np.uint8)[None]
    expected = cv2.cvtColor(cv2.applyColorMap(codes, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(colour_map(np.arange(256.0)[None], 0, 255), expected)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"colormap must be one of .*got 'spectral_r'; did you mean 'Spectral'"):
        colour_table("spectral_r")
