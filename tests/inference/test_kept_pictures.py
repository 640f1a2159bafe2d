# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures are decoded once for predictor and files, and again only where there is no room to keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_predictors import SIDE, random_image, tiny_model

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.limits import allow_pixels
from depth_anything_hf.inference.kept_pictures import KeptPictures, Picture, read_upright
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.fromarray(random_image((20, 30), number)).save(path)
    return paths


class Reader:
    def __init__(self) -> None:
        self.read: list[Path] = []

    def __call__(self, path: Path) -> Picture:
        self.read.append(path)
        return read_upright(path)


@pytest.mark.parametrize(("most_bytes", "decoded"), [(10**6, 5), (2 * 20 * 30 * 3, None), (0, 10)])
def test_a_picture_is_decoded_once_where_there_is_room(
    paths: list[Path], most_bytes: int, decoded: int | None
) -> None:
    reader = Reader()
    pictures = KeptPictures(reader, most_bytes)
    predictor = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=2)
    for number, prediction in enumerate(predictor(pictures.source(path) for path in paths)):
        assert prediction.name == str(paths[number]) and prediction.values is not None
        np.testing.assert_array_equal(pictures.take(paths[number]).image, random_image((20, 30), number))
    assert {*reader.read} == {*paths} and 5 <= len(reader.read) <= 10
    assert decoded is None or len(reader.read) == decoded
    assert pictures._room == most_bytes and not pictures._kept


def test_what_nobody_takes_is_forgotten(paths: list[Path]) -> None:
    pictures = KeptPictures(Reader(), 10**6)
    source: Any = pictures.source(paths[0])
    source[1](), source[1]()
    pictures.forget(paths[0])
    pictures.forget(paths[1])
    assert pictures._room == 10**6 and not pictures._kept


def test_pictures_beyond_the_limit_are_refused(paths: list[Path]) -> None:
    with pytest.raises(UnreadableImageError, match="600 pixels"):
        read_upright(paths[0], max_pixels=599)
    assert read_upright(paths[0], max_pixels=600).image.shape == (20, 30, 3)
    with allow_pixels(None):
        assert read_upright(paths[0]).intrinsics is None
