# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is said of pixels without a value, extrapolated or clipped."""

from __future__ import annotations

from depth_anything_hf.inference.pixel_shares import PixelShares, describe_shares


def test_nothing_is_said_of_ordinary_pixels() -> None:
    assert describe_shares({}) == ("", [])
    assert describe_shares({"a": PixelShares(0.0), "b": PixelShares(0.0, 0.0, 0.0)}) == ("", [])


def test_means_are_told_and_large_shares_warned_of() -> None:
    line, warnings = describe_shares({"a": PixelShares(0.0, 0.1, 0.001), "b": PixelShares(0.5, 1.0, 0.0)})
    assert line.startswith("Of the pixels 25 % have no value") and "55 % lie outside the disparities" in line
    assert "0.05 % lie outside the range of the 16-bit picture" in line
    assert [warning.split(" of the pixels ")[0] for warning in warnings] == [
        "in 1 of 2 images more than 10 %",
        "in 1 of 2 images more than 25 %",
    ]
    assert "most in b (50 %)" in warnings[0] and "most in b (100 %)" in warnings[1]
