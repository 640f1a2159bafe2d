# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every trainable parameter gets a gradient, and exactly those that no input reaches are frozen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from model_gradients import (
    KINDS,
    NEVER_USED,
    assert_gradients_agree,
    frozen,
    gradients_of,
    has_free_shift,
    labels_for,
    pixels,
    tiny_model,
    trainable,
)

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


@pytest.mark.parametrize("kind", KINDS)
def test_every_trainable_parameter_gets_a_gradient_and_moves(kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    before = {name: parameter.detach().clone() for name, parameter in trainable(model).items()}
    # Without weight decay, which would move a parameter that has no gradient.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    images = pixels()
    gradients = gradients_of(model, images, labels_for(kind, images))
    optimizer.step()
    checked = {name for name in gradients if not has_free_shift(name, model)}
    assert len(gradients) - len(checked) == 4 + (model.prediction_kind == "disparity")
    assert [name for name in checked if not gradients[name].abs().max() > 0] == []
    assert [name for name in checked if torch.equal(trainable(model)[name], before[name])] == []
    for name in gradients.keys() - checked:
        # The weight beside the bias shows how large a gradient that is not rounding would be.
        weight = gradients[name.removesuffix("bias") + "weight"]
        assert gradients[name].abs().max() < 1e-3 * weight.abs().max(), name


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_unused_parameters_are_frozen(kind: str, tmp_path: Path) -> None:
    model = tiny_model(**KINDS[kind])
    assert frozen(model) == NEVER_USED
    model.save_pretrained(tmp_path)
    assert frozen(DepthAnythingForDepthEstimation.from_pretrained(tmp_path)) == NEVER_USED
    loaded, _ = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert frozen(loaded) == NEVER_USED


def test_layers_after_the_last_of_out_indices_are_frozen_too(tmp_path: Path) -> None:
    model = tiny_model(encoder={"num_hidden_layers": 6}, out_indices=[1, 2, 3, 4])
    images = pixels()
    model.save_pretrained(tmp_path)
    for candidate in (model, DepthAnythingForDepthEstimation.from_pretrained(tmp_path)):
        after = {name for name, _ in candidate.named_parameters() if name.startswith("backbone.encoder.layer.")}
        after = {name for name in after if int(name.split(".")[3]) >= 4}
        assert len(after) == 2 * 18
        assert frozen(candidate) == NEVER_USED | after
        gradients_of(candidate, images, labels_for("relative", images))


def test_a_norm_that_no_feature_uses_is_frozen_too() -> None:
    config = tiny_model().config.to_dict()
    config["backbone_config"]["apply_layernorm"] = False
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_dict(config))
    assert frozen(model) == NEVER_USED | {"backbone.layernorm.weight", "backbone.layernorm.bias"}
    images = pixels()
    gradients_of(model, images, labels_for("relative", images))


def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    model = tiny_model().train()
    images = pixels()
    labels = labels_for("relative", images)
    plain = gradients_of(model, images, labels)
    # The newer name, where it exists.
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    parts = [f"backbone.encoder.layer.{index}.attention" for index in range(4)]
    parts += [f"neck.fusion_stage.layers.{index}.residual_layer2" for index in range(4)] + ["head.conv2"]
    calls: Counter[str] = Counter()
    for name in parts:
        model.get_submodule(name).register_forward_pre_hook(lambda *_, name=name: calls.update([name]))
    checkpointed = gradients_of(model, images, labels)
    assert calls == dict.fromkeys(parts, 2), "each part is computed again in the backward pass"
    assert_gradients_agree(model, checkpointed, plain)
