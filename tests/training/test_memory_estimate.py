# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicted memory: against bytes counted by hand, a real step, and what the recipes say of themselves."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import torch
from torch import nn

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes.catalog import find_recipe, read_recipe
from depth_anything_hf.training.activation_checkpointing import recompute_activations
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.memory_estimate import GIB, MemoryEstimate, estimate_memory
from depth_anything_hf.training.objectives import Distillation
from depth_anything_hf.training.online_teacher import OnlineTeacher
from depth_anything_hf.training.simulated_step import LiveBytes


SIZE = (56, 56)


def arguments_for(**options: Any) -> TrainingArguments:
    return TrainingArguments("unused", **{"per_device_train_batch_size": 2, **options})


def predicted(model: nn.Module, objective: Any = None, **options: Any) -> MemoryEstimate:
    names = ("precision", "processes", "sharded")
    run = {name: options.pop(name) for name in names if name in options}
    return estimate_memory(model, arguments_for(**options), SIZE, objective=objective, **run)


def bytes_of(model: nn.Module, *, trained: bool = False) -> int:
    return sum(4 * each.numel() for each in model.parameters() if each.requires_grad or not trained)


def test_weights_gradients_moments_average_and_buckets_are_counted(make_tiny_model):
    model = make_tiny_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights, trained = bytes_of(model), bytes_of(model, trained=True)
    assert trained < weights
    plain = predicted(model)
    assert (plain.weights, plain.gradients, plain.optimizer) == (weights, trained, 2 * trained)
    assert (plain.average, plain.communication, plain.frozen) == (0, 0, 0)
    assert predicted(model, ema_decay=0.9).average == weights
    several = predicted(model, processes=4)
    assert several.communication == trained and several == plain.replicated()
    frozen = predicted(model, encoder_strategy="frozen")
    assert frozen.gradients < trained and frozen.step < plain.step
    # The model is left as it was.
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert bytes_of(model, trained=True) == trained and model.device.type == "cpu"


def test_weights_count_in_the_precision_in_which_they_are_trained(make_tiny_model):
    model = make_tiny_model()
    half = copy.deepcopy(model).to(torch.bfloat16)
    assert predicted(half, precision="bf16") == predicted(model, precision="bf16")
    pure = predicted(half, precision="bf16", pure_bf16=True)
    assert (pure.weights, pure.optimizer) == (bytes_of(model) // 2, bytes_of(model, trained=True))


@pytest.mark.filterwarnings("ignore::FutureWarning:peft")
def test_adapters_are_trained_with_the_decoder_alone(make_tiny_model):
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(make_tiny_model(), peft.LoraConfig(r=4, target_modules="all-linear"))
    decoder = bytes_of(make_tiny_model().neck, trained=True) + bytes_of(make_tiny_model().head, trained=True)
    adapters = sum(4 * each.numel() for name, each in model.named_parameters() if "lora_" in name)
    assert predicted(model).gradients == decoder + adapters > decoder


def test_sharding_divides_what_can_be_divided(make_tiny_model):
    model = make_tiny_model()
    weights, trained = bytes_of(model), bytes_of(model, trained=True)
    sharded = predicted(model, processes=4, sharded=True)
    assert (sharded.weights, sharded.gradients) == (weights // 4, trained // 4)
    assert sharded.optimizer == 2 * trained // 4 and 0 < sharded.communication < 3 * weights
    # Micro-batches before the last one of a step keep whole gradients.
    assert predicted(model, processes=4, sharded=True, gradient_accumulation_steps=2).gradients == trained


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_real_step_needs_as_much(make_tiny_model, checkpointing, precision):
    model = make_tiny_model(attn_implementation="sdpa").train()
    options = {"gradient_checkpointing": checkpointing, "precision": precision, "per_device_train_batch_size": 12}
    estimate = predicted(model, **options)
    if checkpointing:
        recompute_activations(model, 1)
    loss = RelativeLoss(gradient_weight=2.0)
    with LiveBytes() as live:
        pixels, labels = torch.randn(12, 3, *SIZE), torch.rand(12, *SIZE)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            prediction = model(pixel_values=pixels).predicted_depth
            terms = loss.terms(prediction, labels, None, 0.0)
            total = sum(weight * values.mean() for weight, values in terms.values())
        total.backward()
    assert estimate.step + estimate.gradients == pytest.approx(live.peak, rel=0.1)


def test_activations_grow_with_the_batch_and_shrink_with_checkpointing(make_tiny_model):
    model = make_tiny_model()
    steps = [predicted(model, per_device_train_batch_size=batch).step for batch in (8, 16, 32)]
    assert (steps[2] - steps[1]) / 16 == pytest.approx((steps[1] - steps[0]) / 8, rel=0.02)
    options = {"per_device_train_batch_size": 16}
    every, second = (
        predicted(model, gradient_checkpointing=True, gradient_checkpointing_every=each, **options).step
        for each in (1, 2)
    )
    assert every < second < steps[1] and predicted(model, precision="bf16", **options).step < steps[1]


def test_an_update_in_the_backward_pass_needs_no_gradients_and_computes_twice_to_clip(make_tiny_model):
    model, options = make_tiny_model(), {"per_device_train_batch_size": 1}
    plain = predicted(model, **options)
    clipped = predicted(model, optimizer_in_backward=True, **options)
    free = predicted(model, optimizer_in_backward=True, max_grad_norm=0.0, **options)
    assert clipped.gradients == 0 and clipped.total < plain.total
    assert clipped.parts() == free.parts() and clipped.operations == 2 * free.operations == 2 * plain.operations


def test_a_teacher_and_a_feature_encoder_take_their_share(make_tiny_model):
    model = make_tiny_model()
    encoder, teacher = copy.deepcopy(model.backbone), make_tiny_model(seed=1)
    label_maker = OnlineTeacher(teacher, "disparity", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], dtype="bfloat16")
    objective = Distillation(teacher=label_maker, feature_encoder=encoder, student_width=32)
    found = predicted(model, objective)
    assert found.frozen == bytes_of(encoder) + bytes_of(teacher) // 2 and found.step > predicted(model).step


def test_the_report_adds_up_and_names_its_parts(make_tiny_model):
    estimate = MemoryEstimate(GIB, GIB // 2, GIB, 0, 0, 0, 4 * GIB, GIB)
    assert estimate.total == 7.5 * GIB
    text = "7.5 GiB (weights 1.00, gradients 0.50, optimizer 1.00, activations 4.00, overhead and reserve 1.00)"
    assert str(estimate) == text


# What the recipes say of themselves

GPUS = 8
# Memory of a GPU sold as one of 80 GB.
LARGEST = 79.1 * GIB
ROW = re.compile(r"^# Memory of each of 8 GPUs.*: S (\d+), B (\d+), L (\d+) GiB; .*fsdp2.*: G (\d+) GiB", re.MULTILINE)


def recipe_memory(name: str, size: str) -> int:
    recipe = read_recipe(find_recipe(name))
    own = {key: recipe[key] for key in TrainingArguments.__dataclass_fields__ if key in recipe}
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(size))
    objective = None
    if recipe.get("feature_encoder") == "start":
        width = model.config.backbone_config.hidden_size
        objective = Distillation(feature_encoder=copy.deepcopy(model.backbone), student_width=width)
    arguments = TrainingArguments("unused", **own)
    side = recipe["input_size"]
    precision = arguments.mixed_precision or "no"
    sharded = size == "giant"
    options = {"objective": objective, "precision": precision, "processes": GPUS, "sharded": sharded}
    return estimate_memory(model, arguments, (side, side), **options).total


@pytest.mark.parametrize("name", ["teacher", "student", "metric"])
@pytest.mark.parametrize(
    "size", ["small", *(pytest.param(each, marks=pytest.mark.slow) for each in ("base", "large", "giant"))]
)
def test_the_comment_of_a_recipe_has_its_memory_and_it_fits(name, size):
    said = ROW.search(find_recipe(name).read_text(encoding="utf-8"))
    total = recipe_memory(name, size)
    column = ("small", "base", "large", "giant").index(size) + 1
    assert said is not None and int(said[column]) == pytest.approx(total / GIB, abs=0.6)
    assert total < LARGEST


@pytest.mark.parametrize(("name", "batch"), [("teacher", 64), ("student", 192), ("metric", 32)])
def test_the_global_batch_on_eight_gpus_is_the_published_one(name, batch):
    recipe = read_recipe(find_recipe(name))
    accumulation = recipe.get("gradient_accumulation_steps", 1)
    assert recipe["per_device_train_batch_size"] * accumulation * GPUS == batch
