# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about rows, sheets, sparse maps and curves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from depth_anything_hf.visualization.figures import GAP_PIXELS, sheet, side_by_side, thicken


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plain(height: int, width: int, grey: int) -> np.ndarray:
    return np.full((height, width, 3), grey, dtype=np.uint8)


def test_a_row_has_one_height_and_white_gaps() -> None:
    row = side_by_side([plain(10, 20, 0), plain(5, 5, 100)], height=10)
    assert row.shape == (10, 20 + GAP_PIXELS + 10, 3)
    assert (row[:, :20] == 0).all() and (row[:, 20 : 20 + GAP_PIXELS] == 255).all() and (row[:, -10:] == 100).all()


def test_a_sheet_aligns_columns_and_leaves_missing_cells_white() -> None:
    picture = sheet([[plain(8, 8, 10), plain(8, 8, 20)], [plain(8, 4, 30)], []], height=8)
    assert picture.shape == (3 * 8 + 2 * GAP_PIXELS, 16 + GAP_PIXELS, 3)
    second = picture[8 + GAP_PIXELS : 16 + GAP_PIXELS]
    assert (second[:, 2:6] == 30).all() and (second[:, :2] == 255).all() and (second[:, 6:] == 255).all()
    assert (picture[-8:] == 255).all()


def test_a_sheet_takes_the_tallest_height_and_grey_images() -> None:
    assert sheet([[np.zeros((6, 3), np.uint8), plain(4, 4, 9)]]).shape == (6, 3 + GAP_PIXELS + 6, 3)
    with pytest.raises(ValueError, match="at least one image"):
        sheet([[], []])
    with pytest.raises(ValueError, match="float64"):
        sheet([[np.zeros((2, 2, 3))]])


def test_sparse_measurements_are_thickened_and_dense_maps_stay() -> None:
    sparse = np.full((20, 30), np.nan, dtype=np.float32)
    sparse[5, 10], sparse[5, 12], sparse[15, 29] = 1.0, 3.0, -2.0
    grown = thicken(sparse, radius=1)
    assert np.isfinite(grown).sum() == 9 + 9 - 3 + 6
    assert grown[4, 9] == 1.0 and grown[5, 11] == 3.0 and grown[14, 28] == -2.0 and np.isnan(grown[0, 0])
    dense = np.where(np.arange(600).reshape(20, 30) % 2, 1.0, np.nan).astype(np.float32)
    np.testing.assert_array_equal(thicken(dense), dense)
    assert np.isnan(thicken(np.full((3, 3), np.nan))).all()
