# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""iBims-1: masks, exact edges and the camera."""

from __future__ import annotations

import pathlib

import numpy as np
from public_datasets import CAMERA, OTHER, RGB, SKY, expected_depth

from depth_anything_hf.data.public.catalog import open_public


def test_ibims(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("ibims", roots["ibims"])[0]
    expected = expected_depth()
    expected[SKY] = expected[OTHER] = np.nan
    assert sample["name"] == "corridor_01" and np.array_equal(sample["image"], RGB)
    assert np.allclose(sample["depth"], expected, equal_nan=True)
    assert np.array_equal(sample["intrinsics"], CAMERA) and np.array_equal(sample["edges"], RGB[..., 0] > 60)
