# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth in the channels of a colour picture, written by Pillow or byte by byte."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from encoded_maps import png, png_of_channels

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def test_bytes_of_a_float_are_in_the_order_of_opencv() -> None:
    rng = np.random.default_rng(1)
    depth = rng.uniform(0.1, 300, (12, 16)).astype(np.float32)
    depth[0, :6] = [0, -1, np.nan, 10000, np.inf, 65504]
    blue, green, red, alpha = np.moveaxis(depth.view(np.uint8).reshape(12, 16, 4), 2, 0)
    values = read_label(png(np.stack([red, green, blue, alpha], axis=2)), encoding="tartanair_rgba")
    np.testing.assert_array_equal(values[1:], depth[1:])
    np.testing.assert_array_equal(values[0, :6], np.float32([np.nan, np.nan, np.nan, np.inf, np.inf, np.inf]))
    with pytest.raises(UnreadableImageError, match=r"of 4 channels of uint8, got 3 of uint8"):
        read_label(png(np.stack([red, green, blue], axis=2)), encoding="tartanair_rgba")


@pytest.mark.parametrize("channels", [3, 4])
def test_carla_has_its_low_byte_in_red(channels: int) -> None:
    codes = np.array([[0, 1, 255, 256, 65536, 79692, (1 << 24) - 2, (1 << 24) - 1]])
    parts = [codes & 255, codes >> 8 & 255, codes >> 16, 0 * codes + 255]
    values = read_label(png(np.stack(parts[:channels], axis=2).astype(np.uint8)), encoding="carla")
    expected = 1000 * codes / (256**3 - 1)
    np.testing.assert_allclose(values[0, 1:-1], expected[0, 1:-1], rtol=1e-6)
    assert np.isnan(values[0, 0]) and np.isinf(values[0, -1])


def test_grey_pictures_of_carla_are_for_viewing() -> None:
    grey = np.repeat(np.arange(8, dtype=np.uint8).reshape(2, 4, 1) * 30, 3, axis=2)
    with pytest.raises(UnreadableImageError, match=r"a grey picture for viewing, .* ColorConverter\.Raw"):
        read_label(png(grey), encoding="carla")
    # Black is in front of the camera, white nothing but sky: raw as well.
    bounds = png(np.where(grey > 90, 255, 0).astype(np.uint8))
    assert np.isinf(read_label(bounds, encoding="carla")).sum() == 4


def test_carla_in_the_order_of_its_sensor_is_refused() -> None:
    # A road that comes nearer row by row, a wall beside it, and sky; `image.raw_data` is blue, green, red, alpha.
    row, column = np.mgrid[:40, :60]
    depth = np.where(row < 10, 1000.0, np.minimum(60 / np.maximum(row - 8.0, 1), 4 + 0.05 * np.abs(column - 30)))
    codes = np.rint(depth / 1000 * (256**3 - 1)).astype(np.uint32)
    colours = np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=2).astype(np.uint8)
    values = read_label(png(colours), encoding="carla")
    np.testing.assert_allclose(values[10:], depth[10:], atol=1e-4)
    with pytest.raises(UnreadableImageError, match="order of the sensor, which is blue, green, red; turn them over"):
        read_label(png(colours[..., ::-1]), encoding="carla")
    # Walls at one distance each, in front of the sky, have no noise in their low byte.
    flat = np.where(column // 6 % 2 == 0, (1 << 24) - 1, (column * 1000 + 777).min())
    steps = np.stack([flat & 255, flat >> 8 & 255, flat >> 16], axis=2).astype(np.uint8)
    assert np.isinf(read_label(png(steps), encoding="carla")).mean() == 0.5


def test_synthia_has_three_equal_channels() -> None:
    stored = np.array([[0, 100, 1234, 65535]], np.uint16)
    content = png_of_channels(np.stack([stored] * 3, axis=2))
    expected = np.float32([[np.nan, 1, 12.34, np.inf]])
    np.testing.assert_array_equal(read_label(content, encoding="synthia"), expected)
    np.testing.assert_array_equal(read_label(png(stored), encoding="synthia"), expected)
    differing = png_of_channels(np.stack([stored, stored, stored[:, ::-1]], axis=2))
    with pytest.raises(UnreadableImageError, match="three equal channels, these differ"):
        read_label(differing, encoding="synthia")


@pytest.mark.parametrize("encoding", ["tartanair_rgba", "carla"])
def test_memory_is_that_of_the_picture_and_the_map_at_most(encoding: str) -> None:
    depth = np.linspace(1, 90, 300 * 200, dtype=np.float32).reshape(300, 200)
    content = png(depth.view(np.uint8).reshape(300, 200, 4))
    expected = read_label(content, encoding=encoding)
    tracemalloc.start()
    values = read_label(content, encoding=encoding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(values, expected)
    assert peak < 2 * depth.nbytes
    # All bands of rows, and the last one, which is smaller.
    pixels = np.flipud(depth).copy().view(np.uint8).reshape(300, 200, 4)
    np.testing.assert_array_equal(read_label(png(pixels), encoding=encoding), np.flipud(expected))
