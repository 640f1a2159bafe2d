# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values that are not finite are errors; the mean with the mirror image's prediction."""

from __future__ import annotations

import numpy as np
import torch
from tiny_predictors import SIDE, random_image, tiny_model

from depth_anything_hf.inference.prediction import flip_mean
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


def test_outputs_that_are_not_finite_are_errors() -> None:
    model = tiny_model()
    torch.nn.init.constant_(model.head.conv3.weight, float("nan"))
    predictor = DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(SIDE))
    (prediction,) = predictor([("image", random_image((20, 30)))])
    assert prediction.values is None and "NaN" in str(prediction.error)


def test_flip_averaging_makes_a_mirrored_image_give_the_mirrored_result() -> None:
    model, processor = tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE)
    plain, averaging = DepthPredictor(model, processor), DepthPredictor(model, processor, flip_averaging=True)
    image = random_image((60, 80))
    straight, mirrored = plain.predict(image), plain.predict(image[:, ::-1].copy())[:, ::-1]
    slope, shift = np.polyfit(mirrored.ravel().astype(np.float64), straight.ravel(), 1)
    other = slope * mirrored + shift if slope > 0 else straight
    result = averaging.predict(image)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, (straight + other) / 2, atol=1e-5)


def test_flip_averaging_takes_depth_in_metres_as_it_is() -> None:
    model = tiny_model(depth_estimation_type="metric", max_depth=20)
    processor = DepthAnythingImageProcessor.for_input_size(SIDE)
    averaging = DepthPredictor(model, processor, flip_averaging=True)
    image = random_image((60, 80))
    result = averaging.predict(image)
    np.testing.assert_allclose(averaging.predict(image[:, ::-1].copy())[:, ::-1], result, atol=1e-4)


def test_a_reversed_mirrored_prediction_is_left_out() -> None:
    straight = np.linspace(1, 2, 12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(flip_mean(straight, 5 - straight, "disparity"), straight)
    np.testing.assert_allclose(flip_mean(straight, 3 * straight - 1, "disparity"), straight, rtol=1e-6)
    np.testing.assert_allclose(flip_mean(straight, straight + 1, "depth"), straight + 0.5, rtol=1e-6)
