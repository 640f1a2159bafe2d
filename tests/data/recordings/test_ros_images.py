# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures, depth and cameras of messages: by objects with the fields of sensor_msgs, without ROS and rosbags."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import numpy as np
import pytest
from encoded_maps import png

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.recordings.ros_images import depth_of, intrinsics_of, picture_of


RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def image(rows: np.ndarray, encoding: str, width: int = 8, padding: int = 0, **fields: object) -> SimpleNamespace:
    rows = np.pad(rows.reshape(len(rows), -1), ((0, 0), (0, padding)))
    told = {"height": len(rows), "width": width, "step": rows.shape[1], "encoding": encoding, "is_bigendian": 0}
    return SimpleNamespace(**{**told, "data": rows.ravel(), **fields})


def test_channels_are_in_the_order_that_the_encoding_names() -> None:
    alpha = np.full((6, 8, 1), 9, np.uint8)
    for encoding, stored in (
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("8UC3", RGB[..., ::-1]),
        ("rgba8", np.concatenate([RGB, alpha], axis=2)),
        ("bgra8", np.concatenate([RGB[..., ::-1], alpha], axis=2)),
    ):
        for padding in (0, 5):
            read = picture_of(image(stored, encoding, padding=padding), "topic")
            np.testing.assert_array_equal(read, RGB, err_msg=encoding)
            assert read.flags.writeable
    grey = picture_of(image(RGB[..., 0], "mono8"), "topic")
    np.testing.assert_array_equal(grey, np.repeat(RGB[..., :1], 3, axis=2))
    np.testing.assert_array_equal(picture_of(SimpleNamespace(data=png(RGB), format="bgr8; png"), "topic"), RGB)


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_patterns_of_bayer(pattern: str) -> None:
    colour = {"r": 200, "g": 120, "b": 40}
    mosaic = np.array([[colour[pattern[0]], colour[pattern[1]]], [colour[pattern[2]], colour[pattern[3]]]], np.uint8)
    read = picture_of(image(np.tile(mosaic, (3, 4)), f"bayer_{pattern}8"), "topic")
    np.testing.assert_array_equal(read[2:4, 2:6], np.broadcast_to(np.uint8([200, 120, 40]), (2, 4, 3)))


def test_yuv_in_either_order() -> None:
    # Y, U, Y, V of a red that BT.601 has so.
    for encoding, order in (("yuv422_yuy2", [82, 90, 82, 240]), ("yuv422", [90, 82, 240, 82])):
        stored = np.tile(np.array(order, np.uint8), (2, 4))
        read = picture_of(image(stored, encoding), "topic")
        assert np.abs(read.astype(int) - [255, 0, 0]).max() <= 3, encoding


def test_what_is_no_picture_or_no_depth_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match=r"topic: expected a picture \(rgb8, .*, got the encoding '32FC1'"):
        picture_of(image(RGB, "32FC1"), "topic")
    with pytest.raises(UnreadableImageError, match=r"topic: expected depth \(16UC1, mono16, 32FC1\), got .* 'rgb8'"):
        depth_of(image(RGB, "rgb8"), "topic")
    for message in (
        image(RGB, "rgb8", step=20),
        image(RGB, "rgb8", data=RGB.ravel()[:-1]),
        image(RGB, "rgb8", width=0),
    ):
        with pytest.raises(UnreadableImageError, match=r"topic: an Image of 6 x \d .* truncated, or its encoding is"):
            picture_of(message, "topic")
    # The last row may end with its last pixel.
    padded = image(RGB, "rgb8", padding=4)
    padded.data = padded.data[:-4]
    np.testing.assert_array_equal(picture_of(padded, "topic"), RGB)


def test_infinite_depth_is_farther_than_the_sensor_sees() -> None:
    stored = np.array([[np.nan, np.inf, -np.inf, 0, 2.5]], "<f4")
    read = depth_of(image(stored.view(np.uint8), "32FC1", width=5), "topic")
    np.testing.assert_array_equal(read, np.float32([[np.nan, np.inf, np.nan, np.nan, 2.5]]))


def test_a_unit_that_is_given_is_that_of_the_numbers_before_compression() -> None:
    millimetres = np.array([[0, 500, 4000]], np.uint16)
    # Of floating-point depth A / (number - B) is what was published.
    for form, header, meant in (
        ("16UC1; compressedDepth png", struct.pack("<iff", 0, 0, 0), [np.nan, 0.25, 2]),
        ("32FC1; compressedDepth png", struct.pack("<iff", 0, 8000, 0), [np.nan, 0.008, 0.001]),
    ):
        message = SimpleNamespace(data=header + png(millimetres), format=form)
        np.testing.assert_allclose(depth_of(message, "topic", 2000)[0], meant, rtol=1e-6)


def test_cameras_of_other_sizes_and_of_rectified_pictures() -> None:
    matrix, rectified = np.array([[60.0, 0, 7.5], [0, 60, 5.5], [0, 0, 1]]), np.diag([50.0, 50, 1])
    rectified[:2, 2] = 7.5, 5.5
    projection = np.hstack([rectified, [[-3.0], [0], [0]]])
    new = SimpleNamespace(k=matrix.ravel(), p=projection.ravel(), height=12, width=16)
    old = SimpleNamespace(K=matrix.ravel(), P=projection.ravel(), height=12, width=16)
    for camera in (new, old):
        np.testing.assert_array_equal(intrinsics_of(camera, 12, 16, is_rectified=False), matrix)
        np.testing.assert_array_equal(intrinsics_of(camera, 12, 16, is_rectified=True), rectified)
        half = intrinsics_of(camera, 6, 8, is_rectified=False)
        np.testing.assert_allclose(half, [[30, 0, 3.5], [0, 30, 2.5], [0, 0, 1]])
        # Another ratio, and a camera that nobody has calibrated.
        assert intrinsics_of(camera, 12, 12, is_rectified=False) is None
    assert intrinsics_of(SimpleNamespace(k=np.zeros(9), height=12, width=16), 12, 16, is_rectified=False) is None
