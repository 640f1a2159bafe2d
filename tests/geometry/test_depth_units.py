# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Units of a metric model's output: caps as whole numbers, and the way to metres."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DepthAnythingConfig as StockConfig
from transformers import GLPNConfig, ZoeDepthConfig

from depth_anything_hf import DepthAnythingConfig
from depth_anything_hf.geometry.depth_units import as_whole_units, max_depth_in_metres, to_metres, units_per_metre


MILLIMETRES = SimpleNamespace(depth_unit="mm")


@pytest.mark.parametrize(
    ("metres", "unit", "expected"),
    [
        (20, None, (20, "m")),
        (80.0, None, (80, "m")),
        (2.5, None, (2500, "mm")),
        (0.35, None, (350, "mm")),
        (0.29, None, (290, "mm")),
        (np.float32(0.35), None, (350, "mm")),
        (0.1 + 0.2, None, (300, "mm")),
        (0.001, None, (1, "mm")),
        (2.5, "cm", (250, "cm")),
        (20, "mm", (20000, "mm")),
    ],
)
def test_a_cap_is_a_whole_number_of_its_unit(metres: Any, unit: str | None, expected: tuple[int, str]) -> None:
    assert as_whole_units(metres, unit) == expected


@pytest.mark.parametrize("wrong", [0, -1, 0.3505, 1e-4, math.nan, math.inf, "20", True, None])
def test_other_caps_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"max_depth is .*above 0 .*whole number of millimetres, such as 20, 2.5"):
        as_whole_units(wrong)


def test_a_cap_that_is_no_whole_number_of_a_given_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of metres, such as 20"):
        as_whole_units(2.5, "m")
    with pytest.raises(ValueError, match="depth_unit is 'km', expected one of 'm', 'cm', 'mm'"):
        as_whole_units(20, "km")
    with pytest.raises(ValueError, match="depth_unit is 'km'"):
        units_per_metre(SimpleNamespace(depth_unit="km"))


def test_metres_stay_as_they_are() -> None:
    depth = torch.rand(2, 3)
    for config in (None, SimpleNamespace(), SimpleNamespace(depth_unit="m"), DepthAnythingConfig(), StockConfig()):
        assert to_metres(depth, config) is depth


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_millimetres_become_metres_without_losing_digits(dtype: torch.dtype) -> None:
    depth = torch.tensor([350.0, 1.0, 0.0], dtype=dtype)
    metres = to_metres(depth, MILLIMETRES)
    assert metres.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(metres, torch.tensor([0.35, 0.001, 0.0], dtype=metres.dtype), rtol=0, atol=0)


def test_arrays_too() -> None:
    metres = to_metres(np.array([250, 5], dtype=np.float32), SimpleNamespace(depth_unit="cm"))
    assert metres.dtype == np.float32
    np.testing.assert_array_equal(metres, np.array([2.5, 0.05], dtype=np.float32))


def test_the_largest_depth_of_a_model() -> None:
    metric = {"depth_estimation_type": "metric"}
    assert max_depth_in_metres(DepthAnythingConfig(**metric, max_depth=350, depth_unit="mm")) == 0.35
    assert max_depth_in_metres(StockConfig(**metric, max_depth=80)) == 80
    assert max_depth_in_metres(StockConfig(**metric, max_depth=2500, depth_unit="mm")) == 2.5
    assert max_depth_in_metres(DepthAnythingConfig()) is None
    assert max_depth_in_metres(GLPNConfig(max_depth=10)) == 10
    bins = [{"n_bins": 64, "min_depth": 0.001, "max_depth": far} for far in (10.0, 80.0)]
    assert max_depth_in_metres(ZoeDepthConfig(bin_configurations=bins)) == 80
    assert max_depth_in_metres(None) is None
