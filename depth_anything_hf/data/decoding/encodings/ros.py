# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The data of a ROS message of compressedDepth: twelve bytes of header, then a PNG, or the size and RVL."""

from __future__ import annotations

import math
import struct

import numpy as np

from ..errors import UnreadableImageError
from ..limits import check_pixel_count
from ..rvl import decode_rvl
from ..stored_maps import decode_picture
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options, through_table, whole_numbers
from .scaled_integers import metres_of


# Kind of compression (0, inverse depth), and the two numbers of it.
HEADER = struct.Struct("<i2f")
# Columns and rows, before the words of RVL.
SIZE = struct.Struct("<2I")
PNG_START = b"\x89PNG\r\n\x1a\n"
DEPTHS, MILLIMETRES = ("16UC1", "32FC1"), 1000.0
# With the numbers A and B an inverse depth of 1 is A / (1 - B) metres away: the farthest that was kept.
NEAREST_FAR, FARTHEST_FAR, LEAST_SCALE = 0.01, 1e5, 1.0
LONGEST_SIDE = 65535


def is_compressed_depth(content: bytes) -> bool:
    """Tell whether the content is the data of such a message with a PNG; RVL has no mark."""
    return content[HEADER.size : HEADER.size + len(PNG_START)] == PNG_START and content.startswith(bytes(4))


def decode_compressed_depth(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode millimetres (16UC1), or inverse depth: metres = A / (number - B) (32FC1).

    Without the option the header tells: 16UC1 has no numbers A and B, and its publisher writes there whatever was in
    its memory, so that they have to be believable for 32FC1.

    Raises:
        UnreadableImageError: no such header, neither PNG nor RVL behind it, or numbers A and B that are none of 32FC1.
    """
    if len(file.content) <= HEADER.size + SIZE.size:
        raise UnreadableImageError(
            f"{file.name}: expected the data of a compressedDepth message, 12 bytes and a PNG or RVL, got "
            f"{len(file.content)} bytes"
        )
    _, scale, offset = HEADER.unpack_from(file.content)
    is_inverse = math.isfinite(scale) and scale > 0 and math.isfinite(offset) and offset < 1
    is_believable = is_inverse and scale >= LEAST_SCALE and NEAREST_FAR <= scale / (1 - offset) <= FARTHEST_FAR
    kind = options["image"] or ("32FC1" if is_believable else "16UC1")
    if kind == "32FC1" and not is_inverse:
        raise UnreadableImageError(f"{file.name}: its header has A = {scale:g} and B = {offset:g}, which is no 32FC1")
    stored = _stored(file)
    if kind == "16UC1":
        return DecodedMap(metres_of(stored, MILLIMETRES), "depth")

    def depth_of(codes: np.ndarray) -> np.ndarray:
        distance = codes - np.float64(offset)
        values = np.where(distance > 0, scale / np.where(distance > 0, distance, 1), np.nan)
        values[codes == 0] = np.nan
        return values

    return DecodedMap(through_table(stored, depth_of, ("ros_depth", scale, offset)), "depth")


def _stored(file: EncodedFile) -> np.ndarray:
    """Return the numbers behind the header: uint16 (H, W)."""
    body = file.content[HEADER.size :]
    if body.startswith(PNG_START):
        return whole_numbers(decode_picture(body, file.name), file, "ros_depth", (16,))
    width, height = SIZE.unpack_from(body)
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise UnreadableImageError(
            f"{file.name}: expected the data of a compressedDepth message, 12 bytes and a PNG, or a size and RVL, got "
            f"bytes {file.content[:20]!r}"
        )
    check_pixel_count(width * height, file.name)
    return decode_rvl(body[SIZE.size :], height, width, file.name)


ENCODINGS = (
    Encoding(
        name="ros_depth",
        writers="ROS compressedDepth (the data of a message, saved to a file)",
        files="12 bytes, and a PNG of 16 bits or RVL (to be named)",
        unit="millimetres (16UC1), or A / (number - B) metres (32FC1)",
        missing="0 missing, and 65535 of 16UC1",
        kind="depth",
        geometry="planar",
        orientation="as the picture",
        source="ros-perception/image_transport_plugins compressed_depth_image_transport/src/codec.cpp, rvl_codec.cpp",
        verified="made",
        decode=decode_compressed_depth,
        options=(EncodingOption("image", str, "encoding of the message; otherwise by its header", None, DEPTHS),),
        proves=is_compressed_depth,
    ),
)
