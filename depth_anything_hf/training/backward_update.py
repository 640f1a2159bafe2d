# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Optimizer steps inside the backward pass: one gradient exists at a time.

As soon as a parameter's gradient is complete, the parameter is updated and the gradient freed. Where gradients are
clipped to a norm of all of them, a first pass finds that norm and changes nothing (arXiv 2306.09782, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_


if TYPE_CHECKING:
    from .arguments import TrainingArguments


class BackwardUpdate:
    """Updates parameters during a backward pass, by an optimizer that skips parameters without a gradient.

    Args:
        optimizer: not wrapped; has all parameters that are trained, with state as in any other training.
        parameters: these and any frozen ones, in the order in which torch sums their norms.
        max_norm: gradients are clipped to it; 0: not clipped.
        on_device: whether the optimizer heeds `found_inf`, as torch's fused ones do, so that the host need not wait.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, parameters: Iterable[Tensor], max_norm: float, *, on_device: bool
    ) -> None:
        self._optimizer, self._max_norm, self._on_device = optimizer, max_norm, on_device
        self._parameters = list(parameters)
        self._norms: dict[int, Tensor] = {}
        self._total: Tensor | None = None
        self._leave_out: Tensor | None = None

    @property
    def needs_norm(self) -> bool:
        """Whether each step begins with a backward pass inside `measure`."""
        return self._max_norm > 0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Context manager: a step inside finds the norm of all gradients and leaves none behind.

        The one that follows draws the same random numbers from torch.
        """
        devices = {each.device for each in self._parameters if each.device.type == "cuda"}
        with torch.random.fork_rng(list(devices)), self._at_each_gradient(self._keep_norm):
            yield
        self._total = self.norm()

    @contextmanager
    def update(self, leave_out: Tensor) -> Iterator[None]:
        """Context manager: a backward pass inside updates the parameters.

        Args:
            leave_out: 1 where nothing is to be updated, otherwise 0: a float32 scalar on the device. Nor is anything
                where the measured norm is not finite; without it, nothing from the first gradient on that is not,
                which makes those behind it useless too.
        """
        if self._total is not None:
            leave_out = torch.maximum(leave_out, _is_bad(self._total))
        self._leave_out = leave_out
        with self._at_each_gradient(self._update):
            yield

    def norm(self) -> Tensor:
        """Return the norm of all gradients of the last pass, before clipping; summed as torch does."""
        norms = [self._norms[id(each)] for each in self._parameters if id(each) in self._norms]
        return torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())

    @contextmanager
    def _at_each_gradient(self, act: Callable[[Tensor], None]) -> Iterator[None]:
        self._norms = {}
        # Only for this pass: the parameters are the user's.
        trained = [each for each in self._parameters if each.requires_grad]
        hooks = [each.register_post_accumulate_grad_hook(act) for each in trained]  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keep_norm(self, parameter: Tensor) -> None:
        assert parameter.grad is not None
        self._norms[id(parameter)] = torch.linalg.vector_norm(parameter.grad, dtype=torch.float32)
        parameter.grad = None

    def _update(self, parameter: Tensor) -> None:
        assert parameter.grad is not None and self._leave_out is not None
        norm = self._norms[id(parameter)] = torch.linalg.vector_norm(parameter.grad, dtype=torch.float32)
        self._leave_out = torch.maximum(self._leave_out, _is_bad(norm))
        if self._total is not None:
            clip_grads_with_norm_([parameter], self._max_norm, self._total)
        if self._on_device:
            self._optimizer.found_inf = self._leave_out  # type: ignore[attr-defined]
            self._optimizer.step()
        elif not self._leave_out.item():
            # All other parameters are without a gradient.
            self._optimizer.step()
        parameter.grad = None


def backward_update(
    accelerator: Accelerator,
    optimizer: torch.optim.Optimizer,
    parameters: Iterable[Tensor],
    arguments: TrainingArguments,
    *,
    on_device: bool,
) -> BackwardUpdate | None:
    """Return the update that the arguments ask for, None without one; see `BackwardUpdate`.

    Raises:
        ValueError: there are several processes.
    """
    if not arguments.optimizer_in_backward:
        return None
    require_one_process(accelerator)
    return BackwardUpdate(optimizer, parameters, arguments.max_grad_norm, on_device=on_device)


def require_one_process(accelerator: Accelerator) -> None:
    """Raise ValueError where gradients of several processes would have to be averaged before the update."""
    if accelerator.num_processes > 1:
        raise ValueError(
            f"optimizer_in_backward works with one process, and this launch has {accelerator.num_processes}, whose "
            "gradients have to be averaged first; leave it out, or divide the model over the processes "
            "(--accelerate_config fsdp2)"
        )


def _is_bad(norm: Tensor) -> Tensor:
    return (~torch.isfinite(norm)).float()


__all__ = ["BackwardUpdate", "backward_update", "require_one_process"]
