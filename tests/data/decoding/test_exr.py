# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The map among the channels, layers and parts of OpenEXR files."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError


OpenEXR = pytest.importorskip("OpenEXR")
Z = np.array([[0.5, 1.5, 300.25, 7], [2, 80, np.nan, np.inf], [1, 3, 5, 0]], np.float32)
GREY = np.full(Z.shape, 0.5, np.float32)
ONE = np.ones(Z.shape, np.float32)
COLOUR = {name: np.full(Z.shape, value, np.float32) for name, value in zip("RGB", (0.1, 0.5, 0.9), strict=True)}
XYZ = {f"Normal.{name}": GREY * factor for factor, name in enumerate("XYZ", 1)}


def write(path: Path, channels: dict[str, np.ndarray], **header: Any) -> Path:
    with OpenEXR.File(
        {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION} | header,
        {name: values.copy() for name, values in channels.items()},
    ) as file:
        file.write(str(path))
    return path


def write_parts(path: Path, parts: dict[str, dict[str, np.ndarray]]) -> Path:
    header = {"type": OpenEXR.scanlineimage}
    made = [
        OpenEXR.Part(dict(header), {key: values.copy() for key, values in channels.items()}, name)
        for name, channels in parts.items()
    ]
    with OpenEXR.File(made) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize(
    "channels",
    [
        {"Z": Z},
        {"V": Z},
        {"R": Z},
        {"R": Z, "G": Z, "B": Z},
        {"R": Z, "G": Z, "B": Z, "A": ONE},
        {"Z": Z, "A": ONE},
        {"Y": Z, "A": ONE},
        {"R": GREY, "G": GREY, "B": GREY, "Z": Z},
        {**COLOUR, "A": ONE, "depth": Z},
        {**COLOUR, "Z": Z, "ZBack": Z + 1},
        {**{f"V.Combined.{name}": values for name, values in COLOUR.items()}, "V.Combined.A": ONE, "V.Depth.Z": Z},
        {**COLOUR, "Depth.V": Z},
        {**COLOUR, "Depth.R": Z, "Depth.G": Z, "Depth.B": Z, "Depth.A": ONE},
        {"ViewLayer.Combined.R": GREY, "ViewLayer.Depth.Z": Z, "ViewLayer.Mist.Z": GREY},
        {"ViewLayer.Depth.Z": Z, "ViewLayer.Denoising Depth.Z": Z + 1},
        {**XYZ, "Depth.Z": Z},
        {**XYZ, "Z": Z},
        {**COLOUR, "FinalImageMovieRenderQueue_WorldDepth.R": Z},
    ],
    ids=lambda channels: "+".join(channels),
)
def test_the_map_is_found_among_the_channels(tmp_path: Path, channels: dict[str, np.ndarray]) -> None:
    assert np.array_equal(read_label(write(tmp_path / "a.exr", channels)), Z, equal_nan=True)


@pytest.mark.parametrize(
    "parts",
    [
        {"Combined": {"R": GREY, "G": GREY, "B": GREY}, "Depth": {"Z": Z}},
        {"Depth": {"V": Z}, "Image": COLOUR},
        {"rgba": COLOUR, "other": {"Z": Z}},
        {"ViewLayer.Combined": {"ViewLayer.Combined.R": GREY}, "ViewLayer.Depth": {"ViewLayer.Depth.Z": Z}},
    ],
    ids=lambda parts: "+".join(parts),
)
def test_the_map_is_found_among_the_parts(tmp_path: Path, parts: dict[str, dict[str, np.ndarray]]) -> None:
    assert np.array_equal(read_label(write_parts(tmp_path / "a.exr", parts)), Z, equal_nan=True)


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        (COLOUR, r"got the OpenEXR channels B, G, R; none is called Z, depth or disparity; is it a picture"),
        (XYZ, r"channels Normal\.X, Normal\.Y, Normal\.Z; none is called"),
        ({"X": Z, "Y": Z + 1, "Z": Z + 2}, "channels X, Y, Z; none is called"),
        ({"R": GREY, "Mist.Z": Z}, r"channels Mist\.Z, R; none is called"),
        ({"ViewLayer.Mist.Z": Z}, r"channels ViewLayer\.Mist\.Z; none is called .* Name it with 'exr:channel="),
        ({"A": Z}, r"channels A; none is called"),
        ({"Z": Z, "Depth.V": Z + 1}, r"the values of Depth\.V, Z differ"),
        ({"a.Depth.Z": Z, "b.Depth.Z": Z + 1}, r"the values of a\.Depth\.Z, b\.Depth\.Z differ"),
    ],
)
def test_channels_that_may_not_be_the_map_are_listed(
    tmp_path: Path, channels: dict[str, np.ndarray], reason: str
) -> None:
    with pytest.raises(BrokenSampleError, match=rf"a\.exr: expected one map, .*{reason}"):
        read_label(write(tmp_path / "a.exr", channels))


def test_the_label_says_which_of_two_maps_is_meant(tmp_path: Path) -> None:
    depth = np.nan_to_num(Z, nan=3, posinf=9) + 1
    write(tmp_path / "a.exr", {"depth": depth, "disparity": 1 / depth})
    np.savez(tmp_path / "a.npz", depth=depth, disparity=1 / depth)
    for suffix in ("exr", "npz"):
        assert np.array_equal(LabelRules("depth").read(tmp_path / f"a.{suffix}"), depth)
        assert np.array_equal(LabelRules("disparity").read(tmp_path / f"a.{suffix}"), 1 / depth)


@pytest.mark.parametrize("called", ["disparity", "inverse_depth", "Inverse.Depth", "disp"])
def test_disparity_is_never_read_as_depth(tmp_path: Path, called: str) -> None:
    path, key = write(tmp_path / "a.exr", {"R": GREY, called: Z}), called.lower().replace(".", "_")
    np.savez(tmp_path / "a.npz", **{key: Z})
    for each in (path, tmp_path / "a.npz"):
        with pytest.raises(BrokenSampleError, match="holds disparity and no depth"):
            LabelRules("depth").read(each)
        with pytest.raises(BrokenSampleError, match="holds disparity and no depth"):
            read_label(each, encoding=each.suffix[1:])
        np.testing.assert_array_equal(LabelRules("disparity").read(each), np.where(np.isfinite(Z), Z, np.nan))


def test_kinds_of_numbers_tiles_and_views(tmp_path: Path) -> None:
    half = write(tmp_path / "half.exr", {"Z": Z.astype(np.float16)})
    assert np.array_equal(read_label(half), Z.astype(np.float16).astype(np.float32), equal_nan=True)
    whole = write(tmp_path / "whole.exr", {"Z": np.arange(12, dtype=np.uint32).reshape(3, 4)})
    assert read_label(whole, scale=2)[2, 3] == 5.5
    with pytest.raises(ValueError, match=r"whole\.exr: an integer map \(uint32\) has no unit"):
        read_label(whole)
    tiled = write(tmp_path / "tiled.exr", {"Z": Z}, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    views = write(tmp_path / "views.exr", {"Z": Z, "right.Z": Z + 1}, multiView=["left", "right"])
    for path in (tiled, views):
        assert np.array_equal(read_label(path), Z, equal_nan=True)


def window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


def test_the_map_is_as_large_as_the_display_window(tmp_path: Path) -> None:
    display = window(10, 20, 15, 23)
    inside = write(tmp_path / "a.exr", {"Z": Z}, dataWindow=window(11, 21, 14, 23), displayWindow=display)
    expected = np.full((4, 6), np.nan, np.float32)
    expected[1:, 1:5] = Z
    assert np.array_equal(read_label(inside), expected, equal_nan=True)
    beyond = write(tmp_path / "b.exr", {"Z": Z}, dataWindow=window(8, 19, 11, 21), displayWindow=display)
    expected = np.full((4, 6), np.nan, np.float32)
    expected[:2, :2] = Z[1:, 2:]
    assert np.array_equal(read_label(beyond), expected, equal_nan=True)
    ids = {"id": np.ones(Z.shape, np.uint32)}
    beside = write(tmp_path / "c.exr", {"Z": Z, **ids}, dataWindow=window(11, 21, 14, 23), displayWindow=display)
    assert read_label(beside).shape == (4, 6)
    alone = write(tmp_path / "d.exr", ids, dataWindow=window(11, 21, 14, 23), displayWindow=display)
    with pytest.raises(BrokenSampleError, match=r"d\.exr: the data window .*; save the map as float"):
        read_label(alone, scale=1)


def test_damaged_deep_and_huge_files_are_refused(tmp_path: Path) -> None:
    content = write(tmp_path / "a.exr", {"Z": Z}).read_bytes()
    with pytest.raises(UnreadableImageError, match="damaged OpenEXR file"):
        read_label(content[:-10])
    flags = struct.unpack("<I", content[4:8])[0] | 0x800
    with pytest.raises(UnreadableImageError, match=r"a deep OpenEXR file, .*; flatten it to one Z per pixel"):
        read_label(content[:4] + struct.pack("<I", flags) + content[8:])
    parts = write_parts(tmp_path / "b.exr", {"Image": {"R": GREY, "G": GREY}, "Depth": {"Z": Z}}).read_bytes()
    with pytest.raises(UnreadableImageError, match="damaged OpenEXR file"):
        read_label(parts[:-10])
    key = b"displayWindow\0box2i\0\x10\0\0\0"
    small, huge = struct.pack("<4i", 0, 0, 3, 2), struct.pack("<4i", 0, 0, 99_999, 99_999)
    with pytest.raises(UnreadableImageError, match="10000000000 values are more than the limit"):
        read_label(content.replace(key + small, key + huge))


@pytest.mark.parametrize(
    ("codec", "channel", "values"),
    [("DWAA", "R", Z), ("DWAB", "Depth.R", Z), ("DWAA", "Y", Z), ("B44", "Z", Z.astype(np.float16))],
)
def test_lossy_codecs_are_refused_where_they_lose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, codec: str, channel: str, values: np.ndarray
) -> None:
    compression = getattr(OpenEXR, f"{codec}_COMPRESSION")
    lossless = write(tmp_path / "a.exr", {"Z": Z, "R": GREY}, compression=compression)
    assert np.array_equal(read_label(lossless), Z, equal_nan=True)
    lossy = write(tmp_path / "b.exr", {channel: values}, compression=compression)
    with pytest.raises(UnreadableImageError, match=rf"b\.exr: the codec {codec} of OpenEXR is lossy in the channel"):
        read_label(lossy)
    content = write(tmp_path / "c.exr", {"Y": Z}, compression=compression).read_bytes()
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(UnreadableImageError, match="a lossy codec of OpenEXR"):
        read_label(content)


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ({**COLOUR, "Z": Z}, "the values are in the channel Z, and OpenCV reads"),
        ({**COLOUR, "Depth.V": Z}, r"the values are in the channel Depth\.V, and OpenCV reads"),
        ({"R": Z}, "OpenCV fills the channels R up with zeros"),
        ({"Y": Z, "A": ONE}, "OpenCV fills the channels A, Y up with zeros"),
    ],
)
def test_a_picture_is_never_read_in_place_of_the_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, channels: dict[str, np.ndarray], reason: str
) -> None:
    """Where OpenCV is built with EXR, it reads the picture beside the map."""
    content = write(tmp_path / "a.exr", channels).read_bytes()
    parts = write_parts(tmp_path / "b.exr", {"Image": COLOUR, "Depth": {"Z": Z}}).read_bytes()
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: np.dstack([GREY] * 3))
    with pytest.raises(UnreadableImageError, match=rf"{reason} .*pip install"):
        read_label(content)
    with pytest.raises(UnreadableImageError, match=r"of several parts, .*pip install"):
        read_label(parts)


def test_pxr24_rounds_floats_by_a_65536th_at_most_and_halves_not_at_all(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).uniform(0.5, 80, (64, 64)).astype(np.float32)
    for stored, bound in ((depth, 2.0**-16), (depth.astype(np.float16), 0.0)):
        header = {"compression": OpenEXR.PXR24_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, {"Z": stored}) as file:
            file.write(str(tmp_path / "a.exr"))
        error = np.abs(read_label(tmp_path / "a.exr") / stored.astype(np.float32) - 1).max()
        assert error <= bound and (error > 0) == (bound > 0)
