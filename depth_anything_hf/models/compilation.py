# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiling a model block by block, in place: names, classes and saved files stay as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer


# What depth models of transformers, and ours, have behind their encoder.
DECODER_PARTS = ("neck", "head")


def repeated_layers(model: nn.Module) -> list[nn.Module]:
    """A transformers model's layers of one kind, in their order: those whose activations can be recomputed."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def compile_blocks(model: nn.Module, device: torch.device) -> list[nn.Module]:
    """Compiles the encoder's layers by `torch.compile`, and where it is worth it the decoder; at the first call.

    Layers of one kind share what is built for them, which is built twice at most: for the first image size, and for
    all sizes when another one comes. The decoder is built anew for each size, since inductor fixes the sizes of
    convolutions that are trained. On a CPU it is left as it is: there it takes most of the building, and compiled
    convolutions are slower than PyTorch's own.

    Accelerate's regional compilation is not used because it wraps every part, down to single convolutions, in modules
    of another name.

    Args:
        model: changed in place; one that has no such blocks is compiled as a whole.
        device: where it will run.

    Returns:
        What is compiled.
    """
    blocks = repeated_layers(model)
    if device.type != "cpu":
        blocks += [part for name in DECODER_PARTS if isinstance(part := getattr(model, name, None), nn.Module)]
    blocks = blocks or [model]
    for block in blocks:
        # Outside of it stay hooks that are added later, such as those that gather a sharded block.
        block.compile()
    return blocks


def force_eager() -> Any:
    """A context in which compiled blocks of any model run uncompiled, and none is built."""
    return torch.compiler.set_stance("force_eager")


__all__ = ["force_eager", "compile_blocks", "repeated_layers"]
