# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Drop path: which layers, how often, only in training, and nothing of it in what is saved."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from training_runs import assert_equal_bits, assert_same_checkpoint, weights

from depth_anything_hf.models.compilation import repeated_layers
from depth_anything_hf.training.drop_path import DropPath, set_drop_path
from depth_anything_hf.training.trainer import TrainingArguments


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def rates_of(model):
    layers = [layer for layer in repeated_layers(model) if hasattr(layer, "drop_path")]
    return [
        round(1 - layer.drop_path.keep.item(), 6) if isinstance(layer.drop_path, DropPath) else 0.0 for layer in layers
    ]


def test_the_rate_rises_linearly_from_the_first_layer_to_the_last(make_tiny_model):
    model = make_tiny_model()
    set_drop_path(model, 0.3)
    assert rates_of(model) == [0.0, 0.1, 0.2, 0.3]
    set_drop_path(model, 0.0)
    assert rates_of(model) == [0.0] * 4


def test_the_configuration_of_the_encoder_decides_where_nothing_is_said(make_tiny_model):
    model = make_tiny_model()
    before = [layer.drop_path for layer in repeated_layers(model) if hasattr(layer, "drop_path")]
    set_drop_path(model, None)
    assert [layer.drop_path for layer in repeated_layers(model) if hasattr(layer, "drop_path")] == before


def test_an_image_keeps_its_branch_or_loses_it_whole_and_the_mean_stays():
    torch.manual_seed(0)
    kept = DropPath(0.25)(torch.ones(4000, 2, 3))
    of_image = kept[:, 0, 0]
    assert torch.equal(kept, of_image[:, None, None].expand_as(kept))
    assert sorted(set(of_image.tolist())) == [0.0, pytest.approx(1 / 0.75)]
    assert of_image.mean().item() == pytest.approx(1.0, abs=0.03)
    evaluated, branch = DropPath(0.25).eval(), torch.randn(2, 3, 4)
    assert evaluated(branch) is branch
    assert DropPath(0.25)(branch.bfloat16()).dtype == torch.bfloat16


def test_a_run_with_drop_path_differs_resumes_bit_for_bit_and_leaves_nothing_behind(tmp_path, train, make_tiny_model):
    common = {"max_steps": 4, "save_steps": 2, "drop_path_rate": 0.5, "lr_scheduler_type": "constant"}
    model = make_tiny_model()
    train(tmp_path / "whole", model, **common)
    assert all(
        isinstance(each.drop_path, nn.Identity) for each in repeated_layers(model) if hasattr(each, "drop_path")
    )
    assert (
        json.loads((tmp_path / "whole" / "config.json").read_text())["backbone_config"].get("drop_path_rate", 0) == 0
    )
    train(tmp_path / "plain", make_tiny_model(), **{**common, "drop_path_rate": None})
    assert any(not torch.equal(weights(tmp_path / "whole")[n], w) for n, w in weights(tmp_path / "plain").items())
    train(tmp_path / "parts", make_tiny_model(), **{**common, "max_steps": 2})
    train(tmp_path / "parts", make_tiny_model(), **common, resume_from_checkpoint="latest")
    assert_same_checkpoint(tmp_path / "whole" / "checkpoint-4", tmp_path / "parts" / "checkpoint-4")


def test_recomputed_layers_are_left_out_for_the_same_images(tmp_path, train, make_tiny_model):
    for name, again in (("kept", False), ("again", True)):
        train(tmp_path / name, make_tiny_model(), drop_path_rate=0.5, gradient_checkpointing=again)
    assert_equal_bits(weights(tmp_path / "kept"), weights(tmp_path / "again"))


def test_compiled_layers_share_their_code_whatever_their_rate(make_tiny_model, batch):
    built = []

    def count(graph, inputs):
        built.append(graph)
        return graph.forward

    torch._dynamo.reset()
    model = make_tiny_model()
    set_drop_path(model, 0.3)
    model.train()
    layers = [layer for layer in repeated_layers(model) if hasattr(layer, "drop_path")]
    for layer in layers:
        layer.compile(backend=count)
    model(pixel_values=batch["pixel_values"])
    torch._dynamo.reset()
    # The first layer is never left out, and the other three are alike.
    assert len(layers) == 4 and len(built) == 2


def test_a_frozen_encoder_has_nothing_that_drop_path_could_regularize(tmp_path, train, make_tiny_model, capsys):
    train(tmp_path, make_tiny_model(), drop_path_rate=0.1, encoder_strategy="frozen", max_steps=1)
    assert "warning: drop_path_rate is 0.1, but encoder_strategy frozen" in capsys.readouterr().out


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_a_rate_that_is_no_probability_is_refused(rate):
    with pytest.raises(ValueError, match=f"drop_path_rate is {rate}, expected at least 0 and less than 1"):
        TrainingArguments("unused", drop_path_rate=rate)
