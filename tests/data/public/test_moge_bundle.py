# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MoGe's bundle: the logarithmic code, the cameras and the subsets."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from PIL import Image
from public_datasets import CAMERA, DEPTH, INVALID, SKY, names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.moge_bundle import read_log_depth


def test_moge_bundle(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    step = np.log(40 / 0.5) / 65533
    for samples in (
        open_public("moge", roots["moge"]),
        open_public("moge", roots["moge"], "NYUv2"),
        open_public("moge", roots["moge"] / "NYUv2"),
    ):
        assert names_of(samples) == ["NYUv2/bathroom/0045"]
        depth = samples[0]["depth"]
        assert np.isinf(depth[SKY]) and np.isnan(depth[INVALID])
        assert np.allclose(depth[1:], DEPTH[1:], rtol=step)
        assert np.allclose(samples[0]["intrinsics"], CAMERA)
    with pytest.raises(FileNotFoundError, match="no sample of MoGe"):
        open_public("moge", roots["moge"], "KITTI")
    Image.fromarray(np.ones((2, 2), np.uint16)).save(tmp_path / "plain.png")
    with pytest.raises(UnreadableImageError, match=r"plain.png: expected a PNG with the texts near and far"):
        read_log_depth(tmp_path / "plain.png")
