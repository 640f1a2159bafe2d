# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Turns by EXIF orientation, against Pillow's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from sample_files import encode

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES, read_image, read_stored_image
from depth_anything_hf.data.decoding.orientation import orientation_of_map, turn_back, turn_upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "I;16"), ("TIFF", "RGB"), ("JPEG", "RGB")])
def test_images_are_turned_as_by_pillow_and_can_be_had_as_stored(
    rgb: np.ndarray, kind: str, mode: str, orientation: int
) -> None:
    picture = Image.fromarray(rgb if mode == "RGB" else rgb[..., 0].astype(np.uint16) * 257)
    content = encode(picture, kind, orientation)
    plain = read_image(encode(picture, kind, None))
    stored, found = read_stored_image(content)
    assert found == orientation and np.array_equal(stored, plain)
    upright = read_image(content)
    assert np.array_equal(upright, turn_upright(plain, orientation))
    tagged = Image.fromarray(plain)
    tagged.getexif()[0x0112] = orientation
    assert np.array_equal(upright, np.asarray(ImageOps.exif_transpose(tagged)))
    assert np.array_equal(turn_back(upright, orientation), stored)


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_does_not_exist_turns_nothing(rgb: np.ndarray, orientation: int) -> None:
    stored, found = read_stored_image(encode(Image.fromarray(rgb), "PNG", orientation))
    assert found == 1 and np.array_equal(stored, rgb)


@pytest.mark.parametrize(("kind", "is_turned"), [("PNG", False), ("TIFF", True)])
def test_the_orientation_of_a_map(depth: np.ndarray, kind: str, is_turned: bool) -> None:
    map_ = Image.fromarray(depth.astype(np.uint16))
    assert orientation_of_map(encode(map_, kind, 3)) == (3, is_turned)
    assert orientation_of_map(encode(map_, kind, None)) == (None, False)
    stream = io.BytesIO()
    np.save(stream, depth)
    assert orientation_of_map(stream.getvalue()) == (None, False)
    assert orientation_of_map(b"\x89PNG but eXIf only") == (None, False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("side", [6, 8])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_map_that_is_read_alone_is_upright(kind: str, side: int, orientation: int) -> None:
    for dtype in (np.uint8, np.uint16, np.float32)[: 2 if kind == "PNG" else 3]:
        upright = np.arange(6 * side).reshape(6, side).astype(dtype)
        stored = np.ascontiguousarray(turn_back(upright, orientation))
        assert np.array_equal(read_label(encode(stored, kind, orientation), scale=1), upright)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("width", [64, 96])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "HEIF", "TIFF", "JPEG", "MPO"])
def test_photographs_of_all_formats_are_turned_once(kind: str, width: int, orientation: int) -> None:
    """HEIC has boxes of its own for the turns, which phones write beside EXIF, and which its decoder obeys."""
    suffix = {"AVIF": ".avif", "HEIF": ".heic"}.get(kind)
    if suffix is not None and suffix not in IMAGE_SUFFIXES:
        pytest.skip(f"{suffix} is not read here")
    upright = np.full((64, width, 3), 30, np.uint8)
    upright[:32, :24] = 220
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    turned = np.ascontiguousarray(turn_back(upright, orientation))
    # pillow-heif writes boxes where it is given bytes.
    Image.fromarray(turned).save(stream, kind, exif=exif.tobytes(), quality=95)
    stored, found = read_stored_image(stream.getvalue())
    assert found == orientation and np.array_equal(stored[..., 0] > 127, turned[..., 0] > 127)
    assert np.array_equal(read_image(stream.getvalue())[..., 0] > 127, upright[..., 0] > 127)


@pytest.mark.skipif(".heic" not in IMAGE_SUFFIXES, reason="needs pillow-heif")
def test_exif_alone_does_not_turn_heic() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(stream, "HEIF", exif=exif)
    assert read_image(stream.getvalue()).shape == (64, 96, 3) and read_stored_image(stream.getvalue())[1] == 1
