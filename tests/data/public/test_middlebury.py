# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Middlebury: disparity with its offset, and depth in metres."""

from __future__ import annotations

import pathlib

import numpy as np
from public_datasets import CAMERA, expected_depth

from depth_anything_hf.data.public.catalog import open_public


def test_middlebury(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("middlebury", roots["middlebury"])[0]
    assert sample["name"] == "trainingQ/Adirondack" and np.array_equal(sample["intrinsics"], CAMERA)
    assert np.allclose(sample["disparity"], 500 * 0.2 / expected_depth(), rtol=1e-5, equal_nan=True)
    in_metres = open_public("middlebury", roots["middlebury"], label="depth")
    assert in_metres.label == "depth"
    assert np.allclose(in_metres[0]["depth"], expected_depth(), rtol=1e-5, equal_nan=True)
