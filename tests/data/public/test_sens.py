# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of ScanNet: what is in them, and which are refused."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from captured_datasets import png_bytes, sens_bytes
from dataset_files import CAMERA, HEIGHT, RGB, WIDTH

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.sens import read_sens_frame, read_sens_header


MAPS = [np.full((HEIGHT, WIDTH), number * 1000, np.uint16) for number in (1, 2, 3)]


def write(path: pathlib.Path, **changes: object) -> str:
    path.write_bytes(sens_bytes([png_bytes()] * 3, MAPS, **changes))  # type: ignore[arg-type]
    return str(path)


def test_frames_are_read_in_any_order(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.sens")
    header = read_sens_header(path)
    assert header.frames == 3 and header.depth_shift == 1000 and header.depth_size == (WIDTH, HEIGHT)
    assert np.array_equal(header.color_intrinsics, CAMERA)
    for index in (2, 0, 1):
        image, depth, _ = read_sens_frame(path, index)
        assert np.array_equal(image, RGB) and (depth == index + 1).all()


def test_raw_pictures_and_maps(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.sens"
    path.write_bytes(sens_bytes([RGB.tobytes()], MAPS[:1], codes=(0, 0)))
    image, depth, _ = read_sens_frame(str(path), 0)
    assert np.array_equal(image, RGB) and (depth == 1).all()
    image[:] = 0


def test_a_file_that_ends_early_keeps_its_whole_frames(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.sens"
    content = sens_bytes([png_bytes()] * 3, MAPS)
    path.write_bytes(content[:-20])
    assert (read_sens_frame(str(path), 1)[1] == 2).all()
    with pytest.raises(UnreadableImageError, match=r"a\.sens: has 2 whole frames of 3, and no frame 2"):
        read_sens_frame(str(path), 2)


@pytest.mark.parametrize(
    ("place", "content", "message"),
    [
        (0, b"\x05", "expected a .sens of version 4, got version 5"),
        (4, b"\xff" * 8, "expected a .sens of version 4"),
        (17 + 4 * 64 + 4, b"\x02", "export the frames with ScanNet's SensReader"),
        (17 + 4 * 64 + 8, b"\x00\x00", "damaged: 1000 units per metre, sizes"),
        (17 + 4 * 64 + 24, b"\x00" * 4, "damaged: 0 units per metre"),
        (-30, b"\xff" * 10, "frame 2: the map is damaged"),
    ],
)
def test_damaged_files_are_refused(place: int, content: bytes, message: str, tmp_path: pathlib.Path) -> None:
    stored = bytearray(sens_bytes([png_bytes()] * 3, MAPS))
    start = place % len(stored)
    stored[start : start + len(content)] = content
    (tmp_path / "a.sens").write_bytes(stored)
    with pytest.raises(UnreadableImageError, match=message):
        read_sens_frame(str(tmp_path / "a.sens"), 2)
    (tmp_path / "b.sens").write_bytes(stored[:100])
    with pytest.raises(UnreadableImageError):
        read_sens_header(str(tmp_path / "b.sens"))
