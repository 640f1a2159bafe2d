# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""UnrealStereo4K: cameras of another size, baselines, and the quarter resolution."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import expected_depth

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_unrealstereo4k(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("unrealstereo4k", roots["unrealstereo4k"])
    np.testing.assert_allclose(samples[0]["depth"], expected_depth(sky=True), rtol=1e-5)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[500, 0, 4], [0, 500, 3], [0, 0, 1]]))
    quarter = samples[1]["depth"]
    np.testing.assert_allclose(quarter[1:], expected_depth()[1:], rtol=1e-3)
    # The disparity of its sky is rounded to 0, which has no value.
    assert np.isnan(quarter[0, :2]).all()
    shutil.copytree(roots["unrealstereo4k"], tmp_path / "copy")
    (tmp_path / "copy" / "00000" / "Extrinsics1" / "00007.txt").write_text("1 2 3\n")
    with pytest.raises(UnreadableImageError, match=r"00007\.txt: expected 9 numbers and 12"):
        open_public("unrealstereo4k", tmp_path / "copy")[0]
    with pytest.raises(FileNotFoundError, match="found no sample of UnrealStereo4K"):
        open_public("unrealstereo4k", tmp_path / "copy", cameras=[1])
