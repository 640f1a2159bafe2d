# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A predictor whose maps follow from the pixels by a formula, other for each part as a model's scale and shift are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from depth_anything_hf.geometry.disparity import PredictionKind
from depth_anything_hf.inference.batching import FetchResults


class FormulaPasses:
    """Disparity `scale * red + shift`, or metres `scale * red`, both drawn by each part's content."""

    def __init__(self, side: int, kind: PredictionKind) -> None:
        self.side, self.kind = side, kind
        self.batches: list[int] = []

    def prepare(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        factor = self.side / min(height, width)
        size = (round(width * factor), round(height * factor))
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        return (resized.astype(np.float32) / 255).transpose(2, 0, 1)

    def launch(self, inputs: Sequence[np.ndarray], sizes: Sequence[Any], is_retry: bool = False) -> FetchResults:
        self.batches.append(len(inputs))
        maps = []
        for each in inputs:
            random = np.random.default_rng(int(each.sum() * 1000) % 2**32)
            scale, shift = random.uniform(0.5, 2), random.uniform(-0.3, 0.3)
            maps.append(np.float32(scale) * each[0] + np.float32(0 if self.kind == "depth" else shift + 1))
        return lambda: maps


class FormulaPredictor:
    """What tiles and views need of a predictor."""

    max_pixels = None

    def __init__(self, side: int, kind: PredictionKind = "disparity", batch_size: int = 3) -> None:
        self.model = self
        self.batch_size, self.prediction_kind, self.input_size = batch_size, kind, side
        self._passes = FormulaPasses(side, kind)
        self._runs_ahead = False

    def eval(self) -> None:
        """As of a module."""

    def predict(self, image: np.ndarray) -> np.ndarray:
        """At the image's own size."""
        found = self._launch([self._passes.prepare(image)], [image.shape[:2]])()[0]
        resized: np.ndarray = cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return resized

    def _launch(self, inputs: Sequence[Any], sizes: Sequence[Any], is_retry: bool = False) -> FetchResults:
        return self._passes.launch(inputs, sizes, is_retry)


def soft_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A soft field of colours with a box that is nearer, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    field = cv2.resize(random.uniform(40, 160, (6, 8, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
    field[height // 3 : height // 2, width // 4 : width // 2] += 70
    picture: np.ndarray = np.clip(np.rint(field), 20, 255).astype(np.uint8)
    return picture
