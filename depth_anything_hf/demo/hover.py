# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A map as the browser gets it: 16-bit codes, of which it makes colours, and tells the value under the pointer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from ..visualization.colour_maps import INVALID_GREY, LARGEST_CODE
from ..visualization.colour_tables import colour_table
from .result import DemoResult


# Of the map that is sent, for it is text of 2.7 bytes a pixel.
LONGEST_SIDE = 768


def sampled(values: np.ndarray, longest: int = LONGEST_SIDE) -> np.ndarray:
    """Return the values at the pixels nearest to the centres of a coarser grid; no value is a mean of two.

    Args:
        values: (H, W).
        longest: sides of the result are at most so long.

    Returns:
        (h, w); the map itself where it is small enough.
    """
    height, width = values.shape
    factor = max(1.0, max(height, width) / longest)
    rows, columns = (
        np.minimum(((np.arange(max(1, round(side / factor))) + 0.5) * side / max(1, round(side / factor))), side - 1)
        for side in (height, width)
    )
    found: np.ndarray = values[rows.astype(int)[:, None], columns.astype(int)]
    return found


def to_codes(values: np.ndarray, *, is_logarithmic: bool) -> tuple[np.ndarray, float, float]:
    """Return 16-bit codes of values: 0 has none, 1 to 65535 run in equal steps from the smallest to the largest.

    Args:
        values: (H, W); NaN and infinity have no value.
        is_logarithmic: steps of the logarithm, for metres, which then are exact to the same share near and far; what
            is not positive has no value.

    Returns:
        uint16 (H, W), and the (logarithms of the) values of codes 1 and 65535; 0 and 0 where there are none.
    """
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.log(values) if is_logarithmic else values
    valid = np.isfinite(base)
    codes = np.zeros(values.shape, dtype=np.uint16)
    if not valid.any():
        return codes, 0.0, 0.0
    low, high = float(base[valid].min()), float(base[valid].max())
    share = (base[valid] - low) / (high - low if high > low else 1.0)
    codes[valid] = np.rint(share * (LARGEST_CODE - 1)).astype(np.uint16) + 1
    return codes, low, high


def for_browser(result: DemoResult, colormap: str) -> dict[str, Any]:
    """Return what `HOVER_SCRIPT` draws and reads, JSON values.

    Args:
        result: of one picture.
        colormap: as in `colour_table`.
    """
    is_depth = result.kind == "depth"
    codes, low, high = to_codes(sampled(result.values), is_logarithmic=is_depth)
    first, last = result.limits()
    height, width = result.image.shape[:2]
    return {
        "width": codes.shape[1],
        "height": codes.shape[0],
        "full_width": width,
        "full_height": height,
        "codes": base64.b64encode(codes.astype("<u2").tobytes()).decode(),
        "low": low,
        "high": high,
        "is_depth": is_depth,
        "first_colour": first,
        "last_colour": last,
        "colours": base64.b64encode(colour_table(colormap).tobytes()).decode(),
        "invalid": INVALID_GREY,
        "label": f"Depth map of {result.name}: {'metres' if is_depth else 'disparity, larger is nearer'}. "
        "Arrow keys move the cross, Enter takes the point.",
    }


HOVER_TEMPLATE = """
<div class="hover-map empty">
  <div class="stage"><canvas tabindex="0" role="application"
    aria-roledescription="depth map" aria-label="No depth map yet"></canvas><i class="cross"></i></div>
  <output aria-live="polite">Upload a picture: its depth appears here.</output>
</div>
"""
HOVER_STYLE = Path(__file__).with_name("hover.css").read_text(encoding="utf-8")
HOVER_SCRIPT = Path(__file__).with_name("hover.js").read_text(encoding="utf-8")
