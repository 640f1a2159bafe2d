# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Floats without a header: the depth of ETH3D, and what renderers dump."""

from __future__ import annotations

import numpy as np

from ..errors import UnreadableImageError
from ..limits import check_pixel_count
from .common_options import GEOMETRY, RAYS
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .float_files import SCALE, depth_of_floats


def decode_raw(file: EncodedFile, options: Options) -> DecodedMap:
    """Take a file for float32, row by row from the top, of the size that is given.

    Raises:
        UnreadableImageError: no size, or one that does not fit.
    """
    width, height = options["width"], options["height"]
    count = len(file.content) // 4
    if width is None or height is None or width * height != count or len(file.content) % 4:
        raise UnreadableImageError(
            f"{file.name}: {len(file.content)} bytes are {count} float32; say of which size they are, "
            f"'raw:width=...,height=...', got {width} x {height}"
        )
    check_pixel_count(count, file.name)
    stored = np.frombuffer(file.content, "<f4").reshape(height, width)
    depth = depth_of_floats(stored, options["scale"])
    if options["inf"] == "missing":
        depth[np.isinf(depth)] = np.nan
    return DecodedMap(depth, "depth", geometry=options["geometry"])


ENCODINGS = (
    Encoding(
        name="raw",
        writers="ETH3D ground truth (of the distorted pictures), and others without a header",
        files="little-endian float32 alone",
        unit="metres, or as scale says",
        missing="0, negative, NaN and inf missing (ETH3D); inf=sky where nothing was hit",
        kind="depth",
        geometry="planar",
        orientation="as the picture",
        source="facebookresearch/map-anything data_processing eth3d.py:27-31; eth3d.net documentation",
        verified="made",
        decode=decode_raw,
        options=(
            EncodingOption("width", int, "pixels"),
            EncodingOption("height", int, "pixels"),
            EncodingOption("inf", str, "what infinite depth is", "missing", ("missing", "sky")),
            SCALE,
            GEOMETRY,
            *RAYS,
        ),
    ),
)
