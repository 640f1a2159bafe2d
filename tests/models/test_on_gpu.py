# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""On a GPU the model predicts what stock transformers does, in each precision and memory order, eager and compiled."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from on_gpu import DEVICE, IS_TRIAL, ON_GPU
from stock_models import SIZES, TINY_MODELS, pixels, randomize, relative_difference, stock_model
from torch import Tensor, nn
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


pytestmark = ON_GPU

# Largest difference allowed, as a share of the reference output's range (float32): cuDNN chooses another algorithm for
# another memory order, and Winograd's rounds more than a plain sum. How exact ours is, is compared with float64 below.
TOLERANCE = 1e-5 if IS_TRIAL else 5e-5
COMPILED_TOLERANCE = 1e-4
# What may lie between ours and stock's distance to float64: other kernels round in another order.
MARGIN = 1.5
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def full_float32() -> Iterator[None]:
    """PyTorch lets convolutions round to TF32, with ten bits, where nothing else is said."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def ours_of(stock: StockModel) -> DepthAnythingForDepthEstimation:
    ours = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_dict(stock.config.to_dict()))
    ours.load_state_dict(stock.state_dict())
    return ours.eval()


@torch.inference_mode()
def prediction(model: nn.Module, images: Tensor) -> Tensor:
    """Of a model that is in its place, in its precision; float32 on the CPU."""
    parameter = next(model.parameters())
    found: Tensor = model.eval()(images.to(parameter.device, parameter.dtype)).predicted_depth
    return found.float().cpu()


@pytest.mark.parametrize("kind", ["relative", "metric_20", "swiglu", "other_widths"])
def test_float32_is_that_of_stock(kind: str) -> None:
    stock = stock_model(TINY_MODELS[kind])
    ours = ours_of(stock).to(DEVICE)
    stock.to(DEVICE)
    for height, width in SIZES:
        images = pixels(height, width)
        assert relative_difference(prediction(stock, images), prediction(ours, images)) <= TOLERANCE, (height, width)


def test_the_gpu_predicts_what_the_cpu_does() -> None:
    stock = stock_model(TINY_MODELS["relative"])
    ours = ours_of(stock)
    images = pixels(56, 42)
    expected = prediction(ours, images)
    assert relative_difference(expected, prediction(ours.to(DEVICE), images)) <= TOLERANCE


def mean_error(truth: Tensor, output: Tensor) -> float:
    """As a share of the truth's range."""
    return ((output.double() - truth).abs().mean() / (truth.max() - truth.min())).item()


@pytest.fixture(scope="module")
def large() -> tuple[StockModel, Tensor, Tensor]:
    """A stock model of the size that is published, images for it, and its output in float64; tiny in a trial."""
    if IS_TRIAL:
        stock, images = stock_model(TINY_MODELS["relative"]), pixels(56, 70)
    else:
        stock = StockModel(StockConfig.from_dict(DepthAnythingConfig.from_size("small").to_dict()))
        randomize(stock, trial_sizes=[(252, 336)], batch=1, cut_off=0.01)
        images = pixels(518, 686)
    exact = copy.deepcopy(stock).double().to(DEVICE)
    with torch.inference_mode():
        truth = exact.eval()(images.double().to(DEVICE)).predicted_depth.cpu()
    assert truth.std() > 0.05 * truth.mean(), "the reference output has no spread"
    return stock, images, truth


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_no_precision_is_farther_from_float64_than_with_stock(
    large: tuple[StockModel, Tensor, Tensor], dtype: torch.dtype, record_property: Callable[[str, object], None]
) -> None:
    stock, images, truth = large
    theirs = mean_error(truth, prediction(copy.deepcopy(stock).to(DEVICE, dtype), images))
    if not math.isfinite(theirs):
        pytest.skip("with these weights stock itself leaves the range of this precision")
    ours = mean_error(truth, prediction(ours_of(stock).to(DEVICE, dtype), images))
    for name, value in (("stock", theirs), ("ours", ours)):
        record_property(name, value)
    assert 0 < ours <= MARGIN * theirs + torch.finfo(torch.float32).eps


def test_images_in_either_memory_order_give_the_same() -> None:
    model = ours_of(stock_model(TINY_MODELS["relative"])).to(DEVICE)
    images = pixels(56, 42)
    expected = prediction(model, images)
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert model.neck.convs[0].weight.is_contiguous(memory_format=torch.channels_last)
    for order in (torch.contiguous_format, torch.channels_last):
        output = prediction(model, images.contiguous(memory_format=order))
        assert relative_difference(expected, output) <= TOLERANCE, order


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_compiler")
def test_compiled_for_inference_it_predicts_the_same_at_each_size() -> None:
    model = ours_of(stock_model(TINY_MODELS["relative"])).to(DEVICE)
    sizes = [(56, 56), (42, 98), (56, 56)]
    expected = [prediction(model, pixels(*size)) for size in sizes]
    model.optimize_for_inference(compile=True)
    for size, wanted in zip(sizes, expected, strict=True):
        # Twice, since a graph is recorded first and replayed then.
        for _ in range(2):
            assert relative_difference(wanted, prediction(model, pixels(*size))) <= COMPILED_TOLERANCE, size


def gradients(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Any]:
    model.zero_grad()
    model(pixel_values=images.to(DEVICE), labels=labels.to(DEVICE)).loss.backward()
    return {name: each.grad.cpu() for name, each in model.named_parameters() if each.grad is not None}


def test_gradients_are_those_of_the_cpu(record_property: Callable[[str, object], None]) -> None:
    images = pixels(56, 56)
    labels = images.mean(dim=1).sigmoid()
    labels[:, :5, :7] = torch.nan
    model = ours_of(stock_model(TINY_MODELS["relative"])).train()
    exact = copy.deepcopy(model).double()
    exact(pixel_values=images.double(), labels=labels.double()).loss.backward()
    found = gradients(model.to(DEVICE), images, labels)
    norm = sum(each.grad.square().sum() for each in exact.parameters() if each.grad is not None).sqrt()
    difference = sum(
        (found[name] - each.grad).square().sum() for name, each in exact.named_parameters() if each.grad is not None
    ).sqrt()
    record_property("share of the norm", (difference / norm).item())
    assert norm > 0.01 and difference < 1e-4 * norm
