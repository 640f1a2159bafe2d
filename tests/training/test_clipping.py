# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Gradients clipped to one norm, or encoder and decoder each to its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from training_runs import assert_same_checkpoint, log_of, make_engine

from depth_anything_hf.training.clipping import clip_parts
from depth_anything_hf.training.sharding_rules import require_shardable
from depth_anything_hf.training.trainer import TrainingArguments


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def norm_of(parameters):
    return torch.linalg.vector_norm(torch.stack([each.grad.norm() for each in parameters]))


def test_each_part_is_clipped_by_itself(tmp_path, make_tiny_model):
    engine = make_engine(tmp_path, make_tiny_model(), max_grad_norm_over="parts", max_grad_norm=0.5)
    parts = {"encoder": [], "decoder": []}
    torch.manual_seed(0)
    for name, parameter in engine.raw_model.named_parameters():
        if parameter.requires_grad:
            part = "encoder" if name.startswith("backbone.") else "decoder"
            parameter.grad = torch.randn_like(parameter) * (1e-5 if part == "encoder" else 1.0)
            parts[part].append(parameter)
    before = {part: norm_of(parameters) for part, parameters in parts.items()}
    norm = engine.clip_gradients()
    torch.testing.assert_close(norm, torch.hypot(*before.values()))
    torch.testing.assert_close(engine.part_norms["grad_norm_encoder"], before["encoder"])
    torch.testing.assert_close(engine.part_norms["grad_norm_decoder"], before["decoder"])
    # The encoder's are small enough, and are not made smaller by the decoder's.
    torch.testing.assert_close(norm_of(parts["encoder"]), before["encoder"])
    torch.testing.assert_close(norm_of(parts["decoder"]), torch.tensor(0.5), rtol=1e-4, atol=0)


def test_a_gradient_that_is_not_finite_in_one_part_shows_in_the_whole_norm(tmp_path):
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    for parameter, value in zip(parameters, (1.0, float("nan")), strict=True):
        parameter.grad = torch.full((2,), value)
    accelerator = SimpleNamespace(unscale_gradients=lambda: None, device=torch.device("cpu"))
    groups = [{"name": "encoder", "params": [parameters[0]]}, {"name": "decoder_no_decay", "params": [parameters[1]]}]
    norm, parts = clip_parts(accelerator, groups, 1.0)
    assert norm.isnan() and parts["grad_norm_encoder"].isfinite()


def test_both_norms_are_logged_and_a_resume_goes_on_bit_for_bit(tmp_path, train, make_tiny_model):
    common = {"max_steps": 4, "save_steps": 2, "max_grad_norm_over": "parts", "logging_steps": 3}
    train(tmp_path / "whole", make_tiny_model(), **common)
    middle = str(tmp_path / "whole" / "checkpoint-2")
    train(tmp_path / "parts", make_tiny_model(), **common, resume_from_checkpoint=middle)
    assert_same_checkpoint(tmp_path / "whole" / "checkpoint-4", tmp_path / "parts" / "checkpoint-4")
    (entry, *_), again = ([each for each in log_of(tmp_path / n) if each["step"] > 2] for n in ("whole", "parts"))
    assert entry == again[0] and entry["grad_norm_encoder"] > 0 and entry["grad_norm_decoder"] > 0


def test_one_norm_over_the_model_logs_what_it_did(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=1)
    assert not any(name.startswith("grad_norm") for entry in log_of(tmp_path) for name in entry)


@pytest.mark.parametrize("option", [{"max_grad_norm_over": "parts"}, {"weight_decay_to_start": 0.1}])
def test_sharded_models_refuse_it_by_name(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"{name}.* is not supported for sharded models"):
        require_shardable(TrainingArguments("unused", **option), ())


def test_the_update_in_the_backward_pass_has_one_norm():
    with pytest.raises(ValueError, match="max_grad_norm_over parts cannot be combined with optimizer_in_backward"):
        TrainingArguments("unused", max_grad_norm_over="parts", optimizer_in_backward=True)


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match=r"max_grad_norm_over is 'layers', expected one of \('model', 'parts'\)"):
        TrainingArguments("unused", max_grad_norm_over="layers")
