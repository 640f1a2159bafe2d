# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The map is float32 in every precision: its values, gradients, memory, and what hooks and adapters do with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from model_gradients import METRIC, pixels, tiny_model
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from depth_anything_hf.losses.relative import relative_depth_losses
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.models.output_convolution import OutputConvolution


CHANNELS = 32


def convolution_and_features(
    dtype: torch.dtype, memory: torch.memory_format, size: tuple[int, int] = (150, 151)
) -> tuple[OutputConvolution, Tensor]:
    """More pixels than are converted at a time, by a number that does not divide them."""
    torch.manual_seed(0)
    features = torch.randn(2, CHANNELS, *size).to(dtype).to(memory_format=memory)
    return OutputConvolution(CHANNELS, 1, 1), features.requires_grad_()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("stored", [torch.float32, None])
def test_half_precision_features_give_the_exact_sum_and_its_gradients(
    dtype: torch.dtype, memory: torch.memory_format, stored: torch.dtype | None
) -> None:
    convolution, features = convolution_and_features(dtype, memory)
    convolution.to(stored or dtype)
    exact = nn.Conv2d(CHANNELS, 1, 1).double()
    exact.load_state_dict(convolution.state_dict())
    same = features.detach().double().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=stored is not None):
        output = convolution(features)
    expected = exact(same)
    assert output.dtype == torch.float32 and output.shape == (2, 1, 150, 151)
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=2e-6)
    with torch.no_grad():
        assert torch.equal(convolution(features), output)

    gradient = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    output.backward(gradient)
    expected.backward(gradient.double())
    assert features.grad is not None and features.grad.dtype == dtype
    assert features.grad.is_contiguous(memory_format=memory)
    assert torch.equal(features.grad, (gradient * exact.weight.float()).to(dtype))
    for ours, right in ((convolution.weight, exact.weight), (convolution.bias, exact.bias)):
        assert ours is not None and ours.grad is not None and right is not None and right.grad is not None
        assert ours.grad.dtype == ours.dtype
        # Sums of some ten thousand values of random sign; half-precision weights round their gradients.
        scale = 1e-5 if stored is not None else torch.finfo(dtype).eps
        assert (ours.grad - right.grad).abs().max() <= scale * right.grad.abs().max()


VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "rows and columns swapped": lambda maps: maps.transpose(2, 3),
    "swapped, channels last": lambda maps: maps.to(memory_format=torch.channels_last).transpose(2, 3),
    "images and channels swapped": lambda maps: maps.transpose(0, 1).contiguous().transpose(0, 1),
    "every second channel": lambda maps: maps.repeat_interleave(2, dim=1)[:, ::2],
    "part of a larger map": lambda maps: nn.functional.pad(maps, (1, 2))[..., 1:-2],
    "one image for all": lambda maps: maps[:1].expand(2, -1, -1, -1),
    "one column": lambda maps: maps[..., :1],
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_order_of_the_features_in_memory_does_not_matter(view: str) -> None:
    convolution, features = convolution_and_features(torch.bfloat16, torch.contiguous_format)
    features = VIEWS[view](features.detach()).requires_grad_()
    exact = nn.Conv2d(CHANNELS, 1, 1).double()
    exact.load_state_dict(convolution.state_dict())
    output = convolution(features)
    torch.testing.assert_close(output.double(), exact(features.detach().double()), rtol=0, atol=2e-6)
    gradient = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    output.backward(gradient)
    assert features.grad is not None
    assert torch.equal(features.grad, (gradient * convolution.weight).bfloat16())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_features_take_the_plain_convolution(dtype: torch.dtype) -> None:
    convolution, features = convolution_and_features(dtype, torch.channels_last, (14, 15))
    convolution.to(dtype)
    plain = nn.Conv2d(CHANNELS, 1, 1).to(dtype)
    plain.load_state_dict(convolution.state_dict())
    assert torch.equal(convolution(features), plain(features))


class LargestFloatMap(TorchDispatchMode):
    """Notes how many elements the largest float32 tensor has that an operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(output):
            if isinstance(leaf, Tensor) and leaf.dtype == torch.float32:
                self.elements = max(self.elements, leaf.numel())
        return output


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_features_never_exist_in_float32_as_a_whole(memory: torch.memory_format) -> None:
    convolution, features = convolution_and_features(torch.bfloat16, memory, (252, 266))
    with LargestFloatMap() as largest:
        convolution(features).square().mean().backward()
    assert largest.elements < features.numel() / 4


@pytest.mark.parametrize("shape", [(5, 1), (1, 3)], ids=["five channels", "3x3"])
def test_another_convolution_of_this_class_is_exact_too(shape: tuple[int, int]) -> None:
    _, features = convolution_and_features(torch.bfloat16, torch.channels_last, (14, 15))
    convolution = OutputConvolution(CHANNELS, *shape, bias=False)
    torch.testing.assert_close(
        convolution(features), nn.Conv2d.forward(convolution, features.float()), rtol=0, atol=1e-6
    )


def test_the_weight_alone_or_the_features_alone_may_want_a_gradient() -> None:
    convolution, features = convolution_and_features(torch.bfloat16, torch.channels_last)
    convolution(features.detach()).sum().backward()
    alone = convolution.weight.grad
    convolution.weight.grad = None
    convolution.requires_grad_(False)(features).sum().backward()
    assert alone is not None and features.grad is not None and convolution.weight.grad is None


# How a model comes to compute in half precision.
def autocast(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.bfloat16)


def autocast_float16(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.float16)


def bfloat16_weights(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    model.bfloat16()
    return nullcontext()


def bfloat16_weights_under_autocast(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    model.bfloat16()
    return torch.autocast("cpu", torch.bfloat16)


def float16_weights(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    model.half()
    return nullcontext()


def optimized(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    model.optimize_for_inference(dtype=torch.bfloat16)
    return nullcontext()


def recomputed(model: DepthAnythingForDepthEstimation) -> AbstractContextManager[Any]:
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    return torch.autocast("cpu", torch.bfloat16)


@pytest.mark.parametrize("kind", [{}, METRIC], ids=["relative", "metric"])
@pytest.mark.parametrize(
    "way",
    [
        autocast,
        autocast_float16,
        bfloat16_weights,
        bfloat16_weights_under_autocast,
        float16_weights,
        optimized,
        recomputed,
    ],
)
def test_a_map_in_half_precision_has_as_many_values_as_in_float32(
    kind: dict[str, Any], way: Callable[[DepthAnythingForDepthEstimation], AbstractContextManager[Any]]
) -> None:
    model = tiny_model(**kind)
    images = pixels(112, 126, batch=1)
    with torch.no_grad():
        exact = model(images).predicted_depth
    context = way(model)
    model.train(way is recomputed)
    with context, torch.set_grad_enabled(way is recomputed):
        output = model(images).predicted_depth
    assert output.dtype == torch.float32
    levels = output.unique().numel()
    assert levels > 0.9 * exact.unique().numel() > 5000
    assert 0 < (output - exact).abs().mean() < 2e-2 * exact.mean()


def test_gradients_near_the_label_follow_float32() -> None:
    """Late in training: the difference to the label is as small as a rounding of the output to bfloat16."""
    images = pixels(112, 112, batch=2)
    model = tiny_model().train()
    with torch.no_grad():
        exact = model(images).predicted_depth
        noise = torch.randn(exact.shape, generator=torch.Generator().manual_seed(0))
        label = exact * (1 + 2e-3 * noise)

    def map_gradient(prediction: Tensor) -> Tensor:
        prediction = prediction.detach().float().requires_grad_()
        ssi, matching = relative_depth_losses(prediction, label)
        (ssi + 2 * matching).sum().backward()
        assert prediction.grad is not None
        return prediction.grad.flatten()

    with torch.autocast("cpu", torch.bfloat16):
        half = model(images).predicted_depth
    right = map_gradient(exact)
    ours, rounded = (map_gradient(each) @ right / right.norm() for each in (half, half.bfloat16()))
    ours, rounded = ours / map_gradient(half).norm(), rounded / map_gradient(half.bfloat16()).norm()
    assert ours > rounded + 0.1


def test_depth_beyond_the_largest_float16_does_not_overflow() -> None:
    model = tiny_model(depth_estimation_type="metric", max_depth=200_000).half().eval()
    with torch.inference_mode():
        depth = model(pixels()).predicted_depth
    assert torch.isfinite(depth).all() and depth.max() > torch.finfo(torch.float16).max


def test_hooks_of_the_last_convolution_run() -> None:
    model, seen = tiny_model(), []
    model.head.conv3.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        model(pixels())
    assert seen == [torch.float32]


@pytest.mark.parametrize("way", [autocast, bfloat16_weights])
def test_adapters_of_the_last_convolution_take_part(way: Any) -> None:
    peft = pytest.importorskip("peft")
    model = peft.inject_adapter_in_model(peft.LoraConfig(target_modules=["head.conv3"], r=2), tiny_model()).eval()
    context = way(model)
    with torch.inference_mode(), context:
        before = model(pixels()).predicted_depth
        nn.init.constant_(model.head.conv3.lora_B["default"].weight, 0.5)
        after = model(pixels()).predicted_depth
    assert after.dtype == torch.float32 and (after - before).abs().mean() > 1e-3


def test_a_model_without_memory_tells_its_shapes() -> None:
    with torch.device("meta"):
        output = tiny_model().bfloat16()(torch.empty(2, 3, 42, 56)).predicted_depth
    assert output.shape == (2, 42, 56) and output.dtype == torch.float32


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU torch.compile needs a C++ compiler")
def test_a_compiled_head_gives_the_same_map_and_gradients() -> None:
    torch.compiler.reset()
    convolution, features = convolution_and_features(torch.bfloat16, torch.channels_last, (28, 30))
    right = torch.autograd.grad(convolution(features).square().sum(), [features, convolution.weight])
    found = torch.autograd.grad(
        torch.compile(convolution, fullgraph=True)(features).square().sum(), [features, convolution.weight]
    )
    for one, other in zip(found, right, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-3 * float(other.abs().max()))
