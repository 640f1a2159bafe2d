# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TUM RGB-D: 1/5000 m, and pairs by time."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from dataset_files import DEPTH, INVALID
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.tum_rgbd import pair_by_time


def test_pairs_are_near_in_time_and_in_metres(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("tum", roots["tum"])
    folder = "rgbd_dataset_freiburg2_desk/rgb"
    assert names_of(samples) == [f"{folder}/10.000000.png", f"{folder}/10.030000.png"]
    expected = np.minimum(DEPTH, 13)
    expected[INVALID] = np.nan
    assert np.allclose(samples[0]["depth"], expected, atol=1e-4, equal_nan=True)
    # The camera is that of 640 x 480.
    assert "intrinsics" not in samples[0]
    assert len(open_public("tum", roots["tum"] / "rgbd_dataset_freiburg2_desk", max_difference=0.01)) == 1
    assert names_of(open_public("tum", roots["tum"], every=2)) == [f"{folder}/10.000000.png"]


def test_the_nearest_pairs_come_first_and_each_time_once() -> None:
    # As associate.py of the benchmark: 1.004 goes to 1.005, so that 1.000 is left with 0.990.
    assert pair_by_time([1.0, 1.004, 2.0], [0.99, 1.005, 2.5], 0.02) == [(0, 0), (1, 1)]
    assert pair_by_time([1.0, 1.004], [1.005], 0.02) == [(1, 0)]
    assert pair_by_time([0.0], [0.5], 0.5) == []
    times = np.cumsum(np.random.default_rng(0).uniform(0.001, 0.05, 200))
    others = np.sort(times + np.random.default_rng(1).uniform(-0.02, 0.02, 200))
    near = {(abs(a - b), i, j) for i, a in enumerate(times) for j, b in enumerate(others) if abs(a - b) < 0.02}
    expected: list[tuple[int, int]] = []
    for _, first, second in sorted(near):
        if first not in {pair[0] for pair in expected} and second not in {pair[1] for pair in expected}:
            expected.append((first, second))
    assert pair_by_time(list(times), list(others), 0.02) == sorted(expected)


def test_a_damaged_list_and_a_wrong_step_are_told(tmp_path: pathlib.Path, roots: dict[str, pathlib.Path]) -> None:
    (tmp_path / "rgb.txt").write_text("10.0 rgb/1.png\n")
    with pytest.raises(FileNotFoundError, match=r"depth\.txt: no such file; it lists the maps"):
        open_public("tum", tmp_path)
    (tmp_path / "depth.txt").write_text("depth/1.png\n")
    with pytest.raises(ValueError, match=r"depth\.txt: expected lines of a time and a file, got 'depth/1\.png'"):
        open_public("tum", tmp_path)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        open_public("tum", roots["tum"], every=0)
