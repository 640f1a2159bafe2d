# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the way from images to predictions, with tiny real models."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    GLPNConfig,
    GLPNForDepthEstimation,
)
from transformers import DepthAnythingForDepthEstimation as StockDepthAnything
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.glpn.image_processing_pil_glpn import GLPNImageProcessorPil

from depth_anything_hf.data.decoding.images import find_images
from depth_anything_hf.inference.prediction import Prediction, flip_mean
from depth_anything_hf.inference.predictor import DECODING_THREADS, DepthPredictor
from depth_anything_hf.models.compilation import force_eager
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


SIDE = 70
# Landscape, portrait and square, one smaller than a patch, and one that could be taken for channels first.
SIZES = [(60, 80), (80, 60), (3, 9), (60, 80), (50, 50), (60, 80), (80, 60), (3, 5)]


def tiny_config(**options: Any) -> DepthAnythingConfig:
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=SIDE)
    return DepthAnythingConfig.from_encoder_config(encoder, **options)


def tiny_model(**options: Any) -> DepthAnythingForDepthEstimation:
    torch.manual_seed(0)
    return DepthAnythingForDepthEstimation(tiny_config(**options)).eval()


def tiny_dpt() -> DPTForDepthEstimation:
    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
    )
    model = DPTForDepthEstimation(config).eval()
    # Stock's random head cuts everything off at 0, which would make the comparison empty.
    torch.nn.init.constant_(model.head.head[-2].bias, 1.0)
    return model


def random_image(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def values_of(prediction: Prediction) -> np.ndarray:
    assert prediction.values is not None, prediction.error
    return prediction.values


def random_images() -> list[tuple[str, np.ndarray]]:
    return [(f"image {number}", random_image(size, number)) for number, size in enumerate(SIZES)]


@pytest.fixture(scope="module", params=["in step", "ahead"])
def predictor(request: pytest.FixtureRequest) -> DepthPredictor:
    predictor = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=3)
    # As on a GPU, where results are fetched when the next pass has begun.
    predictor._runs_ahead = request.param == "ahead"
    return predictor


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


def test_a_prediction_is_the_models_output_at_the_images_size(predictor: DepthPredictor) -> None:
    image = random_image((60, 80))
    pixel_values = predictor.processor(images=image, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        output = predictor.model(pixel_values).predicted_depth
    expected = F.interpolate(output[:, None], size=(60, 80), mode="bilinear", align_corners=True)[0, 0].numpy()
    values = predictor.predict(image)
    assert values.dtype == np.float32 and values.shape == (60, 80) and values.std() > 0
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("upsampling", ["bilinear", "bicubic", None])
def test_the_processor_says_how_predictions_are_upsampled(upsampling: Any, predictor: DepthPredictor) -> None:
    mode = upsampling or "bilinear"
    processor = DepthAnythingImageProcessor.for_input_size(SIDE, upsampling=upsampling)
    image = random_image((60, 80))
    with torch.inference_mode():
        output = predictor.model(processor(images=image, return_tensors="pt")["pixel_values"]).predicted_depth
    expected = F.interpolate(output[:, None], size=(60, 80), mode=mode, align_corners=mode == "bilinear")[0, 0]
    np.testing.assert_array_equal(DepthPredictor(predictor.model, processor).predict(image), expected.numpy())


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


def test_paths_loaders_and_arrays_give_the_same(predictor: DepthPredictor, tmp_path: Path) -> None:
    image = random_image((40, 60))
    Image.fromarray(image).save(tmp_path / "image.png")
    sources: list[Any] = [
        tmp_path / "image.png",
        str(tmp_path / "image.png"),
        ("array", image),
        ("loader", lambda: image),
    ]
    predictions = list(predictor(sources))
    assert [p.name for p in predictions] == [str(tmp_path / "image.png")] * 2 + ["array", "loader"]
    for prediction in predictions:
        np.testing.assert_allclose(values_of(prediction), predictor.predict(tmp_path / "image.png"), atol=1e-5)


def test_broken_images_are_told_and_leave_their_neighbours_alone(predictor: DepthPredictor, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    good = random_image((60, 80))
    sources: list[Any] = [
        ("first", good),
        tmp_path / "broken.jpg",
        ("grey", good[..., 0]),
        tmp_path / "absent.jpg",
        ("floats", good / 255),
        ("last", good),
    ]
    predictions = list(predictor(sources))
    assert [p.error is None for p in predictions] == [True, False, False, False, False, True]
    for prediction, part in zip(predictions[1:5], ["broken.jpg", "(60, 80)", "absent.jpg", "float64"], strict=True):
        assert part in str(prediction.error) and prediction.values is None
    np.testing.assert_allclose(values_of(predictions[-1]), predictor.predict(good), atol=1e-5)
    with pytest.raises(ValueError, match="uint8"):
        predictor.predict(good / 255)


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
    predictor._is_compiled = True
    sizes: list[int] = []

    def refuse(_module: Any, _arguments: Any, options: dict[str, Any]) -> None:
        sizes.append(len(options["pixel_values"]))
        if sizes[-1] > 2:
            raise RuntimeError("out of memory")

    predictor.model.register_forward_pre_hook(refuse, with_kwargs=True)
    predictions = list(predictor([(str(number), random_image((60, 80), number)) for number in range(3)]))
    assert [prediction.error for prediction in predictions] == [None] * 3
    assert sizes == [4, 1, 1, 1]


def test_outputs_that_are_not_finite_are_errors() -> None:
    model = tiny_model()
    torch.nn.init.constant_(model.head.conv3.weight, float("nan"))
    predictor = DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(SIDE))
    (prediction,) = predictor([("image", random_image((20, 30)))])
    assert prediction.values is None and "NaN" in str(prediction.error)


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


def test_images_before_and_after_a_bar_line_share_no_pass(predictor: DepthPredictor) -> None:
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


def test_images_are_let_go(predictor: DepthPredictor) -> None:
    references: list[weakref.ref[np.ndarray]] = []

    def stream() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(100):
            image = random_image((60, 80), number)
            references.append(weakref.ref(image))
            yield str(number), image

    alive = []
    for _ in predictor(stream()):
        alive.append(sum(reference() is not None for reference in references))
    assert max(alive) < 40


def test_a_reader_that_stops_early_leaves_no_threads(predictor: DepthPredictor) -> None:
    predictions = predictor((str(n), random_image((60, 80), n)) for n in range(50))
    next(predictions)
    assert any(thread.name.startswith("decode") for thread in threading.enumerate())
    predictions.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


def test_a_model_in_training_is_put_into_evaluation_mode(predictor: DepthPredictor) -> None:
    predictor.model.train()
    assert predictor.predict(random_image((20, 30))).shape == (20, 30)
    assert not predictor.model.training


def test_an_empty_stream_gives_nothing(predictor: DepthPredictor) -> None:
    assert list(predictor([])) == []


def test_exif_orientation_is_applied(predictor: DepthPredictor, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    Image.fromarray(random_image((40, 60))).save(tmp_path / "turned.jpg", exif=exif)
    (prediction,) = predictor([tmp_path / "turned.jpg"])
    assert prediction.image_size == (60, 40) and prediction.values is not None
    assert prediction.values.shape == (60, 40)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_image(batch_size: int) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        DepthPredictor(tiny_model(), DepthAnythingImageProcessor(), batch_size=batch_size)


# Precision


def test_autocast_is_close_to_float32_and_gives_float32(predictor: DepthPredictor) -> None:
    image = random_image((60, 80))
    autocast = DepthPredictor(predictor.model, predictor.processor, dtype="bfloat16")
    assert (predictor.precision, autocast.precision) == ("float32", "bfloat16 autocast")
    values, reference = autocast.predict(image), predictor.predict(image)
    assert values.dtype == np.float32 and not np.array_equal(values, reference)
    np.testing.assert_allclose(values, reference, atol=0.02)
    assert predictor.model.dtype == torch.float32


def test_a_half_precision_model_is_not_run_in_another_precision_silently() -> None:
    with pytest.raises(ValueError, match="convert it first"):
        DepthPredictor(tiny_model().bfloat16(), DepthAnythingImageProcessor(), dtype="float32")
    with pytest.raises(ValueError, match="unknown precision 'float8'"):
        DepthPredictor(tiny_model(), DepthAnythingImageProcessor(), dtype="float8")


# Opening


def test_a_checkpoint_opens_with_its_settings(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", batch_size=2)
    assert isinstance(opened.model, DepthAnythingForDepthEstimation)
    assert (opened.prediction_kind, opened.input_size, opened.batch_size) == ("disparity", SIDE, 2)
    assert DepthPredictor.from_pretrained(checkpoint, device="cpu", batch_size=None).batch_size == 1
    image = random_image((60, 80))
    by_hand = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE))
    np.testing.assert_allclose(opened.predict(image), by_hand.predict(image), atol=1e-5)


def test_the_weights_are_loaded_in_the_precision_asked_for(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", dtype="bfloat16")
    assert opened.precision == "bfloat16" and opened.predict(random_image((20, 30))).dtype == np.float32


def test_a_checkpoint_is_opened_for_fast_predictions(checkpoint: Path) -> None:
    fast = DepthPredictor.from_pretrained(checkpoint, device="cpu")
    plain = DepthPredictor.from_pretrained(checkpoint, device="cpu", attn_implementation="sdpa")
    assert fast.model._fused_encoder is not None and plain.model._fused_encoder is None
    values = [each.predict(random_image((60, 80))) for each in (fast, plain)]
    assert np.abs(values[0] - values[1]).max() <= 2e-5 * np.ptp(values[1])


@pytest.mark.long
def test_compiled_predictions_are_those_of_the_model_and_their_batches_are_full(checkpoint: Path) -> None:
    predictor = DepthPredictor.from_pretrained(checkpoint, device="cpu", batch_size=2, compile=True)
    plain = DepthPredictor.from_pretrained(checkpoint, device="cpu")
    sizes: list[int] = []
    predictor.model.register_forward_pre_hook(
        lambda _, __, options: sizes.append(len(options["pixel_values"])), with_kwargs=True
    )
    images = [(str(number), random_image((60, 80), number)) for number in range(3)]
    for prediction, expected in zip(predictor(images), plain(images), strict=True):
        error = np.abs(values_of(prediction) - values_of(expected)).max()
        assert error <= 2e-5 * np.ptp(values_of(expected))
    assert sizes == [2, 2]


def test_compiling_keeps_the_precision_of_predictions() -> None:
    model, image = tiny_model(), random_image((60, 80))
    processor = DepthAnythingImageProcessor.for_input_size(SIDE)
    in_float32 = DepthPredictor(model.optimize_for_inference(), processor).predict(image)
    in_bfloat16 = DepthPredictor(model.optimize_for_inference(dtype=torch.bfloat16), processor).predict(image)
    assert not np.array_equal(in_float32, in_bfloat16)
    compiled = DepthPredictor(model, processor, compile=True)
    with force_eager():
        assert np.array_equal(compiled.predict(image), in_bfloat16)


def test_models_of_others_are_not_compiled() -> None:
    with pytest.raises(ValueError, match="DepthAnythingForDepthEstimation only, got DPTFor"):
        DepthPredictor(tiny_dpt(), DPTImageProcessorPil(), compile=True)


def test_another_input_size_changes_what_the_model_sees(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", input_size=42)
    assert opened.input_size == 42
    processed = opened.processor(images=random_image((42, 84)), return_tensors="pt")["pixel_values"]
    assert processed.shape == (1, 3, 42, 84)
    with pytest.raises(ValueError, match="multiple of 14, e.g. 42"):
        DepthPredictor.from_pretrained(checkpoint, device="cpu", input_size=45)


def test_a_checkpoint_of_stock_transformers_opens_as_our_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    StockDepthAnything(tiny_config()).save_pretrained(tmp_path)
    DPTImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, ensure_multiple_of=14, keep_aspect_ratio=True
    ).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert isinstance(opened.model, DepthAnythingForDepthEstimation) and opened.input_size == SIDE


def test_without_processor_files_depth_anythings_settings_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny_model().save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING):
        opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert opened.input_size == 518 and "no preprocessor_config.json" in caplog.text


def test_a_metric_model_predicts_depth(tmp_path: Path) -> None:
    tiny_model(depth_estimation_type="metric", max_depth=20).save_pretrained(tmp_path)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert opened.prediction_kind == "depth"
    values = opened.predict(random_image((20, 30)))
    assert 0 < values.min() <= values.max() < 20


def test_stock_dpt_opens_with_its_own_processor_and_gives_disparity(tmp_path: Path) -> None:
    model = tiny_dpt()
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no preprocessor_config.json.*'dpt'"):
        DepthPredictor.from_pretrained(tmp_path, device="cpu")
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu", batch_size=2)
    assert isinstance(opened.model, DPTForDepthEstimation) and opened.prediction_kind == "disparity"
    image = random_image((40, 60))
    pixel_values = DPTImageProcessorPil(size={"height": 32, "width": 32})(images=image, return_tensors="pt")
    with torch.inference_mode():
        output = model(**pixel_values).predicted_depth
    expected = F.interpolate(output[:, None], size=(40, 60), mode="bilinear", align_corners=True)[0, 0].numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(opened.predict(image), expected, atol=1e-6)


def test_glpn_gives_depth_and_a_kind_can_be_told(tmp_path: Path) -> None:
    config = GLPNConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[16, 16, 32, 32], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16
    )
    GLPNForDepthEstimation(config).save_pretrained(tmp_path)
    GLPNImageProcessorPil().save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert (opened.prediction_kind, opened.input_size) == ("depth", None)
    assert opened.predict(random_image((64, 96))).shape == (64, 96)
    with pytest.raises(ValueError, match="no height and width"):
        DepthPredictor.from_pretrained(tmp_path, device="cpu", input_size=64)
    assert DepthPredictor(tiny_dpt(), DPTImageProcessorPil(), prediction_kind="depth").prediction_kind == "depth"


def test_a_model_of_another_task_is_refused_by_name(tmp_path: Path) -> None:
    config = BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="'bert' model.*depth_anything.*dpt"):
        DepthPredictor.from_pretrained(tmp_path, device="cpu")


def test_weights_that_are_missing_damaged_or_of_another_shape_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    def copied(name: str) -> Path:
        return Path(shutil.copytree(checkpoint, tmp_path / name))

    lacking = copied("lacking")
    tensors = load_file(lacking / "model.safetensors")
    del tensors["head.conv2.weight"]
    save_file(tensors, lacking / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacking lacks 1 tensors, which would be random: head.conv2.weight"):
        DepthPredictor.from_pretrained(lacking)
    damaged = copied("damaged")
    os.truncate(damaged / "model.safetensors", 1000)
    with pytest.raises(ValueError, match="weights of .*damaged are damaged"):
        DepthPredictor.from_pretrained(damaged)
    other = copied("other")
    config = json.loads((other / "config.json").read_text())
    config["fusion_hidden_size"] *= 2
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="weights of .*other are damaged or do not fit"):
        DepthPredictor.from_pretrained(other)
    pieces = tmp_path / "pieces"
    DepthAnythingForDepthEstimation.from_pretrained(checkpoint).save_pretrained(pieces, max_shard_size="50KB")
    DepthAnythingImageProcessor.from_pretrained(checkpoint).save_pretrained(pieces)
    gone = sorted(pieces.glob("*.safetensors"))[1]
    gone.unlink()
    with pytest.raises((OSError, ValueError), match=gone.name):
        DepthPredictor.from_pretrained(pieces)


def test_a_model_that_is_neither_here_nor_on_the_hub_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="runs/nothing"):
        DepthPredictor.from_pretrained("runs/nothing")


def test_an_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such model folder"):
        DepthPredictor.from_pretrained(tmp_path / "absent")


def test_a_checkpoint_opens_where_torchvision_is_not_installed(checkpoint: Path) -> None:
    script = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from depth_anything_hf.inference.predictor import DepthPredictor\n"
        f"print(DepthPredictor.from_pretrained({str(checkpoint)!r}, device='cpu').input_size)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(SIDE)


# Finding images


def test_folders_are_searched_in_order_and_files_are_taken_as_given(tmp_path: Path) -> None:
    for name in ["b/2.png", "b/1.JPG", "a.png", ".hidden/3.png", "b/notes.txt"]:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    root = tmp_path / "in"
    given = root / "b" / "notes.txt"
    assert find_images([root, given]) == [root / "a.png", root / "b/1.JPG", root / "b/2.png", given]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures"):
        find_images([tmp_path / "empty"])
