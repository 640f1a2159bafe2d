# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `torch.ao.quantization` needs of a model: layers of PyTorch's own classes, and no fused copy of them."""

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
