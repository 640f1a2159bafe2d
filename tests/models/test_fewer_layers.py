# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every n-th layer of an encoder: the layers that stay compute what they did, and stock opens what comes out."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.models.fewer_layers import keep_every_nth_layer


IMAGES = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def deep_model(make_tiny_model, layers=8, **decoder):
    model = make_tiny_model(encoder={"num_hidden_layers": layers}, **decoder).eval()
    for parameter in model.parameters():  # so that each layer differs in all its parts
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


def test_it_predicts_as_the_whole_model_does_whose_other_layers_do_nothing(make_tiny_model):
    whole = deep_model(make_tiny_model)
    before = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    smaller, kept = keep_every_nth_layer(whole, 4)
    assert kept == [2, 4, 6, 8] and smaller.out_indices == [1, 2, 3, 4]
    assert all(torch.equal(before[name], tensor) for name, tensor in whole.state_dict().items())
    for number in (0, 2, 4, 6):
        layer = whole.backbone.encoder.layer[number]
        for scale in (layer.layer_scale1, layer.layer_scale2):
            scale.lambda1.data.zero_()
    with torch.no_grad():
        expected, found = (each.eval()(IMAGES).predicted_depth for each in (whole, smaller))
    torch.testing.assert_close(found, expected)
    assert expected.std() > 0


@pytest.mark.parametrize(
    ("layers", "of", "feature_layers", "moved"),
    [
        (6, 12, [3, 6, 9, 12], [2, 3, 5, 6]),
        (12, 24, [5, 12, 18, 24], [3, 6, 9, 12]),
        (8, 24, [5, 12, 18, 24], [2, 4, 6, 8]),
        (5, 10, [1, 3, 6, 9], [1, 2, 3, 5]),
        (4, 12, [3, 6, 9, 12], [1, 2, 3, 4]),
        (12, 12, [9, 10, 11, 12], [9, 10, 11, 12]),
    ],
)
def test_feature_layers_move_to_the_layer_that_stays(make_tiny_model, layers, of, feature_layers, moved):
    model = make_tiny_model(encoder={"num_hidden_layers": of}, out_indices=feature_layers)
    assert keep_every_nth_layer(model, layers)[0].out_indices == moved


@pytest.mark.parametrize(
    ("layers", "feature_layers", "message"),
    [
        (5, [3, 6, 9, 12], r"12 layers, of which 5 cannot be every n-th; expected 4, 6, 12"),
        (24, [3, 6, 9, 12], r"12 layers, of which 24 cannot be every n-th; expected 4, 6, 12"),
        (0, [3, 6, 9, 12], r"12 layers, of which 0 cannot"),
        (3, [3, 6, 9, 12], r"\[3, 6, 9, 12\] would become \[1, 2, 3, 3\].*four different ones; expected 4, 6, 12"),
        (6, [9, 10, 11, 12], r"\[9, 10, 11, 12\] would become \[5, 5, 6, 6\].*expected 12"),
    ],
)
def test_layers_that_cannot_stay_are_refused(make_tiny_model, layers, feature_layers, message):
    model = make_tiny_model(encoder={"num_hidden_layers": 12}, out_indices=feature_layers)
    with pytest.raises(ValueError, match=message):
        keep_every_nth_layer(model, layers)


@pytest.mark.parametrize("decoder", [{}, {"depth_estimation_type": "metric", "max_depth": 20}])
def test_stock_transformers_opens_it_with_the_same_output(make_tiny_model, tmp_path, decoder):
    smaller, _ = keep_every_nth_layer(deep_model(make_tiny_model, **decoder), 4)
    smaller.save_pretrained(tmp_path)
    stock = AutoModelForDepthEstimation.from_pretrained(tmp_path).eval()
    assert stock.config.backbone_config.num_hidden_layers == 4 and not type(stock).__module__.startswith("depth_any")
    assert stock.config.backbone_config.out_features == ["stage1", "stage2", "stage3", "stage4"]
    with torch.no_grad():
        torch.testing.assert_close(stock(IMAGES).predicted_depth, smaller.eval()(IMAGES).predicted_depth)


def test_precision_and_what_is_frozen_stay(make_tiny_model):
    smaller, _ = keep_every_nth_layer(deep_model(make_tiny_model).to(torch.bfloat16), 4)
    assert smaller.dtype == torch.bfloat16
    whole = make_tiny_model()
    names = {name for name, parameter in whole.named_parameters() if not parameter.requires_grad}
    assert names == {name for name, parameter in smaller.named_parameters() if not parameter.requires_grad}
