# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Panels of the gallery of failures: predictions fitted to the truth, errors, cells with captions, rows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from depth_anything_hf import DepthPredictor
from depth_anything_hf.geometry import fit_scale_and_shift
from depth_anything_hf.rendering import View
from depth_anything_hf.visualization import add_caption, colour_map, side_by_side, stack
from depth_anything_hf.visualization.legend import add_legend


# Depth and error have colours of their own; both grow in brightness, which all readers see.
DEPTH_COLOURS, ERROR_COLOURS = "inferno", "gray"
CELL_PIXELS = 176
NEAREST_METRES, FARTHEST_METRES = 0.1, 100.0
Cells = list[np.ndarray]


@dataclass
class Gallery:
    """The models that the pictures are made with."""

    predictor: DepthPredictor
    larger: DepthPredictor
    metric: DepthPredictor | None = None

    def predict(self, image: np.ndarray) -> np.ndarray:
        """Return disparity, float32 (H, W); of a metric model 1 / depth."""
        return self.disparity_and_confidence(image)[0]

    def disparity_and_confidence(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return disparity and confidence, float32 (H, W) each."""
        prediction = self.predictor(image)
        assert prediction.values is not None and prediction.confidence is not None, prediction.error
        return _as_disparity(prediction.values, self.predictor), prediction.confidence

    def predict_larger(self, image: np.ndarray) -> np.ndarray:
        """Return the disparity that the model gives at twice its input size."""
        return _as_disparity(self.larger.predict(image), self.larger)

    def predict_tiled(self, image: np.ndarray) -> np.ndarray:
        """Return the disparity that the model gives tile by tile."""
        return _as_disparity(self.predictor_of_values.predict_tiled(image), self.predictor)

    @property
    def predictor_of_values(self) -> DepthPredictor:
        """The predictor without confidence, which tiles are refused with."""
        return DepthPredictor(self.predictor.model, self.predictor.processor)


def _as_disparity(values: np.ndarray, predictor: DepthPredictor) -> np.ndarray:
    return values if predictor.prediction_kind == "disparity" else 1 / np.maximum(values, 1e-6)


# Fits and errors


def aligned(disparity: np.ndarray, depth: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
    """Return disparity with the scale and shift that fit 1 / depth best where it counts (default: all but the sky)."""
    counted = np.isfinite(depth) if counted is None else counted & np.isfinite(depth)
    scale, shift = fit_scale_and_shift(disparity, inverse(depth), counted)
    fitted: np.ndarray = scale * disparity + shift
    return fitted


def abs_rel(fitted: np.ndarray, depth: np.ndarray, counted: np.ndarray | None = None) -> float:
    """Return the mean of |predicted - true| / true depth of an aligned disparity where it counts."""
    counted = np.isfinite(depth) if counted is None else counted & np.isfinite(depth)
    return float(np.mean(np.abs(metres(fitted[counted]) - depth[counted]) / depth[counted]))


def metres(fitted: np.ndarray) -> np.ndarray:
    """Return the depth of an aligned disparity, within what these scenes may have."""
    depth: np.ndarray = 1 / np.clip(fitted, 1 / FARTHEST_METRES, 1 / NEAREST_METRES)
    return depth


def inverse(depth: np.ndarray) -> np.ndarray:
    """Return 1 / depth, 0 where the sky is."""
    return np.where(np.isfinite(depth), 1 / depth, 0.0)


# Cells and rows


def cell(picture: np.ndarray, caption: str) -> np.ndarray:
    """Return a picture at the common height, with a caption above."""
    height = CELL_PIXELS
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    resampling = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_NEAREST
    return add_caption(cv2.resize(picture, (width, height), interpolation=resampling), caption)


def depth_cell(disparity: np.ndarray, like: np.ndarray, caption: str) -> np.ndarray:
    """Return a cell of disparity in the colours of the true depth that it is like."""
    low, high = limits_of(like)
    return cell(colour_map(disparity, low, high, name=DEPTH_COLOURS), caption)


def error_cell(fitted: np.ndarray, depth: np.ndarray, caption: str) -> np.ndarray:
    """Return a cell of the error in disparity: white is a quarter of the true range and more."""
    low, high = limits_of(depth)
    error = np.abs(fitted - inverse(depth))
    return cell(colour_map(error, 0.0, (high - low) / 4, name=ERROR_COLOURS), caption)


def confidence_cell(confidence: np.ndarray, caption: str = "confidence") -> np.ndarray:
    """Return a cell of confidence: black is 0.5 and less, white 1."""
    return cell(colour_map(confidence, 0.5, 1.0, name=ERROR_COLOURS), caption)


def metres_cell(depth: np.ndarray, caption: str, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Return a cell of depth with a legend in metres."""
    low, high = limits_of(depth) if limits is None else limits
    picture = cv2.resize(inverse(depth), (CELL_PIXELS, CELL_PIXELS), interpolation=cv2.INTER_NEAREST)
    colours = colour_map(picture, low, high, name=DEPTH_COLOURS)
    return cell(add_legend(colours, low, high, DEPTH_COLOURS, is_depth=True), caption)


def limits_of(depth: np.ndarray) -> tuple[float, float]:
    """Return the disparities of the first and the last colour for a true depth."""
    low, high = np.percentile(inverse(depth), (2, 98))
    return float(low), float(high)


def judged(gallery: Gallery, view: View, fit_on: np.ndarray | None = None) -> tuple[Cells, np.ndarray]:
    """Return image, truth, prediction, error and confidence of a view as cells, and the aligned disparity."""
    disparity, confidence = gallery.disparity_and_confidence(view.image)
    fitted = aligned(disparity, view.depth, fit_on)
    cells = [
        cell(view.image, "image"),
        depth_cell(inverse(view.depth), view.depth, "truth"),
        depth_cell(fitted, view.depth, "prediction"),
        error_cell(fitted, view.depth, "error"),
        confidence_cell(confidence),
    ]
    return cells, fitted


def figure(*rows: tuple[Sequence[str], Cells]) -> np.ndarray:
    """Return rows of cells, each below lines of words."""
    pictures = []
    for lines, cells in rows:
        row = side_by_side(cells, height=max(each.shape[0] for each in cells))
        for line in reversed(lines):
            row = add_caption(row, line)
        pictures.append(row)
    return stack(pictures)


def variants(
    gallery: Gallery,
    view: View,
    changed: Sequence[tuple[str, np.ndarray, Callable[[np.ndarray], np.ndarray]]],
    words: str,
    counted: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a view changed in several ways: what the model sees, what it predicts, turned back, and the error."""
    columns = []
    for name, image, turn_back in changed:
        fitted = aligned(turn_back(gallery.predict(np.ascontiguousarray(image))), view.depth, counted)
        columns.append(
            [
                cell(image, name),
                depth_cell(fitted, view.depth, "prediction"),
                error_cell(fitted, view.depth, f"AbsRel {abs_rel(fitted, view.depth, counted):.2f}"),
            ]
        )
    rows = list(zip(*columns, strict=True))
    return stack([add_caption(side_by_side(rows[0]), words), *(side_by_side(row) for row in rows[1:])])
