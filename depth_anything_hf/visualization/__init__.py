# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of depth and disparity maps as uint8 arrays, and their encoded files.

- `colour_maps`: colours of a map, errors as colours, 16-bit greys
- `colour_tables`: tables of colours by matplotlib's names
- `legend`: the bar that says which colour is which value
- `charts`: line charts with axes, numbers and a legend
- `figures`: images side by side, in sheets, with captions; sparse maps, point pairs
- `normal_maps`: surface normals as colours, and back
- `point_views`: points in space as a picture
- `encode`: PNG, JPEG and float32 TIFF files in memory
- `encode_maps`: maps as npy, TIFF and OpenEXR files that say what they are

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .charts import Curve, line_chart
    from .colour_maps import colour_map, error_map, from_uint16, to_uint16
    from .colour_tables import COLOUR_MAPS, colour_table
    from .encode import encode_jpeg, encode_png, encode_tiff
    from .figures import add_caption, mark_pairs, sheet, side_by_side, stack, thicken
    from .legend import add_legend
    from .normal_maps import normals_from_picture, normals_to_picture
    from .point_views import draw_points

_MODULES = {
    "COLOUR_MAPS": "colour_tables",
    "Curve": "charts",
    "add_caption": "figures",
    "add_legend": "legend",
    "colour_map": "colour_maps",
    "colour_table": "colour_tables",
    "draw_points": "point_views",
    "encode_jpeg": "encode",
    "encode_png": "encode",
    "encode_tiff": "encode",
    "error_map": "colour_maps",
    "from_uint16": "colour_maps",
    "line_chart": "charts",
    "mark_pairs": "figures",
    "normals_from_picture": "normal_maps",
    "normals_to_picture": "normal_maps",
    "sheet": "figures",
    "side_by_side": "figures",
    "stack": "figures",
    "thicken": "figures",
    "to_uint16": "colour_maps",
}

__all__ = [
    "COLOUR_MAPS",
    "Curve",
    "add_caption",
    "add_legend",
    "colour_map",
    "colour_table",
    "draw_points",
    "encode_jpeg",
    "encode_png",
    "encode_tiff",
    "error_map",
    "from_uint16",
    "line_chart",
    "mark_pairs",
    "normals_from_picture",
    "normals_to_picture",
    "sheet",
    "side_by_side",
    "stack",
    "thicken",
    "to_uint16",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
