# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of 256 colours by the names that matplotlib has for them, most of them without matplotlib."""

from __future__ import annotations

import difflib
import importlib.util
from functools import lru_cache

import cv2
import numpy as np


DEFAULT_COLOUR_MAP = "inferno"
REVERSED = "_r"
# Within 1 of 255 OpenCV's tables of these names are those of matplotlib; its hot, jet and twilight are not.
_OPENCV = {
    "autumn": cv2.COLORMAP_AUTUMN,
    "bone": cv2.COLORMAP_BONE,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "cool": cv2.COLORMAP_COOL,
    "inferno": cv2.COLORMAP_INFERNO,
    "magma": cv2.COLORMAP_MAGMA,
    "plasma": cv2.COLORMAP_PLASMA,
    "spring": cv2.COLORMAP_SPRING,
    "summer": cv2.COLORMAP_SUMMER,
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "winter": cv2.COLORMAP_WINTER,
}
# Colours at even distances, between which matplotlib interpolates: ColorBrewer 2.0 of C. Brewer, Apache-2.0.
_EVEN = {
    "Blues": "f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b",
    "Greys": "ffffff f0f0f0 d9d9d9 bdbdbd 969696 737373 525252 252525 000000",
    "RdBu": "67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061",
    "RdYlBu": "a50026 d73027 f46d43 fdae61 fee090 ffffbf e0f3f8 abd9e9 74add1 4575b4 313695",
    "RdYlGn": "a50026 d73027 f46d43 fdae61 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837",
    "Spectral": "9e0142 d53e4f f46d43 fdae61 fee08b ffffbf e6f598 abdda4 66c2a5 3288bd 5e4fa2",
    "YlGnBu": "ffffd9 edf8b1 c7e9b4 7fcdbb 41b6c4 1d91c0 225ea8 253494 081d58",
    "YlOrRd": "ffffcc ffeda0 fed976 feb24c fd8d3c fc4e2a e31a1c bd0026 800026",
    "binary": "ffffff 000000",
    "gray": "000000 ffffff",
    "grey": "000000 ffffff",
}
# Corners (share of the table, value) of red, green and blue, as in matplotlib's `_cm.py`.
_CORNERS = {
    "hot": (
        ((0, 0.0416), (0.365079, 1), (1, 1)),
        ((0, 0), (0.365079, 0), (0.746032, 1), (1, 1)),
        ((0, 0), (0.746032, 0), (1, 1)),
    ),
    "jet": (
        ((0, 0), (0.35, 0), (0.66, 1), (0.89, 1), (1, 0.5)),
        ((0, 0), (0.125, 0), (0.375, 1), (0.64, 1), (0.91, 0), (1, 0)),
        ((0, 0.5), (0.11, 1), (0.34, 1), (0.65, 0), (1, 0)),
    ),
}
COLOUR_MAPS = tuple(sorted({*_OPENCV, *_EVEN, *_CORNERS}, key=str.lower))


@lru_cache(maxsize=16)
def colour_table(name: str) -> np.ndarray:
    """Return the colours of a map, from its smallest value to its largest.

    Args:
        name: one of `COLOUR_MAPS`, with `_r` reversed; any other that matplotlib has, if it is installed.

    Returns:
        uint8 (256, 3) RGB, not to be changed.

    Raises:
        ValueError: no such map; the message has the nearest name.
    """
    plain = name.removesuffix(REVERSED)
    if plain in _OPENCV:
        codes = np.arange(256, dtype=np.uint8)[None]
        table = cv2.cvtColor(cv2.applyColorMap(codes, _OPENCV[plain]), cv2.COLOR_BGR2RGB)[0]
    elif plain in _EVEN:
        anchors = np.array([list(bytes.fromhex(colour)) for colour in _EVEN[plain].split()]) / 255
        places = np.linspace(0, 1, len(anchors))
        table = _to_bytes([np.interp(_SHARES, places, anchors[:, channel]) for channel in range(3)])
    elif plain in _CORNERS:
        table = _to_bytes([np.interp(_SHARES, *np.array(corners).T) for corners in _CORNERS[plain]])
    else:
        table = _table_of_matplotlib(plain, name)
    colours: np.ndarray = np.ascontiguousarray(table[::-1] if name.endswith(REVERSED) else table)
    colours.flags.writeable = False
    return colours


_SHARES = np.linspace(0, 1, 256)


def _to_bytes(channels: list[np.ndarray]) -> np.ndarray:
    table: np.ndarray = np.rint(np.stack(channels, axis=1) * 255).astype(np.uint8)
    return table


def _table_of_matplotlib(plain: str, name: str) -> np.ndarray:
    is_there = importlib.util.find_spec("matplotlib") is not None
    known = COLOUR_MAPS
    if is_there:
        from matplotlib import colormaps

        if plain in colormaps:
            colours = np.asarray(colormaps[plain](_SHARES))[:, :3]
            return _to_bytes(list(colours.T))
        known = tuple(sorted(each for each in colormaps if not each.endswith(REVERSED)))
    by_small_letters = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(plain.lower(), by_small_letters, n=1)
    hint = f"; did you mean {by_small_letters[nearest[0]]!r}?" if nearest else ""
    others = "" if is_there else "; matplotlib's others need it: pip install matplotlib"
    raise ValueError(
        f"colormap must be one of {', '.join(COLOUR_MAPS)}, with {REVERSED} behind it to reverse it, got {name!r}"
        f"{hint}{others}"
    )
