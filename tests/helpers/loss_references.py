# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The losses as one would compute them by hand, one image at a time in NumPy float64; random maps to try them on."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from depth_anything_hf.losses.relative import (
    SMALLEST_ANCHOR_DEVIATION,
    anchor_loss,
    gradient_matching_loss,
    relative_depth_losses,
    scale_and_shift_invariant_loss,
)
from depth_anything_hf.losses.silog import silog_loss


Loss = Callable[..., Tensor]


SIZES = [(1, 1), (1, 7), (9, 1), (5, 4), (17, 23), (33, 16)]


DENSITIES = [1.0, 0.6, 0.05]


def reference_pixels(values: np.ndarray, valid: np.ndarray) -> list[float]:
    return [float(values[y, x]) for y, x in np.argwhere(valid)]


def reference_shift_and_scale(values: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    pixels = sorted(reference_pixels(values, valid))
    middle = pixels[(len(pixels) - 1) // 2]
    return middle, max(sum(abs(pixel - middle) for pixel in pixels) / len(pixels), 1e-6)


def reference_normalized(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    shift, scale = reference_shift_and_scale(values, valid)
    return (np.asarray(values, dtype=np.float64) - shift) / scale


def reference_ssi(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, ignore_largest: float = 0.0) -> float:
    first, second = reference_normalized(prediction, valid), reference_normalized(target, valid)
    errors = sorted(abs(first[y, x] - second[y, x]) for y, x in np.argwhere(valid))
    if ignore_largest:
        begin = len(errors) - math.ceil(round(ignore_largest * len(errors), 9))
        errors = [error for error in errors if error < errors[begin]] or errors
    return float(np.mean(errors))


def reference_gradient(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, scales: int = 4) -> float:
    difference = reference_normalized(prediction, valid) - reference_normalized(target, valid)
    height, width = difference.shape
    total = 0.0
    for scale in range(scales):
        step = 2**scale
        pixels, size = 0, 0.0
        for y in range(0, height, step):
            for x in range(0, width, step):
                if not valid[y, x]:
                    continue
                pixels += 1
                if x + step < width and valid[y, x + step]:
                    size += abs(difference[y, x + step] - difference[y, x])
                if y + step < height and valid[y + step, x]:
                    size += abs(difference[y + step, x] - difference[y, x])
        total += size / pixels if pixels else 0.0
    return total


def reference_anchor(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray) -> float:
    low, high = target[valid].min(), target[valid].max()
    target = (target - low) / (high - low) if high > low else np.zeros_like(target)
    _, scale = reference_shift_and_scale(target, valid)
    error = np.mean([abs(float(prediction[y, x]) - float(target[y, x])) for y, x in np.argwhere(valid)])
    return float(error) / max(scale, SMALLEST_ANCHOR_DEVIATION)


def reference_silog(
    prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, variance_focus: float = 0.5, eps: float = 1e-6
) -> float:
    logs = [math.log(target[y, x]) - math.log(max(prediction[y, x], eps)) for y, x in np.argwhere(valid)]
    squares = sum(log * log for log in logs) / len(logs)
    return math.sqrt(max(squares - variance_focus * (sum(logs) / len(logs)) ** 2, 0.0) + eps**2)


def joint(prediction: Tensor, target: Tensor, mask: Tensor | None = None, **options: Any) -> Tensor:
    """Both terms of the joint form as one number per image, weighted as in the paper."""
    ssi, gradient = relative_depth_losses(prediction, target, mask, **options)
    return ssi + 2 * gradient


def reference_joint(
    prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, ignore_largest: float = 0.0, scales: int = 4
) -> float:
    ssi = reference_ssi(prediction, target, valid, ignore_largest)
    return ssi + 2 * reference_gradient(prediction, target, valid, scales)


CASES: list[Any] = [
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {}, id="ssi"),
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {"ignore_largest": 0.1}, id="ssi-ignore-tenth"),
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {"ignore_largest": 0.37}, id="ssi-ignore-third"),
    pytest.param(gradient_matching_loss, reference_gradient, {}, id="gradient"),
    pytest.param(gradient_matching_loss, reference_gradient, {"scales": 1}, id="gradient-one-scale"),
    pytest.param(joint, reference_joint, {}, id="joint"),
    pytest.param(joint, reference_joint, {"ignore_largest": 0.1, "scales": 2}, id="joint-ignore-tenth"),
    pytest.param(anchor_loss, reference_anchor, {}, id="anchor"),
    pytest.param(silog_loss, reference_silog, {}, id="silog"),
    pytest.param(silog_loss, reference_silog, {"variance_focus": 0.85}, id="silog-0.85"),
]


MAP_LOSSES: tuple[Loss, ...] = (
    scale_and_shift_invariant_loss,
    gradient_matching_loss,
    joint,
    anchor_loss,
    silog_loss,
)


LOSSES: list[Any] = [
    pytest.param(scale_and_shift_invariant_loss, id="ssi"),
    pytest.param(partial(scale_and_shift_invariant_loss, ignore_largest=0.1), id="ssi-ignore-tenth"),
    pytest.param(gradient_matching_loss, id="gradient"),
    pytest.param(joint, id="joint"),
    pytest.param(anchor_loss, id="anchor"),
    pytest.param(silog_loss, id="silog"),
]


AFFINE_INVARIANT: list[Any] = LOSSES[:4]


def random_maps(
    seed: int, batch: int, height: int, width: int, density: float = 1.0, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Positive prediction and target, and a mask of about the given density with a valid pixel in every image."""
    generator = torch.Generator().manual_seed(seed)
    prediction = 0.2 + 3 * torch.rand(batch, height, width, generator=generator, dtype=torch.float64)
    target = 0.05 + torch.rand(batch, height, width, generator=generator, dtype=torch.float64)
    mask = torch.rand(batch, height, width, generator=generator) < density
    mask[:, height // 2, width // 2] = True
    return prediction.to(dtype), target.to(dtype), mask
