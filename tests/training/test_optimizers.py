# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Optimizers: each trains, resumes to the bit, keeps as much state as is said, or names the package it lacks."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from training_runs import assert_equal_bits, batch_of, make_engine, weights

from depth_anything_hf.training.arguments import OPTIMIZERS, TrainingArguments
from depth_anything_hf.training.optimizers import make_optimizer, state_bytes
from depth_anything_hf.training.sharding_rules import require_shardable


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
RATES = {"encoder_learning_rate": 1e-3, "decoder_learning_rate": 1e-3}
PACKAGES = {"adamw-8bit": "bitsandbytes", "adamw-8bit-torchao": "torchao"}


def is_here(name: str) -> bool:
    return name not in PACKAGES or importlib.util.find_spec(PACKAGES[name]) is not None


def marked(name: str) -> Any:
    missing = pytest.mark.skipif(not is_here(name), reason=f"needs {PACKAGES.get(name)}")
    # It compiles its update for each shape of a parameter.
    return pytest.param(name, marks=[missing, *([pytest.mark.slow] if name == "adamw-8bit-torchao" else [])])


EACH = [marked(name) for name in OPTIMIZERS]


def tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors(each)


@pytest.mark.parametrize(
    ("name", "pure_bf16"),
    # A state in float32 beside weights in bfloat16 has to stay so.
    [*(pytest.param(*each.values, False, marks=each.marks) for each in EACH[1:]), ("adafactor", True)],
)
def test_a_run_that_is_resumed_ends_with_the_same_weights(tmp_path, train, make_tiny_model, name, pure_bf16):
    options = {"max_steps": 3, "save_steps": 2, "optimizer": name, "pure_bf16": pure_bf16, **RATES}
    model = make_tiny_model()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    train(tmp_path, model, **options)
    final = weights(tmp_path)
    assert sum(not torch.equal(value.float(), before[key]) for key, value in model.state_dict().items()) > 50
    assert json.loads((tmp_path / "training_arguments.json").read_text())["optimizer"] == name
    train(tmp_path, make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-2"), **options)
    assert_equal_bits(final, weights(tmp_path))


@pytest.mark.parametrize("name", EACH)
def test_the_loss_of_a_batch_falls_and_the_state_is_as_large_as_is_said(
    tmp_path, make_tiny_model, labelled_folder, name
):
    rates = {"encoder_learning_rate": 1e-2, "decoder_learning_rate": 1e-2}
    engine = make_engine(tmp_path, make_tiny_model(), optimizer=name, **rates)
    for group in engine.optimizer.param_groups:
        group["lr"] = 2e-2 if name == "sgd" else 1e-3
    engine.schedule.lr_lambdas = [lambda step: 1.0 for _ in engine.schedule.lr_lambdas]
    batch = batch_of(labelled_folder)
    losses = []
    for _ in range(12):
        losses.append(engine.accumulate(batch, 0.0, 1)["loss"].item())
        engine.clip_gradients()
        engine.step(torch.zeros(()))
    assert losses[-1] < 0.9 * losses[0]
    trained = [each for each in engine.raw_model.parameters() if each.requires_grad]
    state = engine.optimizer.optimizer.state
    # Maps that all parameters of bitsandbytes share, and numbers, are no state of a parameter.
    kept = sum(
        each.numel() * each.element_size()
        for values in state.values()
        for key, value in values.items()
        if not key.startswith("qmap")
        for each in tensors(value)
        if each.ndim > 0
    )
    if name != "adamw-8bit-torchao":
        assert kept == pytest.approx(state_bytes(name, trained), rel=0.02)


def test_a_step_that_is_left_out_changes_nothing(tmp_path, make_tiny_model, labelled_folder):
    batch = batch_of(labelled_folder)
    for name in filter(is_here, set(OPTIMIZERS) - {"adamw-8bit-torchao"}):
        engine = make_engine(tmp_path, make_tiny_model(), optimizer=name, **RATES)
        before = [each.clone() for each in engine.raw_model.parameters()]
        engine.accumulate(batch, 0.0, 1)
        engine.clip_gradients()
        engine.step(torch.ones(()))
        assert all(map(torch.equal, before, engine.raw_model.parameters())), name
        # The first step of all left out, the second one is as if it were the first.
        engine.accumulate(batch, 0.0, 1)
        engine.clip_gradients()
        engine.step(torch.zeros(()))
        assert all(each.isfinite().all() for each in engine.raw_model.parameters()), name


def test_names_of_transformers_are_known_and_others_refused():
    assert TrainingArguments("unused", optimizer="adamw_bnb_8bit").optimizer == "adamw-8bit"
    assert TrainingArguments("unused", optimizer="adamw_torch_fused").optimizer == "adamw"
    with pytest.raises(ValueError, match="optimizer is 'lion', expected one of"):
        TrainingArguments("unused", optimizer="lion")
    with pytest.raises(ValueError, match="sgd needs encoder_learning_rate and decoder_learning_rate"):
        TrainingArguments("unused", optimizer="sgd", encoder_learning_rate=0.1)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(ImportError, match=rf"optimizer {name} needs {PACKAGES[name]}.*\[{PACKAGES[name]}\]"):
        make_optimizer([], TrainingArguments("unused", optimizer=name), torch.device("cpu"))


def test_a_state_of_other_shapes_is_not_sharded():
    with pytest.raises(ValueError, match=r"adafactor.*cannot be divided"):
        require_shardable(TrainingArguments("unused", optimizer="adafactor"), ())
    require_shardable(TrainingArguments("unused", optimizer="sgd", **RATES), ())


def test_another_optimizer_is_refused_on_a_resume(tmp_path, train, make_tiny_model):
    options = {"max_steps": 2, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    with pytest.raises(ValueError, match="optimizer: adamw -> adafactor"):
        train(tmp_path, make_tiny_model(), optimizer="adafactor", resume_from_checkpoint="latest", **options)
