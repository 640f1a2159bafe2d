# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint there and back."""

from __future__ import annotations

from pathlib import Path

import torch
from command_line import run
from safetensors.torch import load_file
from transformers import Dinov2Config

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


def test_convert_there_and_back(tmp_path: Path) -> None:
    encoder = Dinov2Config(hidden_size=64, num_hidden_layers=4, num_attention_heads=1, image_size=70)
    torch.manual_seed(0)
    DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder)).save_pretrained(tmp_path / "a")
    refused = run("convert", tmp_path / "a", tmp_path / "a.pth", "--to-original", "--taps", "v1")
    assert refused.exit_code == 2 and "cannot be combined with other options" in refused.output
    there = run("convert", tmp_path / "a", tmp_path / "a.pth", "--to-original")
    assert there.exit_code == 0 and "strict=True" in there.output, there.output
    back = run("convert", tmp_path / "a.pth", tmp_path / "b", "--num-attention-heads", "1")
    assert back.exit_code == 0 and "README.md" in back.output, back.output
    assert "Loading weights" not in back.output
    # Weights are for everybody who may read the configuration.
    modes = {(tmp_path / "b" / name).stat().st_mode for name in ("config.json", "model.safetensors")}
    assert len(modes) == 1
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("a", "b"))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    wrong = run("convert", tmp_path / "a.pth", tmp_path / "c", "--size", "small")
    assert wrong.exit_code == 1 and "error: " in wrong.output
    assert "--max_depth" in run("convert", tmp_path / "a.pth", tmp_path / "c", "--metric").output
