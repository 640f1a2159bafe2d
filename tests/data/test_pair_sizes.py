# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A smaller label becomes as large as its image by the nearest value; another ratio stays what it is."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.data.pair_sizes import enlarge_to


def test_each_pixel_has_the_value_over_its_centre() -> None:
    values = np.array([[1, 2, 3], [4, 5, np.nan]], np.float32)
    np.testing.assert_array_equal(enlarge_to(values, (6, 9)), np.repeat(np.repeat(values, 3, axis=0), 3, axis=1))
    # Nothing is mixed, also at a size that is no multiple; and both borders are met alike.
    rng = np.random.default_rng(0)
    small = rng.uniform(1, 9, (192, 256)).astype(np.float32)
    large = enlarge_to(small, (968, 1296))
    assert large.shape == (968, 1296) and set(np.unique(large)) == set(np.unique(small))
    fivefold = enlarge_to(small, (960, 1280))
    np.testing.assert_array_equal(enlarge_to(small[::-1, ::-1], (960, 1280)), fivefold[::-1, ::-1])


@pytest.mark.parametrize("shape", [(192, 256), (96, 128), (256, 192), (400, 400), (191, 400)])
def test_other_sizes_are_left_alone(shape: tuple[int, int]) -> None:
    values = np.ones((192, 256), np.float32)
    assert enlarge_to(values, shape) is values


def test_the_first_shape_that_fits() -> None:
    values = np.ones((192, 256), np.float32)
    assert enlarge_to(values, (1024, 768), (768, 1024)).shape == (768, 1024)
    assert enlarge_to(values, (384, 512), (768, 1024)).shape == (384, 512)
