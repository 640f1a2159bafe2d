# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictors with confidence: the passes by hand, values unchanged, batches, engines, models of one size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_predictors import SIDE, random_image, random_images, tiny_dpt, tiny_model, values_of
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from depth_anything_hf.inference.confidence import find_confidence
from depth_anything_hf.inference.passes import scale_sides
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


OTHER_SIDE = 56
IMAGE = random_image((60, 80))


def make(confidence: bool = True, side: int = SIDE, **options: Any) -> DepthPredictor:
    fields = options.pop("fields", {})
    processor = DepthAnythingImageProcessor.for_input_size(side)
    return DepthPredictor(tiny_model(**fields), processor, confidence=confidence, **options)


def confidence_of(prediction: Prediction) -> np.ndarray:
    assert prediction.confidence is not None, prediction.error
    return prediction.confidence


@pytest.mark.parametrize(
    "fields", [{}, {"depth_estimation_type": "metric", "max_depth": 20}], ids=["relative", "metric"]
)
def test_confidence_is_that_of_the_three_passes_and_values_stay(fields: dict[str, Any]) -> None:
    predictor, plain = make(fields=fields), make(confidence=False, fields=fields)
    prediction = predictor(IMAGE)
    first = plain.predict(IMAGE)
    np.testing.assert_array_equal(values_of(prediction), first)
    np.testing.assert_array_equal(predictor.predict(IMAGE), first)
    mirrored = plain.predict(np.ascontiguousarray(IMAGE[:, ::-1]))[:, ::-1]
    smaller = make(confidence=False, side=OTHER_SIDE, fields=fields).predict(IMAGE)
    expected = find_confidence(first, [mirrored, smaller], plain.prediction_kind)
    # Pillow's resizing of a mirrored image is mirrored but for rounding.
    np.testing.assert_allclose(confidence_of(prediction), expected, atol=np.ptp(expected) / 10)
    assert np.ptp(expected) > 0.003 and prediction.mean_confidence == pytest.approx(float(expected.mean()), abs=1e-3)
    assert prediction.kind == plain.prediction_kind and predictor.confidence_passes == ("mirrored", "0.75 of the size")
    assert prediction.unit == ("metres" if fields else None)
    assert plain(IMAGE).confidence is None and plain(IMAGE).mean_confidence is None


def test_flip_averaging_takes_the_mirrored_pass_that_is_there() -> None:
    both = make(flip_averaging=True)(IMAGE)
    averaged = make(confidence=False, flip_averaging=True)
    np.testing.assert_array_equal(values_of(both), averaged.predict(IMAGE))
    np.testing.assert_array_equal(confidence_of(both), confidence_of(make()(IMAGE)))
    assert not np.array_equal(values_of(both), make(confidence=False).predict(IMAGE))


def test_batches_of_mixed_sizes_give_what_single_images_give() -> None:
    images = random_images()
    alone = [make()(image) for image in images]
    together = make(batch_size=3)(images)
    for one, other in zip(alone, together, strict=True):
        assert one.name == other.name and confidence_of(one).shape == values_of(one).shape
        np.testing.assert_allclose(confidence_of(other), confidence_of(one), atol=1e-4)


def test_images_of_one_size_here_and_of_two_there_share_no_batch() -> None:
    # Of 100 x 143 and 100 x 147 pixels the sides are 70 x 98 and 70 x 98 here, 56 x 84 and 56 x 84 or not there.
    widths = range(140, 165)
    predictor = make(batch_size=len(widths))
    images = [random_image((100, width), width) for width in widths]
    shapes = {predictor._prepare(image).pixel_values.shape for image in images}
    assert len({shape[:3] for shape in shapes}) < len(shapes)
    assert all(prediction.error is None for prediction in predictor(images))


def test_a_broken_image_has_an_error_and_no_confidence(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"none")
    broken, whole = make()([tmp_path / "broken.jpg", IMAGE])
    assert broken.error and broken.confidence is None and broken.kind is None and broken.unit is None
    assert whole.error is None and whole.confidence is not None


def test_stock_models_take_the_other_size_too() -> None:
    processor = DPTImageProcessorPil(size={"height": 128, "width": 128}, keep_aspect_ratio=False)
    predictor = DepthPredictor(tiny_dpt(), processor, confidence=True)
    assert predictor.confidence_passes == ("mirrored", "0.75 of the size")
    assert confidence_of(predictor(IMAGE)).min() > 0


def test_a_size_that_does_not_change_leaves_the_mirrored_pass_alone() -> None:
    predictor = make(side=14)
    assert predictor.confidence_passes == ("mirrored",) and predictor(IMAGE).confidence is not None
    assert scale_sides((518, 518), 0.75, 14) == (392, 392)
    assert scale_sides((384, 512), 0.75, 1) == scale_sides((384, 512), 0.75, None) == (288, 384)
    assert scale_sides((14, 14), 0.75, 14) is None
