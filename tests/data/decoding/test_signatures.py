# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Lossy pictures and containers are refused as labels, by their name."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, features

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image


RAMP = np.tile(np.arange(64, dtype=np.uint8), (32, 1))


@pytest.mark.parametrize(
    ("kind", "feature", "title"),
    [
        ("JPEG", "jpg", "JPEG"),
        ("MPO", "jpg", "JPEG"),
        ("WEBP", "webp", "WebP"),
        ("AVIF", "avif", "AVIF"),
        ("JPEG2000", "jpg_2000", "JPEG 2000"),
    ],
)
def test_lossy_pictures_are_refused(tmp_path: Path, kind: str, feature: str, title: str) -> None:
    if feature not in features.get_supported():
        pytest.skip(f"Pillow is built without {title}")
    for name in ("depth.bin", "depth.png"):
        Image.fromarray(RAMP).save(tmp_path / name, kind)
        with pytest.raises(UnreadableImageError, match=rf"{name}: {title} is lossy and changes depth; save depth as"):
            read_label(tmp_path / name, scale=1)


def test_containers_and_other_pictures_are_refused() -> None:
    high_range = cv2.imencode(".hdr", np.dstack([RAMP.astype(np.float32)] * 3))[1].tobytes()
    cases = {
        high_range: "Radiance HDR is lossy",
        b"\0\0\0\x24ftypheic" + bytes(20): "HEIF is lossy",
        b"#ROSBAG V2.0\n" + bytes(20): "a recording, of ROS if it is a bag: a source of data by itself",
        b"SQLite format 3\0" + bytes(20): "a recording, of ROS if it is a bag",
        b"\xff\x0a" + bytes(20): "JPEG XL is lossy",
        b"\x89HDF\r\n\x1a\n" + bytes(20): "an HDF5 file, .* export that of the map; save depth as",
        b"MATLAB 5.0 MAT-file, Platform" + bytes(20): "a MATLAB file",
        b"P4\n8 1\n\xff": "a bitmap of black and white",
    }
    for content, reason in cases.items():
        with pytest.raises(UnreadableImageError, match=reason):
            read_label(content, scale=1)


def test_lossless_pictures_of_8_bits_are_read() -> None:
    for kind in ("BMP", "PNG"):
        stream = io.BytesIO()
        Image.fromarray(RAMP).save(stream, kind)
        assert np.array_equal(read_label(stream.getvalue(), scale=1), RAMP)


@pytest.mark.parametrize("start", [b"#ROSBAG V2.0\n", b"\x89MCAP0\r\n"])
def test_recordings_are_named_where_an_image_is_expected(start: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"a recording, which is a source of data.*and no image"):
        read_image({"bytes": start + bytes(64), "path": "run.bag"})
