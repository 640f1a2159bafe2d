# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Position embeddings of exported graphs against those of the ordinary forward pass."""

from __future__ import annotations

import pytest
import torch
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.models.position_embeddings import exported_position_embeddings, is_exporting


@pytest.mark.parametrize("encoder", [Dinov2Config, Dinov2WithRegistersConfig])
@pytest.mark.parametrize("offset", [0.0, 0.1])
@pytest.mark.parametrize(("side", "bound"), [(4, 2e-6), (37, 6e-6)])
def test_they_are_those_of_the_forward_pass(side: int, bound: float, encoder: type, offset: float) -> None:
    torch.manual_seed(0)
    config = encoder(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=14 * side, patch_size=14)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(config, interpolate_offset=offset))
    embeddings = model.backbone.embeddings
    torch.nn.init.normal_(embeddings.position_embeddings)
    with torch.no_grad():
        for grid in ((4, 4), (8, 8), (3, 5), (2, 8), (1, 1), (19, 11), (37, 37), (28, 49), (74, 74)):
            tokens = torch.zeros(1, 1 + grid[0] * grid[1], 32)
            expected = model._positions(tokens, 14 * grid[0], 14 * grid[1])
            computed = exported_position_embeddings(embeddings, grid, offset)
            spread = expected.max() - expected.min()
            assert (computed - expected).abs().max() <= bound * spread
            if grid == (side, side):
                assert torch.equal(computed, expected)


def test_only_an_exporter_gets_them() -> None:
    seen: list[bool] = []

    class Asks(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            seen.append(is_exporting())
            return values + 1

    asks = Asks()
    asks(torch.zeros(2))
    torch.export.export(asks, (torch.zeros(2),), strict=False)
    assert seen == [False, True]
