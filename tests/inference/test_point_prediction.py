# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`DepthPredictor.predict_points`: cameras and metres, and what is refused without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from tiny_predictors import random_image, tiny_model

from depth_anything_hf import Calibration, DepthAnythingImageProcessor, DepthPredictor
from depth_anything_hf.geometry.distortion import undistort
from depth_anything_hf.geometry.intrinsics import CameraIntrinsics
from depth_anything_hf.geometry.points import unproject
from depth_anything_hf.inference.point_prediction import assume_depth
from depth_anything_hf.utils.option_errors import OptionError


def predictor(**options: Any) -> DepthPredictor:
    processor = DepthAnythingImageProcessor(size={"height": 56, "width": 56})
    return DepthPredictor(tiny_model(**options), processor)


@pytest.fixture(scope="module")
def metric() -> DepthPredictor:
    return predictor(depth_estimation_type="metric", max_depth=20)


@pytest.fixture(scope="module")
def relative() -> DepthPredictor:
    return predictor()


IMAGE = random_image((48, 64))


@pytest.mark.parametrize("kind", ["array", "tensor", "PIL", "path", "pair"])
def test_points_are_the_prediction_along_the_rays_of_the_camera(
    metric: DepthPredictor, tmp_path: Path, kind: str
) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    image: Any = {
        "array": IMAGE,
        "tensor": torch.from_numpy(IMAGE).permute(2, 0, 1),
        "PIL": Image.fromarray(IMAGE),
        "path": tmp_path / "image.png",
        "pair": ("a name", IMAGE),
    }[kind]
    points = metric.predict_points(image, fov=60)
    assert (points.depth == metric.predict(IMAGE)).all() and (points.image == IMAGE).all()
    assert points.points.shape == points.normals.shape == (48, 64, 3) and points.points.dtype == np.float32
    camera = CameraIntrinsics.from_field_of_view(60, 48, 64)
    np.testing.assert_allclose(points.points, unproject(metric.predict(IMAGE), camera.matrix), rtol=1e-6)
    assert points.unit == "metres" and points.scale_source == "predicted by a metric model"
    assert points.intrinsics.source == "given field of view 60°" and points.undistorted_from is None
    assert points.name == {"path": str(tmp_path / "image.png"), "pair": "a name"}.get(kind, "image")


def test_the_camera_of_exif_is_taken(metric: DepthPredictor, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 26
    Image.fromarray(IMAGE).save(tmp_path / "photo.jpg", exif=exif)
    assert "26 mm" in metric.predict_points(tmp_path / "photo.jpg").intrinsics.source
    with pytest.raises(ValueError, match="no camera is known"):
        metric.predict_points(IMAGE)


def test_a_bent_picture_is_straightened_before_it_is_predicted(metric: DepthPredictor, tmp_path: Path) -> None:
    record = {"width": 64, "height": 48, "fx": 50, "fy": 50, "cx": 31.5, "cy": 23.5, "k1": -0.2, "k2": 0.05}
    (tmp_path / "camera.json").write_text(json.dumps(record))
    points = metric.predict_points(IMAGE, camera=tmp_path / "camera.json")
    assert points.undistorted_from is not None and points.undistorted_from.distortion == (-0.2, 0.05, 0, 0)
    straight, pinhole = undistort(IMAGE, points.undistorted_from)
    assert points.intrinsics == pinhole and (points.image == straight).all() and (straight != IMAGE).any()
    assert (points.depth == metric.predict(straight)).all()


def test_a_relative_model_needs_a_calibration_or_a_guess(relative: DepthPredictor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown scale and shift.*calibration.*assume_scale"):
        relative.predict_points(IMAGE, fov=60)
    disparity = relative.predict(IMAGE)
    calibration = Calibration("disparity", 0.5, 0.1, 3, 0, 0.02, 0.0, 9.0)
    points = relative.predict_points(IMAGE, fov=60, calibration=calibration)
    assert (points.depth == calibration.apply(disparity)).all() and "calibration on 3 points" in points.scale_source
    path = calibration.save(tmp_path / "calibration.json")
    assert (relative.predict_points(IMAGE, fov=60, calibration=path).depth == points.depth).all()
    guessed = relative.predict_points(IMAGE, fov=60, assume_scale=3)
    assert (guessed.depth[guessed.valid] == assume_depth(disparity, 3)[guessed.valid]).all()
    assert guessed.is_scale_assumed and guessed.unit == "metres (assumed)" and "3 m" in guessed.scale_source


def test_an_assumed_depth_has_that_median_and_no_far_end() -> None:
    disparity = np.array([[1.0, 2.0, 4.0, 0.0, -1.0, 0.019, np.nan]])
    depth = assume_depth(disparity, 6.0)
    # The median of the positive ones is 1.5.
    np.testing.assert_allclose(depth[0, :3], [9.0, 4.5, 2.25])
    assert (
        depth.dtype == np.float32
        and np.isnan(depth[0, [3, 4, 6]]).all()
        and depth[0, 5] == pytest.approx(6 * 1.5 / 0.019)
    )
    assert np.isnan(assume_depth(np.array([[1.0, 1.0, 0.0099]]), 1.0)).tolist() == [[False, False, True]]
    assert np.isnan(assume_depth(np.zeros((2, 2)), 1.0)).all()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"assume_scale": 2}, ValueError, "metres already"),
        ({"calibration": Calibration("disparity", 0.5, 0.1, 3, 0, 0.02, 0.0, 9.0)}, ValueError, "metres already"),
        ({"assume_scale": "three"}, OptionError, "assume_scale must be a number"),
        ({"sensor_width": "wide"}, OptionError, "sensor_width must be a number"),
        ({"edge_threshold": "sharp"}, OptionError, "edge_threshold must be a number"),
        ({"assume_scale": 0}, OptionError, "positive number of metres"),
        ({"edge_threshold": 0}, ValueError, "edge_threshold must be above 0"),
        ({"max_points": 0}, OptionError, "max_points must be at least 1"),
        ({"focal": 50}, OptionError, "focal and fov"),
    ],
)
def test_what_cannot_be_is_refused(
    metric: DepthPredictor, arguments: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        metric.predict_points(IMAGE, fov=60, **arguments)


def test_numbers_may_be_text(metric: DepthPredictor) -> None:
    points = metric.predict_points(IMAGE, fov="60", edge_threshold="inf")  # type: ignore[arg-type]
    assert points.intrinsics.fx == metric.predict_points(IMAGE, fov=60).intrinsics.fx
    assert points.edge_threshold == float("inf")


def test_several_images_are_no_image(metric: DepthPredictor) -> None:
    with pytest.raises(TypeError, match="expected one image"):
        metric.predict_points([IMAGE], fov=60)  # type: ignore[arg-type]
