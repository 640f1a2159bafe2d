# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about measured points: read from a file, paired with the disparity at exactly these pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.inference.measured_points import (
    PIXELS_PER_LABEL,
    disparity_at_labels,
    disparity_at_points,
    read_points,
)
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


@pytest.fixture(scope="module")
def predictor(make_tiny_model: Callable[..., Any]) -> DepthPredictor:
    return DepthPredictor(make_tiny_model(), DepthAnythingImageProcessor.for_input_size(56))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_points_of_one_picture_and_of_several(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", "x, y, depth\n3, 5, 1.5\n10, 0, 7\n")
    np.testing.assert_array_equal(read_points(one, "a.jpg")["a.jpg"], [[5, 3, 1.5], [0, 10, 7]])
    # A spreadsheet program's byte order mark, the columns in another order.
    several = write(tmp_path / "several.csv", "\ufeffimage,depth,x,y\na.jpg,2,0,1\nsub/b.jpg,3,4,5\na.jpg,6,7,8\n")
    points = read_points(several)
    assert list(points) == [str(tmp_path / "a.jpg"), str(tmp_path / "sub" / "b.jpg")]
    np.testing.assert_array_equal(points[str(tmp_path / "a.jpg")], [[1, 0, 2], [8, 7, 6]])


@pytest.mark.parametrize(
    ("text", "image", "message"),
    [
        ("x,y\n1,2\n", "a.jpg", "no column depth"),
        ("x,y,depth\n1,2,far\n", "a.jpg", "line 2: expected numbers for x, y, depth, got"),
        ("x,y,depth\n1,2\n", "a.jpg", "line 2: expected numbers for x, y, depth, got"),
        ("x,y,depth\n1,2.5,3\n", "a.jpg", "line 2: x and y must be whole pixels"),
        (
            "image,x,y,depth\na.jpg,1,2,3\nb.jpg,1,2,3\n",
            "a.jpg",
            "line 3: the point belongs to .*b.jpg, expected one of .*a.jpg",
        ),
        ("x,y,depth\n1,2,3\n", None, "which image the points belong to is not given; add a column image"),
        ("x,y,depth\n", "a.jpg", "no points"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, image: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read_points(write(tmp_path / "points.csv", text), None if image is None else str(tmp_path / image))
    assert str(tmp_path / "points.csv") in str(error.value)


def test_the_disparity_is_that_of_the_pixel(predictor: DepthPredictor, labelled_folder: Path) -> None:
    picture = str(labelled_folder / "images" / "0.png")
    disparity, depth = disparity_at_points(predictor, {picture: np.array([[0, 0, 1.0], [10, 40, 2.0]])})[picture]
    whole = predictor.predict(picture)
    np.testing.assert_array_equal(disparity, [whole[0, 0], whole[10, 40]])
    np.testing.assert_array_equal(depth, [1.0, 2.0])


def test_a_point_outside_and_a_missing_picture_are_named(predictor: DepthPredictor, labelled_folder: Path) -> None:
    picture = str(labelled_folder / "images" / "0.png")
    with pytest.raises(ValueError, match=r"0.png.*row 56"):
        disparity_at_points(predictor, {picture: np.array([[56, 0, 1.0]])})
    with pytest.raises(ValueError, match=r"absent.png"):
        disparity_at_points(predictor, {"absent.png": np.array([[0, 0, 1.0]])})


def test_depth_maps_stand_in_for_points(predictor: DepthPredictor, labelled_folder: Path, tmp_path: Path) -> None:
    found = disparity_at_labels(predictor, DepthFolder(labelled_folder, limit=2))
    assert len(found) == 2
    for name, (disparity, depth) in found.items():
        label = np.load(labelled_folder / "depth" / f"{Path(name).stem}.npy")
        np.testing.assert_array_equal(depth, label.ravel())
        np.testing.assert_array_equal(disparity, predictor.predict(name).ravel())
    for folder in ("images", "depth"):
        (tmp_path / folder).mkdir()
    side = int(PIXELS_PER_LABEL**0.5) + 10
    cv2.imwrite(str(tmp_path / "images" / "large.png"), np.zeros((side, side, 3), np.uint8))
    values = np.geomspace(1, 2, side * side, dtype=np.float32).reshape(side, side)
    np.save(tmp_path / "depth" / "large.npy", values)
    (_, depth), *_ = disparity_at_labels(predictor, DepthFolder(tmp_path)).values()
    assert len(np.unique(depth)) == PIXELS_PER_LABEL


def test_what_cannot_be_calibrated_is_refused(
    predictor: DepthPredictor, make_tiny_model: Callable[..., Any], labelled_folder: Path
) -> None:
    with pytest.raises(ValueError, match="no labels"):
        disparity_at_labels(predictor, PhotoFolder(labelled_folder))
    metric = make_tiny_model(depth_estimation_type="metric", max_depth=20)
    with pytest.raises(ValueError, match="needs no calibration"):
        disparity_at_points(DepthPredictor(metric, predictor.processor), {})
