# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Attention weights: those of stock, of all layers, without a change of the prediction."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_gradients import tiny_model
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


def test_eager_attention_gives_stocks_weights(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    images = torch.rand(1, 3, 56, 70, generator=torch.Generator().manual_seed(0))
    options = {"attn_implementation": "eager"}
    stock = AutoModelForDepthEstimation.from_pretrained(tmp_path, **options).eval()
    ours = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, **options).eval()
    with torch.no_grad():
        expected = stock(images, output_attentions=True)
        plain, found = ours(images), ours(images, output_attentions=True, output_hidden_states=True)
        as_tuple = ours(images, output_attentions=True, return_dict=False)
    assert plain.attentions is None and len(found.attentions) == ours.config.backbone_config.num_hidden_layers
    tokens = 1 + 4 * 5
    for weights in found.attentions:
        assert weights.shape[2:] == (tokens, tokens)
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    if expected.attentions is not None:
        for weights, stocks in zip(found.attentions, expected.attentions, strict=True):
            torch.testing.assert_close(weights, stocks, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.predicted_depth, plain.predicted_depth, rtol=1e-4, atol=1e-5)
    assert found.patch_tokens is None and found.hidden_states is not None
    assert len(as_tuple) == 2 and as_tuple[1][0].shape == found.attentions[0].shape


def test_other_kernels_are_refused_by_name() -> None:
    model = tiny_model().eval()
    with pytest.raises(ValueError, match=r"needs attn_implementation='eager', and this model has 'cpu_heads'"):
        model(torch.rand(1, 3, 56, 56), output_attentions=True)
