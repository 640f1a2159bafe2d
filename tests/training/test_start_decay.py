# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decay towards the weights of the start: its step, what it leaves alone, and where a resume has them from."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from training_runs import Poisoned, assert_equal_bits, assert_same_checkpoint, weights

from depth_anything_hf.training.start_decay import START_FILE, StartDecay
from depth_anything_hf.training.trainer import TrainingArguments


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
CONSTANT = {"lr_scheduler_type": "constant", "encoder_learning_rate": 1e-3, "decoder_learning_rate": 1e-2}


def test_a_step_goes_a_share_of_the_way_back_at_the_rate_of_its_group():
    model = torch.nn.Linear(2, 1, bias=False)
    groups = [{"lr": 0.1, "params": [model.weight]}]
    decay = StartDecay(model, groups, TrainingArguments("unused", weight_decay_to_start=0.5))
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1.0
    decay.pull(groups, torch.ones(()))
    torch.testing.assert_close(model.weight - start, torch.full((1, 2), 1.0))
    decay.pull(groups, torch.zeros(()))
    torch.testing.assert_close(model.weight - start, torch.full((1, 2), 1 - 0.1 * 0.5))


def test_a_run_stays_nearer_to_its_start_and_one_that_starts_there_begins_alike(tmp_path, train, make_tiny_model):
    start, distance = make_tiny_model().state_dict(), {}
    for strength in (0.0, 100.0):
        model = make_tiny_model()
        train(
            tmp_path / str(strength), model, pretrained=True, weight_decay_to_start=strength, max_steps=6, **CONSTANT
        )
        distance[strength] = sum((value - start[name]).square().sum() for name, value in model.state_dict().items())
    assert distance[100.0] < 0.5 * distance[0.0]


def test_a_fresh_decoder_is_pulled_nowhere(tmp_path, train, make_tiny_model):
    options = {"pretrained": True, "max_steps": 2, **CONSTANT}
    train(tmp_path / "plain", make_tiny_model(), **options)
    train(tmp_path / "whole", make_tiny_model(), weight_decay_to_start=50.0, **options)
    train(
        tmp_path / "fresh", make_tiny_model(), weight_decay_to_start=50.0, fresh_decoder=True, save_steps=1, **options
    )
    names = list(weights(tmp_path / "plain"))
    first = weights(tmp_path / "fresh" / "checkpoint-1")
    train(tmp_path / "one", make_tiny_model(), **{**options, "max_steps": 1})
    one = weights(tmp_path / "one")
    decoder = [name for name in names if name.startswith(("neck", "head"))]
    assert all(torch.equal(first[name], one[name]) for name in decoder)
    assert any(not torch.equal(first[name], one[name]) for name in names if name not in decoder)
    assert any(not torch.equal(weights(tmp_path / "whole")[n], weights(tmp_path / "fresh")[n]) for n in decoder)


def test_a_resume_has_the_start_from_its_checkpoint_whatever_model_it_is_given(tmp_path, train, make_tiny_model):
    common = {"pretrained": True, "max_steps": 4, "save_steps": 2, "weight_decay_to_start": 20.0, **CONSTANT}
    train(tmp_path / "whole", make_tiny_model(), **common)
    train(tmp_path / "parts", make_tiny_model(), **{**common, "max_steps": 2})
    other = make_tiny_model()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    train(tmp_path / "parts", other, **common, resume_from_checkpoint="latest")
    assert_same_checkpoint(tmp_path / "whole" / "checkpoint-4", tmp_path / "parts" / "checkpoint-4")
    assert_equal_bits(
        *(load_file(tmp_path / name / "checkpoint-4" / "state" / START_FILE) for name in ("whole", "parts"))
    )


def test_a_checkpoint_without_the_start_is_refused_by_name(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), pretrained=True, max_steps=1, save_steps=1)
    with pytest.raises(ValueError, match=r"has no weights of its run's start.*leave weight_decay_to_start out"):
        train(
            tmp_path,
            make_tiny_model(),
            pretrained=True,
            save_steps=1,
            weight_decay_to_start=0.1,
            resume_from_checkpoint="latest",
            allow_changed=["weight_decay_to_start"],
        )


def test_a_step_that_is_left_out_pulls_nothing(tmp_path, train, make_tiny_model):
    def spoil(loss):
        return loss * float("nan")

    options = {"pretrained": True, "weight_decay_to_start": 50.0, "save_steps": 1, "max_steps": 2, **CONSTANT}
    train(tmp_path, make_tiny_model(), Poisoned(spoil, {1}, 2), **options)
    assert_equal_bits(weights(tmp_path / "checkpoint-1"), weights(tmp_path / "checkpoint-2"))


def test_random_weights_are_nothing_to_be_kept_near_to(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match=r"weight_decay_to_start is 0\.1, but all that is trained starts from random"):
        train(tmp_path, make_tiny_model(), weight_decay_to_start=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay_to_start": -1.0}, "weight_decay_to_start is -1.0, expected at least 0"),
        ({"weight_decay_to_start": 0.1, "pure_bf16": True}, "pure_bf16 cannot be combined with weight_decay_to_start"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, train, make_tiny_model, options, message):
    with pytest.raises(ValueError, match=message):
        train(tmp_path, make_tiny_model(), pretrained=True, **options)
