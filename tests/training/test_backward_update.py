# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Optimizer steps inside the backward pass: the same weights as after it, one gradient at a time."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from training_runs import ANCHORED, assert_equal_bits, batch_of, make_engine, weights

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.simulated_step import LiveBytes


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
RATES = {"encoder_learning_rate": 1e-3, "decoder_learning_rate": 1e-3}


@pytest.mark.parametrize(("optimizer", "max_grad_norm"), [("adamw", 0.0), ("adamw", 0.01), ("adafactor", 0.01)])
def test_the_weights_are_those_of_an_update_after_the_pass(tmp_path, train, make_tiny_model, optimizer, max_grad_norm):
    dropout = {"encoder": {"drop_path_rate": 0.3}}
    options = {"optimizer": optimizer, "max_grad_norm": max_grad_norm, "max_steps": 3, **RATES}
    train(tmp_path / "after", make_tiny_model(**dropout), **options)
    train(tmp_path / "inside", make_tiny_model(**dropout), optimizer_in_backward=True, ema_decay=None, **options)
    assert_equal_bits(weights(tmp_path / "after"), weights(tmp_path / "inside"))


def test_a_run_that_is_resumed_ends_with_the_same_weights_with_it_or_without(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 2, "ema_decay": 0.5, **RATES}
    train(tmp_path, make_tiny_model(), optimizer_in_backward=True, **options)
    final, options["resume_from_checkpoint"] = weights(tmp_path), str(tmp_path / "checkpoint-2")
    for inside in (True, False):
        train(tmp_path, make_tiny_model(), optimizer_in_backward=inside, **options)
        assert_equal_bits(final, weights(tmp_path))


def engine_and_batch(tmp_path: Any, make_tiny_model: Any, folder: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    engine = make_engine(tmp_path, make_tiny_model(), optimizer_in_backward=True, **options)
    engine.train_mode()
    return engine, batch_of(folder)


@pytest.mark.parametrize("max_grad_norm", [0.0, 1.0])
@pytest.mark.parametrize("where", ["loss", "first layer"])
def test_a_step_that_is_not_finite_is_left_out(tmp_path, make_tiny_model, labelled_folder, max_grad_norm, where):
    engine, batch = engine_and_batch(tmp_path, make_tiny_model, labelled_folder, max_grad_norm=max_grad_norm)
    model, sick = engine.raw_model, engine.raw_model.backbone.embeddings.patch_embeddings.projection.weight
    if where == "loss":
        objective = engine.objective
        engine.objective = lambda *values: {"loss": objective(*values)["loss"] * math.nan}
    else:
        sick.register_hook(lambda gradient: gradient * math.inf)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    engine.accumulate(batch, 0.0, 1)
    engine.normalize_gradients()
    norm = engine.clip_gradients()
    engine.step((~torch.isfinite(norm)).float())
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    # Its gradient comes last: without a norm of all gradients, the parameters before it have moved by then.
    assert bool(moved) == (where == "first layer" and max_grad_norm == 0)
    assert torch.equal(sick, before["backbone.embeddings.patch_embeddings.projection.weight"])
    assert not norm.isfinite() and all(value.isfinite().all() for value in model.state_dict().values())


def test_no_gradient_is_left_and_one_exists_at_a_time(tmp_path, make_tiny_model, labelled_folder):
    engine, batch = engine_and_batch(tmp_path, make_tiny_model, labelled_folder, max_grad_norm=0.0)
    trained = [each for each in engine.raw_model.parameters() if each.requires_grad]
    engine.accumulate(batch, 0.0, 1)
    engine.step(torch.zeros(()))
    with LiveBytes() as live:
        live.ignore(*engine.raw_model.parameters())
        engine.accumulate(batch, 0.0, 1)
        assert live.now < sum(each.numel() for each in trained)
    assert all(each.grad is None and not each._post_accumulate_grad_hooks for each in trained)


def test_what_it_cannot_do_is_refused_by_name():
    for options in ({"gradient_accumulation_steps": 2}, {"mixed_precision": "fp16"}):
        with pytest.raises(ValueError, match=f"optimizer_in_backward.*{next(iter(options))}"):
            TrainingArguments("unused", optimizer_in_backward=True, **options)


def test_images_that_do_not_count_have_no_part_in_the_mean(tmp_path, make_tiny_model, labelled_folder):
    found = []
    for inside in (False, True):
        options = {"optimizer_in_backward": inside, "max_grad_norm": 0.0, "optimizer": "sgd", **RATES}
        engine = make_engine(tmp_path, make_tiny_model(), SupervisedRelative(ANCHORED), **options)
        batch = batch_of(labelled_folder)
        batch["labels"][1] = torch.nan
        engine.accumulate(batch, 0.0, 1)
        engine.normalize_gradients()
        found.append(engine.clip_gradients())
        engine.step(torch.zeros(()))
        found.append(torch.cat([each.flatten() for each in engine.raw_model.parameters()]))
    torch.testing.assert_close(found[0], found[2])
    torch.testing.assert_close(found[1], found[3], rtol=1e-6, atol=1e-7)
