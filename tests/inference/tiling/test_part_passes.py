# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Passes over parts: order, batches, and which part failed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from formula_predictor import FormulaPredictor, soft_picture
from tiny_predictors import SIDE, random_image, tiny_model

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.part_passes import Part, predict_parts
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


def parts_of(pictures: list[np.ndarray]) -> Iterator[Part]:
    for number, picture in enumerate(pictures):
        yield f"part {number}", lambda picture=picture: picture  # type: ignore[misc]


def test_parts_come_in_order_as_the_model_sees_them(predictor: DepthPredictor) -> None:
    pictures = [
        random_image(size, seed) for seed, size in enumerate([(60, 80), (50, 50), (60, 80), (80, 60), (60, 80)])
    ]
    maps = list(predict_parts(predictor, parts_of(pictures)))
    for picture, found in zip(pictures, maps, strict=True):
        pixel_values = predictor._passes.prepare(picture)
        expected = predictor._launch([pixel_values], [tuple(pixel_values.shape[-2:])])()[0]
        assert found.shape == tuple(pixel_values.shape[-2:])
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_parts_of_one_size_share_passes() -> None:
    predictor = FormulaPredictor(56, batch_size=3)
    assert len(list(predict_parts(predictor, parts_of([soft_picture(70, 70, seed) for seed in range(7)])))) == 7
    assert predictor._passes.batches == [3, 3, 1]


def test_the_part_that_fails_is_named(predictor: DepthPredictor) -> None:
    def fail() -> np.ndarray:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        list(predict_parts(predictor, [("part 0", fail)]))
    processor = DepthAnythingImageProcessor.for_input_size(SIDE)
    broken = DepthPredictor(tiny_model(), processor)
    broken.model.head.conv3.bias.data.fill_(float("nan"))
    with pytest.raises(RuntimeError, match="part 0 cannot be predicted: the model gave NaN or infinity at 4900 of"):
        list(predict_parts(broken, parts_of([random_image((70, 70))])))
