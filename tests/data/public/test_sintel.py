# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MPI Sintel: its own formats, and its render passes."""

from __future__ import annotations

import pathlib

import numpy as np
from public_datasets import CAMERA, DEPTH, SKY, names_of

from depth_anything_hf.data.public.catalog import open_public


def test_sintel(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("sintel", roots["sintel"])[0]
    assert sample["name"] == "final/alley_1/frame_0001" and sample["depth"][SKY] == 50000
    assert np.array_equal(sample["depth"][1:], DEPTH[1:]) and np.array_equal(sample["intrinsics"], CAMERA)
    assert names_of(open_public("sintel", roots["sintel"], render_pass="clean")) == ["clean/alley_1/frame_0001"]
