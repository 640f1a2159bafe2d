# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TartanAir: sky, environments that are left out, and the camera."""

from __future__ import annotations

import pathlib

import numpy as np
from public_datasets import SKY, expected_depth, names_of

from depth_anything_hf.data.public.catalog import open_public


def test_tartanair(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("tartanair", roots["tartanair"])
    assert [name.split("/")[0] for name in names_of(samples)] == ["ocean", "office"]
    assert np.array_equal(samples[0]["depth"], expected_depth(sky=True), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[320, 0, 320], [0, 320, 240], [0, 0, 1]]))
    everything = open_public("tartanair", roots["tartanair"], exclude_environments=[], sky_depth_metres=20000)
    assert len(everything) == 3 and everything[0]["depth"][SKY] == 10000
