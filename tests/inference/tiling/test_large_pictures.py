# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The methods of predictors for large pictures, and many of these one after another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from tiny_predictors import SIDE, random_image, tiny_model

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.large_pictures import LargePicturePredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.utils.option_errors import OptionError


def test_files_arrays_and_flipped_means(tmp_path: Path) -> None:
    predictor = DepthPredictor(
        tiny_model(depth_estimation_type="metric", max_depth=10),
        DepthAnythingImageProcessor.for_input_size(SIDE),
        batch_size=4,
        flip_averaging=True,
    )
    Image.fromarray(random_image((90, 160))).save(tmp_path / "a.png")
    values = predictor.predict_tiled(tmp_path / "a.png")
    np.testing.assert_array_equal(values, predictor.predict_tiled(random_image((90, 160))))
    assert values.shape == (90, 160) and values.min() > 0
    # Tiles change the detail and not the metres.
    whole = predictor.predict(tmp_path / "a.png")
    assert np.median(values) == pytest.approx(np.median(whole), rel=0.05)
    assert predictor.predict_panorama(random_image((40, 80))).shape == (40, 80)


def test_a_broken_picture_leaves_the_others_alone(predictor: DepthPredictor, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    good = random_image((90, 100))
    large = LargePicturePredictor.make(predictor, tile_size=70, tile_overlap=None, is_panorama=False)
    first, broken, last = large([("first", good), tmp_path / "broken.png", ("last", good)])
    assert (
        first.kind == "disparity"
        and first.values is not None
        and first.image_size == (90, 100)
        and first.name == "first"
    )
    assert "broken.png: not an image" in str(broken.error) and broken.values is None and not broken.failed_in_model
    np.testing.assert_array_equal(first.values, last.values)
    panoramas = LargePicturePredictor.make(predictor, tile_size=None, tile_overlap=None, is_panorama=True)
    refused, sphere = panoramas([("flat", good), ("sphere", random_image((40, 80)))])
    assert "twice as wide as high, got 100 x 90" in str(refused.error) and refused.image_size == (90, 100)
    assert sphere.values is not None


def test_tiles_are_checked_before_the_picture_is_read(predictor: DepthPredictor) -> None:
    with pytest.raises(OptionError, match="tile_overlap must be smaller than the tile"):
        predictor.predict_tiled("absent.png", tile_size=70, tile_overlap=70)
    with pytest.raises(FileNotFoundError):
        predictor.predict_tiled("absent.png")


def test_parts_have_no_confidence() -> None:
    processor = DepthAnythingImageProcessor.for_input_size(SIDE)
    predictor = DepthPredictor(tiny_model(), processor, confidence=True)
    with pytest.raises(OptionError, match="tiles and panoramas have none; leave confidence out"):
        predictor.predict_panorama(random_image((40, 80)))


def test_the_camera_of_exif_is_that_of_the_tiles(predictor: DepthPredictor, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    Image.fromarray(random_image((50, 100))).save(tmp_path / "a.jpg", exif=exif)
    for is_panorama in (False, True):
        large = LargePicturePredictor.make(predictor, tile_size=None, tile_overlap=None, is_panorama=is_panorama)
        (prediction,) = large([tmp_path / "a.jpg"])
        assert prediction.error is None and (prediction.intrinsics is None) == is_panorama
