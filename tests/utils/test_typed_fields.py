# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fields of dataclasses are of their types, or refused by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from depth_anything_hf.utils.typed_fields import convert_argument, convert_fields, nearest_of, require_ranges


@dataclass(frozen=True)
class Fields:
    count: int = 1
    rate: float = 0.5
    limit: int | None = None
    is_on: bool = False
    name: str = "x"
    values: Sequence[float] | None = None
    options: Mapping[str, Any] | None = None
    names: tuple[str, ...] = ()
    title: str | None = None
    own: Any = None
    sides: int | tuple[int, int] = 14
    mode: bool | Literal["fast"] = False
    largest: float = math.inf
    other: Path = Path()

    def __post_init__(self) -> None:
        convert_fields(self, "file: ")


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("count", "1e3", 1000),
        ("count", 3.0, 3),
        ("rate", "1e-3", 0.001),
        ("rate", 1, 1),
        ("limit", None, None),
        ("is_on", "yes", True),
        ("is_on", 0, False),
        ("name", Path("a"), "a"),
        ("values", ("1e1", 2), (10.0, 2)),
        ("values", 3, 3),
        ("values", np.array([1, 2]), [1, 2]),
        ("rate", np.float32(0.25), 0.25),
        ("count", np.int64(3), 3),
        ("is_on", np.True_, True),
        ("limit", "None", None),
        ("limit", " null ", None),
        ("name", 3, "3"),
        ("names", ["a"], ("a",)),
        ("names", "a", ("a",)),
        ("sides", [28, "42"], (28, 42)),
        ("sides", "28", 28),
        ("mode", "fast", "fast"),
        ("mode", "no", False),
        ("largest", "inf", float("inf")),
        ("own", {1}, {1}),
    ],
)
def test_what_can_be_meant_is_converted(field: str, value: object, meant: object) -> None:
    converted = getattr(Fields(**{field: value}), field)
    assert converted == meant and type(converted) is type(meant)


def test_what_is_right_already_stays_the_same_object() -> None:
    values, names = [0.5, 2], ("a", "b")
    fields = Fields(values=values, names=names)
    assert fields.values is values and fields.names is names


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("count", "three", "a whole number"),
        ("count", 2.5, "a whole number"),
        ("count", True, "a whole number"),
        ("count", None, "a whole number, got None; leave it out for the default"),
        ("rate", "nan", "a number"),
        ("rate", [1.0], "a number"),
        ("is_on", "on and off", "true or false"),
        ("is_on", 2, "true or false"),
        ("name", False, "text, got False; in YAML, write it in quotes"),
        ("values", ["x"], "a number"),
        ("options", [], "a mapping"),
        ("rate", "inf", "a finite number, got inf"),
        ("rate", "0,1", "a number, got '0,1'"),
        ("count", math.inf, "a whole number"),
        ("values", "0,1", "a list of numbers, got '0,1'"),
        ("values", {"a": 1}, "a list"),
        ("names", [None], "text, got None"),
        ("name", [1], r"text, got \[1\]$"),
        ("name", None, "text, got None"),
        ("title", "None", "text or nothing, got 'None'"),
        ("sides", [28], "a whole number or a list of 2 whole numbers"),
        ("mode", "slow", "true or false or fast, got 'slow'"),
        ("other", 3, "a Path, got 3"),
    ],
)
def test_what_cannot_is_refused_with_its_name(field: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^file: {field} must be {expected}"):
        Fields(**{field: value})


@dataclass
class Numbers:
    share: float | None = 0.5
    count: int = 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"share": 1.0}, "share is 1.0, expected at least 0 and less than 1"),
        ({"share": -0.1}, "share is -0.1, expected at least 0 and less than 1"),
        ({"count": 0}, "count is 0, expected more than 0$"),
    ],
)
def test_a_number_out_of_its_range_is_named(values: dict[str, Any], said: str) -> None:
    ranges = {"[0, 1)": ("share",), "(0, inf)": ("count",)}
    require_ranges(Numbers(share=None), ranges)
    require_ranges(Numbers(share=0.0), ranges)
    with pytest.raises(ValueError, match=said):
        require_ranges(Numbers(**values), ranges)


def test_the_argument_of_a_function_is_named() -> None:
    assert convert_argument("limit", "3", int | None) == 3
    with pytest.raises(ValueError, match=r"^limit must be a whole number, got 'x'"):
        convert_argument("limit", "x", int | None)


def test_the_nearest_name_or_all_are_told() -> None:
    assert nearest_of("limti", ["limit", "scale"]) == "did you mean 'limit'?"
    assert nearest_of("z", ["limit", "scale"]) == "known: limit, scale"
