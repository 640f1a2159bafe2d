# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in the authors' format: a genuine tiny one and random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depth_anything_hf import DepthAnythingConfig
from depth_anything_hf.conversion.state_dict import (
    original_shapes,
)


DATA = Path(__file__).parents[1] / "fixtures"


CHECKPOINT = DATA / "original_relative.pth"


HEADS: dict[str, Any] = {"num_attention_heads": 3}


TINY: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "mlp_ratio": 2,
    "image_size": 56,
    "patch_size": 14,
}


def random_state(config: DepthAnythingConfig, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Random weights under the authors' names, in the documented shapes."""
    generator = torch.Generator().manual_seed(0)
    shapes = original_shapes(config)
    return {name: torch.rand(shape, generator=generator, dtype=dtype) - 0.5 for name, shape in shapes.items()}


def load(checkpoint: Path) -> dict[str, Tensor]:
    return torch.load(checkpoint, weights_only=True)


def saved(state: Any, path: Path) -> Path:
    torch.save(state, path)
    return path


def assert_same_tensors(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype and torch.equal(tensor, second[name]), name
