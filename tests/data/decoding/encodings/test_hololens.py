# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of HoloLens 2 with the table of rays beside them, byte by byte as StreamRecorder writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoded_maps import pgm

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


PLANE = np.stack([*np.meshgrid(np.linspace(-1, 1, 10), np.linspace(-0.5, 0.5, 6)), np.ones((6, 10))], axis=2)
RAYS = (PLANE / np.linalg.norm(PLANE, axis=2, keepdims=True)).astype("<f4")
# A wall 2 m away.
DISTANCE = np.linalg.norm(2000 * PLANE, axis=2).round().astype(np.uint16)


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    folder = tmp_path / "Depth Long Throw"
    folder.mkdir()
    (folder / "1.pgm").write_bytes(pgm(DISTANCE))
    return folder / "1.pgm"


def test_distance_along_the_rays_of_the_table_is_planar_depth(frame: Path) -> None:
    with pytest.raises(
        UnreadableImageError, match=r"are in a table, expected .*Depth Long Throw_lut.bin; name it with"
    ):
        read_label(frame, encoding="hololens")
    rays = RAYS.copy()
    # A pixel that the camera's model has no ray for.
    rays[0, 0] = 7, 7, 0
    table = frame.parent.with_name("Depth Long Throw_lut.bin")
    table.write_bytes(rays.tobytes())
    values = read_label(frame, encoding="hololens")
    assert np.isnan(values[0, 0])
    values[0, 0] = 2
    np.testing.assert_allclose(values, 2, atol=6e-4)
    table.rename(frame.parent / "rays.bin")
    np.testing.assert_allclose(read_label(frame, encoding="long_throw:rays=rays.bin").ravel()[1:], 2, atol=6e-4)
    np.testing.assert_allclose(read_label(frame, encoding="hololens:ray=keep"), DISTANCE / 1000, rtol=1e-6)
    for content, message in (
        (RAYS[1:].tobytes(), "60 pixels, and .* has 50 rays"),
        (2 * RAYS, "expected unit vectors"),
        (RAYS.tobytes()[:-4], "expected unit vectors, three float32 for each pixel"),
    ):
        (frame.parent / "rays.bin").write_bytes(bytes(content))
        with pytest.raises(UnreadableImageError, match=message):
            read_label(frame, encoding="hololens:rays=rays.bin")
    with pytest.raises(UnreadableImageError, match=r"none.bin: no such table of rays"):
        read_label(frame, encoding="hololens:rays=none.bin")


def test_the_near_camera_has_no_value_from_4090_on() -> None:
    stored = np.full((512, 512), 800, np.uint16)
    stored[0, :4] = 0, 4089, 4090, 65535
    kept = read_label(pgm(stored), encoding="ahat:ray=keep")
    np.testing.assert_array_equal(kept[0, :5], np.float32([np.nan, 4.089, np.nan, np.nan, 0.8]))
    # The far one sees as far.
    far = read_label(pgm(stored[:288, :320]), encoding="long_throw:ray=keep")
    np.testing.assert_array_equal(far[0, :3], np.float32([np.nan, 4.089, 4.09]))
    given = read_label(pgm(stored[:4, :8]), encoding="hololens:ray=keep,invalid=900")
    np.testing.assert_array_equal(given[0, :5], np.float32([np.nan, np.nan, np.nan, np.nan, 0.8]))
