# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Turns by EXIF orientation, against Pillow's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from depth_anything_hf.data.decoding.images import read_image, read_stored_image
from depth_anything_hf.data.decoding.orientation import orientation_of_map, turn_back, turn_upright


def encode(image: Image.Image, kind: str, orientation: int | None) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


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
