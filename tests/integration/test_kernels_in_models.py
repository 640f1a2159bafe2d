# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whichever kernels compute, and whatever is chosen for predictions: the same maps, gradients, layers and files."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf.cpu.autotune import CpuKernels, set_cpu_kernels
from depth_anything_hf.cpu.layers import faster_linears
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


# Large enough for the kernels: 18 x 18 patches, and more than 2^24 multiplications in a layer.
SIDE_PIXELS = 252
LAYERS = 4
KINDS: dict[str, dict[str, Any]] = {
    "relative": {},
    "metric": {"depth_estimation_type": "metric", "max_depth": 20},
    "swiglu": {"encoder": {"use_swiglu_ffn": True}},
    "registers": {"registers": 3},
    "without_bias": {"encoder": {"qkv_bias": False}},
    "features_not_normalized": {"encoder": {"apply_layernorm": False}},
    "offset": {"interpolate_offset": 0.1},
    "layers_after_the_last_feature": {"encoder": {"num_hidden_layers": LAYERS + 1}},
}


def model_of(kind: str = "relative", width: int = 256, **more: Any) -> DepthAnythingForDepthEstimation:
    fields = {**KINDS[kind], **more}
    encoder_fields = {
        "hidden_size": width,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "image_size": 56,
        "patch_size": 14,
        **fields.pop("encoder", {}),
    }
    registers = fields.pop("registers", 0)
    encoder: Any = Dinov2Config(**encoder_fields)
    if registers:
        encoder = Dinov2WithRegistersConfig(**encoder_fields, num_register_tokens=registers)
    decoder = {"out_indices": [1, 2, 3, 4], "neck_hidden_sizes": [8, 8, 16, 16]}
    decoder.update(fusion_hidden_size=16, head_hidden_size=8)  # type: ignore[call-overload]
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder, **{**decoder, **fields}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lambda1" in name or "norm" in name or name.endswith("bias"):
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.head.conv3.weight.mul_(3)
        model.head.conv3.bias.add_(1)
    return model.eval()


def pixels(height: int = SIDE_PIXELS, width: int = SIDE_PIXELS, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height + width))


@pytest.fixture
def kernels() -> Iterator[Any]:
    before = set_cpu_kernels("off")
    yield set_cpu_kernels
    set_cpu_kernels(before)


@pytest.fixture
def threads() -> Iterator[Any]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, **options: Any) -> Tensor:
    return model(images, **options).predicted_depth


def assert_close(found: Tensor, expected: Tensor) -> None:
    value_range = expected.max() - expected.min()
    assert (expected > 0).float().mean() > 0.9 and value_range > 0.05
    assert (found - expected).abs().max() <= 2e-5 * value_range


# The same predictions


@pytest.mark.parametrize("kind", KINDS)
def test_both_kernels_predict_the_same(kind: str, kernels: Any, threads: Any) -> None:
    model = model_of(kind)
    # Of one image the kernels compute; two small ones of another size are left to PyTorch.
    inputs = [pixels(batch=1), pixels(56, 84)]
    expected = [predict(model, images) for images in inputs]
    kernels("on")
    for count in (1, 2) if kind == "relative" else (1,):
        threads(count)
        assert_close(predict(model, inputs[0]), expected[0])
        assert not torch.equal(predict(model, inputs[0]), expected[0])
        assert_close(predict(model, inputs[1]), expected[1])


@pytest.mark.parametrize("setting", ["on", "off"])
def test_models_agree_with_stock(setting: CpuKernels, kernels: Any, tmp_path: Path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path)
    stock = StockModel.from_pretrained(tmp_path).eval()
    kernels(setting)
    for size in ((56, 56), (266, SIDE_PIXELS)):
        assert_close(predict(model, pixels(*size)), predict(stock, pixels(*size)))


def test_bfloat16_is_as_near_as_stocks(kernels: Any, tmp_path: Path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path)
    exact = predict(StockModel.from_pretrained(tmp_path).eval(), pixels())
    stock = StockModel.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    ours = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    kernels("on")
    errors = [(predict(half, pixels().bfloat16()).float() - exact).abs().mean() for half in (ours, stock)]
    assert 0 < errors[0] <= 1.2 * errors[1]


def test_autocast_works(kernels: Any) -> None:
    model = model_of()
    expected = predict(model, pixels())
    for setting in ("on", "off"):
        kernels(setting)
        with torch.autocast("cpu", torch.bfloat16):
            found = predict(model, pixels())
        assert 0 < (found.float() - expected).abs().max() <= 0.05 * (expected.max() - expected.min() + 1)


def test_another_precision_is_a_switch_that_leaves_the_parameters(tmp_path: Path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path / "before")
    exact = predict(model, pixels())
    half = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "before", dtype=torch.bfloat16).eval()
    model.optimize_for_inference(dtype=torch.bfloat16)
    found, other = predict(model, pixels()), predict(half, pixels().bfloat16())
    assert found.dtype == torch.float32
    assert 0 < (found.float() - exact).abs().mean() <= 1.2 * (other.float() - exact).abs().mean()
    # Training, and whoever asks for gradients, computes in the parameters' own precision.
    assert model(pixels()).predicted_depth.dtype == torch.float32
    model.save_pretrained(tmp_path / "after")
    names = ("before", "after")
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in names)
    assert all(
        torch.equal(value, after[name]) and after[name].dtype == torch.float32 for name, value in before.items()
    )
    assert torch.equal(predict(model.optimize_for_inference(False), pixels()), exact)


@pytest.mark.slow
def test_compiled_predictions_are_the_same_and_follow_the_parameters() -> None:
    images = pixels(56, 84)
    model, reference = model_of(width=32), model_of(width=32)
    before = predict(reference, images)
    model.optimize_for_inference(compile=True)
    assert_close(predict(model, images), before)
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for each in (model, reference):
            each.head.conv1.weight.mul_(1.5)
    assert_close(predict(model, images), predict(reference, images))
    assert_close(predict(copied, images), before)
    with torch.inference_mode():
        assert len(model(images, output_hidden_states=True).hidden_states) == LAYERS + 1
    model(images, labels=images.mean(dim=1)).loss.backward()
    assert model.head.conv1.weight.grad is not None
    assert model.optimize_for_inference(False)._compiled is None


# The same layers


def test_layers_are_plain_wherever_the_kernels_compute(kernels: Any, tmp_path: Path) -> None:
    model, images = model_of(), pixels(batch=1)
    expected = predict(model, images)
    kernels("on")
    assert_close(predict(model, images), expected)
    encoder = model.backbone.encoder
    assert {type(part) for part in encoder.modules() if isinstance(part, nn.Linear)} == {nn.Linear}
    assert not any("forward" in vars(part) for part in encoder.modules())
    fast = predict(model, images)
    torch.save(model, tmp_path / "whole.pt")
    for other in (copy.deepcopy(model), torch.load(tmp_path / "whole.pt", weights_only=False)):
        assert torch.equal(predict(other, images), fast)
    model.load_state_dict(model_of(width=256, kind="metric").state_dict())
    assert torch.equal(predict(model, images), predict(copy.deepcopy(model), images))


def test_hooks_and_changed_layers_take_part(kernels: Any) -> None:
    kernels("on")
    model, images, seen = model_of(), pixels(batch=1), []
    layer = model.backbone.encoder.layer[1]
    layer.mlp.fc1.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0].shape))
    before = predict(model, images)
    assert seen == [(1, 325, 256)]
    layer.mlp.fc1.__class__ = Doubled
    found = predict(model, images)
    kernels("off")
    assert_close(found, predict(model, images))
    assert (found - before).abs().max() > 1e-3


class Doubled(nn.Linear):
    """A linear layer by its class, whose product is another."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


def test_adapters_predict_with_the_kernels_as_merged(kernels: Any) -> None:
    peft = pytest.importorskip("peft")
    names = ["q_proj", "v_proj", "query", "value"]
    adapted = peft.get_peft_model(model_of(), peft.LoraConfig(target_modules=names))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    images = pixels(batch=1)
    expected = predict(adapted, images)
    kernels("on")
    found = predict(adapted, images)
    assert not torch.equal(found, expected)
    assert_close(found, expected)
    assert_close(predict(adapted.merge_and_unload(), images), expected)


def test_exported_programs_have_pytorchs_operations(kernels: Any) -> None:
    kernels("on")
    model = model_of()

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Tensor:
            return self.model.encode(images)[1]

    with torch.no_grad():
        program = torch.export.export(Encoder(), (pixels(batch=1),), strict=False)
    operations = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert operations.count("aten.linear.default") == sum(isinstance(part, nn.Linear) for part in model.modules())
    assert operations.count("aten.scaled_dot_product_attention.default") == LAYERS


def test_compiled_layers_are_left_alone(kernels: Any) -> None:
    kernels("on")
    model, images = model_of(), pixels(batch=1)
    layers = model.backbone.encoder.layer
    states = model.embed(images)
    with torch.inference_mode():
        assert type(faster_linears(states, layers)).__name__ != "nullcontext"
        layers[2].compile(backend="eager")
        assert isinstance(faster_linears(states, layers), nullcontext)
    assert isinstance(faster_linears(states, layers[:1]), nullcontext), "with gradients"


def test_training_goes_on_as_before_beside_predictions_in_bfloat16() -> None:
    images = pixels(56, 70)
    labels = images.mean(dim=1).sigmoid()
    losses: dict[Any, list[float]] = {}
    for dtype in (None, torch.bfloat16):
        model = model_of(width=32).optimize_for_inference(dtype=dtype)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        losses[dtype] = []
        for _ in range(3):
            loss = model.train()(images, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            with torch.inference_mode():
                model.eval()(images)
            losses[dtype].append(loss.item())
    assert losses[None] == losses[torch.bfloat16]
    assert losses[None][0] > losses[None][-1]


# The same gradients


@pytest.mark.parametrize("checkpointed", [False, True])
def test_gradients_are_those_of_float64(checkpointed: bool, kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Smooth in the place of ReLU, whose kink turns rounding into other gradients.
    monkeypatch.setattr(nn.functional, "relu", lambda features, inplace=False: nn.functional.softplus(features))
    images = pixels(SIDE_PIXELS, 266, batch=1)
    weights = torch.randn(images[:, 0].shape, generator=torch.Generator().manual_seed(3))

    def gradients(model: DepthAnythingForDepthEstimation, dtype: torch.dtype) -> dict[str, Tensor]:
        prediction = model(images.to(dtype)).predicted_depth
        (prediction * weights.to(dtype)).sum().backward()
        return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}

    expected = gradients(model_of().double(), torch.float64)
    kernels("on")
    model = model_of()
    if checkpointed:
        getattr(model.train(), "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    found = gradients(model, torch.float32)
    assert found.keys() == expected.keys()
    total = sum(float(gradient.square().sum()) for gradient in expected.values()) ** 0.5
    error = sum(float((found[name] - gradient).square().sum()) for name, gradient in expected.items()) ** 0.5
    assert error <= 1e-5 * total
    for name, gradient in expected.items():
        if not name.endswith(("k_proj.bias", "key.bias")):  # theirs is 0 up to rounding
            assert (found[name] - gradient).norm() <= 1e-4 * gradient.norm(), name
