# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Heights above a datum in GeoTIFF: no depth of a camera, unless it is known how high a camera looks down."""

from __future__ import annotations

import numpy as np

from ..errors import UnreadableImageError
from ..stored_maps import read_stored_label
from ..tiff import TIFF_STARTS, is_nodata, nodata_of, read_tags
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options


# ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory: where on earth a picture lies.
GEO_TAGS = (33550, 33922, 34264, 34735)


# Metres below which there is no ground or sea floor, and numbers that stand for none where no tag tells.
DEEPEST, VOIDS = -11_000.0, (-9999, -32767, -32768)


def is_geotiff(content: bytes) -> bool:
    """Tell whether the content is a TIFF that says where on earth it lies."""
    return content.startswith(TIFF_STARTS) and bool(read_tags(content, GEO_TAGS))


def decode_elevation(file: EncodedFile, options: Options) -> DecodedMap:
    """Return how far below a camera that looks down each height is.

    Raises:
        UnreadableImageError: the height of the camera is not given, or no TIFF.
    """
    if not file.content.startswith(TIFF_STARTS):
        raise UnreadableImageError(f"{file.name}: expected a TIFF of heights, got bytes {file.content[:8]!r}")
    camera = options["camera_height"]
    if camera is None:
        raise UnreadableImageError(
            f"{file.name}: a GeoTIFF, so heights above a datum and no depth of a camera; where one looks straight "
            "down from a known height of the same datum, give it: 'elevation:camera_height=...' (metres); where it is "
            "depth all the same, name the encoding tiff"
        )
    stored = read_stored_label({"bytes": file.content, "path": file.name})[0]
    heights, nodata = stored / np.float64(options["scale"]), nodata_of(file.content)
    depth = camera - heights
    is_void = np.isin(stored, VOIDS) if nodata is None else is_nodata(stored, nodata)
    depth[~(depth > 0) | (heights < DEEPEST) | is_void] = np.nan
    return DecodedMap(depth.astype(np.float32), "depth")


ENCODINGS = (
    Encoding(
        name="elevation",
        writers="GDAL and others (digital elevation models)",
        files="GeoTIFF, floating point or whole numbers, signed too",
        unit="metres above a datum; depth = camera_height - height",
        missing=(
            "GDAL_NODATA missing, also where its text has other digits; without it -9999, -32767, -32768; heights "
            "above the camera or below the sea floor"
        ),
        kind="depth",
        geometry="height",
        orientation="north is up",
        source="gdal.org GTiff driver (GDAL_NODATA, 42113); OGC GeoTIFF 1.1",
        verified="genuine",
        decode=decode_elevation,
        options=(
            EncodingOption("camera_height", float, "metres above the datum, of a camera that looks straight down"),
            EncodingOption("scale", float, "stored units per metre", 1.0),
        ),
        proves=is_geotiff,
    ),
)
