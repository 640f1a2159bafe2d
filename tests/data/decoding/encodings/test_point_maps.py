# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points in TIFF, as SCARED has them, written by tifffile."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import tiff

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


POINTS = np.random.default_rng(0).uniform(-80, 80, (8, 9, 3)).astype(np.float32)
POINTS[..., 2] = np.abs(POINTS[..., 2]) + 10
POINTS[0, 0] = np.nan
POINTS[0, 1] = 0


@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_depth_is_the_third_number(photometric: str) -> None:
    content = tiff(POINTS, photometric=photometric, planarconfig="contig")
    expected = (POINTS[..., 2].astype(np.float64) / 1000).astype(np.float32)
    expected[0, 1] = np.nan
    np.testing.assert_array_equal(read_label(content, encoding="scared"), expected)
    np.testing.assert_array_equal(read_label(content, encoding="scared:view=left"), expected[:4])
    np.testing.assert_array_equal(read_label(content, encoding="scared:view=right"), expected[4:])


def test_a_map_of_depth_alone_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match=r"three floating-point numbers .* got float32 \(8, 9\); .* tiff"):
        read_label(tiff(POINTS[..., 2]), encoding="scared")
    with pytest.raises(UnreadableImageError, match="expected a TIFF of points, got bytes"):
        read_label(b"Pf" + bytes(20), encoding="scared")
