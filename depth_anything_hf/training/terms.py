# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an objective returns, checked and made scalars on the device."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


# Names of other numbers in an entry of the log.
TAKEN = (
    *("step", "images_per_second", "peak_memory_mib", "loss_scale"),
    *("skipped_steps", "skipped_samples", "unlabelled_steps", "unlabelled_share"),
)


def as_terms(returned: Any, device: torch.device, objective: Any) -> dict[str, Tensor]:
    """Return the loss and the named terms as scalars on the device.

    Args:
        returned: what the objective returned; terms beside "loss" may also be numbers of Python or NumPy.
        device: where they go.
        objective: named in errors.

    Raises:
        ValueError: there is no "loss", it is no scalar with a graph, or a term is no number.
    """
    name = getattr(objective, "__qualname__", type(objective).__name__)
    if not isinstance(returned, Mapping) or "loss" not in returned:
        got = f"the keys {sorted(map(str, returned))}" if isinstance(returned, Mapping) else type(returned).__name__
        raise ValueError(f"the objective {name} must return a dict with a 'loss', got {got}")
    loss = returned["loss"]
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise ValueError(
            f"the loss of the objective {name} has no graph (it is a {_describe(loss)}), so that nothing can be "
            "learned from it: compute it from the model's output by torch, without detach(), item() or no_grad()"
        )
    terms = {str(term): _scalar(term, value, device, name) for term, value in returned.items()}
    taken = [term for term in terms if term in TAKEN or term.startswith(("learning_rate_", "eval_"))]
    if taken:
        raise ValueError(f"the objective {name} returns {taken}, which the log needs for its own numbers; rename them")
    return terms


def checked_images(images: Tensor, size: int, objective: Any, *, may_look: bool) -> Tensor:
    """Return how many images of a micro-batch count, by which its gradients are weighted.

    Args:
        images: what the objective says, a scalar on the device.
        size: images of the micro-batch.
        objective: named in the error.
        may_look: whether the host may wait for the device.

    Returns:
        The number as float32; NaN, with which the step is left out, for one that cannot be and was not looked at.

    Raises:
        ValueError: it was looked at and is no number from 0 to `size`.
    """
    counted = images.detach().float()
    if may_look:
        if not 0 <= counted.item() <= size:
            name = getattr(objective, "__qualname__", type(objective).__name__)
            raise ValueError(
                f"the objective {name} returns {counted.item():g} as 'images', expected how many of the {size} images "
                f"of the micro-batch count in its loss, 0 to {size}; leave it out where all do, and give other "
                "numbers, such as that of pixels, another name"
            )
        return counted
    return torch.where((counted >= 0) & (counted <= size), counted, torch.nan)


def _scalar(term: Any, value: Any, device: torch.device, objective: str) -> Tensor:
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        scalar = value.reshape(())
        return scalar if scalar.device == device else scalar.to(device, non_blocking=True)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, numbers.Real | np.bool_):
        # Filled in on the device: a copy from the host would wait for the work that the device has been given.
        return torch.full((), float(value), device=device)
    raise ValueError(
        f"the term {term!r} of the objective {objective} is no scalar but a {_describe(value)}; return one number for "
        "the batch, such as its mean"
    )


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} of shape {tuple(shape)}"


__all__ = ["as_terms", "checked_images"]
