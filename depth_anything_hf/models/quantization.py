# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantized models: how they are told."""

from __future__ import annotations

from torch import nn


def is_quantized(model: nn.Module) -> bool:
    """Return whether a model has quantized weights, which cannot be trained, nor adapters merged into them."""
    if getattr(model, "is_quantized", False) or getattr(model, "hf_quantizer", None) is not None:
        return True
    if any(type(module).__module__.startswith("torch.ao.nn") for module in model.modules()):
        return True
    # Weights of torchao are subclasses, which report the precision that they stand for.
    return any(
        not each.is_floating_point() or type(each.data).__module__.startswith("torchao") for each in model.parameters()
    )
