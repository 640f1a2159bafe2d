# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Data sets of BOP: a unit for each picture."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from captured_datasets import write_bop
from dataset_files import CAMERA, DEPTH, INVALID
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_each_picture_has_its_own_unit(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("bop", roots["bop"])
    assert names_of(samples) == ["test_primesense/000001/rgb/000003.png", "train_pbr/000001/rgb/000003.jpg"]
    expected = np.minimum(DEPTH, 6.5)
    expected[INVALID] = np.nan
    for sample, step in zip((samples[0], samples[1]), (0.001, 0.0001), strict=True):
        assert np.allclose(sample["depth"], expected, atol=step, equal_nan=True)
        assert np.array_equal(sample["intrinsics"], CAMERA)


def test_splits_and_folders_of_images(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    assert names_of(open_public("bop", roots["bop"], "train")) == ["train_pbr/000001/rgb/000003.jpg"]
    assert len(open_public("bop", roots["bop"], images="test_primesense")) == 1
    write_bop(tmp_path / "tless")
    assert len(open_public("bop", tmp_path, "test")) == 1
    (tmp_path / "tless" / "test_primesense" / "000001" / "scene_camera.json").write_text("{}")
    with pytest.raises(UnreadableImageError, match=r"scene_camera\.json: expected the key 3 with nine numbers cam_K"):
        open_public("bop", tmp_path, "test")[0]
