# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TartanAir V2: the bytes of floats, its cameras and environments."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from dataset_files import SKY, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_tartanair_v2(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("tartanair-v2", roots["tartanair-v2"])
    assert names_of(samples) == ["Hospital/Data_easy/P000/image_lcam_front/000000_lcam_front.png"]
    assert np.array_equal(samples[0]["depth"], expected_depth(sky=True), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[320, 0, 320], [0, 320, 320], [0, 0, 1]]))
    options = {"cameras": ["lcam_front", "lcam_left"], "environments": ["Hospital"], "sky_depth_metres": 20000}
    both = open_public("tartanair-v2", roots["tartanair-v2"], **options)
    assert len(both) == 2 and both[1]["depth"][SKY] == 10000


@pytest.mark.parametrize("camera", ["lcam_fish", "rcam_equirect"])
def test_views_that_are_no_pinholes_are_refused(roots: dict[str, pathlib.Path], camera: str) -> None:
    with pytest.raises(ValueError, match=rf"cameras must be one of .*'lcam_front'.*got '{camera}'"):
        open_public("tartanair-v2", roots["tartanair-v2"], cameras=["lcam_front", camera])
