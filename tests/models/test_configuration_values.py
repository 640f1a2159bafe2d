# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fields of encoder and decoder as users write them: right, or refused by name before a model is made."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import Dinov2Config

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.configuration_values import DEPTH_VALUES, ENCODER_VALUES, configuration_values
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import build_model


ENCODER = {"hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 2, "mlp_ratio": 2}
DECODER = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8}


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("hidden_size", "48", 48),
        ("hidden_size", 48.0, 48),
        ("layer_norm_eps", "1e-6", 1e-6),
        ("layer_norm_eps", 1, 1.0),
        ("use_swiglu_ffn", "no", False),
        ("out_indices", ["1", 2.0, 3, 4], [1, 2, 3, 4]),
        ("image_size", (56, "84"), (56, 84)),
        ("hidden_act", "relu", "relu"),
    ],
)
def test_what_can_be_meant_of_an_encoder_is_converted(name: str, value: object, meant: object) -> None:
    found = configuration_values(Dinov2Config, {name: value}, ENCODER_VALUES)[name]
    assert found == meant and type(found) is type(meant)
    Dinov2Config(**{name: found})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hiden_size", 48, "hiden_size is no field of Dinov2Config; did you mean 'hidden_size'"),
        ("hidden_size", True, "hidden_size must be a whole number, got True"),
        ("hidden_size", 0, "hidden_size is 0, expected at least 1"),
        ("hidden_size", None, "hidden_size must be a whole number, got None"),
        ("layer_norm_eps", float("nan"), "layer_norm_eps must be a number, got nan"),
        ("qkv_bias", "maybe", "qkv_bias must be true or false, got 'maybe'"),
        ("hidden_act", "gleu", "hidden_act is 'gleu', expected .* did you mean 'gelu'"),
        ("out_indices", "1,2,3,4", "out_indices must be a list of whole numbers, got '1,2,3,4'"),
    ],
)
def test_what_cannot_is_refused_by_name(name: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^encoder_config.{said}"):
        configuration_values(Dinov2Config, {name: value}, ENCODER_VALUES, "encoder_config")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"fusion_hiden_size": 8}, "did you mean 'fusion_hidden_size'"),
        ({"neck_hidden_sizes": [8, 8]}, r"neck_hidden_sizes is \[8, 8\], expected 4 numbers"),
        ({"reassemble_factors": [4, 2, 1, -1]}, "expected more than 0"),
        ({"head_in_index": 4}, "head_in_index is 4, expected -4 to 3"),
        ({"interpolate_offset": "half"}, "interpolate_offset must be a number, got 'half'"),
        ({"backbone_config": {}}, "backbone_config is that of the encoder"),
    ],
)
def test_fields_of_a_depth_model_are_refused_wherever_one_is_made(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DepthAnythingConfig.from_size("small", **values)
    with pytest.raises(ValueError, match=said):
        DepthAnythingConfig.from_encoder_config(Dinov2Config(**ENCODER), **values)


def test_text_of_a_recipe_makes_the_model_that_numbers_make() -> None:
    text = {name: str(value) for name, value in ENCODER.items()}
    decoder = {"neck_hidden_sizes": ["8", "8", 16, 16.0], "fusion_hidden_size": "8", "head_hidden_size": "8"}
    configs = [
        build_model(ModelArguments(encoder_config=e, decoder_config=d, input_size=56), seed=0).model.config.to_dict()
        for e, d in ((ENCODER, DECODER), (text, decoder))
    ]
    assert configs[0] == configs[1]


@pytest.mark.parametrize(
    ("encoder", "decoder", "said"),
    [
        (
            {"num_attention_heads": 5},
            {},
            "hidden_size of the encoder is 48, expected a multiple of its num_attention_heads",
        ),
        ({"model_type": "vit"}, {}, "encoder_config.model_type is 'vit', expected dinov2"),
        ({}, {"head_hiden_size": 8}, "decoder_config.head_hiden_size is no field"),
        ('{"hidden_size": 48, "hidden_size": 96}', {}, "encoder_config: the key 'hidden_size' is given twice"),
    ],
)
def test_a_run_says_which_of_both_is_meant(encoder: Any, decoder: dict[str, Any], said: str) -> None:
    encoder = {**ENCODER, **encoder} if isinstance(encoder, dict) else encoder
    with pytest.raises(ValueError, match=said):
        build_model(ModelArguments(encoder_config=encoder, decoder_config=decoder, input_size=56), seed=0)


def test_what_files_of_depth_models_hold_is_known() -> None:
    values = {"lineage": {"a": 1}, "depth_unit": "mm", "dtype": "float32"}
    assert configuration_values(DepthAnythingConfig, values, DEPTH_VALUES) == values
