# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of whole numbers, looked up by OpenCV where it can, and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import ALL_CODES

from depth_anything_hf.data.decoding.encodings import encoding
from depth_anything_hf.data.decoding.encodings.encoding import through_table


def reciprocal(codes: np.ndarray) -> np.ndarray:
    values = codes / np.float64(7)
    values[codes == 0], values[codes == codes.max()] = np.nan, np.inf
    return values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_either_way_to_look_up_gives_the_same(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = np.concatenate([ALL_CODES, ALL_CODES[::-1]]).astype(dtype)
    # Not in one piece of memory, as every other row.
    for codes in (stored, stored[::2], stored[:, ::-1]):
        found = through_table(codes, reciprocal, ("either way", dtype))
        monkeypatch.setattr(encoding, "looks_up", lambda bits: False)
        np.testing.assert_array_equal(found, through_table(codes, reciprocal, ("either way", dtype)))
        monkeypatch.undo()
        assert found.dtype == np.float32 and found.shape == codes.shape


def test_what_a_caller_holds_is_not_changed() -> None:
    from depth_anything_hf.data.decoding.encodings.float_files import depth_of_floats

    stored = np.array([[0, 1, -1, np.inf]], np.float32)
    kept = stored.copy()
    meant = np.float32([[np.nan, 1, np.nan, np.inf]])
    np.testing.assert_array_equal(depth_of_floats(stored), meant)
    np.testing.assert_array_equal(stored, kept)
    # A part of something larger is copied, so that the whole is not kept for it.
    maps = np.stack([stored, stored])
    found = depth_of_floats(maps[0], may_change=True)
    np.testing.assert_array_equal(found, meant)
    assert not np.shares_memory(found, maps)
    assert np.shares_memory(depth_of_floats(stored, may_change=True), stored)
