# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The model that a run starts from: random weights, an encoder, or a depth model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Dinov2Model

from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import build_model


SCRATCH: dict[str, Any] = {
    "encoder_config": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
    "decoder_config": {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8},
    "input_size": 56,
}


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory, make_tiny_model) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    config = make_tiny_model().config.backbone_config
    torch.manual_seed(11)
    Dinov2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory, make_tiny_model) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_tiny_model(seed=12).save_pretrained(folder)
    return folder


def part(model: torch.nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if name.startswith(prefix)}


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_checkpoint_keeps_the_way_it_prepares_images(tmp_path, make_tiny_model):
    make_tiny_model(interpolate_offset=0.1).save_pretrained(tmp_path)
    DepthAnythingImageProcessor(interpolation="opencv", upsampling="bilinear").save_pretrained(tmp_path)
    start = build_model(ModelArguments(model_name_or_path=str(tmp_path), input_size=56), seed=0)
    assert (start.processor.interpolation, start.processor.upsampling) == ("opencv", "bilinear")
    assert start.processor.size["height"] == 56 and start.model.config.interpolate_offset == 0.1


def test_from_scratch():
    start = build_model(ModelArguments(**SCRATCH), seed=3)
    config = start.model.config
    assert not start.pretrained and start.lineage == {"encoder": "random weights"}
    assert config.backbone_config.hidden_size == 32 and config.fusion_hidden_size == 8
    assert config.backbone_config.image_size == 56 and config.backbone_config.mlp_ratio == 4
    assert config.depth_estimation_type == "relative"
    assert start.processor.size["height"] == 56
    again, other = (build_model(ModelArguments(**SCRATCH), seed=seed).model for seed in (3, 4))
    assert equal(start.model.state_dict(), again.state_dict())
    assert not torch.equal(start.model.head.conv1.weight, other.head.conv1.weight)


def test_from_scratch_with_registers():
    encoder = {**SCRATCH["encoder_config"], "num_register_tokens": 3}
    model = build_model(ModelArguments(**{**SCRATCH, "encoder_config": encoder}), seed=0).model
    assert model.config.backbone_config.model_type == "dinov2_with_registers"
    assert model.backbone.embeddings.register_tokens.shape == (1, 3, 32)


def test_from_a_pretrained_encoder(encoder_folder):
    arguments = ModelArguments(
        encoder_name_or_path=str(encoder_folder),
        decoder_config={"fusion_hidden_size": 8},  # type: ignore[arg-type]
        input_size=56,
        attn_implementation="eager",
    )
    start = build_model(arguments, seed=0)
    assert start.pretrained and start.lineage == {"encoder": str(encoder_folder)}
    assert equal(start.model.backbone.state_dict(), Dinov2Model.from_pretrained(encoder_folder).state_dict())
    assert start.model.backbone.config._attn_implementation == "eager"
    other = build_model(arguments, seed=1).model
    assert not torch.equal(start.model.head.conv1.weight, other.head.conv1.weight)


def test_from_a_depth_model(model_folder, make_tiny_model):
    start = build_model(ModelArguments(model_name_or_path=str(model_folder), input_size=56), seed=0)
    assert equal(start.model.state_dict(), make_tiny_model(seed=12).state_dict())
    assert start.pretrained and start.lineage["initial_weights_used"] == "all"


@pytest.mark.parametrize("fresh", [True, False])
def test_a_metric_model_from_a_relative_one(model_folder, make_tiny_model, fresh):
    arguments = ModelArguments(model_name_or_path=str(model_folder), input_size=56)
    start = build_model(arguments, seed=0, max_depth=20, fresh_decoder=fresh)
    relative = make_tiny_model(seed=12)
    assert (start.model.config.depth_estimation_type, start.model.config.max_depth) == ("metric", 20)
    assert start.model.head.metric and start.model.head.max_depth == 20
    assert equal(part(start.model, "backbone."), part(relative, "backbone."))
    for prefix in ("neck.", "head."):
        assert equal(part(start.model, prefix), part(relative, prefix)) is not fresh
    assert start.lineage["initial_weights_used"] == ("encoder" if fresh else "all")
    trained = {name for name, parameter in start.model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in relative.named_parameters() if parameter.requires_grad}
    with torch.no_grad():
        depth = start.model(pixel_values=torch.zeros(1, 3, 56, 56)).predicted_depth
    assert depth.min() > 0 and depth.max() < 20


def test_an_input_size_that_no_patch_divides_names_the_nearest():
    with pytest.raises(ValueError, match=r"input size 60 is not a .*multiple of 14; the nearest is 56"):
        build_model(ModelArguments(**{**SCRATCH, "input_size": 60}), seed=0)


def test_an_encoder_is_no_depth_model(encoder_folder):
    with pytest.raises(ValueError, match="is a 'dinov2' model, expected depth_anything; encoder_name"):
        build_model(ModelArguments(model_name_or_path=str(encoder_folder), input_size=56), seed=0)


def test_a_depth_model_is_no_encoder(model_folder):
    with pytest.raises(ValueError, match="is a 'depth_anything' model, expected dinov2 or"):
        build_model(ModelArguments(encoder_name_or_path=str(model_folder), input_size=56), seed=0)


def test_a_cap_below_a_metre_is_one_in_millimetres(model_folder, tmp_path, caplog):
    arguments = ModelArguments(model_name_or_path=str(model_folder), input_size=56)
    close = build_model(arguments, seed=0, max_depth=0.35).model
    assert (close.config.max_depth, close.config.depth_unit, close.head.max_depth) == (350, "mm", 350)
    assert "max_depth 0.35 m: the model's output is in millimetres, up to 350" in caplog.text
    close.save_pretrained(tmp_path)
    caplog.clear()
    # Another cap has another unit, and what was in millimetres is not taken for metres.
    onward = ModelArguments(model_name_or_path=str(tmp_path), input_size=56)
    far = build_model(onward, seed=0, max_depth=20.0).model
    assert (far.config.max_depth, far.config.depth_unit, far.head.max_depth) == (20, "m", 20)
    assert "was trained for depths up to 0.35 m; kept under a cap of 20 m" in caplog.text
    caplog.clear()
    same = ModelArguments(model_name_or_path=str(tmp_path), input_size=56, decoder_config={"depth_unit": "cm"})  # type: ignore[arg-type]
    again = build_model(same, seed=0, max_depth=0.35).model
    assert (again.config.max_depth, again.config.depth_unit) == (35, "cm")
    assert "was trained for" not in caplog.text
    build_model(onward, seed=0, max_depth=20.0, fresh_decoder=True)
    assert "was trained for" not in caplog.text
    with pytest.raises(ValueError, match=r"max_depth is 0.3505, .*whole number of millimetres"):
        build_model(arguments, seed=0, max_depth=0.3505)


@pytest.mark.parametrize("fields", [{"max_depth": 20}, {"max_depth": 350, "depth_unit": "mm"}])
def test_a_relative_model_starts_from_a_metric_one_only_where_that_is_meant(tmp_path, make_tiny_model, fields):
    metric = make_tiny_model(seed=12, depth_estimation_type="metric", **fields)
    metric.save_pretrained(tmp_path)
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path)
    arguments = ModelArguments(model_name_or_path=str(tmp_path), input_size=56)
    with pytest.raises(ValueError, match=r"is a metric model, which predicts depth.*depth_estimation_type"):
        build_model(arguments, seed=0)
    arguments.decoder_config = {"depth_estimation_type": "relative"}  # type: ignore[assignment]
    model = build_model(arguments, seed=0).model
    config = model.config
    assert (config.depth_estimation_type, config.max_depth, config.depth_unit) == ("relative", 1, "m")
    assert not model.head.metric and model.head.max_depth == 1
    assert equal(model.state_dict(), metric.state_dict())


@pytest.mark.parametrize("field", ["encoder_name_or_path", "model_name_or_path"])
def test_a_model_that_cannot_be_reached_is_named(field: str) -> None:
    with pytest.raises(OSError, match=r"^someone/no-such-encoder: no such folder, and no such model"):
        build_model(ModelArguments(**{field: "someone/no-such-encoder"}), seed=0)
