# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ScanNet: exported frames, and those of a .sens."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from captured_datasets import matrix_text, png_bytes, sens_bytes
from dataset_files import CAMERA, RGB, expected_depth, stored_depth, write_bytes, write_codes, write_picture
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_exported_and_packed_frames_are_the_same(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("scannet", roots["scannet"])
    exported = [f"scene0000_00/color/{number}.jpg" for number in (2, 10)]
    assert names_of(samples) == exported + [f"scene0001_00/scene0001_00.sens:{number}" for number in range(3)]
    for sample in (samples[0], samples[4]):
        assert np.allclose(sample["depth"], expected_depth(), atol=0.00051, equal_nan=True)
        assert np.allclose(sample["intrinsics"], CAMERA)
    assert np.array_equal(samples[2]["image"], RGB)
    assert [name[-1] for name in names_of(open_public("scannet", roots["scannet"] / "scene0001_00", every=2))] == [
        "0",
        "2",
    ]


def test_scans_of_a_split(roots: dict[str, pathlib.Path]) -> None:
    with pytest.warns(UserWarning, match=r"1 of 2 scenes of ScanNet in .*scannetv2_val\.txt are not on disk"):
        samples = open_public("scannet", roots["scannet"], "val")
    assert {name[:12] for name in names_of(samples)} == {"scene0001_00"}
    with pytest.raises(FileNotFoundError, match=r"scannetv2_test\.txt: no such file; it lists the scans"):
        open_public("scannet", roots["scannet"], "test")


def test_each_size_has_its_camera(tmp_path: pathlib.Path) -> None:
    other = CAMERA.copy()
    other[:2] *= 2
    scan = tmp_path / "scene0003_01"
    write_picture(scan / "color" / "000000.jpg")
    write_codes(scan / "depth" / "000000.png", stored_depth(0, factor=1000)[::2, ::2])
    write_bytes(scan / "intrinsics_color.txt", matrix_text(CAMERA, 4))
    write_bytes(scan / "intrinsics_depth.txt", matrix_text(other, 4))
    sample = open_public("scannet", tmp_path)[0]
    assert np.allclose(sample["intrinsics"], CAMERA)
    assert np.allclose(
        sample["depth"], expected_depth()[::2, ::2].repeat(2, 0).repeat(2, 1), atol=0.00051, equal_nan=True
    )
    write_codes(scan / "depth" / "000000.png", stored_depth(0, factor=1000))
    assert np.allclose(open_public("scannet", tmp_path)[0]["intrinsics"], other)
    write_bytes(scan / "intrinsics_depth.txt", matrix_text(CAMERA, 3))
    with pytest.raises(
        UnreadableImageError, match=r"intrinsics_depth\.txt: expected a matrix of sixteen numbers, got 9"
    ):
        open_public("scannet", tmp_path)[0]


def test_a_sens_tells_its_own_unit(tmp_path: pathlib.Path) -> None:
    codes = np.rint(stored_depth(0, factor=500))
    write_bytes(tmp_path / "scene0001_00" / "a.sens", sens_bytes([png_bytes()], [codes], shift=500.0))
    assert np.allclose(open_public("scannet", tmp_path)[0]["depth"], expected_depth(), atol=0.0011, equal_nan=True)
