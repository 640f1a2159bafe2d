# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""CPU kernels inside models: an attention function for transformers, linear layers and convolutions.

All leave parameters, names, classes of the layers and saved files as they are. On a GPU, under a compiler, and where
PyTorch's kernels are faster, they are PyTorch's kernels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .kernels import convolution, heads_attention, heads_attention_wins, linear


# For `attn_implementation=...` of any transformers model.
CPU_HEADS = "cpu_heads"


def cpu_heads_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Compute attention for transformers' interface: `heads_attention` where it is faster, else sdpa.

    Args:
        module: the calling attention layer.
        query: (B, heads, N, size).
        key: likewise.
        value: likewise.
        attention_mask: sdpa serves masks, dropout and causal attention.
        dropout: probability with which an attention weight is dropped.
        scaling: of the scores; the inverse square root of `size` by default.
        is_causal: a token sees only those before it; the module says so where this is None.
        **kwargs: for sdpa.

    Returns:
        (B, N, heads, size), and no attention weights.
    """
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    if attention_mask is None and not dropout and not causal and heads_attention_wins(query, key, value):
        return heads_attention(query, key, value, query.shape[-1] ** -0.5 if scaling is None else scaling), None
    output, _ = sdpa_attention_forward(
        module,
        query,
        key,
        value,
        attention_mask,
        dropout=dropout,
        scaling=scaling,
        is_causal=is_causal,
        **kwargs,
    )
    return output, None


AttentionInterface.register(CPU_HEADS, cpu_heads_attention)
AttentionMaskInterface.register(CPU_HEADS, sdpa_mask)


class RoutedLinear(nn.Linear):
    """A linear layer that computes with its CPU's faster kernel; otherwise `torch.nn.Linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., C) -> (..., N)."""
        return linear(input, self.weight, self.bias)

    @property
    def qconfig(self) -> Any:
        """Never set; `torch.ao.quantization` sets it.

        Raises:
            AttributeError: always.
        """
        raise AttributeError("qconfig is not set")

    @qconfig.setter
    def qconfig(self, value: Any) -> None:
        # PyTorch would pass by the layer, because it finds layers by their exact class. A whole model has made its
        # layers plain by now.
        raise ValueError(
            "torch.ao.quantization does not quantize RoutedLinear, expected torch.nn.Linear; quantize the model, "
            "or call depth_anything_hf.cpu.layers.unroute_layers(part) on its part first"
        )


def route_linears(module: nn.Module) -> None:
    """Make every `torch.nn.Linear` inside a module a [`RoutedLinear`], in place.

    Only the class changes: the module objects, their parameters, names and hooks stay. Linear layers of other classes
    (adapters, quantized ones) are left alone.
    """
    for part in module.modules():
        if type(part) is nn.Linear:
            part.__class__ = RoutedLinear


class RoutedConvolution(nn.Conv2d):
    """A 3x3 convolution whose gradients are computed with its CPU's faster kernel; otherwise `torch.nn.Conv2d`."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, N, H, W)."""
        # Others build convolutions of other sizes of this class: an adapter takes that of the layer it is added to.
        if not _has_kernel(self):
            return super().forward(input)
        return convolution(input, self.weight, self.bias)


def route_convolutions(module: nn.Module) -> None:
    """Make every 3x3 `torch.nn.Conv2d` with stride 1 and padding 1 inside a module a [`RoutedConvolution`], in place.

    As with `route_linears`, only the class changes.
    """
    for part in module.modules():
        if type(part) is nn.Conv2d and _has_kernel(part):
            part.__class__ = RoutedConvolution


def unroute_layers(module: nn.Module) -> None:
    """Give the layers that `route_linears` and `route_convolutions` changed their class back, in place."""
    plain: dict[type[nn.Module], type[nn.Module]] = {RoutedLinear: nn.Linear, RoutedConvolution: nn.Conv2d}
    for part in module.modules():
        part.__class__ = plain.get(type(part), type(part))


def _has_kernel(layer: nn.Conv2d) -> bool:
    if layer.padding_mode != "zeros" or layer.groups != 1:
        return False
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    return shape == ((3, 3), (1, 1), (1, 1), (1, 1))
