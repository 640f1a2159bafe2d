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
    """List a transformers model's layers that support activation checkpointing, in their order."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def compile_blocks(model: nn.Module, device: torch.device) -> list[nn.Module]:
    """Compile the encoder's layers by `torch.compile`, and the decoder where that pays; built at the first call.

    Layers of one kind share their compiled code, which is built twice at most: for the first image size, and for all
    sizes when another one comes. The decoder is rebuilt for each size, since inductor specializes convolutions that
    are trained. On a CPU it stays eager: there it takes most of the build time, and compiled convolutions are slower
    than PyTorch's own.

    Accelerate's regional compilation is not used because it wraps every part, down to single convolutions, in modules
    of another name.

    Args:
        model: changed in place; one that has no such blocks is compiled as a whole.
        device: where it will run.

    Returns:
        The modules that are compiled.
    """
    blocks = repeated_layers(model)
    if device.type != "cpu":
        blocks += [part for name in DECODER_PARTS if isinstance(part := getattr(model, name, None), nn.Module)]
    blocks = blocks or [model]
    for block in blocks:
        # Hooks that are added later, such as those that gather a sharded block, stay outside the compiled code.
        block.compile()
    return blocks


def force_eager() -> Any:
    """Return a context in which compiled blocks of any model run eagerly, and none is built."""
    return torch.compiler.set_stance("force_eager")
