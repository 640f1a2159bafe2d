# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Replica: both renders, their scales and cameras."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import CAMERA, expected_depth, stored_depth, write_codes, write_picture
from public_datasets import names_of
from rendered_datasets import NEARER

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_replica_of_nice_slam(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("replica", roots["replica"])
    assert names_of(samples) == ["room0/results/frame000000.jpg"]
    np.testing.assert_allclose(samples[0]["depth"], expected_depth() * NEARER, atol=8e-5)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    # The file of the camera is beside the scenes; a scene alone has none.
    assert np.array_equal(open_public("replica", roots["replica"] / "room0")[0]["intrinsics"], CAMERA)
    shutil.copytree(roots["replica"] / "room0", tmp_path / "room0")
    assert open_public("replica", tmp_path / "room0")[0]["intrinsics"][0, 2] == 599.5
    shutil.copytree(roots["replica"], tmp_path / "copy")
    camera = tmp_path / "copy" / "cam_params.json"
    camera.write_text(camera.read_text().replace("6553.5", "1000"))
    with pytest.raises(UnreadableImageError, match=r"expected the scale 6553.5, got 1000: .*scaled:per_metre=1000"):
        open_public("replica", tmp_path / "copy")
    with pytest.raises(UnreadableImageError, match=r"expected the scale 6553.5, got 1000"):
        open_public("replica", tmp_path / "copy" / "room0")


def test_replica_of_semantic_nerf(tmp_path: pathlib.Path) -> None:
    sequence = tmp_path / "office_0" / "Sequence_1"
    for number in (0, 2, 10):
        write_picture(sequence / "rgb" / f"rgb_{number}.png")
        write_codes(sequence / "depth" / f"depth_{number}.png", stored_depth(0, factor=1000))
    samples = open_public("replica", tmp_path)
    assert names_of(samples) == [f"office_0/Sequence_1/rgb/rgb_{number}.png" for number in (0, 2, 10)]
    np.testing.assert_allclose(samples[0]["depth"], expected_depth(), atol=5.1e-4)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[4, 0, 3.5], [0, 4, 2.5], [0, 0, 1]]))
