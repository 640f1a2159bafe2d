# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels of another unit among the rest are named, and numbers for no value are taken for none."""

from __future__ import annotations

from dataclasses import replace

from depth_anything_hf.data.checks.findings import QUANTILES, LargestValue, SampleFacts
from depth_anything_hf.data.checks.unit_findings import mixed_units_finding


def labels_of(middle: float, count: int, first: int = 0) -> list[SampleFacts]:
    quantiles = tuple(middle * (0.5 + quantile) for quantile in QUANTILES)
    return [
        SampleFacts(index, f"{index}.png", label="depth", quantiles=quantiles) for index in range(first, first + count)
    ]


def test_labels_of_another_unit_are_named() -> None:
    finding = mixed_units_finding([*labels_of(3.0, 10), *labels_of(3000.0, 3, first=10)])
    assert finding is not None and finding.code == "unit" and finding.names == ("10.png", "11.png", "12.png")
    assert "at about 3000 m, the others at about 3 m" in finding.reason
    assert mixed_units_finding(labels_of(3.0, 13)) is None


def test_a_number_for_no_value_in_most_pixels_is_no_unit() -> None:
    none = LargestValue(1e10, 1e10, share=0.9, next=80.0, is_above=False)
    laser = [replace(each, largest=none) for each in labels_of(1e10, 3, first=10)]
    assert mixed_units_finding([*labels_of(3.0, 10), *laser]) is None
    # In fewer pixels it says nothing of the middle.
    assert mixed_units_finding([*labels_of(3.0, 10), *(replace(each, largest=none) for each in labels_of(3e3, 3))])
