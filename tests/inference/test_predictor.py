# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From images to predictions with tiny real models: sources, precision, compilation, settings of a checkpoint."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_predictors import SIDE, random_image, tiny_dpt, tiny_model, values_of
from torch.nn import functional as F
from transformers import GLPNConfig, GLPNForDepthEstimation
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.glpn.image_processing_pil_glpn import GLPNImageProcessorPil
from versions import needs_auto_image_processor

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.compilation import force_eager
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.utils.option_errors import OptionError


def test_a_prediction_is_the_models_output_at_the_images_size(predictor: DepthPredictor) -> None:
    image = random_image((60, 80))
    pixel_values = predictor.processor(images=image, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        output = predictor.model(pixel_values).predicted_depth
    expected = F.interpolate(output[:, None], size=(60, 80), mode="bilinear", align_corners=True)[0, 0].numpy()
    values = predictor.predict(image)
    assert values.dtype == np.float32 and values.shape == (60, 80) and values.std() > 0
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("flip_averaging", [False, True])
def test_predictions_of_a_model_in_millimetres_are_metres(flip_averaging: bool) -> None:
    processor = DepthAnythingImageProcessor.for_input_size(SIDE)
    values = []
    for fields in ({"max_depth": 2}, {"max_depth": 2000, "depth_unit": "mm"}):
        model = tiny_model(depth_estimation_type="metric", **fields)
        values.append(DepthPredictor(model, processor, flip_averaging=flip_averaging).predict(random_image((60, 80))))
    assert values[0].min() > 0 and values[0].max() < 2
    np.testing.assert_allclose(values[1], values[0], rtol=1e-5)


@pytest.mark.parametrize("upsampling", ["bilinear", "bicubic", None])
def test_the_processor_says_how_predictions_are_upsampled(upsampling: Any, predictor: DepthPredictor) -> None:
    mode = upsampling or "bilinear"
    processor = DepthAnythingImageProcessor.for_input_size(SIDE, upsampling=upsampling)
    image = random_image((60, 80))
    with torch.inference_mode():
        output = predictor.model(processor(images=image, return_tensors="pt")["pixel_values"]).predicted_depth
    expected = F.interpolate(output[:, None], size=(60, 80), mode=mode, align_corners=mode == "bilinear")[0, 0]
    np.testing.assert_array_equal(DepthPredictor(predictor.model, processor).predict(image), expected.numpy())


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
        ("numbers", good.astype(np.int64)),
        tmp_path / "absent.jpg",
        ("floats", good / 1.0),
        ("last", good),
    ]
    predictions = list(predictor(sources))
    assert [p.error is None for p in predictions] == [True, False, False, False, False, True]
    for prediction, part in zip(
        predictions[1:5], ["broken.jpg", "int64 (60, 80, 3)", "absent.jpg", "float64"], strict=True
    ):
        assert part in str(prediction.error) and prediction.values is None
    np.testing.assert_allclose(values_of(predictions[-1]), predictor.predict(good), atol=1e-5)
    with pytest.raises(ValueError, match=r"floats from 0 to 1, got float64 \(60, 80, 3\) with values 0..255"):
        predictor.predict(good / 1.0)


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


def test_autocast_is_close_to_float32_and_gives_float32(predictor: DepthPredictor) -> None:
    image = random_image((60, 80))
    autocast = DepthPredictor(predictor.model, predictor.processor, dtype="bfloat16")
    assert (predictor.precision, autocast.precision) == ("float32", "bfloat16 autocast")
    values, reference = autocast.predict(image), predictor.predict(image)
    assert values.dtype == np.float32 and not np.array_equal(values, reference)
    np.testing.assert_allclose(values, reference, atol=0.02)
    assert predictor.model.dtype == torch.float32


@pytest.mark.parametrize("way", ["weights", "autocast"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_predictions_in_half_precision_have_as_many_values_as_in_float32(
    checkpoint: Path, way: str, dtype: str
) -> None:
    image = random_image((SIDE, SIDE))
    exact = DepthPredictor.from_pretrained(checkpoint, device="cpu")
    if way == "weights":
        half = DepthPredictor.from_pretrained(checkpoint, device="cpu", dtype=dtype)
    else:
        half = DepthPredictor(exact.model, exact.processor, dtype=dtype)
    values, reference = half.predict(image), exact.predict(image)
    assert 0 < np.abs(values - reference).mean() < 0.01 * reference.mean()
    assert len(np.unique(values)) > 0.95 * len(np.unique(reference)) > 0.9 * SIDE * SIDE


def test_a_half_precision_model_is_not_run_in_another_precision_silently() -> None:
    with pytest.raises(ValueError, match="convert it first"):
        DepthPredictor(tiny_model().bfloat16(), DepthAnythingImageProcessor(), dtype="float32")
    with pytest.raises(ValueError, match="unknown precision 'float8'"):
        DepthPredictor(tiny_model(), DepthAnythingImageProcessor(), dtype="float8")


@pytest.mark.parametrize(
    "options",
    [
        *({"batch_size": 2.5}, {"batch_size": "4"}, {"window_batches": 0}, {"input_size": "70"}, {"input_size": 70.5}),
        *({"dtype": torch.int8}, {"device": 99}, {"max_pixels": 0}, {"max_pixels": True}),
    ],
)
def test_options_that_cannot_be_used_are_refused(checkpoint: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=str(next(iter(options.values())))):
        DepthPredictor.from_pretrained(checkpoint, **{"device": "cpu", **options})


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here_is_named(checkpoint: Path, device: str) -> None:
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used.*expected one of: cpu"):
        DepthPredictor.from_pretrained(checkpoint, device=device)


def test_a_checkpoint_opens_with_its_settings(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", batch_size=2)
    assert isinstance(opened.model, DepthAnythingForDepthEstimation)
    assert (opened.prediction_kind, opened.input_size, opened.batch_size) == ("disparity", SIDE, 2)
    assert DepthPredictor.from_pretrained(checkpoint, device="cpu", batch_size=None).batch_size == 1
    image = random_image((60, 80))
    by_hand = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE))
    np.testing.assert_allclose(opened.predict(image), by_hand.predict(image), atol=1e-5)


def test_attention_is_head_by_head_unless_another_one_is_asked_for(checkpoint: Path) -> None:
    fast = DepthPredictor.from_pretrained(checkpoint, device="cpu")
    plain = DepthPredictor.from_pretrained(checkpoint, device="cpu", attn_implementation="sdpa")
    used = [each.model.backbone.config._attn_implementation for each in (fast, plain)]
    assert used == ["cpu_heads", "sdpa"]
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
    in_float32 = DepthPredictor(model, processor).predict(image)
    in_bfloat16 = DepthPredictor(model.optimize_for_inference(dtype=torch.bfloat16), processor).predict(image)
    assert not np.array_equal(in_float32, in_bfloat16)
    compiled = DepthPredictor(model, processor, compile=True)
    with force_eager():
        assert np.array_equal(compiled.predict(image), in_bfloat16)


def test_models_of_others_are_not_compiled() -> None:
    with pytest.raises(ValueError, match="DepthAnythingForDepthEstimation only, got DPTFor"):
        DepthPredictor(tiny_dpt(), DPTImageProcessorPil(), compile=True)


def test_a_metric_model_predicts_depth(tmp_path: Path) -> None:
    tiny_model(depth_estimation_type="metric", max_depth=20).save_pretrained(tmp_path)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert opened.prediction_kind == "depth"
    values = opened.predict(random_image((20, 30)))
    assert 0 < values.min() <= values.max() < 20


@needs_auto_image_processor
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


def test_a_stream_takes_images_in_memory(predictor: DepthPredictor) -> None:
    array = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    picture = Image.fromarray(array)
    encoded = io.BytesIO()
    picture.save(encoded, format="PNG")
    expected = predictor.predict(array)
    found = list(predictor([array, picture, encoded.getvalue(), ("named", picture), ("named", lambda: picture)]))
    assert [one.name for one in found] == ["image", "image", "image", "named", "named"]
    for one in found:
        assert one.error is None and one.values is not None
        np.testing.assert_allclose(one.values, expected, atol=1e-5)
    # What is no image costs one result, not the stream.
    wrong = list(predictor([3, array]))  # type: ignore[list-item]
    assert wrong[0].error is not None and "int" in wrong[0].error and wrong[1].error is None
