# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth to disparity and back, on NumPy arrays and torch tensors, and the two kinds of prediction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np


if TYPE_CHECKING:
    import torch

# Of a model's output: "disparity" is inverse depth up to scale and shift, larger = nearer; "depth" is the depth
# itself, in metres wherever it has left the network (`depth_units`).
PredictionKind = Literal["disparity", "depth"]

Array = TypeVar("Array", np.ndarray, "torch.Tensor")


def depth_to_disparity(depth: Array) -> Array:
    """Return the inverse of a depth: disparity, larger = nearer.

    Args:
        depth: planar z in metres, floating point, any shape; `+inf` is the sky, NaN is an invalid pixel.

    Returns:
        `1 / depth` in 1/metres, same shape and dtype: 0 where the depth is `+inf`, NaN where it is NaN, zero, negative
        or so small that the inverse would be infinite.

    Raises:
        TypeError: if `depth` is not floating point (integers cannot hold the result).
    """
    inverse = _positive_inverse(depth, zero_is_valid=False, quantity="depth", unit="metres")
    if isinstance(inverse, np.ndarray | np.generic):
        return np.where(np.isinf(inverse), inverse.dtype.type(math.nan), inverse)
    return inverse.masked_fill(inverse.isinf(), math.nan)


def disparity_to_depth(disparity: Array) -> Array:
    """Return the inverse of a disparity: depth; 0 becomes `+inf`, NaN or negative disparity becomes NaN.

    Args:
        disparity: 1/metres, floating point, any shape, larger = nearer.

    Returns:
        Planar z in metres, same shape and dtype.

    Raises:
        TypeError: if `disparity` is not floating point.
    """
    return _positive_inverse(disparity, zero_is_valid=True, quantity="disparity", unit="1/metres")


def _positive_inverse(values: Array, zero_is_valid: bool, quantity: str, unit: str) -> Array:
    is_floating = (
        values.dtype.kind == "f" if isinstance(values, np.ndarray | np.generic) else values.is_floating_point()
    )
    if not is_floating:
        raise TypeError(
            f"{quantity} must be floating point, got {values.dtype}; convert it to floating-point {unit} first."
        )
    invalid = ~(values >= 0) if zero_is_valid else ~(values > 0)
    # Adding 0 turns -0.0 into +0.0, whose inverse is +inf.
    if not isinstance(values, np.ndarray | np.generic):
        return 1 / (values.masked_fill(invalid, math.nan) + 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        inverse: np.ndarray = 1 / (np.where(invalid, values.dtype.type(math.nan), values) + values.dtype.type(0))
    return inverse
