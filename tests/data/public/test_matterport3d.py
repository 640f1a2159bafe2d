# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matterport3D: quarters of a millimetre, and two kinds of cameras."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from dataset_files import CAMERA, DEPTH, INVALID
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


@pytest.mark.parametrize("undistorted", [False, True])
def test_quarters_of_a_millimetre(undistorted: bool, roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("matterport3d", roots["matterport3d"], undistorted=undistorted)
    kind = "undistorted" if undistorted else "matterport"
    assert names_of(samples) == [f"v1/scans/17DRP5sb8fy/{kind}_color_images/0f37_i1_4.jpg"]
    expected = np.minimum(DEPTH, 16)
    expected[INVALID] = np.nan
    assert np.allclose(samples[0]["depth"], expected, atol=0.00013, equal_nan=True)
    assert np.allclose(samples[0]["intrinsics"], CAMERA)


def test_houses_of_a_split(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    root = roots["matterport3d"]
    assert len(open_public("matterport3d", root, "train")) == 1
    assert len(open_public("matterport3d", root / "v1" / "scans" / "17DRP5sb8fy")) == 1
    with pytest.raises(FileNotFoundError, match=r"scenes_val\.txt: no such file; it lists the houses"):
        open_public("matterport3d", root, "val")
    (tmp_path / "some.txt").write_text("17DRP5sb8fy\nelsewhere\n")
    with pytest.warns(UserWarning, match="1 of 2 scenes of Matterport3D in .* are not on disk, e.g. elsewhere"):
        open_public("matterport3d", root, "val", split_list=str(tmp_path / "some.txt"))
