# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Polycam: keyframes with confidence."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import CAMERA, OTHER, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_keyframes_in_their_order(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("polycam", roots["polycam"])
    assert names_of(samples) == [f"keyframes/corrected_images/{number}.jpg" for number in (9, 81584803)]
    assert names_of(open_public("polycam", roots["polycam"], every=2)) == ["keyframes/corrected_images/9.jpg"]
    assert names_of(open_public("polycam", roots["polycam"], corrected=False))[0] == "keyframes/images/9.jpg"
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)


@pytest.mark.parametrize(("least", "valid"), [(0, 47), (1, 46), (None, 46), (2, 0)])
def test_levels_of_confidence(least: int | None, valid: int, roots: dict[str, pathlib.Path]) -> None:
    # Medium confidence is 54 of earlier versions, and 127.
    depth = open_public("polycam", roots["polycam"], min_confidence=least)[0]["depth"]
    assert np.isfinite(depth).sum() == valid
    if valid == 46:
        expected = expected_depth()
        expected[OTHER] = np.nan
        assert np.allclose(depth, expected, atol=0.00051, equal_nan=True)


def test_a_recording_without_confidence(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    shutil.copytree(roots["polycam"], tmp_path / "kitchen")
    shutil.rmtree(tmp_path / "kitchen" / "keyframes" / "confidence")
    assert np.isfinite(open_public("polycam", tmp_path)[0]["depth"]).sum() == 47
    with pytest.raises(FileNotFoundError, match=r"2 files of Recordings of Polycam .* are missing"):
        open_public("polycam", tmp_path, min_confidence=1)
