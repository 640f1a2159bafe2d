# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Disparity of stereo pairs as whole numbers: KITTI, Cityscapes, OAK-D."""

from __future__ import annotations

import numpy as np

from ..stored_maps import read_stored_label
from .common_options import stereo_options
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options, through_table, whole_numbers
from .scaled_integers import AS_STORED, FILES


def _pixels(file: EncodedFile, name: str, bits: tuple[int, ...], per_pixel: float, zero: int = 0) -> DecodedMap:
    stored = whole_numbers(read_stored_label({"bytes": file.content, "path": file.name})[0], file, name, bits)

    def disparity_of(codes: np.ndarray) -> np.ndarray:
        values = (codes.astype(np.float64) - zero) / per_pixel
        values[codes == 0] = np.nan
        return values

    return DecodedMap(through_table(stored, disparity_of, ("stereo", per_pixel, zero)), "disparity", "px")


def decode_kitti_disparity(file: EncodedFile, options: Options) -> DecodedMap:
    """Read disparity of KITTI: 1/256 px."""
    return _pixels(file, "kitti_disparity", (16,), 256)


def decode_cityscapes_disparity(file: EncodedFile, options: Options) -> DecodedMap:
    """Read disparity of Cityscapes: (number - 1) / 256 px."""
    return _pixels(file, "cityscapes_disparity", (16,), 256, 1)


def decode_oak_disparity(file: EncodedFile, options: Options) -> DecodedMap:
    """Read disparity of an OAK-D: whole pixels of 8 bits, or parts of pixels of 16."""
    stored = read_stored_label({"bytes": file.content, "path": file.name})[0]
    subpixel = (1 << options["subpixel_bits"]) if stored.dtype.itemsize == 2 else 1
    return _pixels(file, "oak_disparity", (8, 16), subpixel)


ENCODINGS = (
    Encoding(
        name="kitti_disparity",
        writers="KITTI stereo 2012 and 2015",
        files=FILES,
        unit="1/256 px of disparity",
        missing="0 missing",
        kind="disparity",
        geometry="planar",
        orientation=AS_STORED,
        source="KITTI stereo devkit, readme.txt",
        verified="made",
        decode=decode_kitti_disparity,
        options=stereo_options(),
    ),
    Encoding(
        name="cityscapes_disparity",
        writers="Cityscapes",
        files=FILES,
        unit="(number - 1)/256 px of disparity",
        missing="0 missing",
        kind="disparity",
        geometry="planar",
        orientation=AS_STORED,
        source="mcordts/cityscapesScripts README: d = (p - 1) / 256, 0 is invalid",
        verified="made",
        decode=decode_cityscapes_disparity,
        options=stereo_options(),
    ),
    Encoding(
        name="oak_disparity",
        writers="OAK-D (DepthAI)",
        files="8-bit or 16-bit PNG, PGM, TIFF or npy",
        unit="px of disparity; 16 bits: 1/8 px, or as subpixel_bits says",
        missing="0 missing",
        kind="disparity",
        geometry="planar",
        orientation=AS_STORED,
        source="DepthAI StereoDepth: depth = fx * baseline / disparity; 3 subpixel bits by default",
        verified="made",
        decode=decode_oak_disparity,
        options=(
            EncodingOption("subpixel_bits", int, "bits of 16 that are parts of a pixel: 3, 4 or 5", 3),
            *stereo_options(),
        ),
    ),
)
