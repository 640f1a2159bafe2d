# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Adafactor (arXiv 1804.04235) without a first moment, at rates as AdamW takes them.

As `transformers.optimization.Adafactor` computes it with `scale_parameter=False, relative_step=False`, whose import
alone takes 50 MiB. `torch.optim.Adafactor` multiplies each rate by the size of the weights. Unlike both it takes a
convolution's kernel as a matrix of outputs and all of their inputs: factored over the 3 x 3 of the kernel, as there,
the state would have two thirds of the kernel's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


# Section 8 of the paper: the second moment's decay is 1 - t^-0.8, updates have a root mean square of at most 1.
DECAY, LARGEST_UPDATE, SMALLEST_SQUARE = 0.8, 1.0, 1e-30


class Adafactor(torch.optim.Optimizer):
    """AdamW's update without momentum, its second moment kept as means over rows and columns.

    Args:
        params: parameters, or groups of them, each with its "lr" and "weight_decay".
        lr: of groups that have none.
        weight_decay: likewise; decoupled, as in AdamW.
    """

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 5e-4, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update all parameters that have a gradient; their states are float32."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group["lr"], group["weight_decay"])
        return loss

    def _update(self, parameter: Tensor, rate: float, weight_decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            names = ("row", "column") if parameter.ndim > 1 else ("square",)
            for name, shape in zip(names, factor_shapes(parameter), strict=True):
                state[name] = torch.zeros(shape, dtype=torch.float32, device=parameter.device)
        state["step"] += 1
        share = state["step"] ** -DECAY
        gradient = parameter.grad.float()  # type: ignore[union-attr]
        square = gradient.square().add_(SMALLEST_SQUARE)
        if parameter.ndim > 1:
            row, column = state["row"], state["column"]
            # Means over all but the outputs, and over the outputs.
            row.lerp_(square.flatten(1).mean(dim=1), share)
            column.lerp_(square.mean(dim=0), share)
            of_rows = (row / row.mean()).rsqrt_().view(-1, *[1] * (parameter.ndim - 1))
            update = torch.mul(of_rows, column.rsqrt(), out=square)
        else:
            state["square"].lerp_(square, share)
            update = torch.rsqrt(state["square"], out=square)
        update.mul_(gradient)
        size = torch.linalg.vector_norm(update) / update.numel() ** 0.5
        update.mul_(-rate / (size / LARGEST_UPDATE).clamp_(min=1.0))
        if parameter.dtype != torch.float32:
            # Rounded once.
            update.add_(parameter.float().mul_(1 - rate * weight_decay))
            parameter.copy_(update)
        else:
            parameter.mul_(1 - rate * weight_decay).add_(update)


def factor_shapes(parameter: Tensor) -> list[torch.Size]:
    """Return the shapes of the state of a parameter: row and column of a matrix or kernel, else its own shape."""
    if parameter.ndim < 2:
        return [parameter.shape]
    return [parameter.shape[:1], parameter.shape[1:]]


__all__ = ["Adafactor", "factor_shapes"]
