# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the kernels for CPUs: they compute the same, with gradients, and are chosen by what was measured."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers import Dinov2Config, Dinov2Model

from depth_anything_hf.cpu import autotune as kernel_choice
from depth_anything_hf.cpu.autotune import adopt_kernel_choices, kernel_choices, set_cpu_kernels
from depth_anything_hf.cpu.kernels import (
    attention,
    convolution,
    convolution_linear,
    convolution_with_first_gradients,
    heads_attention,
    linear,
    product,
    transposed_product,
)
from depth_anything_hf.cpu.layers import (
    CPU_HEADS,
    RoutedConvolution,
    RoutedLinear,
    cpu_heads_attention,
    route_convolutions,
    route_linears,
)


# Largest error allowed, as a share of the largest value.
TOLERANCES = {torch.float32: 2e-6, torch.bfloat16: 2**-6}


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture
def setting() -> Iterator[None]:
    before = set_cpu_kernels("auto")
    yield
    set_cpu_kernels(before)


@pytest.fixture
def own_measurements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: None) -> Path:
    file = tmp_path / "folder" / "measured.json"
    monkeypatch.setattr(kernel_choice, "MEASUREMENTS_FILE", file)
    monkeypatch.setattr(kernel_choice, "_choices", {})
    return file


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_near(found: Tensor, expected: Tensor) -> None:
    error = (found.double() - expected).abs().max()
    assert error <= TOLERANCES[found.dtype] * expected.abs().max(), f"{error:.1e} of {expected.abs().max():.1e}"


def heads(tokens: int, dtype: torch.dtype, batch: int = 2) -> list[Tensor]:
    """Query, key and value (B, 3, N, 16) as projections give them, heads next to each other."""
    return [random(batch, tokens, 3, 16, dtype=dtype, seed=seed).transpose(1, 2) for seed in range(3)]


# What they compute


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(300, 64, 96), (1, 5, 3), (37, 16, 1)])
def test_products_are_products(dtype: torch.dtype, rows: int, inputs: int, outputs: int, threads: int) -> None:
    left, right = random(rows, inputs, dtype=dtype), random(outputs, inputs, dtype=dtype, seed=1)
    other = random(rows, outputs, dtype=dtype, seed=2)
    assert_near(product(left, right), left.double() @ right.double().t())
    assert_near(transposed_product(other, left), other.double().t() @ left.double())


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_convolution_is_the_linear_layer(dtype: torch.dtype, with_bias: bool, threads: int) -> None:
    inputs = [random(2, 150, 64, dtype=dtype), random(96, 64, dtype=dtype, seed=1)]
    if with_bias:
        inputs.append(random(96, dtype=dtype, seed=2))
    exact = [tensor.double().requires_grad_() for tensor in inputs]
    inputs = [tensor.requires_grad_() for tensor in inputs]
    output = convolution_linear(inputs[0], inputs[1], inputs[2] if with_bias else None)
    expected = F.linear(*exact)
    assert output.is_contiguous() and output.shape == (2, 150, 96)
    assert_near(output, expected)
    gradient = random(2, 150, 96, dtype=dtype, seed=3)
    found = torch.autograd.grad(output, inputs, gradient)
    for part, right in zip(found, torch.autograd.grad(expected, exact, gradient.double()), strict=True):
        assert_near(part, right)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("trained", ["all", "weight", "features"])
def test_gradients_with_channels_first_are_the_convolutions(trained: str, with_bias: bool, threads: int) -> None:
    features = random(3, 17, 23, 8).permute(0, 3, 1, 2)
    weight, bias = random(6, 8, 3, 3, seed=1), random(6, seed=2) if with_bias else None
    needed = [tensor for tensor in (features, weight, bias) if tensor is not None]
    if trained != "all":
        needed = [{"weight": weight, "features": features}[trained]]
    exact = {id(tensor): tensor.double().requires_grad_(any(tensor is one for one in needed)) for tensor in needed}
    for tensor in needed:
        tensor.requires_grad_()
    output = convolution_with_first_gradients(features, weight, bias)
    doubles = [None if one is None else exact.get(id(one), one.double()) for one in (features, weight, bias)]
    expected = F.conv2d(doubles[0], doubles[1], doubles[2], padding=1)
    assert_near(output, expected)
    gradient = random(3, 17, 23, 6, seed=3).permute(0, 3, 1, 2)
    found = torch.autograd.grad(output, needed, gradient)
    for part, right in zip(
        found, torch.autograd.grad(expected, [exact[id(one)] for one in needed], gradient.double()), strict=True
    ):
        assert_near(part, right)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("tokens", [1, 37, 600])
def test_heads_attention_is_attention(dtype: torch.dtype, tokens: int, threads: int) -> None:
    inputs = [tensor.requires_grad_() for tensor in heads(tokens, dtype)]
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    output = heads_attention(*inputs, scale=0.3)
    expected = F.scaled_dot_product_attention(*exact, scale=0.3).transpose(1, 2)
    assert output.shape == (2, tokens, 3, 16) and output.is_contiguous()
    assert_near(output, expected)
    gradient = random(2, tokens, 3, 16, dtype=dtype, seed=5)
    found = torch.autograd.grad(output, inputs, gradient)
    for part, right in zip(found, torch.autograd.grad(expected, exact, gradient.double()), strict=True):
        if tokens > 1:  # A single weight is always 1 and has no gradient but rounding.
            assert_near(part, right)
    with torch.inference_mode():
        assert torch.equal(heads_attention(*heads(tokens, dtype), scale=0.3), output)


def test_scores_of_any_size_give_finite_attention() -> None:
    query, key, value = heads(300, torch.float32)
    output = heads_attention(1e4 * query, key, value, scale=1.0)
    assert torch.isfinite(output).all() and output.abs().max() <= value.abs().max()


# When they are used


def test_the_setting_chooses(setting: None) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    set_cpu_kernels("off")
    assert torch.equal(linear(tokens, weight), F.linear(tokens, weight))
    assert set_cpu_kernels("on") == "off"
    assert torch.equal(linear(tokens, weight), convolution_linear(tokens, weight, None))
    with pytest.raises(ValueError, match="auto, on, off, got 'fast'"):
        set_cpu_kernels("fast")  # type: ignore[arg-type]


def test_small_and_other_inputs_keep_standard_kernels(own_measurements: Path) -> None:
    set_cpu_kernels("on")
    small, weight = random(8, 256), random(256, 256, seed=1)
    assert torch.equal(linear(small, weight), F.linear(small, weight))
    exact = random(400, 256).double()
    assert torch.equal(linear(exact, weight.double()), F.linear(exact, weight.double()))
    query, key, value = heads(100, torch.float32)
    expected = F.scaled_dot_product_attention(query, key, value, scale=0.3).transpose(1, 2)
    assert torch.equal(attention(query, key, value, 0.3), expected)
    assert not own_measurements.exists()


def test_what_was_measured_is_remembered(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    before = torch.get_rng_state()
    output = linear(tokens, weight)
    linear(tokens.requires_grad_(), weight)
    attention(*heads(300, torch.float32), scale=0.3)
    assert torch.equal(torch.get_rng_state(), before), "measuring must leave the random numbers alone"
    verdicts = json.loads(own_measurements.read_text())
    assert len(verdicts) == 3 and all(isinstance(verdict, bool) for verdict in verdicts.values())
    kinds = [key.split(" | ")[-4:] for key in verdicts]
    assert ["linear", "float32", "inference", "256x256x256"] in kinds
    assert ["linear", "float32", "training", "256x256x256"] in kinds
    assert ["attention", "float32", "inference", "256x16"] in kinds
    torch.testing.assert_close(output, F.linear(tokens, weight), rtol=0, atol=1e-3)


@pytest.mark.parametrize("verdict", [True, False])
def test_a_remembered_verdict_is_followed(
    verdict: bool, own_measurements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    (key,) = json.loads(own_measurements.read_text())
    own_measurements.write_text(json.dumps({key: verdict, "of another machine": True}))
    monkeypatch.setattr(kernel_choice, "_choices", {})
    expected = convolution_linear(tokens, weight, None) if verdict else F.linear(tokens, weight)
    assert torch.equal(linear(tokens, weight), expected)


@pytest.mark.parametrize("content", ["", "no json", "[1, 2]", '{"a": "b"}'])
def test_an_unreadable_file_is_measured_again(content: str, own_measurements: Path) -> None:
    own_measurements.parent.mkdir()
    own_measurements.write_text(content)
    linear(random(400, 256), random(256, 256, seed=1))
    assert len(json.loads(own_measurements.read_text())) == 1


def test_a_choice_that_another_process_made_meanwhile_is_followed(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    (key,) = kernel_choices()
    for verdict in (True, False):
        own_measurements.write_text(json.dumps({key: verdict}))
        kernel_choice._choices.clear()
        linear(tokens, weight)
        assert kernel_choices() == {key: verdict}


def test_adopted_choices_win_over_the_file(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    ((key, verdict),) = kernel_choices().items()
    adopt_kernel_choices({key: not verdict})
    expected = F.linear(tokens, weight) if verdict else convolution_linear(tokens, weight, None)
    assert torch.equal(linear(tokens, weight), expected)


def test_measuring_inside_a_checkpointed_layer_does_not_disturb_it(own_measurements: Path) -> None:
    tokens, weight = random(400, 256).requires_grad_(), random(256, 256, seed=1).requires_grad_()
    calls = []

    def layer(*inputs: Tensor) -> Tensor:
        calls.append(1)
        return linear(*inputs).square()

    output = checkpoint(layer, tokens, weight, use_reentrant=False)
    assert len(kernel_choices()) == len(calls) == 1
    found = torch.autograd.grad(output.sum(), [tokens, weight])
    assert len(calls) == 2
    expected = torch.autograd.grad((tokens @ weight.t()).square().sum(), [tokens, weight])
    for part, right in zip(found, expected, strict=True):
        torch.testing.assert_close(part, right, rtol=1e-4, atol=1e-2)


def test_processes_agree_on_what_was_measured(tmp_path: Path) -> None:
    program = (
        "import json, torch\n"
        "from depth_anything_hf.cpu.kernels import linear\n"
        "from depth_anything_hf.cpu.autotune import kernel_choices\n"
        "torch.set_num_threads(1)\n"
        "linear(torch.randn(400, 256), torch.randn(256, 256))\n"
        "print(json.dumps(kernel_choices()))"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), kernel_choice.SETTING_VARIABLE: "auto"}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert len(found[0]) == 1 and found[0] == found[1] == found[2]


def test_a_folder_that_cannot_be_written_does_no_harm(own_measurements: Path) -> None:
    own_measurements.parent.write_text("a file where the folder should be")
    assert linear(random(400, 256), random(256, 256, seed=1)).shape == (400, 256)


# In transformers


def test_a_stock_encoder_takes_it_by_name(setting: None) -> None:
    config = Dinov2Config(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=224, attn_implementation=CPU_HEADS
    )
    torch.manual_seed(0)
    model = Dinov2Model(config).eval()
    assert model.config._attn_implementation == CPU_HEADS
    images = random(1, 3, 252, 252)
    outputs = {}
    with torch.inference_mode():
        for name in ("on", "off"):
            set_cpu_kernels(name)  # type: ignore[arg-type]
            outputs[name] = model(images).last_hidden_state
    assert not torch.equal(outputs["on"], outputs["off"])
    torch.testing.assert_close(outputs["on"], outputs["off"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("difficulty", ["mask", "dropout", "causal"])
def test_what_it_cannot_do_is_left_to_sdpa(difficulty: str, setting: None) -> None:
    set_cpu_kernels("on")
    module = nn.Module()
    module.is_causal = difficulty == "causal"  # type: ignore[assignment]
    query, key, value = heads(300, torch.float32)
    mask = torch.ones(2, 1, 300, 300, dtype=torch.bool).tril() if difficulty == "mask" else None
    torch.manual_seed(0)
    dropout = 0.5 if difficulty == "dropout" else 0.0
    found, _ = cpu_heads_attention(module, query, key, value, mask, dropout=dropout, scaling=0.3)
    torch.manual_seed(0)
    expected = F.scaled_dot_product_attention(
        query, key, value, mask, dropout, is_causal=difficulty == "causal", scale=0.3
    )
    torch.testing.assert_close(found, expected.transpose(1, 2), rtol=0, atol=0)


def test_convolutions_keep_everything_but_their_class(setting: None) -> None:
    model = nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1, stride=2),
        nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
    )
    state = copy.deepcopy(model.state_dict())
    route_convolutions(model)
    assert [type(module) is RoutedConvolution for module in model] == [True, False, False, False]
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    features = random(1, 96, 96, 64).permute(0, 3, 1, 2)
    weight = random(64, 64, 3, 3, seed=1).requires_grad_()
    exact_weight = weight.detach().double().requires_grad_()
    exact = nn.functional.conv2d(features.double(), exact_weight, padding=1)
    direction = random(*exact.shape, seed=2)
    (expected,) = torch.autograd.grad(exact, exact_weight, direction.double())
    for name in ("on", "off"):
        set_cpu_kernels(name)  # type: ignore[arg-type]
        output = convolution(features, weight)
        assert ("_Convolution" in type(output.grad_fn).__name__) == (name == "on")
        (found,) = torch.autograd.grad(output, weight, direction)
        # Sums of 9,216 products, which some processors' kernels add up one after the other.
        assert (found.double() - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_linears_keep_everything_but_their_class() -> None:
    model = nn.Sequential(
        nn.Linear(4, 4), nn.ReLU(), nn.ModuleList([nn.Linear(4, 2, bias=False)]), nn.Bilinear(2, 2, 2)
    )
    before = {name: id(module) for name, module in model.named_modules()}
    state = copy.deepcopy(model.state_dict())
    route_linears(model)
    assert {name: id(module) for name, module in model.named_modules()} == before
    assert [type(module) for module in model.modules() if isinstance(module, nn.Linear)] == [RoutedLinear] * 2
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    inputs = random(3, 4)
    assert torch.equal(model[0](inputs), F.linear(inputs, model[0].weight, model[0].bias))
    assert type(copy.deepcopy(model)[0]) is RoutedLinear
