# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A fresh decoder on a pretrained encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from model_gradients import METRIC, NEVER_USED, encoder_config, frozen, pixels
from transformers import Dinov2Model, Dinov2WithRegistersModel, ViTConfig, ViTModel

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


@pytest.mark.parametrize("registers", [0, 3])
def test_from_encoder_takes_the_encoders_weights(registers: int, tmp_path: Path) -> None:
    torch.manual_seed(1)
    encoder_class = Dinov2WithRegistersModel if registers else Dinov2Model
    encoder = encoder_class(encoder_config(registers, num_hidden_layers=6)).eval()
    encoder.save_pretrained(tmp_path)
    model = DepthAnythingForDepthEstimation.from_encoder(
        str(tmp_path), out_indices=[1, 3, 5, 6], fusion_hidden_size=16, **METRIC
    )
    assert model.out_indices == [1, 3, 5, 6]
    assert (model.config.depth_estimation_type, model.config.max_depth) == ("metric", 20)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], tensor), name
    assert frozen(model) == NEVER_USED
    with torch.inference_mode():
        output = model.eval()(pixels(), output_patch_tokens=True)
        expected = encoder(pixels()).last_hidden_state[:, 1 + registers :]
    assert output.predicted_depth.std() > 1e-2
    torch.testing.assert_close(output.patch_tokens, expected, rtol=0, atol=1e-5)


def test_from_encoder_draws_a_fresh_decoder_each_time(tmp_path: Path) -> None:
    Dinov2Model(encoder_config()).save_pretrained(tmp_path)
    models = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        models.append(DepthAnythingForDepthEstimation.from_encoder(str(tmp_path)))
    first, same, other = (dict(model.named_parameters()) for model in models)
    weights = [name for name in first if not name.startswith("backbone.") and name.endswith("weight")]
    assert all(torch.equal(first[name], same[name]) for name in weights)
    assert not any(torch.equal(first[name], other[name]) for name in weights)


def test_from_encoder_passes_its_options_on(tmp_path: Path) -> None:
    Dinov2Model(encoder_config()).save_pretrained(tmp_path)
    options = {"dtype": torch.bfloat16, "attn_implementation": "eager"}
    model = DepthAnythingForDepthEstimation.from_encoder(str(tmp_path), encoder_options=options)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.backbone.config._attn_implementation == "eager"


@pytest.mark.parametrize("name", ["dtype", "torch_dtype", "revision", "attn_implementation"])
def test_from_encoder_refuses_options_of_loading_that_would_have_no_effect(tmp_path: Path, name: str) -> None:
    Dinov2Model(encoder_config()).save_pretrained(tmp_path)
    options: dict[str, Any] = {name: "bfloat16"}
    with pytest.raises(ValueError, match=f"^{name}: load the encoder so, by encoder_options"):
        DepthAnythingForDepthEstimation.from_encoder(str(tmp_path), **options)


def test_from_encoder_refuses_other_models(tmp_path: Path) -> None:
    config = ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32)
    ViTModel(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"is a 'vit' model, expected a DINOv2 encoder"):
        DepthAnythingForDepthEstimation.from_encoder(str(tmp_path))


def test_an_absent_encoder_is_named_in_the_error() -> None:
    with pytest.raises(OSError, match="nobody/no-encoder"):
        DepthAnythingForDepthEstimation.from_encoder("nobody/no-encoder", encoder_options={"local_files_only": True})


def test_a_saved_model_does_not_name_the_folder_of_its_encoder(tmp_path: Path) -> None:
    Dinov2Model(encoder_config(0, num_hidden_layers=6)).save_pretrained(tmp_path / "encoder")
    model = DepthAnythingForDepthEstimation.from_encoder(str(tmp_path / "encoder"), fusion_hidden_size=16)
    model.save_pretrained(tmp_path / "model")
    text = (tmp_path / "model" / "config.json").read_text()
    assert str(tmp_path) not in text and '"encoder"' in text
