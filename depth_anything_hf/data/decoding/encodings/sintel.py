# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth of MPI Sintel, `.dpt`: a tag, two sizes, float32."""

from __future__ import annotations

import struct

import numpy as np

from ..errors import UnreadableImageError
from .encoding import DecodedMap, EncodedFile, Encoding, Options
from .float_files import SCALE, depth_of_floats
from .scaled_integers import AS_STORED


SINTEL_TAG = 202021.25
_TAG = struct.pack("<f", SINTEL_TAG)


def is_sintel_depth(content: bytes) -> bool:
    """Tell whether the content is a `.dpt`: optical flow (.flo) has the same tag, and two numbers for each pixel."""
    if len(content) < 12 or not content.startswith(_TAG):
        return False
    width, height = struct.unpack_from("<ii", content, 4)
    return bool(width > 0 and height > 0 and len(content) == 12 + 4 * width * height)


def stored_sintel_depth(content: bytes, name: str) -> np.ndarray:
    """Return the numbers of a `.dpt` file of MPI Sintel: tag, width, height, float32 metres.

    Returns:
        float32 (H, W), the bytes of the file themselves, which cannot be written.

    Raises:
        UnreadableImageError: another tag, or another number of values than in the header.
    """
    check_sintel_tag(content, name)
    width, height = struct.unpack_from("<ii", content, 4) if len(content) >= 12 else (0, 0)
    if not is_sintel_depth(content):
        raise UnreadableImageError(
            f"{name}: expected {12 + 4 * width * height} bytes for a map of {height} x {width} (height x width), got "
            f"{len(content)}{'; is it optical flow (.flo)?' if len(content) == 12 + 8 * width * height else ''}"
        )
    return np.frombuffer(content, dtype="<f4", offset=12).reshape(height, width).astype(np.float32, copy=False)


def check_sintel_tag(content: bytes, name: str) -> None:
    """Check the first four bytes of a file of MPI Sintel.

    Raises:
        UnreadableImageError: others.
    """
    if not content.startswith(_TAG):
        raise UnreadableImageError(f"{name}: expected the tag of a Sintel file, got {content[:4]!r}")


def decode_sintel(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a `.dpt` of MPI Sintel."""
    return DecodedMap(depth_of_floats(stored_sintel_depth(file.content, file.name), options["scale"]), "depth")


ENCODINGS = (
    Encoding(
        name="sintel",
        writers="MPI Sintel",
        files=".dpt",
        unit="metres of the film's scale",
        missing="0 and negative missing; sky has large finite values",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="sintel.is.tue.mpg.de/depth, sdk/python/sintel_io.py",
        verified="made",
        decode=decode_sintel,
        options=(SCALE,),
        proves=is_sintel_depth,
    ),
)
