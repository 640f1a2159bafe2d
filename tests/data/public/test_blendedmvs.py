# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""BlendedMVS: cameras, and lists of projects."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from public_datasets import CAMERA, expected_depth, names_of

from depth_anything_hf.data.public.catalog import open_public


def test_blendedmvs(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("blendedmvs", roots["blendedmvs"])
    assert names_of(samples) == ["5a3ca9cb/00000003", "5a4a38da/00000003"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    assert names_of(open_public("blendedmvs", roots["blendedmvs"], "val")) == ["5a4a38da/00000003"]
    with pytest.raises(FileNotFoundError, match=r"training_list.txt"):
        open_public("blendedmvs", roots["blendedmvs"], "train")
