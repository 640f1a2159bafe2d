# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictors and labelled lists for the tests of evaluation: the disparity is read from the brightness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from depth_anything_hf.evaluation.evaluator import Predictor
from depth_anything_hf.inference.prediction import Prediction


def make_dataset(count: int = 6, size: tuple[int, int] = (18, 24)) -> list[dict[str, Any]]:
    samples = []
    for index in range(count):
        random = np.random.default_rng(index)
        depth = random.uniform(1, 30, size).astype(np.float32)
        depth[0, :3] = np.nan
        depth[1, :5] = np.inf
        # The predictor below reads its noisy disparity from the picture.
        disparity = np.where(np.isfinite(depth), 1 / depth, 0) + random.normal(0, 0.03, size)
        image = np.repeat((np.clip(disparity, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)
        samples.append({"image": image, "depth": depth, "name": f"image {index}"})
    return samples


def predictor(function: Callable[[np.ndarray], np.ndarray]) -> Predictor:
    def predict(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        return (answer(name, image) for name, image in images)

    def answer(name: str, image: np.ndarray) -> Prediction:
        try:
            return Prediction(name, function(image), None, image.shape[:2])
        except RuntimeError as error:
            return Prediction(name, None, str(error), image.shape[:2])

    return predict


def brightness(image: np.ndarray) -> np.ndarray:
    return image[..., 0].astype(np.float32) * 7 + 3
