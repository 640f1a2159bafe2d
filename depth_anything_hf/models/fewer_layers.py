# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A model with fewer encoder layers, made of every n-th layer of another one: the start of a smaller student."""

from __future__ import annotations

from math import ceil

import torch

from .configuration_depth_anything import DepthAnythingConfig
from .modeling_depth_anything import DepthAnythingForDepthEstimation


def keep_every_nth_layer(
    model: DepthAnythingForDepthEstimation, layers: int
) -> tuple[DepthAnythingForDepthEstimation, list[int]]:
    """Return a model of `layers` encoder layers with the weights of every n-th layer of another, and their numbers.

    Layers n, 2n, ... stay, the last one among them, as DistilBERT keeps every second layer of its teacher (arXiv
    1910.01108, section 3). A feature layer becomes the first one that stays and is not before it: of twelve layers,
    3, 6, 9 and 12 become 2, 3, 5 and 6 of six. Embeddings, last norm and decoder are copied.

    Args:
        model: as it is loaded; not changed, and nothing of its memory is shared.
        layers: of the new encoder.

    Returns:
        The model, in the precision of the old one, and the numbers of the layers that stayed, counted from 1.

    Raises:
        ValueError: `layers` does not divide the number of layers, or two feature layers would become one.
    """
    old = model.config.backbone_config.num_hidden_layers
    step, rest = divmod(old, layers) if layers > 0 else (0, 1)
    divisors = [each for each in range(1, old + 1) if old % each == 0]
    possible = [
        each for each in divisors if len(set(_moved(model.out_indices, old // each))) == len(model.out_indices)
    ]
    choices = ", ".join(map(str, possible))
    if rest:
        raise ValueError(f"the encoder has {old} layers, of which {layers} cannot be every n-th; expected {choices}")
    moved = _moved(model.out_indices, step)
    if layers not in possible:
        raise ValueError(
            f"with {layers} of {old} layers the decoder's feature layers {list(model.out_indices)} would become "
            f"{moved}, but it needs four different ones; expected {choices}, or feature layers that lie further apart "
            "(a fresh decoder with other out_indices)"
        )
    values = model.config.to_dict()
    encoder = values["backbone_config"]
    # They are derived again from the number of layers.
    for key in ("stage_names", "out_features"):
        encoder.pop(key, None)
    encoder.update(num_hidden_layers=layers, out_indices=moved)
    config = DepthAnythingConfig.from_dict(values)
    config._attn_implementation = model.config._attn_implementation
    # The wrapper of transformers hides the method's types.
    made = type(model)(config).to(model.dtype)  # type: ignore[arg-type]
    kept = [step * number for number in range(1, layers + 1)]
    weights, prefix = model.state_dict(), "backbone.encoder.layer."
    with torch.no_grad():
        for name, parameter in made.state_dict().items():
            source = name
            if name.startswith(prefix):
                number, _, inner = name.removeprefix(prefix).partition(".")
                source = f"{prefix}{kept[int(number)] - 1}.{inner}"
            parameter.copy_(weights[source])
    return made, kept


def _moved(feature_layers: list[int], step: int) -> list[int]:
    return [ceil(layer / step) for layer in feature_layers]


__all__ = ["keep_every_nth_layer"]
