# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""2D-3D-S: areas as splits, cameras of poses, and no panoramas."""

from __future__ import annotations

import pathlib

import numpy as np
from dataset_files import CAMERA, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_stanford_2d3ds(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("2d3ds", roots["2d3ds"])
    names = [f"{area}/data/rgb/camera_{area}_office_1_frame_0_domain_rgb.png" for area in ("area_1", "area_5a")]
    assert names_of(samples) == names
    np.testing.assert_allclose(samples[0]["depth"], expected_depth(), atol=1.01e-3)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    for split, name in zip(("train", "test"), names, strict=True):
        assert names_of(open_public("2d3ds", roots["2d3ds"], split)) == [name]
