# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ETH3D: bare floats that belong to the pixels as stored."""

from __future__ import annotations

import pathlib

import numpy as np
from PIL import Image
from public_datasets import RGB, expected_depth, names_of, write_eth3d

from depth_anything_hf.data.public.catalog import open_public


def test_eth3d(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("eth3d", roots["eth3d"])
    assert names_of(samples) == ["office/DSC_0219.JPG"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    write_eth3d(tmp_path)
    turned = Image.Exif()
    turned[0x0112] = 6
    # The depth belongs to the pixels as stored, so that the orientation must not turn them.
    Image.fromarray(RGB).save(tmp_path / "office/images/dslr_images/DSC_0219.JPG", exif=turned)
    assert open_public("eth3d", tmp_path)[0]["image"].shape == RGB.shape
