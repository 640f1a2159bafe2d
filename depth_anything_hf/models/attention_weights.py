# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The attention weights of an encoder's layers, for `output_attentions=True`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .outputs import DepthAnythingOutput


def with_attentions(
    model: Any,
    pixel_values: Tensor,
    *,
    output_patch_tokens: bool,
    return_dict: bool | None,
    **options: Any,
) -> DepthAnythingOutput | tuple[Tensor, ...]:
    """Run a model's forward pass through all of its encoder's layers, and return their attention weights too.

    Args:
        model: a `DepthAnythingForDepthEstimation`.
        pixel_values: (B, 3, H, W), as for the model.
        output_patch_tokens: as for the model.
        return_dict: as for the model.
        **options: of the model's `forward`.

    Raises:
        ValueError: as `record_attentions`.
    """
    with record_attentions(model.backbone) as weights:
        # The patch tokens need all layers.
        found: Any = model.forward(
            pixel_values, output_attentions=False, output_patch_tokens=True, return_dict=True, **options
        )
    output = DepthAnythingOutput(
        loss=found.loss,
        predicted_depth=found.predicted_depth,
        hidden_states=found.hidden_states,
        attentions=tuple(weights),
        patch_tokens=found.patch_tokens if output_patch_tokens else None,
    )
    as_dict = model.config.return_dict if return_dict is None else return_dict
    return output if as_dict else output.to_tuple()


@contextmanager
def record_attentions(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Record the attention weights (B, heads, prefix + N, prefix + N) of each layer that computes in the block.

    Args:
        encoder: transformers' `Dinov2Model` or `Dinov2WithRegistersModel`.

    Raises:
        ValueError: its attention is computed by a kernel that keeps no weights.
    """
    model: Any = encoder
    implementation = model.config._attn_implementation
    if implementation != "eager":
        raise ValueError(
            f"output_attentions needs attn_implementation='eager', and this model has {implementation!r}, which keeps "
            "no attention weights; open it with from_pretrained(..., attn_implementation='eager') or call "
            "set_attn_implementation('eager')"
        )
    weights: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: tuple[Tensor, Tensor]) -> None:
        weights.append(output[1])

    # Some releases of transformers have the attention proper within a module with the output projection.
    modules = [getattr(layer.attention, "attention", layer.attention) for layer in model.encoder.layer]
    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        yield weights
    finally:
        for handle in handles:
            handle.remove()
