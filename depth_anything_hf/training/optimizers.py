# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The optimizers that a training may take, and the bytes of their state."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from .adafactor import Adafactor, factor_shapes
from .arguments import TrainingArguments


# bitsandbytes keeps smaller tensors in float32 (its `min_8bit_size`), and so does torchao.
SMALLEST_IN_8_BITS = 4096
# One float32 maximum for each block of that many values.
BLOCK = 256


def make_optimizer(
    groups: list[dict[str, Any]], arguments: TrainingArguments, device: torch.device
) -> torch.optim.Optimizer:
    """Make the optimizer of a training.

    Args:
        groups: see `optim.parameter_groups`.
        arguments: name the optimizer and its betas.
        device: of the parameters.

    Raises:
        ImportError: its package is missing; the message names the extra.
    """
    betas = (arguments.adam_beta1, arguments.adam_beta2)
    optimizer: Any
    if arguments.optimizer == "adamw":
        optimizer = torch.optim.AdamW(groups, betas=betas, fused=device.type in ("cuda", "cpu"))
    elif arguments.optimizer == "sgd":
        # Not fused: where its first step is left out, torch's kernel goes on from momentum that was never written.
        optimizer = torch.optim.SGD(groups, lr=0.0, momentum=arguments.adam_beta1)
    elif arguments.optimizer == "adafactor":
        optimizer = Adafactor(groups)
    elif arguments.optimizer == "adamw-8bit":
        optimizer = _from_package("bitsandbytes", "adamw-8bit").optim.AdamW8bit(groups, betas=betas)
    else:
        _from_package("torchao", "adamw-8bit-torchao")
        optimizer = _torchao_with_plain_rates(groups, betas)
    _load_in_saved_precision(optimizer)
    return optimizer  # type: ignore[no-any-return]


def _torchao_with_plain_rates(groups: list[dict[str, Any]], betas: tuple[float, float]) -> Any:
    """Make torchao's AdamW in 8 bits, whose rates are numbers but for its step, which wants tensors of them."""
    from torchao.optim import AdamW8bit

    class PlainRates(AdamW8bit):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            rates = [group["lr"] for group in self.param_groups]
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = torch.tensor(float(rate))
            try:
                return super().step(closure)
            finally:
                for group, rate in zip(self.param_groups, rates, strict=True):
                    group["lr"] = rate

    optimizer = PlainRates(groups, betas=betas)
    for group in optimizer.param_groups:
        group["lr"] = float(group["lr"])
    return optimizer


def _from_package(package: str, name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"optimizer {name} needs {package} ({error}); install it with: pip install 'depth_anything_hf[{package}]'"
        ) from error


def _load_in_saved_precision(optimizer: torch.optim.Optimizer) -> None:
    """Let a state be loaded as it was saved; torch rounds it to the parameters' precision, as with `pure_bf16`."""
    saved: list[dict[str, Any]] = []

    def remember(_: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        saved[:] = [state]

    def restore(loaded: torch.optim.Optimizer) -> None:
        state = saved.pop()
        parameters = [each for group in loaded.param_groups for each in group["params"]]
        indices = [index for group in state["param_groups"] for index in group["params"]]
        for parameter, index in zip(parameters, indices, strict=True):
            for key, value in state["state"].get(index, {}).items():
                own = loaded.state[parameter].get(key)
                if isinstance(value, Tensor) and isinstance(own, Tensor) and own.dtype != value.dtype:
                    loaded.state[parameter][key] = value.to(own.device, copy=True)

    optimizer.register_load_state_dict_pre_hook(remember)
    optimizer.register_load_state_dict_post_hook(restore)


def state_bytes(optimizer: str, parameters: Iterable[Tensor]) -> int:
    """Return the bytes of an optimizer's state for trained parameters, which may be on the meta device.

    Args:
        optimizer: name, see `TrainingArguments.optimizer`.
        parameters: those that are trained.
    """
    return sum(_state_bytes_of(optimizer, each) for each in parameters)


def _state_bytes_of(optimizer: str, parameter: Tensor) -> int:
    count, size = parameter.numel(), parameter.element_size()
    if optimizer == "adamw":
        return 2 * count * size
    if optimizer == "sgd":
        return count * size
    if optimizer == "adafactor":
        return 4 * sum(map(math.prod, factor_shapes(parameter)))
    if count < SMALLEST_IN_8_BITS:
        return 8 * count
    return 2 * (count + 4 * -(-count // BLOCK))


__all__ = ["make_optimizer", "state_bytes"]
