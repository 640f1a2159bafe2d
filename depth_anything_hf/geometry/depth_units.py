# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The unit of a metric model's output, and the one place where it becomes metres.

A metric network gives a sigmoid times `config.max_depth`, in the unit that `config.depth_unit` names. Stock
transformers takes whole numbers for `max_depth` only, so a cap of 0.35 m is one of 350 mm. `predicted_depth` of the
model is in that unit, here as in stock; predictors, losses, labels and files are in metres.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np


if TYPE_CHECKING:
    from .disparity import Array

UNITS_PER_METRE = {"m": 1, "cm": 100, "mm": 1000}
UNIT_NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres"}

# Of a unit: what counts as rounding of a number that was computed, and not as a fraction that was meant.
ROUNDING = 1e-4


def units_per_metre(config: Any) -> int:
    """Return how many units of a model's output make a metre: 1 without a `depth_unit`.

    Args:
        config: of any model, ours or stock's; None counts as metres.

    Raises:
        ValueError: `depth_unit` is none of `UNITS_PER_METRE`.
    """
    unit = getattr(config, "depth_unit", "m")
    if unit not in UNITS_PER_METRE:
        raise ValueError(f"depth_unit is {unit!r}, expected one of {', '.join(map(repr, UNITS_PER_METRE))}")
    return UNITS_PER_METRE[unit]


def to_metres(depth: Array, config: Any) -> Array:
    """Convert the output of a metric model to metres.

    Args:
        depth: floating point, any shape, in the model's unit.
        config: the model's; see `units_per_metre`.

    Returns:
        Same shape, metres: the same object where the unit is the metre, else in float32 at least.
    """
    units = units_per_metre(config)
    if units == 1:
        return depth
    if isinstance(depth, np.ndarray):
        return depth.astype(np.promote_types(depth.dtype, np.float32)) / units
    # Cards and commands, which name units too, do not wait for it.
    import torch

    return depth.to(torch.promote_types(depth.dtype, torch.float32)) / units


def max_depth_in_metres(config: Any) -> float | None:
    """Return the largest depth that a metric model can predict, in metres; None where its configuration has none.

    Args:
        config: of Depth Anything, or of stock's GLPN or ZoeDepth, which have such a cap too.
    """
    model_type = getattr(config, "model_type", None)
    if model_type == "depth_anything" and config.depth_estimation_type == "metric":
        return float(config.max_depth or 1) / units_per_metre(config)
    if model_type == "glpn":
        return float(config.max_depth)
    if model_type == "zoedepth" and config.bin_configurations:
        return max(float(bins["max_depth"]) for bins in config.bin_configurations)
    return None


def as_whole_units(max_depth: float, unit: str | None = None) -> tuple[int, str]:
    """Express a depth cap as the whole number that a configuration takes, and its unit.

    Args:
        max_depth: metres.
        unit: "m", "cm" or "mm"; None takes metres where that is a whole number, else millimetres.

    Returns:
        `max_depth` and `depth_unit` of a configuration, e.g. (20, "m") or (350, "mm").

    Raises:
        ValueError: not a positive whole number of the unit, or an unknown unit.
    """
    if unit not in (None, *UNITS_PER_METRE):
        raise ValueError(f"depth_unit is {unit!r}, expected one of {', '.join(map(repr, UNITS_PER_METRE))}")
    is_number = isinstance(max_depth, Real) and not isinstance(max_depth, bool) and np.isfinite(float(max_depth))
    for each in (unit,) if unit else ("m", "mm"):
        count = float(max_depth) * UNITS_PER_METRE[each] if is_number else 0.0
        if round(count) >= 1 and abs(count - round(count)) <= ROUNDING:
            return round(count), each
    raise ValueError(
        f"max_depth is {max_depth!r}, expected a number of metres above 0 that is a whole number of "
        f"{UNIT_NAMES[unit or 'mm']}, such as {'20' if unit == 'm' else '20, 2.5 or 0.35'}"
    )


__all__ = ["UNITS_PER_METRE", "UNIT_NAMES", "as_whole_units", "max_depth_in_metres", "to_metres", "units_per_metre"]
