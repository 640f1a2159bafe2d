# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images of one size share a pass, results keep their order, memory is bounded, and a batch that fails is retried."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from tiny_predictors import SIDE, random_image, random_images, tiny_config, tiny_model, values_of

from depth_anything_hf.inference.predictor import DECODING_THREADS, DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


def test_mixed_sizes_keep_their_order_and_equal_single_predictions(predictor: DepthPredictor) -> None:
    images = random_images()
    predictions = list(predictor(images))
    assert [prediction.name for prediction in predictions] == [name for name, _ in images]
    for prediction, (_, image) in zip(predictions, images, strict=True):
        assert prediction.error is None and prediction.image_size == image.shape[:2]
        np.testing.assert_allclose(values_of(prediction), predictor.predict(image), atol=1e-5)


def test_images_of_one_size_share_a_pass_and_others_never_do(predictor: DepthPredictor) -> None:
    shapes: list[tuple[int, ...]] = []
    hook = predictor.model.register_forward_pre_hook(
        lambda _, __, options: shapes.append(tuple(options["pixel_values"].shape)), with_kwargs=True
    )
    try:
        assert (
            len(list(predictor((str(n), random_image(size, n)) for n, size in enumerate([(60, 80), (80, 60)] * 3))))
            == 6
        )
    finally:
        hook.remove()
    assert sorted(shape[0] for shape in shapes) == [3, 3] and len({shape[2:] for shape in shapes}) == 2


class FailsOnWhite(DepthAnythingForDepthEstimation):
    """Stands for whatever can go wrong in a pass because of one image."""

    def forward(self, pixel_values: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        brightest = pixel_values.amin(dim=(1, 2, 3)).max()
        if brightest > 1.5:
            raise RuntimeError("out of memory")
        return super().forward(pixel_values, *arguments, **options)


@pytest.mark.parametrize("runs_ahead", [False, True])
def test_one_image_that_breaks_its_pass_does_not_cost_the_others(
    runs_ahead: bool, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    predictor = DepthPredictor(
        FailsOnWhite(tiny_config()), DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=4
    )
    predictor._runs_ahead = runs_ahead
    images = [(str(number), random_image((60, 80), number)) for number in range(11)]
    images[6] = ("white", np.full((60, 80, 3), 255, dtype=np.uint8))
    with caplog.at_level(logging.WARNING):
        predictions = list(predictor(images))
    assert [p.name for p in predictions] == [name for name, _ in images]
    errors = [p.error for p in predictions]
    assert errors == [None] * 6 + ["RuntimeError: out of memory"] + [None] * 4
    assert predictions[6].image_size == (60, 80) and "one by one" in caplog.text
    with pytest.raises(RuntimeError, match="out of memory"):
        predictor.predict(images[6][1])


def test_a_batch_that_a_compiled_model_had_no_memory_for_is_not_filled_up_again() -> None:
    predictor = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=4)
    # Batches are filled up as for a compiled model; what is built for them has no part in this.
    predictor._passes.is_compiled = True
    sizes: list[int] = []

    def refuse(_module: Any, _arguments: Any, options: dict[str, Any]) -> None:
        sizes.append(len(options["pixel_values"]))
        if sizes[-1] > 2:
            raise RuntimeError("out of memory")

    predictor.model.register_forward_pre_hook(refuse, with_kwargs=True)
    predictions = list(predictor([(str(number), random_image((60, 80), number)) for number in range(3)]))
    assert [prediction.error for prediction in predictions] == [None] * 3
    assert sizes == [4, 1, 1, 1]


def test_the_stream_is_read_a_bounded_number_of_images_ahead(predictor: DepthPredictor) -> None:
    read, ahead = 0, []

    def stream() -> Iterator[tuple[str, np.ndarray]]:
        nonlocal read
        # The first image is alone with its size, which blocks the order until the window is full.
        for number in range(120):
            read += 1
            yield str(number), random_image((80, 60) if number == 0 else (60, 80), number)

    for done, _ in enumerate(predictor(stream()), start=1):
        ahead.append(read - done)
    assert len(ahead) == 120
    decoding = 2 * DECODING_THREADS + predictor.batch_size
    assert max(ahead) <= predictor.window_batches * predictor.batch_size + predictor.batch_size + decoding


def test_sizes_that_never_fill_a_batch_are_not_held_back(predictor: DepthPredictor) -> None:
    read, ahead = 0, []

    def stream() -> Iterator[tuple[str, np.ndarray]]:
        nonlocal read
        for number in range(60):
            read += 1
            yield str(number), random_image((14 * (1 + number % 20), 140), number)

    for done, _ in enumerate(predictor(stream()), start=1):
        ahead.append(read - done)
    assert len(ahead) == 60
    assert max(ahead) <= predictor.window_batches * predictor.batch_size + 2 * DECODING_THREADS + predictor.batch_size


def test_images_before_and_after_a_barrier_share_no_pass(predictor: DepthPredictor) -> None:
    sizes: list[int] = []
    hook = predictor.model.register_forward_pre_hook(
        lambda _, __, options: sizes.append(len(options["pixel_values"])), with_kwargs=True
    )
    images: list[Any] = [(str(number), random_image((60, 80), number)) for number in range(5)]
    try:
        names = [prediction.name for prediction in predictor([None, *images[:2], None, None, *images[2:], None])]
    finally:
        hook.remove()
    assert names == [name for name, _ in images] and sizes == [2, 3]


def test_a_wider_window_fills_the_batches_of_rare_sizes() -> None:
    images = [(str(number), random_image((60, 80) if number % 5 else (80, 60), number)) for number in range(15)]
    passes = []
    for window_batches in (1, 8):
        predictor = DepthPredictor(
            tiny_model(),
            DepthAnythingImageProcessor.for_input_size(SIDE),
            batch_size=3,
            window_batches=window_batches,
        )
        count = []
        hook = predictor.model.register_forward_pre_hook(lambda *_, count=count: count.append(1))
        assert len(list(predictor(images))) == 15
        hook.remove()
        passes.append(len(count))
    assert passes[1] == 5 < passes[0]


def test_images_are_let_go(predictor: DepthPredictor) -> None:
    references: list[weakref.ref[np.ndarray]] = []

    def stream() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(100):
            image = random_image((60, 80), number)
            references.append(weakref.ref(image))
            yield str(number), image

    alive = [sum(reference() is not None for reference in references) for _ in predictor(stream())]
    assert max(alive) < 40
