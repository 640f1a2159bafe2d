# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Virtual KITTI 2: centimetres, sky, splits and both ways to unpack it."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
from public_datasets import expected_depth, names_of, write_vkitti2

from depth_anything_hf.data.public.catalog import open_public


def test_virtual_kitti_2(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("vkitti2", roots["vkitti2"])
    assert names_of(samples) == ["Scene01/clone/Camera_0/00000", "Scene02/clone/Camera_0/00000"]
    assert np.allclose(samples[0]["depth"], expected_depth(sky=True), atol=0.0051, equal_nan=True)
    assert np.array_equal(np.diag(samples[0]["intrinsics"]), [725.0087, 725.0087, 1])
    assert names_of(open_public("vkitti2", roots["vkitti2"], "val")) == ["Scene01/clone/Camera_0/00000"]
    write_vkitti2(tmp_path / "both")
    for kind in ("rgb", "depth"):
        shutil.copytree(tmp_path / "both", tmp_path / f"vkitti_2.0.3_{kind}")
    assert len(open_public("vkitti2", tmp_path, "train", cameras=["Camera_1"], variants=["clone"])) == 1
