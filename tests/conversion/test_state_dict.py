# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tensors of the authors' checkpoints: every name and shape, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from original_checkpoints import HEADS, saved
from torch import Tensor

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.conversion.original import convert_original
from depth_anything_hf.conversion.state_dict import (
    check_tensors,
    config_of_original,
    original_shapes,
    original_to_stock,
    published_size,
    stock_to_original,
)
from depth_anything_hf.models.configuration_depth_anything import PUBLISHED_SIZES


def test_the_shapes_are_those_of_the_authors_file(tiny_state: dict[str, Tensor]) -> None:
    config = config_of_original(tiny_state, **HEADS)
    assert original_shapes(config) == {name: tuple(tensor.shape) for name, tensor in tiny_state.items()}


@pytest.mark.parametrize("size", PUBLISHED_SIZES)
def test_published_sizes_are_recognized_and_every_name_comes_back(size: Any) -> None:
    shapes = original_shapes(DepthAnythingConfig.from_size(size))
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    layers: Any
    for layers in ("v1", "v2"):
        config = config_of_original(state, feature_layers=layers)
        assert config.to_dict() == DepthAnythingConfig.from_size(size, feature_layers=layers).to_dict()
    assert published_size(config) == size
    stock = original_to_stock(state)
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(config)
    assert sum(map(torch.numel, stock.values())) == sum(map(torch.numel, model.parameters()))
    back = stock_to_original(stock)
    assert back.keys() == state.keys()
    check_tensors(back, shapes)


def test_tensors_that_do_not_fit_are_listed_in_one_error(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    state = dict(tiny_state)
    for name in [name for name in state if name.startswith("pretrained.blocks.3.")]:
        del state[name]
    state["pretrained.blocks.3.norm1.weight"] = torch.zeros(48)
    state["pretrained.register_tokens"] = torch.zeros(1, 4, 48)
    state["depth_head.projects.1.bias"] = torch.zeros(25)
    with pytest.raises(ValueError, match="the tensors do not fit the model") as caught:
        convert_original(saved(state, tmp_path / "in.pth"), tmp_path / "model", **HEADS)
    message = str(caught.value)
    assert "in.pth: the tensors do not fit the model. 13 missing: pretrained.blocks.3.norm1.bias, " in message
    assert "and 3 more. 1 unknown: pretrained.register_tokens. " in message
    assert "1 of another shape: depth_head.projects.1.bias (25,) instead of (24,)" in message
    assert not (tmp_path / "model").exists()


def test_unknown_names_are_refused_both_ways() -> None:
    for convert in (original_to_stock, stock_to_original):
        with pytest.raises(ValueError, match=r"12 unknown tensors, .*: a0, a1, .*a9 and 2 more"):
            convert({f"a{number}": torch.zeros(1) for number in range(12)})
    query = "backbone.encoder.layer.0.attention.attention.query.weight"
    with pytest.raises(ValueError, match=r"query.weight has no counterpart .*key.weight, .*value.weight"):
        stock_to_original({query: torch.zeros(2, 2)})
