# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Record3D: EXR beside pictures, and an unpacked .r3d."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from captured_datasets import write_record3d
from dataset_files import CAMERA, HEIGHT, WIDTH, expected_depth, write_bytes, write_picture
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_metres_of_exr(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("record3d", roots["record3d"])
    assert names_of(samples) == ["rgb/0.jpg"]
    assert np.allclose(samples[0]["depth"], expected_depth(), rtol=1e-3, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    with pytest.raises(ValueError, match="EXR of Record3D has no confidence, and min_confidence is 2"):
        open_public("record3d", roots["record3d"], min_confidence=2)


def test_an_unpacked_r3d(tmp_path: pathlib.Path) -> None:
    lzfse = pytest.importorskip("lzfse")
    folder = tmp_path / "scan" / "rgbd"
    write_picture(folder / "0.jpg")
    small = np.full((HEIGHT // 2, WIDTH // 2), 1.5, "<f4")
    small[1, 1] = np.nan
    confidence = np.full(small.shape, 2, np.uint8)
    confidence[2, 3] = 0
    write_bytes(folder / "0.depth", lzfse.compress(small.tobytes()))
    write_bytes(folder / "0.conf", lzfse.compress(confidence.tobytes()))
    metadata = {"K": CAMERA.T.ravel().tolist(), "dw": WIDTH // 2, "dh": HEIGHT // 2}
    (tmp_path / "scan" / "metadata").write_text(json.dumps(metadata))
    assert np.isfinite(open_public("record3d", tmp_path, min_confidence=0)[0]["depth"]).sum() == HEIGHT * WIDTH - 4
    depth = open_public("record3d", tmp_path)[0]["depth"]
    assert depth.shape == (HEIGHT, WIDTH) and np.isnan(depth[4:, 6:]).all() and np.isnan(depth[2:4, 2:4]).all()


def test_the_camera_of_a_frame_comes_first(tmp_path: pathlib.Path) -> None:
    write_record3d(tmp_path)
    (tmp_path / "metadata.json").write_text(json.dumps({"perFrameIntrinsicCoeffs": [[7.0, 8, 3, 2]]}))
    assert np.array_equal(open_public("record3d", tmp_path)[0]["intrinsics"], [[7, 0, 3], [0, 8, 2], [0, 0, 1]])
    for damaged in ('{"K": [1.0]}', "[1]"):
        (tmp_path / "metadata.json").write_text(damaged)
        with pytest.raises(UnreadableImageError, match=r"metadata\.json: expected K with nine numbers"):
            open_public("record3d", tmp_path)[0]


def test_without_metadata_there_is_no_recording(tmp_path: pathlib.Path) -> None:
    write_record3d(tmp_path)
    (tmp_path / "metadata.json").unlink()
    with pytest.raises(FileNotFoundError, match="found no sample of Recordings of Record3D"):
        open_public("record3d", tmp_path)
