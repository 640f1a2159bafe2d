# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about parity with stock transformers: its files open here, ours open there, and the predictions are the same.

Plain random stock weights would show nothing: their output is 1e-4 and less, or cut off to 0 by the last ReLU. Weights
are therefore drawn so that the reference output is alive, and every comparison asserts that first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from stock_models import SIZES, TINY_MODELS, our_model, pixels, randomize, relative_difference, stock_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForDepthEstimation, pipeline
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers.utils import is_torchvision_available

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


# Largest difference allowed, as a share of the reference output's range (float32).
TOLERANCE = 1e-5

FULL_SIZES = [(518, 518), (252, 336), (700, 980)]


@torch.inference_mode()
def difference(reference: nn.Module, model: nn.Module, height: int, width: int, batch: int = 2) -> float:
    images = pixels(height, width, batch)
    expected = reference.eval()(images).predicted_depth
    assert expected.shape == (batch, height, width)
    return relative_difference(expected, model.eval()(images).predicted_depth)


def assert_complete(loading_info: dict[str, Any]) -> None:
    found = {kind: loading_info.get(kind) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    assert not any(found.values()), found
    assert not loading_info.get("error_msgs")


def keys_in_file(folder: Path) -> dict[str, tuple[int, ...]]:
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        names = tensors.keys()
        return {name: tuple(tensors.get_slice(name).get_shape()) for name in names}


def assert_same_state(first: nn.Module, second: nn.Module) -> None:
    first_state, second_state = first.state_dict(), second.state_dict()
    assert first_state.keys() == second_state.keys()
    for name, tensor in first_state.items():
        assert torch.equal(tensor, second_state[name]), name


@pytest.mark.parametrize("kind", TINY_MODELS)
def test_what_stock_saves_opens_here(kind: str, tmp_path: Path) -> None:
    stock = stock_model(TINY_MODELS[kind])
    stock.save_pretrained(tmp_path)
    ours, info = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert_complete(info)
    assert_same_state(stock, ours)
    for height, width in SIZES:
        assert difference(stock, ours, height, width) <= TOLERANCE, (height, width)


@pytest.mark.parametrize("kind", TINY_MODELS)
def test_what_we_save_opens_in_stock(kind: str, tmp_path: Path) -> None:
    ours = our_model(TINY_MODELS[kind], seed=1)
    ours.save_pretrained(tmp_path)
    stock, info = AutoModelForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert type(stock) is StockModel
    assert_complete(info)
    assert_same_state(ours, stock)
    for height, width in SIZES:
        assert difference(stock, ours, height, width) <= TOLERANCE, (height, width)


@pytest.mark.parametrize("kind", ["relative", "metric_20"])
def test_a_fresh_model_saved_untouched_agrees_too(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    ours = DepthAnythingForDepthEstimation(DepthAnythingConfig(**TINY_MODELS[kind])).eval()
    ours.save_pretrained(tmp_path)
    stock = AutoModelForDepthEstimation.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        expected, output = (model(pixels(70, 56)).predicted_depth for model in (stock, ours))
    assert (expected > 0).float().mean() >= 0.9 and expected.std() > 1e-3
    assert (output - expected).abs().max() <= TOLERANCE * (expected.max() - expected.min())


def test_the_spread_check_refuses_the_dead_output_of_plain_stock_weights() -> None:
    torch.manual_seed(0)
    dead = StockModel(StockConfig(**TINY_MODELS["relative"]))
    with pytest.raises(AssertionError, match=r"above 0|no spread"):
        difference(dead, dead, 56, 56)


@pytest.mark.parametrize("kind", ["relative", "swiglu"])
def test_the_file_carries_the_names_stock_writes(kind: str, tmp_path: Path) -> None:
    stock_model(TINY_MODELS[kind]).save_pretrained(tmp_path / "stock")
    our_model(TINY_MODELS[kind]).save_pretrained(tmp_path / "ours")
    ours = keys_in_file(tmp_path / "ours")
    assert ours == keys_in_file(tmp_path / "stock")
    # The names of the published checkpoints, which transformers keeps in files whatever it calls them in memory.
    assert ours["backbone.encoder.layer.0.attention.attention.query.weight"] == (32, 32)
    assert ours["backbone.encoder.layer.4.attention.output.dense.bias"] == (32,)
    mlp = "mlp.weights_in.weight" if kind == "swiglu" else "mlp.fc1.weight"
    assert f"backbone.encoder.layer.0.{mlp}" in ours
    assert "neck.fusion_stage.layers.0.residual_layer1.convolution1.weight" in ours
    assert ours["head.conv3.weight"] == (1, 8, 1, 1)


def test_the_saved_configuration_names_the_stock_class(tmp_path: Path) -> None:
    stock_model(TINY_MODELS["metric_20"]).save_pretrained(tmp_path / "stock")
    our_model(TINY_MODELS["metric_20"]).save_pretrained(tmp_path / "ours")
    saved = {name: json.loads((tmp_path / name / "config.json").read_text()) for name in ("stock", "ours")}
    assert saved["ours"]["architectures"] == ["DepthAnythingForDepthEstimation"]
    assert saved["ours"]["model_type"] == "depth_anything"
    assert "auto_map" not in saved["ours"]
    assert saved["ours"] == saved["stock"]
    assert type(AutoConfig.from_pretrained(tmp_path / "ours")) is StockConfig


def test_a_second_round_through_both_changes_nothing(tmp_path: Path) -> None:
    first = stock_model(TINY_MODELS["relative"])
    first.save_pretrained(tmp_path / "first")
    StockModel.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "by_stock")
    DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "by_us")
    assert_same_state(first, AutoModelForDepthEstimation.from_pretrained(tmp_path / "by_us"))
    assert (tmp_path / "by_us/config.json").read_text() == (tmp_path / "by_stock/config.json").read_text()


def photograph(height: int = 90, width: int = 120) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


@torch.inference_mode()
def assert_prediction_of(model: nn.Module, image: Image.Image, prediction: Tensor) -> None:
    """The pipeline's result at the image's size against preprocessing, forward and bicubic resize by hand."""
    processor = DepthAnythingImageProcessor.for_input_size(70)
    raw = model.eval()(**processor(image, return_tensors="pt")).predicted_depth
    assert raw.shape == (1, 70, 98)
    size = (image.height, image.width)
    expected = nn.functional.interpolate(raw[None], size=size, mode="bicubic", align_corners=False)[0, 0]
    assert relative_difference(expected, prediction) <= TOLERANCE


@pytest.mark.parametrize("kind", ["relative", "metric_20"])
def test_pipeline_gives_our_prediction(kind: str, tmp_path: Path) -> None:
    ours = our_model(TINY_MODELS[kind])
    ours.save_pretrained(tmp_path)
    processor = DepthAnythingImageProcessor.for_input_size(70)
    estimate = pipeline("depth-estimation", model=str(tmp_path), image_processor=processor, device="cpu")
    assert type(estimate.model) is StockModel
    result = estimate(photograph())
    assert_prediction_of(ours, photograph(), result["predicted_depth"])
    assert result["depth"].size == photograph().size


def test_pipeline_opens_the_saved_folder_alone(tmp_path: Path) -> None:
    ours = our_model(TINY_MODELS["relative"])
    ours.save_pretrained(tmp_path)
    DepthAnythingImageProcessor.for_input_size(70).save_pretrained(tmp_path)
    try:
        estimate = pipeline("depth-estimation", model=str(tmp_path), device="cpu")
    except ImportError as error:
        if is_torchvision_available():
            raise
        pytest.skip(f"this release of transformers opens no stock processor without torchvision: {error}")
    assert type(estimate.model) is StockModel
    prediction = estimate(photograph())["predicted_depth"]
    if is_torchvision_available():
        # The stock processor resizes with torchvision then, which differs by a grey level here and there.
        assert prediction.shape == (90, 120) and (prediction > 0).float().mean() > 0.9
    else:
        assert_prediction_of(ours, photograph(), prediction)


def test_pipeline_runs_our_class_as_well(tmp_path: Path) -> None:
    stock = stock_model(TINY_MODELS["relative"])
    stock.save_pretrained(tmp_path)
    ours = DepthAnythingForDepthEstimation.from_pretrained(tmp_path)
    processor = DepthAnythingImageProcessor.for_input_size(70)
    estimate = pipeline("depth-estimation", model=ours, image_processor=processor, device="cpu")
    assert_prediction_of(stock, photograph(), estimate(photograph())["predicted_depth"])


@pytest.fixture
def all_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    # Where several test processes share the machine, OMP_NUM_THREADS says what each may take.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    yield
    torch.set_num_threads(before)


# Of large images the smallest model is asked, of the larger models' layers and widths small images tell as much; all
# together take minutes, and are left to those who ask for them.
PUBLISHED = [
    pytest.param("small", FULL_SIZES, id="small"),
    pytest.param("base", FULL_SIZES[1:2], id="base"),
    pytest.param("large", [(140, 196)], id="large"),
    pytest.param("base", FULL_SIZES, marks=pytest.mark.long, id="base at all sizes"),
    pytest.param("large", FULL_SIZES, marks=pytest.mark.long, id="large at all sizes"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("all_threads")
@pytest.mark.parametrize(("size", "sides"), PUBLISHED)
def test_published_sizes_agree_with_stock(size: Any, sides: Any, tmp_path: Path, record_property: Any) -> None:
    smallest = min(sides)
    fields = DepthAnythingConfig.from_size(size).to_dict()
    stock = StockModel(StockConfig.from_dict(fields))
    randomize(stock, trial_sizes=[smallest], batch=1, cut_off=0.01)
    stock.save_pretrained(tmp_path / "stock")
    ours, info = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "stock", output_loading_info=True)
    assert_complete(info)
    for height, width in sides:
        share = difference(stock, ours, height, width, batch=1)
        record_property(f"{size}_{height}x{width}", share)
        assert share <= TOLERANCE, (height, width)

    # Other weights go the other way; the same code runs on them, so that one size suffices. They are a fresh model's:
    # moved a second time, large's are conditioned so badly that stock itself is off float64 by the whole tolerance.
    ours = DepthAnythingForDepthEstimation(ours.config).eval()
    randomize(ours, seed=1, trial_sizes=[smallest], batch=1, cut_off=0.01)
    ours.save_pretrained(tmp_path / "ours")
    reopened, info = AutoModelForDepthEstimation.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert_complete(info)
    assert_same_state(ours, reopened)
    share = difference(reopened, ours, *smallest, batch=1)
    record_property(f"{size}_saved_by_us_{smallest[0]}x{smallest[1]}", share)
    assert share <= TOLERANCE
