# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Activation checkpointing: which layers' activations are computed again in the backward pass."""

from __future__ import annotations

from transformers import PreTrainedModel

from ..models.compilation import repeated_layers


def recompute_activations(model: PreTrainedModel, every: int, *, by_image: bool = False) -> None:
    """Activation checkpointing of the decoder, the first encoder layer and each `every`-th after it."""
    # Renamed in transformers 5.23, which can count layers by itself; earlier releases cannot.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    for index, layer in enumerate(repeated_layers(model)):
        layer.gradient_checkpointing = index % every == 0  # type: ignore[assignment]
    model.get_submodule("head").checkpoints_by_image = by_image  # type: ignore[assignment]


__all__ = ["recompute_activations"]
