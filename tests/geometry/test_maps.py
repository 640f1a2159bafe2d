# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of maps at points."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.geometry.maps import values_at_pixels


def test_values_at_pixels_are_row_and_column() -> None:
    values = np.arange(6.0).reshape(2, 3)
    assert values_at_pixels(values, np.array([[1, 0], [0, 2]]), "points").tolist() == [3.0, 2.0]
    assert values_at_pixels(values, np.zeros((0, 2)), "points").shape == (0,)
    with pytest.raises(ValueError, match=r"points\[1\] is row 0, column 3, outside the map of 2 rows and 3 columns"):
        values_at_pixels(values, np.array([[0, 0], [0, 3]]), "points")
    with pytest.raises(ValueError, match=r"nearer\[0\] is row -1"):
        values_at_pixels(values, np.array([[-1, 0]]), "nearer")
    with pytest.raises(ValueError, match="whole numbers"):
        values_at_pixels(values, np.array([[0.5, 0]]), "points")
