# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is not proven is asked for: candidates, what each would mean, and what speaks against a choice."""

from __future__ import annotations

import re
import warnings
from collections import Counter

import numpy as np
import pytest
from encoded_maps import pgm, png
from shared_files import device_file

from depth_anything_hf.data.decoding import depth_maps
from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.detection import candidates, proven_encoding
from depth_anything_hf.data.decoding.errors import BrokenSampleError


# A BigTIFF whose first page would lie beyond any file.
BIG_TIFF_CUT = b"II+\0\x08\0\0\0" + b"\xff" * 8


def room(seed: int = 0) -> np.ndarray:
    """Millimetres of a room, 1 to 4 m, some without a value."""
    rng = np.random.default_rng(seed)
    depth = np.linspace(1000, 4000, 60 * 80).reshape(60, 80) + rng.uniform(-20, 20, (60, 80))
    depth[rng.random((60, 80)) < 0.1] = 0
    return depth.astype(np.uint16)


def rotate(millimetres: np.ndarray) -> np.ndarray:
    return millimetres << 3 | millimetres >> 13


def raw_of(millimetres: np.ndarray) -> np.ndarray:
    metres = np.where(millimetres == 0, 1, millimetres) / 1000
    return np.where(millimetres == 0, 2047, np.round(1092.5 - 351.3 / metres)).astype(np.uint16)


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


@pytest.mark.parametrize(
    ("stored", "encoding", "doubt"),
    [
        (rotate(room()), "mm", r"bits are those of sunrgbd or kinect_player: as sunrgbd 2\.5 m"),
        (rotate(room()), "sunrgbd", None),
        (room(), "sunrgbd", r"no multiples of 8, as those of sunrgbd are: as mm 2\.5 m"),
        (room(), "float16_png", r"its middle is 0\.00\d+ m: as mm 2\.5 m"),
        (raw_of(room()).byteswap(), "mm", r"bits are those of kinect_raw: as kinect_raw 2\.5 m"),
        (room(), "tum:missing=0", None),
        ((room() / 100).astype(np.uint16), "mm", r"its middle is 0\.025 m: as cm 0\.25 m"),
        (raw_of(room()), "mm", r"bits are those of kinect_raw: as kinect_raw 2\.5 m"),
        (
            np.where(room() == 0, 65535, room()),
            "kitti",
            r"number 65535, which is 2\^16 - 1: .*missing=0/65535",
        ),
        (np.where(room() == 0, 65535, room()), "mm", None),
        (np.where(room() == 0, 65535, room()), "kitti:missing=0/65535", None),
        (np.where(room() == 0, 65535, room()), "kitti:sky=65535", None),
        (room(), "mm", None),
    ],
)
def test_a_doubtful_choice_is_told(
    stored: np.ndarray, encoding: str, doubt: str | None, tmp_path, monkeypatch
) -> None:
    # pytest may give the folder of a test that has passed to the next one.
    monkeypatch.setattr(depth_maps, "_looked", Counter())
    path = tmp_path / "a.png"
    path.write_bytes(png(stored.astype(np.uint16)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            read_label(path, encoding=encoding)
    assert len(caught) == (doubt is not None)
    if doubt is not None:
        assert re.search(doubt, str(caught[0].message)), caught[0].message


def test_depth_of_an_endoscope_is_near() -> None:
    stored = np.full((40, 40), 20000, np.uint16)
    assert read_label(png(stored), encoding="c3vd")[0, 0] == np.float32(20000 / 655350)
    with pytest.warns(UserWarning, match="its middle is 1.83e-05 m"):
        read_label(png(stored // 1600), encoding="c3vd")


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
