# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`.dpt` of MPI Sintel proves itself; optical flow has the same tag."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from encoded_maps import dpt

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.detection import proven_encoding
from depth_anything_hf.data.decoding.errors import UnreadableImageError


DEPTH = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def test_it_is_read_without_being_named() -> None:
    content = dpt(DEPTH)
    assert content[:4] == b"PIEH"
    found = proven_encoding(content)
    assert found is not None and found.name == "sintel"
    np.testing.assert_array_equal(read_label(content), DEPTH)
    np.testing.assert_array_equal(read_label(content, scale=np.float64(2)), DEPTH / 2)
    np.testing.assert_array_equal(LabelRules("depth", max_depth=6).read(content), np.where(DEPTH > 6, np.nan, DEPTH))
    with pytest.raises(ValueError, match=r"sintel holds depth, and disparity is asked for; set label: depth"):
        LabelRules("disparity").read(content)


def test_optical_flow_and_truncated_files_are_refused() -> None:
    flow = struct.pack("<fii", 202021.25, 4, 3) + bytes(4 * 2 * 12)
    with pytest.raises(UnreadableImageError, match=r"is it optical flow \(\.flo\)\?"):
        read_label(flow, encoding="sintel")
    with pytest.raises(UnreadableImageError, match=r"expected 60 bytes for a map of 3 x 4 \(height x width\), got 59"):
        read_label(dpt(DEPTH)[:-1], encoding="dpt")
    assert proven_encoding(flow) is None
