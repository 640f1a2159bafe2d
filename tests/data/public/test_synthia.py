# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""SYNTHIA: three channels, both layouts."""

from __future__ import annotations

import pathlib

import numpy as np
from dataset_files import expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_synthia(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("synthia", roots["synthia"])
    names = ["RAND_CITYSCAPES/RGB/0000001.png", "SEQS-01-FALL/RGB/Stereo_Left/Omni_F/000000.png"]
    assert names_of(samples) == names
    for index in range(2):
        np.testing.assert_allclose(samples[index]["depth"], expected_depth(sky=True), atol=0.0051)
    assert "intrinsics" not in samples[0] and samples[1]["intrinsics"][0, 0] == 532.740352
    assert names_of(open_public("synthia", roots["synthia"], cameras=[])) == names[:1]
    assert names_of(open_public("synthia", roots["synthia"] / "RAND_CITYSCAPES")) == ["RGB/0000001.png"]
