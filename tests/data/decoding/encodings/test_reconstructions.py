# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps of COLMAP and OpenMVS, byte by byte by their documents."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest
from encoded_maps import colmap, dpt, openmvs

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.decode import decode_map
from depth_anything_hf.data.decoding.encodings.detection import proven_encoding
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError


DEPTH = np.arange(12, dtype=np.float32).reshape(3, 4)
MEANT = np.where(DEPTH == 0, np.nan, DEPTH)


def test_colmap_proves_itself() -> None:
    content = colmap(DEPTH)
    assert content.startswith(b"4&3&1&")
    np.testing.assert_array_equal(read_label(content), MEANT)
    np.testing.assert_array_equal(read_label(content, scale=2), MEANT / 2)
    with pytest.raises(UnreadableImageError, match=r"truncated: 53 bytes do not fit its header '4&3&1&'"):
        read_label(content[:-1], encoding="colmap")
    with pytest.raises(BrokenSampleError, match="a map of 3 channels, so of normals"):
        read_label(colmap(np.zeros((3, 4, 3)), 3), encoding="colmap")


def test_openmvs_has_confidence_and_a_camera_of_the_picture() -> None:
    matrix = np.array([[800.0, 0, 399.5], [0, 820.0, 299.5], [0, 0, 1]])
    confidence = np.linspace(0, 1, 12).reshape(3, 4)
    content = openmvs(DEPTH, (8, 6), matrix, confidence)
    found = proven_encoding(content)
    assert found is not None and found.name == "openmvs"
    decoded = decode_map(content, "openmvs")
    np.testing.assert_array_equal(decoded.values, MEANT)
    np.testing.assert_allclose(decoded.confidence, confidence)
    # Half of the size: the centre of the left column is at 0.5 of the picture's.
    np.testing.assert_allclose(decoded.intrinsics, [[400, 0, 199.5], [0, 410, 149.5], [0, 0, 1]])
    kept = read_label(content, encoding="openmvs:min_confidence=0.5")
    np.testing.assert_array_equal(np.isfinite(kept), (confidence.astype(np.float32) >= 0.5) & (DEPTH > 0))
    np.testing.assert_array_equal(read_label(openmvs(DEPTH, (4, 3), matrix)), MEANT)
    with pytest.raises(UnreadableImageError, match="truncated"):
        read_label(content[:-1], encoding="openmvs")


def test_openmvs_of_before_is_refused_by_name() -> None:
    old = zlib.compress(b"\x16\0\0\0\0\0\0\0serialization::archive" + bytes(1000))
    with pytest.raises(UnreadableImageError, match=r"a \.dmap of an OpenMVS before 2021"):
        read_label(old)
    assert proven_encoding(zlib.compress(bytes(100))) is None


@pytest.mark.parametrize("write", [colmap, dpt])
def test_rules_of_a_data_set_scale_what_proves_itself(write: Callable[[np.ndarray], bytes]) -> None:
    content = write(DEPTH)
    expected = LabelRules("depth").read(content)
    np.testing.assert_allclose(LabelRules("depth", scale=2.0).read(content), expected / 2)
    np.testing.assert_allclose(read_label(content, scale=2.0), expected / 2)
    for rules in (LabelRules("depth", invalid_values=(3.0,)), LabelRules("depth", scale=2.0, sky_value=50.0)):
        with pytest.raises(ValueError, match="this file says itself what has no value; leave them out"):
            rules.read(content)
