# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Taskonomy: both layouts, masks that are named like depth, and the camera."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import OTHER, SKY, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_taskonomy(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("taskonomy", roots["taskonomy"], buildings=["allensville"])
    assert names_of(samples) == ["rgb/taskonomy/allensville/point_0_view_1_domain_rgb.png"]
    expected = expected_depth()
    expected[SKY] = np.nan
    masked = expected.copy()
    masked[OTHER] = np.nan
    np.testing.assert_allclose(samples[0]["depth"], masked, atol=1.01e-3)
    np.testing.assert_allclose(samples[0]["intrinsics"], np.array([[4, 0, 3.5], [0, 4, 2.5], [0, 0, 1]]))
    with pytest.raises(FileNotFoundError, match="found no sample of Taskonomy"):
        open_public("taskonomy", roots["taskonomy"], buildings=["cauthron"])
    # A building by itself, without masks and cameras.
    for domain in ("rgb", "depth_zbuffer"):
        shutil.copytree(roots["taskonomy"] / domain / "taskonomy" / "allensville", tmp_path / "cauthron" / domain)
    sample = open_public("taskonomy", tmp_path, buildings=["cauthron"])[0]
    assert sample["name"] == "cauthron/rgb/point_0_view_1_domain_rgb.png" and "intrinsics" not in sample
    np.testing.assert_allclose(sample["depth"], expected, atol=1.01e-3)
