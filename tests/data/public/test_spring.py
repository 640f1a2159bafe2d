# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Spring: disparity of twice the size, a camera for each frame, and sky."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import CAMERA, SKY, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_spring(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("spring", roots["spring"], "train", cameras=["left", "right"])
    assert names_of(samples) == [f"train/0001/frame_{side}/frame_{side}_0002.png" for side in ("left", "right")]
    np.testing.assert_allclose(samples[0]["depth"], expected_depth(sky=True), rtol=1e-6)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    # Without its map the sky is as it was rendered.
    assert samples[1]["depth"][SKY] == pytest.approx(3250)
    shutil.copytree(roots["spring"], tmp_path / "copy")
    (tmp_path / "copy" / "train" / "0001" / "cam_data" / "intrinsics.txt").write_text("500 510 4.5 3.5\n")
    with pytest.raises(UnreadableImageError, match=r"intrinsics\.txt: expected four numbers .* line 2"):
        open_public("spring", tmp_path / "copy")[0]
