# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Measured distances from a CSV file or a labelled dataset, paired with a model's disparity at the same pixels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..geometry.maps import values_at_pixels
from ..utils.paths import local_path
from .predictor import DepthPredictor


# Name of an image -> (disparity, depth in metres), one value for each measured point.
PointsOfImages: TypeAlias = dict[str, tuple[np.ndarray, np.ndarray]]

COLUMNS = ("x", "y", "depth")
# A depth map has far more pixels than two numbers need.
PIXELS_PER_LABEL = 20_000


class DepthDataset(Protocol):
    """What `disparity_at_labels` needs of a dataset; the label datasets of `data` have it.

    A sample has `name`, `image` (uint8 (H, W, 3)) and `depth` (float32 (H, W) in metres, NaN = invalid).
    """

    @property
    def label(self) -> str | None:
        """Kind of the labels, "depth" if they are metres; None without labels."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> dict[str, Any]: ...


def read_points(path: str | os.PathLike[str], image: str | None = None) -> dict[str, np.ndarray]:
    """Read measured points from a CSV file with a header line.

    Columns: `x` and `y`, whole pixels from the left and from the top of the upright image at its full size, and
    `depth`, metres along the optical axis; and `image`, the image's path relative to the file, unless all points are
    of one image.

    Args:
        path: the file.
        image: the image of all points; a file with a column `image` may then name no other one.

    Returns:
        Image -> float64 (N, 3): row, column, metres.

    Raises:
        FileNotFoundError: no such file.
        ValueError: naming the file and line: a column is missing, a cell is no number or no whole pixel, or no image
            or another one is named.
    """
    path = local_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a CSV file with the columns {', '.join(COLUMNS)}")
    points: dict[str, list[tuple[float, float, float]]] = {}
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        header = reader.fieldnames or []
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise ValueError(
                f"{path}: no column {', '.join(missing)}; expected a header line with {', '.join(COLUMNS)}, the first "
                f"line has {header}"
            )
        if image is None and "image" not in header:
            raise ValueError(
                f"{path}: which image the points belong to is not given; add a column image, or calibrate one image "
                "instead of a folder"
            )
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            name = str(path.parent / (row["image"] or "")) if "image" in header else str(image)
            if image is not None and Path(name).resolve() != Path(image).resolve():
                raise ValueError(f"{place}: the point belongs to {name}, expected one of {image}")
            try:
                x, y, depth = (float(row[column]) for column in COLUMNS)
            except (TypeError, ValueError):
                cells = [row[column] for column in COLUMNS]
                raise ValueError(f"{place}: expected numbers for {', '.join(COLUMNS)}, got {cells}") from None
            if not (x.is_integer() and y.is_integer()):
                raise ValueError(f"{place}: x and y must be whole pixels, got x {x:g} and y {y:g}")
            points.setdefault(name if image is None else image, []).append((y, x, depth))
    if not points:
        raise ValueError(f"{path}: no points below the header; calibration needs at least two")
    return {name: np.array(rows) for name, rows in points.items()}


def disparity_at_points(predictor: DepthPredictor, points: dict[str, np.ndarray]) -> PointsOfImages:
    """Predict disparity at the points of `read_points`.

    Raises:
        ValueError: the model predicts metres, an image cannot be read, or a point lies outside its image.
    """
    _check_predicts_disparity(predictor)
    found: PointsOfImages = {}
    for prediction in predictor(iter(points)):
        rows = points[prediction.name]
        if prediction.values is None:
            raise ValueError(f"{prediction.name}: {prediction.error}")
        disparity = values_at_pixels(prediction.values, rows[:, :2], f"measured points of {prediction.name}")
        found[prediction.name] = (disparity, rows[:, 2])
    return found


def disparity_at_labels(predictor: DepthPredictor, dataset: DepthDataset, seed: int = 0) -> PointsOfImages:
    """Predict disparity where a dataset's depth maps have a value, at most `PIXELS_PER_LABEL` pixels of an image.

    Args:
        predictor: of a relative model.
        dataset: images with depth in metres.
        seed: of the choice of pixels.

    Raises:
        ValueError: the model predicts metres, the labels are no depth, or an image cannot be read or has no depth.
    """
    _check_predicts_disparity(predictor)
    if dataset.label != "depth":
        raise ValueError(
            f"calibration needs depth labels in metres, the dataset has {dataset.label or 'no labels'}; open it with "
            "label='depth'"
        )
    random = np.random.default_rng(seed)
    waiting: list[dict[str, Any]] = []
    found: PointsOfImages = {}
    for prediction in predictor(_images(dataset, waiting)):
        sample = waiting.pop(0)
        if prediction.values is None:
            raise ValueError(f"{prediction.name}: {prediction.error}")
        measured = np.flatnonzero(np.isfinite(sample["depth"]))
        if measured.size == 0:
            raise ValueError(f"{prediction.name}: its depth map has no valid pixel")
        chosen = measured if measured.size <= PIXELS_PER_LABEL else random.choice(measured, PIXELS_PER_LABEL, False)
        found[prediction.name] = (prediction.values.ravel()[chosen], sample["depth"].ravel()[chosen])
    return found


def _images(dataset: DepthDataset, waiting: list[dict[str, Any]]) -> Iterable[tuple[str, np.ndarray]]:
    for index in range(len(dataset)):
        sample = dataset[index]
        waiting.append(sample)
        yield sample["name"], sample["image"]


def _check_predicts_disparity(predictor: DepthPredictor) -> None:
    if predictor.prediction_kind != "disparity":
        raise ValueError("this model predicts depth in metres and needs no calibration; calibrate a relative model")
