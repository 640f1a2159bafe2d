# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantized models: how they are told, and what `torch.ao.quantization` needs to make one."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..cpu.layers import unroute_layers


class QuantizableLayers:
    """Gives a model layers that `torch.ao.quantization` finds, as soon as it begins.

    It finds layers by their exact class (`torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear})`), and
    passes by subclasses without a word. Before it looks at them it sets `qconfig` on the whole model, by default on a
    copy: there the layers that compute with this package's kernels become PyTorch's, and faster inference, which has
    the layers' weights fused, is switched off.
    """

    _qconfig: Any

    @property
    def qconfig(self) -> Any:
        """How `torch.ao.quantization` treats this module; unset before it does.

        Raises:
            AttributeError: it is unset.
        """
        if "_qconfig" not in self.__dict__:
            raise AttributeError("qconfig is not set: torch.ao.quantization sets it")
        return self._qconfig

    @qconfig.setter
    def qconfig(self, value: Any) -> None:
        model: Any = self
        model.optimize_for_inference(enabled=False)
        assert isinstance(model, nn.Module)
        unroute_layers(model)
        self._qconfig = value

    @qconfig.deleter
    def qconfig(self) -> None:
        del self._qconfig


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
