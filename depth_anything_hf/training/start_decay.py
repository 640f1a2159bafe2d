# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Weight decay towards the weights that a run started from (L2-SP), decoupled from the gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


if TYPE_CHECKING:
    from .arguments import TrainingArguments

START_FILE = "start.safetensors"
ENCODER, DECODER = ("backbone.",), ("neck.", "head.")


def fresh_parts(pretrained: bool, fresh_decoder: bool) -> tuple[str, ...]:
    """Return how the names of parameters begin that start from random weights."""
    return (*(() if pretrained else ENCODER), *(DECODER if fresh_decoder or not pretrained else ()))


class StartDecay:
    """Pulls trained weights towards their values at the start of the run.

    L2-SP (Xuhong et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018,
    equation 3) adds strength / 2 x |w - w0|^2 to the loss. Here its gradient goes past the moments of the optimizer,
    as AdamW's own weight decay does: after each step, w <- w - rate x strength x (w - w0).

    Args:
        model: without wrapper, with the weights of the start; those that are trained are copied.
        groups: of the optimizer, which say what is trained.
        arguments: `weight_decay_to_start`, > 0, is the strength of the decay.
        fresh: how the names of parameters begin that start from random weights, to which nothing is pulled.

    Raises:
        ValueError: there is nothing else.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: Iterable[Mapping[str, Any]],
        arguments: TrainingArguments,
        fresh: tuple[str, ...] = (),
    ) -> None:
        self._strength = arguments.weight_decay_to_start
        # Some may be frozen for the first steps.
        trained = {id(each) for group in groups for each in group["params"]}
        named = {name: each for name, each in model.named_parameters() if id(each) in trained}
        pulled = {name: each for name, each in named.items() if not name.startswith(fresh)}
        if not pulled:
            raise ValueError(
                f"weight_decay_to_start is {self._strength:g}, but all that is trained starts from random weights, "
                "which are nothing to be kept near to; leave it out"
            )
        self._start = {name: each.detach().clone() for name, each in pulled.items()}
        self._start_of = {id(each): self._start[name] for name, each in pulled.items()}

    @torch.no_grad()
    def pull(self, groups: Iterable[Mapping[str, Any]], leave_out: Tensor) -> None:
        """Move the weights towards those of the start, at the rate of their group of the optimizer.

        Args:
            groups: of the optimizer, with "params" and "lr".
            leave_out: 1 where the step is left out, otherwise 0: a float32 scalar on the device.
        """
        for group in groups:
            share = (group["lr"] * self._strength) * (1 - leave_out)
            for parameter in group["params"]:
                start = self._start_of.get(id(parameter))
                if start is not None:
                    parameter.lerp_(start, share.to(start.dtype))

    def save(self, folder: Path, accelerator: Accelerator) -> None:
        """Write the weights of the start, on the main process: a resumed run may be given any model to go on with."""
        if accelerator.is_main_process:
            save_file({name: each.contiguous().cpu() for name, each in self._start.items()}, folder / START_FILE)

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote.

        Raises:
            ValueError: the checkpoint has no weights of the start, or those of another model.
        """
        path = folder / START_FILE
        if not path.is_file():
            raise ValueError(
                f"{folder.parent} has no weights of its run's start, since it was trained without "
                "weight_decay_to_start; leave weight_decay_to_start out, or start a new run from the checkpoint "
                "(model_name_or_path)"
            )
        saved = load_file(path)
        if saved.keys() != self._start.keys():
            different = sorted(saved.keys() ^ self._start.keys())
            raise ValueError(
                f"{path} holds the start of other weights than those that are trained ({', '.join(different[:3])}, "
                "...); resume with the same model"
            )
        for name, value in saved.items():
            self._start[name].copy_(value)


def start_decay(
    model: nn.Module, groups: Iterable[Mapping[str, Any]], arguments: TrainingArguments, fresh: tuple[str, ...]
) -> StartDecay | None:
    """Return the decay that the arguments ask for, None without one; see `StartDecay`."""
    return StartDecay(model, groups, arguments, fresh) if arguments.weight_decay_to_start > 0 else None


__all__ = ["START_FILE", "StartDecay", "fresh_parts", "start_decay"]
