# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""UrbanSyn: its factor, sky by classes, and its lens."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import SKY, expected_depth
from PIL import Image

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.public.catalog import open_public


def test_urbansyn(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    sample = open_public("urbansyn", roots["urbansyn"])[0]
    np.testing.assert_allclose(sample["depth"], expected_depth(sky=True), rtol=1e-6)
    assert np.array_equal(sample["intrinsics"], np.array([[10, 0, 3.5], [0, 10, 2.5], [0, 0, 1]]))
    shutil.copytree(roots["urbansyn"], tmp_path / "copy")
    Image.new("L", (2, 2), 10).save(tmp_path / "copy" / "ss" / "ss_0001.png")
    with pytest.raises(BrokenSampleError, match=r"ss_0001\.png: 2 x 2 \(height x width\) beside a map of 6 x 8"):
        open_public("urbansyn", tmp_path / "copy")[0]
    shutil.rmtree(tmp_path / "copy" / "ss")
    (tmp_path / "copy" / "camera_metadata.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"ss_0001\.png"):
        open_public("urbansyn", tmp_path / "copy")
    plain = open_public("urbansyn", tmp_path / "copy", sky=False)[0]
    assert plain["depth"][SKY] == pytest.approx(900) and "intrinsics" not in plain
