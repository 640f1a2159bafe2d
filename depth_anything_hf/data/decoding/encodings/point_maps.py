# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps of points, whose third number is depth: SCARED."""

from __future__ import annotations

import numpy as np

from ..errors import UnreadableImageError
from ..tiff import TIFF_STARTS, decode_tiff
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .float_files import depth_of_floats


VIEWS = ("both", "left", "right")
# OpenCV has the samples of a pixel in the reverse order.
Z = 0


def decode_point_map(file: EncodedFile, options: Options) -> DecodedMap:
    """Take the third number of each pixel, that along the optical axis.

    Raises:
        UnreadableImageError: no TIFF of three floating-point numbers for each pixel.
    """
    if not file.content.startswith(TIFF_STARTS):
        raise UnreadableImageError(f"{file.name}: expected a TIFF of points, got bytes {file.content[:8]!r}")
    points = decode_tiff(file.content, file.name)
    if points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind != "f":
        raise UnreadableImageError(
            f"{file.name}: scared has three floating-point numbers (x, y, z) for each pixel, got {points.dtype} "
            f"{points.shape}; a map of depth alone has the encoding tiff"
        )
    stored = points[..., Z]
    if options["view"] != "both":
        half = len(stored) // 2
        stored = stored[:half] if options["view"] == "left" else stored[half:]
    return DecodedMap(depth_of_floats(np.ascontiguousarray(stored), options["scale"]), "depth")


ENCODINGS = (
    Encoding(
        name="scared",
        writers="SCARED (left_depth_map.tiff, scene_points), EndoVis 2019",
        files="TIFF of three float32",
        unit="points in millimetres, of which z is depth",
        missing="NaN and 0 missing",
        kind="depth",
        geometry="planar",
        orientation="as the picture; scene_points have the left view above the right one (view=left)",
        source="dimitrisPs/scared_toolkit iotools.load_depthmap_xyz and its README (data convention)",
        verified="made",
        decode=decode_point_map,
        options=(
            EncodingOption("view", str, "which half of a map of two views, one above the other", "both", VIEWS),
            EncodingOption("scale", float, "stored units per metre", 1000.0),
        ),
    ),
)
