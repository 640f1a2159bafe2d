# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Floats without a header need their size."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def test_they_are_read_row_by_row() -> None:
    stored = np.arange(12, dtype="<f4").reshape(3, 4)
    stored[2, 3] = np.inf
    expected = np.where((stored == 0) | np.isinf(stored), np.nan, stored)
    np.testing.assert_array_equal(read_label(stored.tobytes(), encoding="eth3d:width=4,height=3"), expected)
    sky = read_label(stored.tobytes(), encoding="raw:width=4,height=3,inf=sky,scale=2")
    assert np.isinf(sky[2, 3]) and sky[1, 0] == 2
    for size in ("width=4,height=4", "width=12"):
        with pytest.raises(UnreadableImageError, match="48 bytes are 12 float32; say of which size they are"):
            read_label(stored.tobytes(), encoding=f"raw:{size}")
