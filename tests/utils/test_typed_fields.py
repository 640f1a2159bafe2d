# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fields of dataclasses are of their types, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depth_anything_hf.utils.typed_fields import convert_fields


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
    own: Any = None

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
        ("names", ["a"], ["a"]),
        ("own", {1}, {1}),
    ],
)
def test_what_can_be_meant_is_converted(field: str, value: object, meant: object) -> None:
    converted = getattr(Fields(**{field: value}), field)
    assert converted == meant and type(converted) is type(meant)


def test_numbers_of_numpy_stay() -> None:
    scale = np.float32(0.25)
    assert Fields(rate=scale).rate is scale and Fields(count=np.int64(3)).count == 3
    values = np.array([1.0, 2.0])
    assert Fields(values=values).values is values


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
    ],
)
def test_what_cannot_is_refused_with_its_name(field: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^file: {field} must be {expected}"):
        Fields(**{field: value})
