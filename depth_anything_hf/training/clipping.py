# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Clipping of gradients: one norm over the whole model, or encoder and decoder each by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from torch import Tensor


if TYPE_CHECKING:
    from .arguments import TrainingArguments

# How the log names the norm of a part.
NORM = "grad_norm_"


def clip(
    accelerator: Accelerator,
    parameters: Sequence[Tensor],
    groups: Iterable[Mapping[str, Any]],
    arguments: TrainingArguments,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Clip the gradients as the arguments say.

    Args:
        accelerator: of the run.
        parameters: FSDP clips by its own way if these are exactly the parameters of its model.
        groups: of the optimizer; see `clip_parts`.
        arguments: `max_grad_norm`, 0 does not clip, and `max_grad_norm_over`.

    Returns:
        The norm of all gradients as it was before, a scalar on the device; and those of the parts by their names in
        the log, where each is clipped by itself. DeepSpeed has clipped by then, and may not tell its norm, which then
        is 0.
    """
    max_norm = arguments.max_grad_norm or math.inf
    if arguments.max_grad_norm_over == "parts":
        return clip_parts(accelerator, groups, max_norm)
    norm: Any = accelerator.clip_grad_norm_(parameters, max_norm)
    norm = torch.as_tensor(0.0 if norm is None else norm, device=accelerator.device)
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm, {}


def clip_parts(
    accelerator: Accelerator, groups: Iterable[Mapping[str, Any]], max_norm: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Clip the gradients of encoder and decoder, each to a norm of its own.

    A fresh decoder's gradients are many times those of a pretrained encoder; under one norm they decide alone by how
    much the encoder's are made smaller.

    Args:
        accelerator: of the run, with a model that is not sharded.
        groups: of the optimizer, with "params" and a "name" that begins with the part's.
        max_norm: of each part.

    Returns:
        The norm of all gradients as it was before, and those of the parts by their names in the log.
    """
    parts: dict[str, list[Tensor]] = {}
    for group in groups:
        part = "encoder" if group["name"].startswith("encoder") else "decoder"
        parts.setdefault(part, []).extend(group["params"])
    # Once: a gradient scaler refuses a second time.
    accelerator.unscale_gradients()
    norms = {
        # One without gradients, as of an encoder that is frozen for now, is a 0 on the CPU.
        f"{NORM}{part}": torch.nn.utils.clip_grad_norm_(parameters, max_norm).to(accelerator.device)
        for part, parameters in parts.items()
    }
    return torch.linalg.vector_norm(torch.stack([each.float() for each in norms.values()])), norms


__all__ = ["NORM", "clip", "clip_parts"]
