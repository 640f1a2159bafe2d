# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of one prediction: numbers, colours, and 16-bit grey."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..geometry.disparity import depth_to_disparity
from ..visualization.colour_maps import colour_map, to_uint16
from ..visualization.encode import encode_png


NUMBERS, COLOURS, GREY = ".npz", "_depth.png", "_16bit.png"


def suffixes_of(pictures: bool) -> tuple[str, ...]:
    """Return the suffixes of the files of one prediction."""
    return (NUMBERS, COLOURS, GREY) if pictures else (NUMBERS,)


def encode_prediction(values: np.ndarray, kind: str, pictures: bool) -> dict[str, bytes]:
    """Return suffix -> content of the files of one prediction.

    Args:
        values: float32 (H, W), disparity or metres; NaN is unknown.
        kind: "disparity" or "depth".
        pictures: whether to make the pictures too.
    """
    arrays: dict[str, Any] = {kind: values, "kind": np.array(kind)}
    numbers = io.BytesIO()
    # Not compressed: that would take most of the command's time and save a tenth of the size.
    np.savez(numbers, **arrays)
    contents = {NUMBERS: numbers.getvalue()}
    if pictures:
        contents[COLOURS] = encode_png(colour_map(depth_to_disparity(values) if kind == "depth" else values))
        contents[GREY] = encode_png(to_uint16(values)[0])
    return contents
