# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The engine: gradients, accumulation, optimizers of other devices, DeepSpeed, and what is computed again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from training_runs import ANCHORED, assert_equal_bits, batch_of, make_engine, weights

from depth_anything_hf.data.batches import collate
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.models.compilation import compile_blocks
from depth_anything_hf.training import engine as engine_of_training
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.processes import training_accelerator
from depth_anything_hf.training.simulated_step import LiveBytes
from depth_anything_hf.training.step_status import ReducedStatus
from depth_anything_hf.training.terms import checked_images
from depth_anything_hf.utils.manifest import write_manifest
from depth_anything_hf.utils.processes import own_accelerate_state


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_an_output_of_nan_is_a_loss_of_nan_for_every_process_to_leave_out(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv1.bias, float("nan"))
    engine = make_engine(tmp_path, model)
    loss = engine.terms(batch_of(labelled_folder), 0.0)["loss"]
    assert loss.isnan() and loss.requires_grad


def test_a_trained_model_is_the_users_again(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    train(tmp_path / "first", model)
    assert not model._forward_hooks
    copied = copy.deepcopy(model)
    train(tmp_path / "second", model, ema_decay=0.5)
    train(tmp_path / "copy", copied, ema_decay=0.5)
    assert_equal_bits(weights(tmp_path / "second"), weights(tmp_path / "copy"))


@pytest.mark.parametrize("elsewhere", ["1", "4"])
def test_accumulation_is_what_the_arguments_say(tmp_path, train, make_tiny_model, monkeypatch, elsewhere):
    train(tmp_path / "undisturbed", make_tiny_model(), gradient_accumulation_steps=2)
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", elsewhere)
    train(tmp_path / "disturbed", make_tiny_model(), gradient_accumulation_steps=2)
    assert_equal_bits(weights(tmp_path / "undisturbed"), weights(tmp_path / "disturbed"))


def test_a_run_goes_on_from_a_device_without_a_fused_optimizer(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path, make_tiny_model(), **options)
    final = weights(tmp_path)
    path = tmp_path / "checkpoint-2" / "state" / "optimizer.bin"
    state = torch.load(path, weights_only=True)
    for group in state["param_groups"]:
        assert group["fused"]
        group["fused"] = False
    torch.save(state, path)
    write_manifest(tmp_path / "checkpoint-2")
    train(tmp_path, make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-2"), **options)
    assert_equal_bits(final, weights(tmp_path))


@pytest.mark.parametrize(("every", "passes"), [(1, [2, 2, 2, 2, 2]), (2, [2, 1, 2, 1, 2]), (3, [2, 1, 1, 2, 1])])
def test_every_nth_layer_is_computed_again_for_the_gradients(
    tmp_path, make_tiny_model, labelled_folder, every, passes
):
    layers = {"encoder": {"num_hidden_layers": 5}, "out_indices": [1, 2, 4, 5]}
    plain, saving = make_tiny_model(**layers), make_tiny_model(**layers)
    batch = batch_of(labelled_folder)
    make_engine(tmp_path, plain).terms(batch, 0.0)["loss"].backward()
    engine = make_engine(tmp_path, saving, gradient_checkpointing=True, gradient_checkpointing_every=every)
    found = [0] * 5

    def count(index: int) -> Callable[..., None]:
        def note(*_: Any) -> None:
            found[index] += 1

        return note

    for index, layer in enumerate(saving.backbone.encoder.layer):
        # A layer's own hooks stay outside of what is recomputed.
        layer.mlp.register_forward_hook(count(index))
    loss = engine.terms(batch, 0.0)["loss"]
    assert found == [1] * 5
    loss.backward()
    assert found == passes
    expected = {name: parameter.grad for name, parameter in plain.named_parameters()}
    for name, parameter in saving.named_parameters():
        assert (parameter.grad is None) == (expected[name] is None)
        if parameter.grad is not None:
            assert torch.equal(parameter.grad, expected[name]), name


def test_the_heads_maps_are_computed_again_image_by_image(tmp_path, make_tiny_model, labelled_folder):
    mixture = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    batch = collate([mixture[0, index % 4] for index in range(8)])
    found: dict[bool, tuple[dict[str, torch.Tensor], int]] = {}
    for by_image in (False, True):
        model = make_tiny_model(fusion_hidden_size=64)
        options = {"gradient_checkpointing": True, "gradient_checkpointing_by_image": by_image}
        engine = make_engine(tmp_path, model, **options)
        with LiveBytes() as live:
            engine.terms(batch, 0.0)["loss"].backward()
        assert model.head.checkpoints_by_image == by_image
        found[by_image] = (
            {name: each.grad for name, each in model.named_parameters() if each.requires_grad},
            live.peak,
        )
    largest = max(each.abs().max() for each in found[False][0].values())
    for name, gradient in found[True][0].items():
        torch.testing.assert_close(gradient, found[False][0][name], rtol=1e-3, atol=1e-5 * largest.item(), msg=name)
    assert found[True][1] < 0.8 * found[False][1]
    with pytest.raises(ValueError, match="gradient_checkpointing_by_image is set, but gradient_checkpointing is not"):
        TrainingArguments("unused", gradient_checkpointing_by_image=True)


def test_no_rounded_copy_of_a_weight_is_kept_where_activations_are_not(tmp_path, train, make_tiny_model):
    options = {"mixed_precision": "bf16", "max_steps": 2}
    for checkpointing in (False, True):
        arguments = TrainingArguments("unused", gradient_checkpointing=checkpointing, mixed_precision="bf16")
        with own_accelerate_state():
            handler = training_accelerator(arguments).autocast_handler
            assert (handler is None or handler.cache_enabled) is not checkpointing
        train(tmp_path / str(checkpointing), make_tiny_model(), gradient_checkpointing=checkpointing, **options)
    assert_equal_bits(weights(tmp_path / "False"), weights(tmp_path / "True"))


def test_what_is_compiled_depends_on_the_device(make_tiny_model):
    model = make_tiny_model()
    layers = list(model.backbone.encoder.layer)
    names = list(model.state_dict())
    assert compile_blocks(model, torch.device("cpu")) == layers
    assert compile_blocks(model, torch.device("cuda")) == [*layers, model.neck, model.head]
    assert list(model.state_dict()) == names
    other = nn.Sequential(nn.Linear(2, 2))
    assert compile_blocks(other, torch.device("cpu")) == [other]


@pytest.mark.parametrize("fused", [True, False])
def test_a_step_without_an_image_that_counts_changes_nothing(tmp_path, make_tiny_model, labelled_folder, fused):
    """Not even what momentum and weight decay would, at a learning rate that is not 0 yet."""
    engine = make_engine(tmp_path, make_tiny_model(), weight_decay=0.1, per_device_train_batch_size=2)
    engine.decides_on_device = fused
    batch = batch_of(labelled_folder)

    def take_step(labels: torch.Tensor) -> float:
        engine.accumulate({**batch, "labels": labels}, 0.0, step=1)
        counted = engine.normalize_gradients().item()
        engine.clip_gradients()
        engine.step(torch.zeros(()))
        return counted

    assert take_step(batch["labels"]) == 2
    before = copy.deepcopy((engine.model.state_dict(), engine.optimizer.state_dict()["state"]))
    assert take_step(torch.full_like(batch["labels"], torch.nan)) == 0
    assert_equal_bits(before, (engine.model.state_dict(), engine.optimizer.state_dict()["state"]))
    assert engine.learning_rates()["decoder"] < 5e-4 and engine.optimizer.state_dict()["state"]


def test_a_count_that_cannot_be_leaves_the_step_out_where_nobody_may_look(
    tmp_path, make_tiny_model, labelled_folder, monkeypatch
):
    """As on a GPU, where the host would have to wait for each number."""
    monkeypatch.setattr(
        engine_of_training, "checked_images", lambda *given, may_look: checked_images(*given, may_look=False)
    )
    batch = batch_of(labelled_folder)

    def objective(*inputs: Any) -> dict[str, Any]:
        return {**SupervisedRelative(ANCHORED)(*inputs), "images": -2.0}

    engine = make_engine(tmp_path, make_tiny_model(), objective, per_device_train_batch_size=2)
    engine.accumulate(batch, 0.0, step=1)
    counted = engine.normalize_gradients()
    reduced = ReducedStatus(
        engine.accelerator,
        stop=False,
        unreadable=False,
        broken_samples=0,
        loss_is_finite=torch.tensor(True),
        gradient_norm=engine.clip_gradients(),
        counted_images=counted,
        overflow_is_allowed=False,
    )
    status = reduced.read()
    assert reduced.leave_out.item() == 1 and not status.gradient_is_finite and status.counted_images == 0
