# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the fast ways: with every switch on and off the predictions, gradients and files are the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf.cpu.autotune import CpuKernels, set_cpu_kernels
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.fused_encoder import CACHED_GRIDS
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
def test_every_switch_predicts_the_same(kind: str, kernels: Any, threads: Any) -> None:
    model = model_of(kind)
    # Of one image the kernels compute; two small ones of another size use what is kept between calls.
    inputs = [pixels(batch=1), pixels(56, 84)]
    expected = [predict(model, images) for images in inputs]
    for optimized in (False, True):
        model.optimize_for_inference(optimized)
        for count in (1, 2) if kind == "relative" else (1,):
            threads(count)
            for setting in ("off", "on"):
                kernels(setting)
                for images, right in zip([*inputs, inputs[1]], [*expected, expected[1]], strict=True):
                    assert_close(predict(model, images), right)


@pytest.mark.parametrize("setting", ["on", "off"])
def test_optimized_models_agree_with_stock(setting: CpuKernels, kernels: Any, tmp_path: Path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path)
    stock = StockModel.from_pretrained(tmp_path).eval()
    kernels(setting)
    model.optimize_for_inference()
    for size in ((56, 56), (266, SIDE_PIXELS)):
        assert_close(predict(model, pixels(*size)), predict(stock, pixels(*size)))


def test_bfloat16_is_as_near_as_stocks(kernels: Any, tmp_path: Path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path)
    exact = predict(StockModel.from_pretrained(tmp_path).eval(), pixels())
    stock = StockModel.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    ours = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    ours.optimize_for_inference()
    kernels("on")
    errors = [(predict(half, pixels().bfloat16()).float() - exact).abs().mean() for half in (ours, stock)]
    assert 0 < errors[0] <= 1.2 * errors[1]


def test_autocast_works(kernels: Any) -> None:
    model = model_of()
    expected = predict(model, pixels())
    for setting in ("on", "off"):
        kernels(setting)
        for optimized in (False, True):
            model.optimize_for_inference(optimized)
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


@pytest.mark.parametrize("kind", ["relative", "layers_after_the_last_feature", "features_not_normalized"])
def test_states_and_tokens_are_the_same(kind: str) -> None:
    model = model_of(kind, width=32)
    options = {"output_hidden_states": True, "output_patch_tokens": True}
    with torch.inference_mode():
        expected = model(pixels(), **options)
        found = model.optimize_for_inference()(pixels(), **options)
    torch.testing.assert_close(found.patch_tokens, expected.patch_tokens, rtol=0, atol=1e-5)
    assert len(found.hidden_states) == len(expected.hidden_states)
    for ours, theirs in zip(found.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


# The same parameters


def test_files_and_names_stay(tmp_path: Path) -> None:
    model = model_of(width=32)
    model.save_pretrained(tmp_path / "before")
    state = copy.deepcopy(model.state_dict())
    model.optimize_for_inference()
    predict(model, pixels())
    model.save_pretrained(tmp_path / "optimized")
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    model.optimize_for_inference(False).save_pretrained(tmp_path / "after")
    files = {name: load_file(tmp_path / name / "model.safetensors") for name in ("before", "optimized", "after")}
    for name in ("optimized", "after"):
        assert files[name].keys() == files["before"].keys()
        assert all(torch.equal(tensor, files["before"][key]) for key, tensor in files[name].items())
        assert (tmp_path / name / "config.json").read_text() == (tmp_path / "before" / "config.json").read_text()


def storages(model: nn.Module) -> int:
    return len({parameter.untyped_storage().data_ptr() for parameter in model.parameters()})


def test_no_weight_is_kept_twice_and_all_is_undone() -> None:
    model = model_of(width=32)
    parameters = len(list(model.parameters()))
    assert storages(model) == parameters
    model.optimize_for_inference()
    # Three weights and three biases become one each, in every layer.
    assert storages(model) == parameters - LAYERS * 2 * 2
    model.optimize_for_inference().optimize_for_inference(False)
    assert storages(model) == parameters
    assert model.optimize_for_inference(False) is model


def test_what_changes_the_parameters_counts_at_once() -> None:
    model = model_of(width=32).optimize_for_inference()
    other = model_of(width=32)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    images = pixels(70, 84)
    before, expected = predict(model, images), predict(other, images)
    assert (before - expected).abs().max() > 1e-3
    for assign in (False, True):
        again = model_of(width=32).optimize_for_inference()
        predict(again, images)
        again.load_state_dict(copy.deepcopy(other.state_dict()), assign=assign)
        assert_close(predict(again, images), expected)
    assert_close(predict(copy.deepcopy(model), images), before)
    half = copy.deepcopy(model).to(torch.bfloat16)
    rounded = predict(half, images)
    assert rounded.dtype == torch.float32, "the last convolution is float32 in any precision"
    assert torch.equal(rounded, predict(half, images.bfloat16())), "images are converted"
    assert 0 < (rounded - before).abs().max() <= 4 * 2**-8 * before.max()
    assert_close(predict(half.float(), images), predict(half.optimize_for_inference(False), images))


def test_training_goes_the_usual_way_and_counts() -> None:
    images = pixels(56, 70)
    labels = images.mean(dim=1).sigmoid()
    losses: dict[bool, list[float]] = {}
    for optimized in (False, True):
        model = model_of(width=32).optimize_for_inference(optimized)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        losses[optimized] = []
        for _ in range(3):
            loss = model.train()(images, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            with torch.inference_mode():
                losses[optimized] += [loss.item(), model.eval()(images, labels=labels).loss.item()]
    assert losses[True] == pytest.approx(losses[False], rel=1e-3)
    assert losses[True][0] > losses[True][-1]


def test_adapters_are_refused_until_they_are_merged() -> None:
    peft = pytest.importorskip("peft")
    model = model_of(width=32)
    adapted = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj", "v_proj", "query", "value"]))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    with pytest.raises(ValueError, match="merge adapters"):
        adapted.base_model.model.optimize_for_inference()
    expected = predict(adapted, pixels(56, 70))
    merged = adapted.merge_and_unload()
    assert_close(predict(merged.optimize_for_inference(), pixels(56, 70)), expected)


class Doubled(nn.Linear):
    """As a quantized layer: a linear layer by its class, whose product is another."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


def test_a_linear_layer_that_computes_something_else_is_refused_before_anything_is_joined() -> None:
    model = model_of(width=32)
    *_, query = [part for name, part in model.named_modules() if name.endswith(("q_proj", "attention.query"))]
    query.__class__ = Doubled
    expected = predict(model, pixels(56, 70))
    with pytest.raises(ValueError, match="projections are Doubled, expected plain linear layers"):
        model.optimize_for_inference()
    assert torch.equal(predict(model, pixels(56, 70)), expected)
    for parameter in model.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.numel() * parameter.element_size()


def test_positions_are_kept_for_the_last_grids_only() -> None:
    model = model_of(width=32).optimize_for_inference()
    reference = model_of(width=32)
    sizes = [(14 * rows, 14 * columns) for rows in range(2, 6) for columns in range(2, 6)]
    for size in [*sizes, *reversed(sizes)]:
        torch.testing.assert_close(predict(model, pixels(*size)), predict(reference, pixels(*size)), rtol=0, atol=1e-5)
    assert model._fused_encoder is not None
    assert len(model._fused_encoder.positions._of_grid) == CACHED_GRIDS < len(sizes)


# The same gradients


@pytest.mark.parametrize("setting", ["on", "off"])
@pytest.mark.parametrize("checkpointed", [False, True])
def test_gradients_are_those_of_float64(
    setting: CpuKernels, checkpointed: bool, kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Smooth in the place of ReLU, whose kink turns rounding into other gradients.
    monkeypatch.setattr(nn.functional, "relu", lambda features, inplace=False: nn.functional.softplus(features))
    images = pixels(SIDE_PIXELS, 266, batch=1)
    weights = torch.randn(images[:, 0].shape, generator=torch.Generator().manual_seed(3))

    def gradients(model: DepthAnythingForDepthEstimation, dtype: torch.dtype) -> dict[str, Tensor]:
        prediction = model(images.to(dtype)).predicted_depth
        (prediction * weights.to(dtype)).sum().backward()
        return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}

    expected = gradients(model_of().double(), torch.float64)
    kernels(setting)
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
