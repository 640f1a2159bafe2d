# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What every loss over maps needs: checks, valid pixels, the working precision, means."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


EXCLUDE = "Exclude them with the mask or set them to NaN in the label."
WEIGHTS_ADVICE = "Weights are finite numbers of at least 0; a pixel of weight 0 is invalid."
DIVERGED = "The model that predicted them has diverged or was given such values; check its weights and its input."


class ValidMaps(NamedTuple):
    prediction: Tensor  # (B, H, W), 0 at invalid pixels
    target: Tensor  # (B, H, W), 0 at invalid pixels
    valid: Tensor  # bool (B, H, W)
    weights: Tensor | None = None  # (B, H, W) above 0 at valid pixels, 0 at invalid ones; None: 1 and 0


def valid_maps(prediction: Tensor, target: Tensor, mask: Tensor | None, weights: Tensor | None = None) -> ValidMaps:
    """Check the inputs, bring them to the working precision and clear what is invalid before any arithmetic."""
    check_maps(prediction=prediction, target=target, mask=mask, weights=weights)
    precision = working_precision(prediction, target)
    valid = valid_pixels(target, mask)
    if weights is not None:
        check_on_cpu(~(weights >= 0) | weights.isinf(), "pixels have a weight below 0 or none", WEIGHTS_ADVICE)
        valid = valid & (weights > 0)
        weights = torch.where(valid, weights.to(precision), 0)
    prediction = torch.where(valid, prediction.to(precision), 0)
    target = torch.where(valid, target.to(precision), 0)
    check_finite_on_cpu(prediction, "valid pixels have a prediction that is not finite", DIVERGED)
    check_finite_on_cpu(target, "valid pixels have a target that is not finite", EXCLUDE)
    return ValidMaps(prediction, target, valid, weights)


def valid_pixels(target: Tensor, mask: Tensor | None) -> Tensor:
    known = ~torch.isnan(target)
    return known if mask is None else known & mask


def check_maps(**maps: Tensor | None) -> None:
    given = {name: values for name, values in maps.items() if values is not None}
    shapes = [values.shape for values in given.values()]
    if len(shapes[0]) != 3 or any(shape != shapes[0] for shape in shapes):
        found = ", ".join(f"{name} {tuple(values.shape)}" for name, values in given.items())
        raise ValueError(f"all maps must have the same shape (B, H, W), got {found}.")
    for name in ("mask", "region"):
        if name in given and given[name].dtype != torch.bool:
            raise ValueError(f"{name} must be boolean, got {given[name].dtype}; convert it, e.g. `{name} > 0`.")


def check_finite_on_cpu(values: Tensor, fault: str, advice: str) -> None:
    # A value that is not finite makes the sum so, and the sum is cheap. (Huge ones may too: then all are looked at.)
    if values.device.type == "cpu" and not torch.isfinite(values.detach().sum()):
        check_on_cpu(~torch.isfinite(values), fault, advice)


def check_on_cpu(wrong: Tensor, fault: str, advice: str) -> None:
    """Raise if `wrong` (B, ...) is True anywhere; on an accelerator do nothing, because looking would wait for it."""
    if wrong.device.type != "cpu" or not wrong.any():
        return
    images = wrong.flatten(1).any(dim=1).nonzero().flatten().tolist()
    raise ValueError(f"{int(wrong.sum())} {fault}, in the images {images} of the batch. {advice}")


def working_precision(*tensors: Tensor) -> torch.dtype:
    precision = torch.float32
    for tensor in tensors:
        precision = torch.promote_types(precision, tensor.dtype)
    return precision


def no_autocast(tensor: Tensor) -> torch.autocast:
    return torch.autocast(device_type=tensor.device.type, enabled=False)


def for_each_image(loss: Callable[[ValidMaps], Tensor], maps: ValidMaps) -> Tensor:
    """Compute a loss (..., B), with NaN for images without a valid pixel.

    On the CPU one image is finished before the next is begun, so that intermediate maps stay in the cache.
    """
    if can_use_numpy(maps.valid) and len(maps.valid) > 1:
        split = ([None] * len(maps.valid) if whole is None else torch.split(whole, 1) for whole in maps)
        parts = zip(*split, strict=True)
        values = torch.cat([loss(ValidMaps(*part)) for part in parts], dim=-1)
    else:
        values = loss(maps)
    return nan_where_empty(values, maps.valid)


def can_use_numpy(values: Tensor) -> bool:
    """Return whether NumPy can compute: not on a device, where it forces a sync, nor where `torch.compile` traces."""
    return values.device.type == "cpu" and not torch.compiler.is_compiling()


def refuse_second_derivative() -> None:
    # Autograd records a backward pass only where create_graph was set.
    if torch.is_grad_enabled() and not torch.compiler.is_compiling():
        raise RuntimeError("the losses over normalized maps can be differentiated once; leave out create_graph=True")


def masked_mean(values: Tensor, valid: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean over valid pixels (B,); 0 for none, as a NaN in mid-arithmetic would reach the gradients."""
    values = torch.where(valid, values, 0)
    if weights is None:
        return values.sum(dim=(1, 2)) / count_pixels(valid).clamp(min=1)
    return (values * weights).sum(dim=(1, 2)) / sum_weights(valid, weights)


def pixel_factors(valid: Tensor, weights: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Return what each pixel counts (B, H, W): its weight, or 1; 0 where it is invalid."""
    return zeros_and_ones(valid, dtype) if weights is None else weights


def sum_weights(valid: Tensor, weights: Tensor | None) -> Tensor:
    """Return what the valid pixels count together (B,); 1 where there is none, to be divided by.

    Weights are added in `exact_dtype`: ones then give the number of pixels, and a loss the same bits as without.
    """
    if weights is None:
        return count_pixels(valid).clamp(min=1)
    total = weights.sum(dim=(1, 2), dtype=exact_dtype(weights))
    return torch.where(total > 0, total, 1).to(weights.dtype)


def rising_order(values: Tensor) -> Tensor:
    """Return the places of values (B, N) from the smallest to the largest; of equal ones in any order.

    On CPUs NumPy takes a seventh of torch's time.
    """
    if can_use_numpy(values):
        return torch.from_numpy(np.argsort(values.detach().numpy(), axis=1))
    return values.argsort(dim=1)


def exact_dtype(values: Tensor) -> torch.dtype:
    """Return float64, in which sums of ones are exact; float32 on Apple's GPUs, which have no more."""
    return torch.float32 if values.device.type == "mps" else torch.float64


def zeros_and_ones(valid: Tensor, dtype: torch.dtype) -> Tensor:
    # On the CPU torch converts bytes ten times as fast as booleans, which are stored alike.
    return valid.view(torch.uint8).to(dtype)


def nan_where_empty(per_image: Tensor, valid: Tensor) -> Tensor:
    return torch.where(has_pixels(valid), per_image, torch.nan)


def has_pixels(valid: Tensor) -> Tensor:
    return count_pixels(valid) > 0


def count_pixels(valid: Tensor) -> Tensor:
    # On the CPU torch sums booleans into int32 ten times as fast as into int64, its default.
    return valid.sum(dim=(1, 2), dtype=torch.int32)
