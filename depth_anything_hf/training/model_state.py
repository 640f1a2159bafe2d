# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training does to a model beside its weights, and how the model is given back to its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from .adapters import adapters_of
from .lora import keep_adapters, remove_adapters


# Instance attributes by which Accelerate marks and wraps a model that it prepares.
PREPARED = ("forward", "_original_forward", "_is_accelerate_prepared")
_MISSING = object()


@contextmanager
def restore_module(*modules: nn.Module, merges: bool = True) -> Iterator[None]:
    """Context manager: a training inside leaves nothing behind in modules but their weights and their device.

    Afterwards each has its own `forward` again, without autocast, the same frozen parameters, and the same layers that
    are recomputed, compiled or left out for some images; gradients are dropped. It is in evaluation mode, as models
    are that were just opened. The parameters of a model that was sharded stay sharded.

    Adapters that the training has added are merged into the weights, or kept.

    Args:
        *modules: models, or objectives that are modules.
        merges: whether to merge adapters that the training has added.
    """
    earlier = [_Snapshot(module) for module in modules]
    plain = [module for module in modules if adapters_of(module) is None]
    try:
        yield
    finally:
        for module in plain:
            if merges:
                remove_adapters(module, merge=True)
            else:
                keep_adapters(module)
        for snapshot in earlier:
            snapshot.restore()


class _Snapshot:
    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._prepared = {name: module.__dict__.get(name, _MISSING) for name in PREPARED}
        self._trained = {name: parameter.requires_grad for name, parameter in module.named_parameters()}
        self._parts = [(part, _switches(part)) for part in module.modules()]

    def restore(self) -> None:
        for name, value in self._prepared.items():
            if value is _MISSING:
                self._module.__dict__.pop(name, None)
            else:
                self._module.__dict__[name] = value
        for name, parameter in self._module.named_parameters():
            parameter.grad = None
            # Parameters may have come or gone; those that are there again are as they were.
            parameter.requires_grad_(self._trained.get(name, parameter.requires_grad))
        for part, switches in self._parts:
            for name, value in switches.items():
                setattr(part, name, value)
        self._module.eval()


def _switches(part: nn.Module) -> dict[str, Any]:
    """Return what says how a module runs: recomputed in the backward pass, compiled, left out for some images."""
    names = ("gradient_checkpointing", "checkpoints_by_image", "_compiled_call_impl", "drop_path")
    return {name: getattr(part, name) for name in names if hasattr(part, name)}


__all__ = ["restore_module"]
