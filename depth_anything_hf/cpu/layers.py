# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""CPU kernels inside models: an attention function for transformers, and linear layers inside a block.

Modules, parameters and saved files are as without them. On a GPU, under a compiler, and where PyTorch's kernels are
faster, they are PyTorch's kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .autotune import may_choose
from .kernels import SMALLEST_PRODUCT, heads_attention, heads_attention_wins, linear


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

    Masks, dropout and causal attention are left to sdpa. Query, key and value are (B, heads, N, size).

    Returns:
        (B, N, heads, size), and no attention weights.
    """
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    if attention_mask is None and not dropout and not causal and heads_attention_wins(query, key, value):
        # Of its many calls none is a linear layer's, for which a mode need look at it.
        with torch._C.DisableTorchFunction():
            return heads_attention(query, key, value, query.shape[-1] ** -0.5 if scaling is None else scaling), None
    options = {"dropout": dropout, "scaling": scaling, "is_causal": is_causal, **kwargs}
    return sdpa_attention_forward(module, query, key, value, attention_mask, **options)[0], None


AttentionInterface.register(CPU_HEADS, cpu_heads_attention)
AttentionMaskInterface.register(CPU_HEADS, sdpa_mask)


class _FasterLinears(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return (linear if func is F.linear else func)(*args, **(kwargs or {}))


def faster_linears(states: Tensor, layers: Iterable[nn.Module]) -> AbstractContextManager[Any]:
    """Return a context in which layers compute `torch.nn.functional.linear` with the CPU's faster kernel.

    Args:
        states: (B, N, C) of the first layer; without a gradient, float32 and large enough, or nothing changes.
        layers: that will run in it; compiled ones are left alone.
    """
    if (
        not may_choose(states)
        or states.numel() * states.shape[-1] < SMALLEST_PRODUCT
        or states.dtype != torch.float32
        or torch.is_grad_enabled()
        or torch.is_autocast_enabled("cpu")
        or any(getattr(layer, "_compiled_call_impl", None) for layer in layers)
    ):
        return nullcontext()
    return _FasterLinears()
