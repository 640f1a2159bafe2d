# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers of bytes, read as people write them."""

from __future__ import annotations

import pytest

from depth_anything_hf.utils.sizes import parse_bytes


def test_units() -> None:
    expected = {"20GB": 20 * 10**9, "1.5 tb": 1_500_000_000_000, "512MiB": 512 * 2**20, "7": 7, "0": 0, "3K": 3000}
    assert {text: parse_bytes(text, "size") for text in expected} == expected
    assert parse_bytes(10**9, "size") == 10**9


@pytest.mark.parametrize("wrong", ["", "GB", "-1GB", "20 apples", "3iB", "1e9"])
def test_what_is_no_size(wrong: str) -> None:
    with pytest.raises(ValueError, match="cache_size: expected a number of bytes such as 20GB, 512MiB or 0"):
        parse_bytes(wrong, "cache_size")
