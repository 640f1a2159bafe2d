# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The data of a ROS message of compressedDepth, saved to a file: twelve bytes of header, then a PNG."""

from __future__ import annotations

import math
import struct

import numpy as np

from ..errors import UnreadableImageError
from ..stored_maps import decode_picture
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options, through_table, whole_numbers


# Kind of compression (0, inverse depth), and the two numbers of it.
HEADER = struct.Struct("<i2f")
PNG_START = b"\x89PNG\r\n\x1a\n"
DEPTHS = ("16UC1", "32FC1")


def is_compressed_depth(content: bytes) -> bool:
    """Tell whether the content is the data of such a message with a PNG."""
    return content[HEADER.size : HEADER.size + len(PNG_START)] == PNG_START and content.startswith(bytes(4))


def decode_compressed_depth(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode millimetres (16UC1), or inverse depth: metres = A / (number - B) (32FC1).

    Without the option the header tells: the numbers A and B of 16UC1 are 0.

    Raises:
        UnreadableImageError: no such header, RVL in place of PNG, or numbers A and B that are none of 32FC1.
    """
    if not is_compressed_depth(file.content):
        raise UnreadableImageError(
            f"{file.name}: expected the data of a compressedDepth message, 12 bytes and a PNG, got bytes "
            f"{file.content[:20]!r}; RVL is not read: republish it as png"
        )
    _, scale, offset = HEADER.unpack_from(file.content)
    is_inverse = math.isfinite(scale) and scale > 0 and math.isfinite(offset) and offset < 1
    kind = options["image"] or ("32FC1" if is_inverse else "16UC1")
    if kind == "32FC1" and not is_inverse:
        raise UnreadableImageError(f"{file.name}: its header has A = {scale:g} and B = {offset:g}, which is no 32FC1")
    stored = whole_numbers(decode_picture(file.content[HEADER.size :], file.name), file, "ros_depth", (16,))

    def depth_of(codes: np.ndarray) -> np.ndarray:
        values = codes / np.float64(1000)
        if kind == "32FC1":
            distance = codes - np.float64(offset)
            values = np.where(distance > 0, scale / np.where(distance > 0, distance, 1), np.nan)
        values[codes == 0] = np.nan
        return values

    return DecodedMap(through_table(stored, depth_of, ("ros_depth", kind, scale, offset)), "depth")


ENCODINGS = (
    Encoding(
        name="ros_depth",
        writers="ROS compressedDepth (the data of a message, saved to a file)",
        files="12 bytes and a PNG of 16 bits",
        unit="millimetres (16UC1), or A / (number - B) metres (32FC1)",
        missing="0 missing",
        kind="depth",
        geometry="planar",
        orientation="as the picture",
        source="ros-perception/image_transport_plugins compressed_depth_image_transport/src/codec.cpp",
        verified="made",
        decode=decode_compressed_depth,
        options=(EncodingOption("image", str, "encoding of the message; otherwise by its header", None, DEPTHS),),
        proves=is_compressed_depth,
    ),
)
