# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Sixteen bits that hold more than a depth: all of them, against the specifications in plain Python."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from encoded_maps import ALL_CODES, npy, pgm, png

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.encodings.decode import decode_map
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def rotated(code: int) -> float:
    millimetres = (code >> 3) + (code & 7) * 8192
    return millimetres / 1000 if millimetres else np.nan


def with_player(code: int) -> float:
    millimetres = code // 8
    return np.nan if millimetres in (0, 4095, 8191) else millimetres / 1000


def of_android(code: int) -> float:
    return (code % 8192) / 1000 if code % 8192 and code // 8192 != 1 else np.nan


def half(code: int) -> float:
    value = struct.unpack("<e", struct.pack("<H", code))[0]
    return value if value > 0 else np.nan


@pytest.mark.filterwarnings("ignore:.*read as .*, and (most of its numbers are no multiples of 8|.* flat surfaces)")
@pytest.mark.parametrize(
    ("encoding", "meaning"),
    [
        ("sunrgbd", rotated),
        ("kinect_player", with_player),
        ("depth16", of_android),
        ("float16_png", half),
        ("midair:ray=keep,sky=inf", half),
    ],
)
def test_every_number_against_plain_arithmetic(encoding: str, meaning: Callable[[int], float]) -> None:
    expected = np.array([meaning(int(code)) for code in ALL_CODES.ravel()], np.float32).reshape(ALL_CODES.shape)
    np.testing.assert_array_equal(read_label(png(ALL_CODES), encoding=encoding), expected)
    # A program without unsigned numbers keeps the bits.
    np.testing.assert_array_equal(read_label(npy(ALL_CODES.view(np.int16)), encoding=encoding), expected)
    for other in (">u2", ">i2"):
        swapped = ALL_CODES.view(other[1:]).astype(other)
        np.testing.assert_array_equal(read_label(npy(swapped), encoding=encoding), expected)


def test_the_best_confidence_of_android_is_0() -> None:
    codes = np.array([[code << 13 | 1500 for code in range(8)]], np.uint16)
    decoded = decode_map(png(codes), "depth16")
    assert decoded.confidence is not None
    np.testing.assert_allclose(decoded.confidence[0], [1, 0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7])
    # A confidence of 0 % is no measurement.
    np.testing.assert_array_equal(decoded.values, np.float32([[1.5, np.nan, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]]))
    np.testing.assert_array_equal(
        read_label(png(codes), encoding="depth16:min_confidence=0"), np.full((1, 8), 1.5, np.float32)
    )
    kept = read_label(png(codes), encoding="depth16:min_confidence=0.5")
    assert np.isfinite(kept[0]).tolist() == [True, False, False, False, False, True, True, True]


def test_android_in_blue_and_green() -> None:
    rng = np.random.default_rng(0)
    millimetres = rng.integers(0, 8192, (20, 30))
    code = millimetres << 3 | 7
    picture = np.stack([0 * code, code & 255, code >> 8, 0 * code + 255], axis=2).astype(np.uint8)
    expected = np.where(millimetres == 0, np.nan, millimetres / 1000).astype(np.float32)
    np.testing.assert_array_equal(read_label(png(picture), encoding="depth16_rgba"), expected)
    with pytest.raises(UnreadableImageError, match=r"whose red is 0 everywhere"):
        read_label(png(np.full((4, 4, 3), 9, np.uint8)), encoding="depth16_rgba")


@pytest.mark.parametrize("order", ["<", ">"])
def test_raw_disparity_in_either_order_of_bytes(order: str) -> None:
    raw = np.arange(2048, dtype=np.uint16).reshape(32, 64)
    expected = [351.3 / (1092.5 - code) if code < 1092.5 else np.nan for code in range(2048)]
    values = read_label(pgm(raw, order), encoding="kinect_raw")
    np.testing.assert_array_equal(values.ravel(), np.array(expected, np.float32))
    with pytest.raises(UnreadableImageError, match=r"kinect_raw has numbers of 11 bits, got up to 65535"):
        read_label(pgm(ALL_CODES), encoding="kinect_raw")


def test_a_scene_of_co3d_has_a_scale_of_its_own() -> None:
    stored = np.array([[0.0, 1.5, 3.0]], np.float16).view(np.uint16)
    values = read_label(png(stored), encoding="co3d:scale=2")
    np.testing.assert_array_equal(values, np.float32([[np.nan, 0.75, 1.5]]))
