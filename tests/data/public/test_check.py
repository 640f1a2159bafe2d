# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What samples hold in numbers: values, sky, and labels without a map."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.check import SampleNumbers, numbers_of_samples


def test_values_and_sky_of_depth_and_disparity(roots: dict[str, pathlib.Path]) -> None:
    rendered = next(numbers_of_samples(open_public("vkitti2", roots["vkitti2"]), 1))
    assert rendered.line("depth").endswith("depth 1.81 / 10.9 / 20 m, 95.8% valid, 2.1% sky, camera known")
    stereo = next(numbers_of_samples(open_public("middlebury", roots["middlebury"]), 1))
    assert stereo.line("disparity").startswith("trainingQ/Adirondack") and stereo.valid == pytest.approx(47 / 48)
    assert [each.line(None) for each in numbers_of_samples(open_public("da-2k", roots["da-2k"]), 9)] == [
        "images/indoor/a.png: 8 x 6",
        "images/underwater/b.png: 8 x 6",
    ]


def test_samples_from_the_first_to_the_last_one(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("scannet", roots["scannet"])
    names = [each.name for each in numbers_of_samples(samples, 3)]
    assert names == [
        "scene0000_00/color/2.jpg",
        "scene0001_00/scene0001_00.sens:0",
        "scene0001_00/scene0001_00.sens:2",
    ]


def test_a_map_without_values() -> None:
    class Empty:
        label = "depth"

        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> dict[str, object]:
            return {"image": np.zeros((2, 3, 3), np.uint8), "depth": np.full((2, 3), np.nan, np.float32), "name": "a"}

    numbers = next(numbers_of_samples(Empty(), 5))
    assert isinstance(numbers, SampleNumbers) and numbers.valid == 0
    assert numbers.line("depth") == "a: 3 x 2, depth nan / nan / nan m, 0.0% valid, camera unknown"
