# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of a configuration as users write them: brought to the types of its fields, unknown ones refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from inspect import signature
from typing import Any

from transformers import PreTrainedConfig

from ..utils.typed_fields import convert_argument, nearest_of


# What configurations of encoders take beside their fields, also as their files have it.
ENCODER_VALUES: dict[str, Any] = {
    "out_indices": list[int] | None,
    "out_features": list[str] | None,
    **dict.fromkeys(("stage_names", "model_type", "torch_dtype"), Any),
}
# And those of depth models.
DEPTH_VALUES: dict[str, Any] = {
    "interpolate_offset": float,
    "depth_unit": str,
    **dict.fromkeys(("depth_estimation", "lineage", "attn_implementation", "output_attentions", "torch_dtype"), Any),
}
SIZES = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "mlp_ratio", "image_size", "patch_size"),
    *("num_channels", "reassemble_hidden_size", "neck_hidden_sizes", "fusion_hidden_size", "head_hidden_size"),
)
FOR_EACH_LAYER = ("neck_hidden_sizes", "reassemble_factors")
LAYERS_OF_DECODER = 4


def configuration_values(
    config_class: type[PreTrainedConfig],
    values: Mapping[str, Any],
    further: Mapping[str, Any],
    name: str | None = None,
) -> dict[str, Any]:
    """Return values with which a configuration may be made.

    transformers keeps any name that it does not know, so that a misspelt one would be without effect.

    Args:
        config_class: of the configuration.
        values: name -> value.
        further: names that it takes beside its fields, with their type hints; `Any` for any value.
        name: of the values as a whole, which begins the messages.

    Raises:
        ValueError: a name that is not known, where the message says the nearest one, or a value of another kind.
    """
    hints: dict[str, Any] = {**{each.name: each.type for each in fields(config_class)}, **further}
    place = f"{name}." if name else ""
    for key in values:
        if key not in hints:
            shared = {each.name for each in fields(PreTrainedConfig)}
            own = [each for each in hints if each not in shared and not each.startswith("_")]
            raise ValueError(f"{place}{key} is no field of {config_class.__name__}; {nearest_of(key, own)}")
    defaults = {each: parameter.default for each, parameter in signature(config_class).parameters.items()}
    converted = {}
    for key, value in values.items():
        # Some hints are names of what is not imported here; those are of what no user sets.
        is_own = value is None and defaults.get(key, 0) is None
        is_known = not isinstance(hints[key], str)
        if is_known and not is_own:
            value = convert_argument(f"{place}{key}", value, hints[key])
        if hints[key] is float and isinstance(value, int):
            # Configurations take no whole number for a number.
            value = float(value)
        if fault := _fault_of(key, value):
            raise ValueError(f"{place}{key} is {value!r}, expected {fault}")
        converted[key] = value
    return converted


def _fault_of(key: str, value: Any) -> str:
    """Return what is expected of a value that no model can be made with; "" where all is well."""
    if key in FOR_EACH_LAYER and len(value) != LAYERS_OF_DECODER:
        return f"{LAYERS_OF_DECODER} numbers, one for each layer of the encoder that the decoder reads"
    smallest = min(value, default=0) if isinstance(value, list | tuple) else value
    if key in SIZES and smallest is not None and smallest < 1:
        return "at least 1"
    if key == "reassemble_factors" and smallest <= 0:
        return "more than 0"
    if key == "head_in_index" and not -LAYERS_OF_DECODER <= value < LAYERS_OF_DECODER:
        return f"{-LAYERS_OF_DECODER} to {LAYERS_OF_DECODER - 1}"
    if key == "hidden_act":
        # It imports PyTorch, which a configuration does not need.
        from transformers.activations import ACT2FN

        if value not in ACT2FN:
            return f"the name of an activation of transformers; {nearest_of(value, ACT2FN)}"
    return ""


__all__ = ["DEPTH_VALUES", "ENCODER_VALUES", "configuration_values"]
