# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is not proven is asked for: candidates, and what each would mean."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from doubtful_maps import raw_of, room, rotate
from encoded_maps import npz, pgm, png
from shared_files import device_file

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.detection import candidates, proven_encoding
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError


# A BigTIFF whose first page would lie beyond any file.
BIG_TIFF_CUT = b"II+\0\x08\0\0\0" + b"\xff" * 8


def test_whole_numbers_are_refused_with_what_they_might_be() -> None:
    content = png(np.full((10, 10), 2000, np.uint16))
    for read in (read_label, LabelRules("depth").read):
        with pytest.raises(ValueError, match=r"no unit; .*its encoding, by which .* is: as mm 2 m, as tenth_mm"):
            read(content)
    with pytest.raises(ValueError, match=r"an integer map \(uint8\) has no unit; .* 1 for whole metres$"):
        read_label(png(np.full((10, 10), 200, np.uint8)))


def test_colours_that_may_be_depth_are_refused_with_what_they_might_be() -> None:
    metres = (room() / 1000 + 0.1).astype(np.float32)
    opaque = np.full(metres.shape, 255, np.int64)
    low, mid, high, top = np.moveaxis(metres.view(np.uint8).reshape(*metres.shape, 4), 2, 0)
    steps = np.round(metres / 1000 * ((1 << 24) - 1)).astype(np.int64)
    packed = np.round(metres * 1000).astype(np.int64) << 3 | 7
    for name, channels in {
        "tartanair_rgba": (high, mid, low, top),
        "carla": (steps & 255, steps >> 8 & 255, steps >> 16, opaque),
        "depth16_rgba": (0 * opaque, packed & 255, packed >> 8, opaque),
    }.items():
        content = png(np.stack(channels, axis=2).astype(np.uint8))
        with pytest.raises(BrokenSampleError, match=rf"a coloured preview of the map\? Or name .*: as {name} 2\.\d m"):
            read_label(content)
        assert np.nanmedian(read_label(content, encoding=name)) == pytest.approx(2.4, rel=0.05)
    rainbow = np.stack([np.linspace(0, 255, 4800).reshape(60, 80)] * 4, axis=2).astype(np.uint8)
    rainbow[..., 1], rainbow[..., 3] = 255 - rainbow[..., 1], 255
    with pytest.raises(BrokenSampleError, match=r"a coloured preview of the map\?$"):
        read_label(png(rainbow))


def test_the_bits_of_numbers_speak_first() -> None:
    for stored, name, middle in (
        (rotate(room()), "sunrgbd", 2.5),
        (raw_of(room()), "kinect_raw", 2.5),
        (raw_of(room()).byteswap(), "kinect_raw", 2.5),
        ((room() / 1000).astype(np.float16).view(np.uint16), "float16_png", 2.5),
        (room(), "mm", 2.5),
    ):
        first, metres = candidates(stored)[0]
        assert first == name and metres == pytest.approx(middle, rel=0.03)
    assert candidates(np.zeros((9, 9), np.uint16)) == [] and candidates(np.ones((9, 9))) == []


def test_ordinary_files_prove_nothing() -> None:
    for content in (png(room()), pgm(room()), b"", b"4&3&1&", b"PIEH", b"DR\x01\0", b"\x78\x9c", BIG_TIFF_CUT):
        assert proven_encoding(content) is None


@pytest.mark.parametrize(
    ("folder", "name", "first"),
    [
        ("sunrgbd_bitrot", "SUN_depth.png", "sunrgbd"),
        ("nyu_raw_pgm", "NYU_depth.pgm", "kinect_raw"),
        ("truedepth_tenth_mm", "depth_1233681.png", "mm"),
        ("redwood_mm", "00000.png", "mm"),
    ],
)
def test_candidates_of_genuine_files(folder: str, name: str, first: str) -> None:
    stored = np.round(read_label(device_file(folder, name), scale=1)).astype(np.uint16)
    assert candidates(stored)[0][0] == first


def test_confidence_bits_and_saturated_pixels_among_the_candidates() -> None:
    millimetres = np.random.default_rng(0).integers(1900, 2100, (40, 40)).astype(np.uint16)
    packed = millimetres | np.where(np.arange(40) < 9, 1, 7).astype(np.uint16) << 13
    assert dict(candidates(packed))["depth16"] == pytest.approx(2, abs=0.02)
    assert "depth16" not in dict(candidates(millimetres))
    saturated = np.where(np.arange(40) < 30, 65535, millimetres).astype(np.uint16)
    assert dict(candidates(saturated))["mm"] == pytest.approx(2, abs=0.02)


def test_a_recording_is_no_npz() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("metadata", "rgbd/0.depth", "rgbd/0.conf", "rgbd/0.jpg"):
            archive.writestr(name, b"{}")
    with pytest.raises(UnreadableImageError, match=r"a recording of 1 frames, .* 'record3d:index=0'"):
        read_label(stream.getvalue())
    assert proven_encoding(npz(rgbd=np.ones((3, 3)), metadata=np.ones(3))) is None
