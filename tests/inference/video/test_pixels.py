# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours of decoded frames: range, matrix, bits, alpha; and the eight orientations of display matrices."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from clips import BT601, BT709, FULL, LIMITED, quarters, write_clip
from PIL import Image

from depth_anything_hf.inference.video.decoding import AvSource
from depth_anything_hf.inference.video.pixels import turn


ONE = 1 << 16
PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), PICTURE),
        ((0, 1, -1, 0), np.rot90(PICTURE, -1)),  # a quarter clockwise, as phones have it
        ((-1, 0, 0, -1), np.rot90(PICTURE, 2)),
        ((0, -1, 1, 0), np.rot90(PICTURE)),
        ((-1, 0, 0, 1), PICTURE[:, ::-1]),
        ((1, 0, 0, -1), PICTURE[::-1]),
        ((0, 1, 1, 0), PICTURE.swapaxes(0, 1)),
        ((0, -1, -1, 0), PICTURE.swapaxes(0, 1)[::-1, ::-1]),
        ((0.9, 0.1, -0.1, 0.9), PICTURE),
    ],
)
def test_a_picture_is_turned_to_the_nearest_of_eight_orientations(matrix, expected):
    a, b, c, d = (round(each * ONE) for each in matrix)
    np.testing.assert_array_equal(turn(PICTURE, struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)), expected)


def test_without_a_matrix_a_picture_stays():
    assert turn(PICTURE, None) is PICTURE


@pytest.mark.parametrize(
    ("orientation", "turned"), [(6, np.rot90(quarters(), -1)), (3, np.rot90(quarters(), 2)), (1, quarters())]
)
def test_a_jpeg_with_exif_in_place_of_a_clip_is_upright(tmp_path: Path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(quarters()).save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    (tmp_path / "a.jpg").rename(tmp_path / "a.mp4")
    (frame,) = AvSource(str(tmp_path / "a.mp4"), "a.mp4").frames()
    assert frame.image is not None and frame.image.shape == turned.shape
    for rows, columns in ((6, 6), (6, -6), (-6, 6), (-6, -6)):
        assert np.abs(frame.image[rows, columns].astype(int) - turned[rows, columns]).max() <= 8


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "matrix", "colour_range"),
    [
        (".mp4", "libx264", "yuv420p", BT601, LIMITED),
        (".mp4", "libx264", "yuv420p", BT709, LIMITED),
        (".mp4", "libx264", "yuv420p", BT709, FULL),
        (".mkv", "libx264", "yuv420p10le", BT709, LIMITED),
        (".mkv", "ffv1", "yuva420p", BT601, LIMITED),
        (".mov", "qtrle", "argb", BT601, FULL),
        (".mkv", "ffv1", "gray", BT601, FULL),
    ],
)
def test_the_colours_are_those_of_the_picture(tmp_path: Path, suffix, codec, pixels, matrix, colour_range):
    path = tmp_path / f"clip{suffix}"
    options = {} if codec != "libx264" else None
    write_clip(
        path,
        [quarters()],
        codec=codec,
        pixels=pixels,
        matrix=matrix,
        colour_range=colour_range,
        options=options,
        is_tagged=pixels.startswith("yuv"),
    )
    (frame,) = AvSource(str(path), "clip").frames()
    assert frame.image is not None and frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
    expected = quarters().astype(int)
    if pixels == "gray":
        weights = np.array([0.299, 0.587, 0.114])
        expected = np.repeat(np.rint(expected @ weights)[..., None], 3, axis=2)
    # Away from the borders, where colours of half resolution mix.
    inner = np.s_[4:20, 4:28]
    for rows, columns in ((0, 0), (0, 32), (24, 0), (24, 32)):
        seen = frame.image[rows : rows + 24, columns : columns + 32][inner].astype(int)
        assert np.abs(seen - expected[rows + 10, columns + 10]).max() <= 5


def test_a_clip_without_a_statement_is_bt709_from_720_lines_on(tmp_path: Path):
    path = tmp_path / "large.mp4"
    picture = quarters(size=(720, 736))
    write_clip(path, [picture], matrix=BT709, is_tagged=False)
    (frame,) = AvSource(str(path), "clip").frames()
    assert frame.image is not None
    assert np.abs(frame.image[500, 100].astype(int) - picture[500, 100]).max() <= 5
