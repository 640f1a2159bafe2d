# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mid-Air: bits of halves, rays, the sphere of the sky, splits and climates."""

from __future__ import annotations

import pathlib

import numpy as np
from dataset_files import expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_midair(roots: dict[str, pathlib.Path]) -> None:
    root = roots["midair"]
    samples = open_public("midair", root)
    assert names_of(samples) == [
        "Kite_training/sunny/color_left/trajectory_0000/000000.JPEG",
        "PLE_test/winter/color_left/trajectory_0000/frames/000000.JPEG",
    ]
    for index in range(2):
        np.testing.assert_allclose(samples[index]["depth"], expected_depth(sky=True), rtol=5e-4)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[4, 0, 3.5], [0, 4, 2.5], [0, 0, 1]]))
    assert names_of(open_public("midair", root, "test")) == names_of(samples)[1:]
    assert names_of(open_public("midair", root, "train", climates=["sunny"])) == names_of(samples)[:1]
    far = open_public("midair", root, "train", sky_depth_metres=40000)[0]["depth"]
    assert np.isfinite(far).sum() == 47
