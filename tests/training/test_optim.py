# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameter groups, learning rates and schedules."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from training_runs import WITHOUT_USE, trainable_names
from transformers import Dinov2WithRegistersConfig

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.encoder_strategy import EncoderStrategy
from depth_anything_hf.training.optim import (
    NO_DECAY,
    LearningRates,
    choose_learning_rates,
    learning_rates_of,
    make_schedule,
    parameter_groups,
    schedule_factor,
)


RATES = LearningRates(encoder=1e-5, decoder=1e-3, reason="for the test")


def with_use(model: nn.Module) -> set[str]:
    return {name for name, _ in model.named_parameters() if not name.startswith(WITHOUT_USE)}


def groups_by_name(model: nn.Module, groups: list[dict]) -> dict[str, dict]:
    """Parameter name -> the group it is in; fails when a parameter is in two."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found: dict[str, dict] = {}
    for group in groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            assert name not in found, f"{name} is in two groups"
            found[name] = group
    return found


# Groups


def test_every_trainable_parameter_is_in_one_group_with_its_rate_and_decay(make_tiny_model):
    model = make_tiny_model()
    found = groups_by_name(model, parameter_groups(model, RATES, weight_decay=0.01))
    assert set(found) == trainable_names(model) == with_use(model)
    for name, group in found.items():
        assert group["lr"] == (1e-5 if name.startswith("backbone.") else 1e-3), name
        is_weight = name.endswith(".weight") and "norm" not in name
        assert group["weight_decay"] == (0.01 if is_weight else 0.0), name


@pytest.mark.parametrize(
    "name",
    [
        "backbone.embeddings.cls_token",
        "backbone.embeddings.position_embeddings",
        "backbone.embeddings.patch_embeddings.projection.bias",
        "backbone.encoder.layer.0.norm1.weight",
        "backbone.encoder.layer.0.norm1.bias",
        "backbone.encoder.layer.0.layer_scale1.lambda1",
        "backbone.encoder.layer.3.layer_scale2.lambda1",
        "backbone.layernorm.weight",
        "neck.reassemble_stage.layers.0.projection.bias",
        "head.conv3.bias",
    ],
)
def test_without_decay(make_tiny_model, name):
    model = make_tiny_model()
    assert groups_by_name(model, parameter_groups(model, RATES, weight_decay=0.1))[name]["weight_decay"] == 0.0


@pytest.mark.parametrize(
    "name",
    [
        "backbone.embeddings.patch_embeddings.projection.weight",
        "backbone.encoder.layer.2.mlp.fc1.weight",
        "neck.convs.3.weight",
        "neck.reassemble_stage.layers.0.resize.weight",
        "head.conv3.weight",
    ],
)
def test_with_decay(make_tiny_model, name):
    model = make_tiny_model()
    assert groups_by_name(model, parameter_groups(model, RATES, weight_decay=0.1))[name]["weight_decay"] == 0.1


def test_register_tokens_take_no_decay():
    encoder = Dinov2WithRegistersConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, num_register_tokens=2, image_size=28, patch_size=14
    )
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder))
    found = groups_by_name(model, parameter_groups(model, RATES, weight_decay=0.1))
    assert found["backbone.embeddings.register_tokens"]["weight_decay"] == 0.0
    assert set(found) == trainable_names(model)


def test_an_extra_module_trains_at_the_decoder_rate(make_tiny_model):
    model, projector = make_tiny_model(), nn.Linear(4, 6)
    groups = parameter_groups(model, RATES, weight_decay=0.1, extra=dict(projector.named_parameters()))
    inside = {id(parameter): group for group in groups for parameter in group["params"]}
    assert (inside[id(projector.weight)]["lr"], inside[id(projector.weight)]["weight_decay"]) == (1e-3, 0.1)
    assert (inside[id(projector.bias)]["lr"], inside[id(projector.bias)]["weight_decay"]) == (1e-3, 0.0)
    assert sum(len(group["params"]) for group in groups) == len(trainable_names(model)) + 2


def test_nothing_trainable_is_an_error(make_tiny_model):
    with pytest.raises(ValueError, match="no parameter is trainable"):
        parameter_groups(make_tiny_model().requires_grad_(False), RATES, weight_decay=0.0)


# Learning rates


def test_the_papers_rates_for_a_pretrained_encoder():
    rates = choose_learning_rates(pretrained=True, encoder=None, decoder=None)
    assert (rates.encoder, rates.decoder) == (5e-6, 5e-5)
    assert "paper" in rates.reason


def test_one_larger_rate_from_scratch():
    rates = choose_learning_rates(pretrained=False, encoder=None, decoder=None)
    assert (rates.encoder, rates.decoder) == (5e-4, 5e-4)
    assert "random weights" in rates.reason


def test_new_adapters_take_a_larger_rate_than_a_pretrained_encoder():
    rates = choose_learning_rates(pretrained=True, encoder=None, decoder=None, adapters=True)
    assert (rates.encoder, rates.decoder) == (5e-4, 5e-5)
    assert "adapters are new" in rates.reason
    assert choose_learning_rates(pretrained=True, encoder=1e-4, decoder=None, adapters=True).encoder == 1e-4


def test_few_parameters_take_a_larger_rate_than_the_whole_encoder():
    for strategy, expected in {
        "bias": 5e-4,
        "norms": 5e-4,
        "lora": 5e-4,
        "last-1": 5e-6,
        "layerwise:0.9": 5e-6,
    }.items():
        arguments = TrainingArguments("unused", encoder_strategy=strategy)
        rates = learning_rates_of(arguments, pretrained=True, adapters=False)
        assert (rates.encoder, rates.decoder) == (expected, 5e-5), strategy
    scratch = learning_rates_of(TrainingArguments("unused", encoder_strategy="lora"), pretrained=False, adapters=False)
    assert "warning: encoder_strategy lora leaves random weights of the encoder as they are" in scratch.reason
    warmup = TrainingArguments("unused", encoder_strategy="warmup:3")
    assert "warning" not in learning_rates_of(warmup, pretrained=False, adapters=False).reason


def test_given_rates_win_and_the_reason_says_so():
    both = choose_learning_rates(pretrained=True, encoder=1e-3, decoder=2e-3)
    assert (both.encoder, both.decoder, both.reason) == (1e-3, 2e-3, "both rates were given")


@pytest.mark.parametrize(
    ("pretrained", "encoder", "is_warned"), [(False, 5e-6, True), (False, 5e-4, False), (True, 5e-6, False)]
)
def test_rates_of_a_pretrained_encoder_are_warned_of_for_random_weights(pretrained, encoder, is_warned):
    rates = choose_learning_rates(pretrained=pretrained, encoder=encoder, decoder=5e-5)
    assert (rates.encoder, rates.decoder) == (encoder, 5e-5)
    assert ("warning: random weights hardly learn at 5e-06, take 5e-4" in rates.reason) == is_warned
    one = choose_learning_rates(pretrained=False, encoder=None, decoder=2e-3)
    assert (one.encoder, one.decoder) == (5e-4, 2e-3)
    assert "replaced by the given one" in one.reason
    assert choose_learning_rates(pretrained=True, encoder=0.0, decoder=None).encoder == 0.0


# Layer decay and the warm-up of the decoder alone


def test_layer_decay_lowers_the_rate_from_the_last_norm_to_the_embeddings(make_tiny_model):
    model = make_tiny_model(encoder={"num_hidden_layers": 5}, out_indices=[1, 2, 3, 4])
    groups = parameter_groups(model, RATES, weight_decay=0.1, strategy=EncoderStrategy.parse("layerwise:0.5"))
    found = groups_by_name(model, groups)
    assert set(found) == trainable_names(model)
    # Four layers feed the decoder: norm 1, layers 0.5 down to 0.5^4, embeddings 0.5^5.
    expected = {"layernorm.": 1.0, "embeddings.": 0.5**5}
    expected |= {f"encoder.layer.{index}.": 0.5 ** (4 - index) for index in range(4)}
    for name, group in found.items():
        share = next((each for start, each in expected.items() if name.startswith(f"backbone.{start}")), None)
        assert group["lr"] == pytest.approx(1e-3 if share is None else 1e-5 * share), name
        is_weight = name.endswith(".weight") and "norm" not in name
        assert group["weight_decay"] == (0.1 if is_weight else 0.0), name
    names = [group["name"].removesuffix(NO_DECAY) for group in groups]
    layers = [f"encoder_layer_{number}" for number in range(1, 5)]
    assert list(dict.fromkeys(names)) == ["encoder_embeddings", *layers, "encoder_norm", "decoder"]


def test_a_decay_of_one_is_one_rate(make_tiny_model):
    groups = parameter_groups(make_tiny_model(), RATES, 0.1, strategy=EncoderStrategy.parse("layerwise:1"))
    assert {group["lr"] for group in groups if group["name"].startswith("encoder")} == {1e-5}


def test_only_the_encoder_waits_and_its_rate_rises(make_tiny_model):
    strategy = EncoderStrategy.parse("warmup:2")
    optimizer = torch.optim.AdamW(parameter_groups(make_tiny_model(), RATES, 0.1, strategy=strategy))
    schedule = make_schedule(optimizer, 8, kind="linear", warmup=0, decay_share=1.0, strategy=strategy)
    seen: dict[str, list[float]] = {}
    for _ in range(6):
        for group in optimizer.param_groups:
            seen.setdefault(group["name"], []).append(group["lr"])
        optimizer.step()
        schedule.step()
    falling = [1 - step / 8 for step in range(6)]
    ramp = [0, 0, 1 / 3, 2 / 3, 1, 1]
    assert seen["decoder"] == seen["decoder_no_decay"] == pytest.approx([1e-3 * each for each in falling])
    expected = [1e-5 * each * share for each, share in zip(falling, ramp, strict=True)]
    assert seen["encoder"] == seen["encoder_no_decay"] == pytest.approx(expected)


# Schedules


@pytest.mark.parametrize(
    ("kind", "step", "expected"),
    [
        ("linear", 0, 1.0),
        ("linear", 25, 0.75),
        ("linear", 99, 0.01),
        ("linear", 100, 0.0),
        ("poly", 0, 1.0),
        ("poly", 50, 0.5**0.9),
        ("poly", 75, 0.25**0.9),
        ("cosine", 0, 1.0),
        ("cosine", 50, 0.5),
        ("cosine", 25, 0.5 + math.sqrt(0.5) / 2),
        ("cosine", 100, 0.0),
        ("constant", 0, 1.0),
        ("constant", 99, 1.0),
    ],
)
def test_closed_forms_over_a_hundred_steps(kind, step, expected):
    assert schedule_factor(step, 100, kind=kind) == pytest.approx(expected, abs=1e-12)


def test_warmup_rises_in_equal_parts_and_the_first_step_is_not_zero():
    factors = [schedule_factor(step, 14, kind="linear", warmup=4) for step in range(14)]
    # 4 steps up to the peak, then 10 steps down.
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_decay_share_keeps_the_rate_until_the_last_part():
    # After 20 steps of warm-up 80 remain; the last half of them decays: 60..100.
    options = {"kind": "linear", "warmup": 20, "decay_share": 0.5}
    assert schedule_factor(20, 100, **options) == 1.0
    assert schedule_factor(60, 100, **options) == 1.0
    assert schedule_factor(80, 100, **options) == pytest.approx(0.5)
    assert schedule_factor(90, 100, **options) == pytest.approx(0.25)
    assert schedule_factor(100, 100, **options) == 0.0


def test_no_factor_leaves_its_bounds():
    for kind in ("linear", "poly", "cosine", "constant"):
        for share in (0.0, 0.3, 1.0):
            factors = [schedule_factor(step, 7, kind=kind, warmup=3, decay_share=share) for step in range(9)]
            assert all(0 <= factor <= 1 for factor in factors), (kind, share, factors)


def test_an_unknown_schedule_names_the_choices():
    with pytest.raises(ValueError, match="'triangle', expected one of"):
        schedule_factor(5, 10, kind="triangle")  # type: ignore[arg-type]


def test_the_schedule_scales_every_group():
    weights = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    optimizer = torch.optim.AdamW([{"params": weights[:1], "lr": 1.0}, {"params": weights[1:], "lr": 0.1}])
    schedule = make_schedule(optimizer, 4, kind="linear", warmup=0, decay_share=1.0)
    seen = []
    for _ in range(4):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert torch.tensor(seen).allclose(torch.tensor([[1.0, 0.1], [0.75, 0.075], [0.5, 0.05], [0.25, 0.025]]))


@pytest.mark.parametrize(
    ("strategy", "given", "said"),
    [
        ("full", 1e-4, "learning rates of adamw: encoder 1e-05, decoder 0.001 (for the test)"),
        ("frozen", None, "learning rate of adamw: decoder 0.001 (for the test)"),
        (
            "frozen",
            1e-4,
            "learning rate of adamw: decoder 0.001 (for the test); encoder_learning_rate 0.0001 has no effect: the "
            "encoder is frozen",
        ),
    ],
)
def test_a_frozen_encoder_has_no_rate(strategy: str, given: float | None, said: str) -> None:
    arguments = TrainingArguments("out", encoder_strategy=strategy, encoder_learning_rate=given)
    assert RATES.describe(arguments) == said
