# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples: a label of another size than the image is told."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.samples import add_label


def test_a_label_must_have_the_size_of_the_image() -> None:
    sample = {"image": np.zeros((6, 8, 3), np.uint8), "name": "a.png"}
    assert set(add_label({**sample}, "depth", np.ones((6, 8), np.float32), "a.npy")) == {"image", "name", "depth"}
    message = (
        r"a\.png is 6 x 8 \(height x width\) .* its label a\.npy is 8 x 6 .*agree pixel by pixel: resize the image"
    )
    with pytest.raises(BrokenSampleError, match=message):
        add_label(sample, "depth", np.ones((8, 6), np.float32), "a.npy")
