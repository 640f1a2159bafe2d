# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""7-Scenes: millimetres, and sequences by split."""

from __future__ import annotations

import pathlib

import numpy as np
from public_datasets import expected_depth, names_of

from depth_anything_hf.data.public.catalog import open_public


def test_seven_scenes(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("7scenes", roots["7scenes"])
    assert names_of(samples) == ["chess/seq-03/frame-000000.color.png"]
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=0.00051, equal_nan=True)
    one_scene = open_public("7scenes", roots["7scenes"] / "chess", "train")
    assert names_of(one_scene) == ["seq-01/frame-000000.color.png"]
