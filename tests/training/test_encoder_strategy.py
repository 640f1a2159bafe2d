# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Encoder strategies: what each trains, what the rest costs, and what is refused."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from model_outputs import assert_same_output, predict_noise
from torch import Tensor, nn
from training_runs import (
    WITHOUT_USE,
    assert_same_checkpoint,
    batch_of,
    log_of,
    make_engine,
    moved_names,
    trainable_names,
)
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.training.activation_checkpointing import recompute_activations
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.encoder_strategy import (
    EncoderStrategy,
    apply_encoder_strategy,
    encoder_parts,
    train_mode,
)
from depth_anything_hf.training.simulated_step import LiveBytes


LAYER = "backbone.encoder.layer."


def is_norm(name: str) -> bool:
    return ".norm1." in name or ".norm2." in name or ".layernorm." in name


# Of a strategy: whether it trains a parameter of the encoder, by its name.
TRAINED: dict[str, Callable[[str], bool]] = {
    "full": lambda name: True,
    "frozen": lambda name: False,
    "last-2": lambda name: name.startswith((f"{LAYER}2.", f"{LAYER}3.", "backbone.layernorm.")),
    "layerwise:0.5": lambda name: True,
    "norms": is_norm,
    "bias": lambda name: name.endswith(".bias"),
    "warmup:2": lambda name: True,
}
PARTLY = [name for name in TRAINED if name not in ("full", "layerwise:0.5", "warmup:2")]


def apply(model: nn.Module, strategy: str) -> None:
    apply_encoder_strategy(model, EncoderStrategy.parse(strategy))


def expected_of(names: Any, strategy: str) -> set[str]:
    trained = TRAINED[strategy]
    return {
        name
        for name in names
        if not name.startswith(WITHOUT_USE) and (not name.startswith("backbone.") or trained(name))
    }


# What is trained


@pytest.mark.parametrize("strategy", TRAINED)
def test_each_strategy_trains_what_it_says(make_tiny_model, strategy):
    model = make_tiny_model()
    apply(model, strategy)
    assert trainable_names(model) == expected_of(model.state_dict(), strategy)


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("strategy", TRAINED)
def test_three_steps_move_exactly_that_and_the_model_opens_in_stock(tmp_path, train, make_tiny_model, strategy):
    model = make_tiny_model()
    before = copy.deepcopy(model.state_dict())
    # Without decay, so that only gradients move weights.
    train(tmp_path, model, max_steps=3, per_device_train_batch_size=4, encoder_strategy=strategy, weight_decay=0.0)
    moved, expected = moved_names(before, model.state_dict()), expected_of(before, strategy)
    # Adding the same vector to all keys changes no attention weight, so in exact arithmetic these have no gradient;
    # whether rounding moves them is left open.
    free = {name for name in expected if name.endswith(("key.bias", "k_proj.bias"))}
    assert moved <= expected, "moved but should not have"
    assert expected - free <= moved, "should have moved"
    assert_same_output(predict_noise(model), predict_noise(AutoModelForDepthEstimation.from_pretrained(tmp_path)))


def test_last_n_counts_from_the_last_layer_that_the_decoder_sees(make_tiny_model):
    model = make_tiny_model(encoder={"num_hidden_layers": 6}, out_indices=[1, 2, 3, 4])
    apply(model, "last-1")
    assert {name.split(".")[3] for name in trainable_names(model) if name.startswith(LAYER)} == {"3"}


def test_layer_one_is_not_layer_ten(make_tiny_model):
    model = make_tiny_model(encoder={"num_hidden_layers": 12})
    apply(model, "last-11")
    layers = {name.split(".")[3] for name in trainable_names(model) if name.startswith(LAYER)}
    assert layers == {str(index) for index in range(1, 12)}


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("strategy", ["full", "frozen", "last-1", "layerwise:0.5", "norms", "bias"])
def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path, train, make_tiny_model, strategy):
    options = {"encoder_strategy": strategy, "max_steps": 3, "save_steps": 1}
    train(tmp_path / "whole", make_tiny_model(), **options)
    shutil.copytree(tmp_path / "whole" / "checkpoint-1", tmp_path / "stopped" / "checkpoint-1")
    shutil.copy(tmp_path / "whole" / "training_arguments.json", tmp_path / "stopped")
    train(tmp_path / "stopped", make_tiny_model(), resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "stopped" / "checkpoint-3", tmp_path / "whole" / "checkpoint-3")
    rates = {name for name in log_of(tmp_path / "stopped")[-1] if name.startswith("learning_rate_encoder")}
    layers = {f"learning_rate_encoder_layer_{number}" for number in range(1, 5)}
    parts = {"learning_rate_encoder_embeddings", *layers, "learning_rate_encoder_norm"}
    others = {"layerwise:0.5": parts, "frozen": set()}
    assert rates == others.get(strategy, {"learning_rate_encoder"})
    options["encoder_strategy"] = other = "frozen" if strategy == "full" else "full"
    with pytest.raises(ValueError, match=f"encoder_strategy: {strategy} -> {other}"):
        train(tmp_path / "stopped", make_tiny_model(), resume_from_checkpoint="latest", **options)


# What the rest costs


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(("strategy", "first"), [("frozen", 5), ("last-1", 4), ("last-3", 2), ("full", 0)])
def test_a_frozen_prefix_keeps_no_graph_and_no_optimizer_state(
    tmp_path, make_tiny_model, labelled_folder, strategy, first, checkpointing
):
    """`first` is the number of the first part that is trained: 0 are the embeddings, 1 is the first layer."""
    model = make_tiny_model()
    engine = make_engine(tmp_path, model, encoder_strategy=strategy, gradient_checkpointing=checkpointing)
    engine.train_mode()
    outputs: dict[str, Tensor] = {}
    for name, part in encoder_parts(model):
        part.register_forward_hook(lambda part, inputs, output, name=name: outputs.update({name: output}))
    engine.accumulate(batch_of(labelled_folder), 0.0, step=1)
    with_graph = [outputs[name].requires_grad for name in ("embeddings", *(f"layer_{n}" for n in range(1, 5)))]
    assert with_graph == [number >= first for number in range(5)]
    gradients = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert gradients == trainable_names(model)
    engine.step(torch.zeros(()))
    assert len(engine.optimizer.state) == len(trainable_names(model))


@pytest.mark.usefixtures("fresh_accelerate")
def test_what_is_kept_for_the_backward_pass_falls_with_the_layers(tmp_path, make_tiny_model, labelled_folder):
    batch, kept = batch_of(labelled_folder), {}
    for strategy in ("frozen", "last-1", "last-3", "full"):
        for checkpointing in (False, True):
            model = make_tiny_model()
            engine = make_engine(tmp_path, model, encoder_strategy=strategy, gradient_checkpointing=checkpointing)
            engine.train_mode()
            with LiveBytes() as live:
                terms = engine.terms(batch, 0.0)
                # Before the backward pass, which computes again what was not kept.
                kept[strategy, checkpointing] = live.now
            del terms
    plain, saving = (
        [kept[strategy, checkpointing] for strategy in ("frozen", "last-1", "last-3", "full")]
        for checkpointing in (False, True)
    )
    assert plain == sorted(set(plain)), plain
    # Here the decoder reads every layer, so that the states between them are kept all the same.
    assert saving == sorted(saving) and saving[0] < saving[1], saving
    # A layer's activations, of which last-3 keeps two more than last-1, which keeps those of the last norm too.
    layer = (plain[2] - plain[1]) / 2
    assert layer < plain[1] - plain[0] < 1.5 * layer and saving[2] < plain[1]


@pytest.mark.parametrize(
    ("strategy", "trained"),
    [
        ("frozen", set()),
        ("last-1", {"layer_4", "norm"}),
        ("norms", {"layer_1", "layer_2", "layer_3", "layer_4", "norm"}),
        ("bias", {"embeddings", "layer_1", "layer_2", "layer_3", "layer_4", "norm"}),
    ],
)
def test_frozen_parts_stay_in_evaluation_mode(make_tiny_model, strategy, trained):
    model = make_tiny_model(encoder={"drop_path_rate": 0.9, "hidden_dropout_prob": 0.5})
    apply(model, strategy)
    train_mode(model)
    for name, part in encoder_parts(model):
        assert {each.training for each in part.modules()} == {name in trained}, name
    assert model.training and model.neck.training and model.head.training


def test_a_frozen_layer_behind_a_trained_one_is_recomputed_without_dropout(make_tiny_model):
    model = make_tiny_model(encoder={"hidden_dropout_prob": 0.5})
    for parameter in model.backbone.encoder.layer[2].parameters():
        parameter.requires_grad_(False)
    recompute_activations(model, every=1)
    train_mode(model)
    frozen = model.backbone.encoder.layer[2]
    assert frozen.training and not any(each.training for each in frozen.children())


@pytest.mark.usefixtures("fresh_accelerate")
def test_dropout_of_a_frozen_encoder_is_off_in_the_whole_run(tmp_path, train, make_tiny_model, evaluation):
    """With it off, every step sees the same features, so that all runs are the same whatever its probability."""
    results = []
    for name, rate in {"without": 0.0, "with": 0.9}.items():
        model = make_tiny_model(encoder={"drop_path_rate": rate, "hidden_dropout_prob": rate})
        options = {"encoder_strategy": "frozen", "max_steps": 3, "eval_steps": 1, "picture_steps": 2}
        train(tmp_path / name, model, evaluation=evaluation, **options)
        results.append(model.state_dict())
    assert moved_names(*results) == set()


# What a run says


@pytest.mark.parametrize("strategy", PARTLY)
def test_what_is_not_the_papers_way_is_warned_of_with_the_reason(strategy):
    warning = EncoderStrategy.parse(strategy).warning()
    assert warning is not None and warning.startswith(f"encoder_strategy={strategy} ")
    assert "Depth Anything trains the whole encoder, in teacher and students alike" in warning
    if strategy in ("frozen", "last-2"):
        assert "features that were not made for depth" in warning


@pytest.mark.parametrize("strategy", ["full", "layerwise:0.9", "warmup:5"])
def test_training_the_whole_encoder_is_not_warned_of(strategy):
    assert EncoderStrategy.parse(strategy).warning() is None


# What is refused


@pytest.mark.parametrize(
    "strategy", ["last-", "last--1", "last-2x", "first-1", "Full", "", "layerwise", "lora:4", "warmup", "warmup:-1"]
)
def test_a_wrong_strategy_names_the_choices(strategy):
    with pytest.raises(ValueError, match=r"'full', 'frozen', 'last-N' \(e.g. last-4\), 'layerwise:DECAY'"):
        TrainingArguments("unused", encoder_strategy=strategy)


@pytest.mark.parametrize("strategy", ["last-0", "last-5", "last-99"])
def test_more_layers_than_there_are_names_how_many_there_are(make_tiny_model, strategy):
    with pytest.raises(ValueError, match=f"'{strategy}', but the decoder sees 4 layers .* N from 1 to 4"):
        apply(make_tiny_model(), strategy)


@pytest.mark.parametrize("decay", ["0", "-0.5", "1.0001", "nan", "inf", "large", ""])
def test_a_decay_is_a_share(decay):
    with pytest.raises(ValueError, match=r"expected (a decay above 0 and at most 1|'full')"):
        TrainingArguments("unused", encoder_strategy=f"layerwise:{decay}")


def test_two_strategies_are_one_too_many():
    for text in ("frozen,layerwise:0.9", "layerwise:0.9 frozen", "last-2+norms"):
        with pytest.raises(ValueError, match="which are 2 strategies; expected one of them"):
            TrainingArguments("unused", encoder_strategy=text)


@pytest.mark.parametrize("strategy", ["layerwise:0.9", "last-1", "norms", "bias", "warmup:2"])
def test_a_strategy_for_an_encoder_that_its_owner_froze_is_refused(make_tiny_model, strategy):
    model = make_tiny_model()
    model.backbone.requires_grad_(False)
    with pytest.raises(ValueError, match=r"frozen \(requires_grad False\).* or take encoder_strategy 'frozen'"):
        apply(model, strategy)
