# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps of multi-view stereo with headers of their own: COLMAP and OpenMVS."""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np

from ..errors import BrokenSampleError, UnreadableImageError
from ..limits import check_pixel_count
from .encoding import DecodedMap, EncodedFile, Encoding, Options
from .float_files import SCALE, depth_of_floats


COLMAP_HEADER = re.compile(rb"(\d{1,6})&(\d{1,6})&(\d{1,2})&")
DMAP_START, BOOST_ARCHIVE = b"DR", b"serialization::archive"
ZLIB_STARTS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
HAS_DEPTH, HAS_NORMAL, HAS_CONFIDENCE = 1, 2, 4
# Magic, content, padding, sizes of picture and map, range; then the length of a name.
DMAP_HEADER = struct.Struct("<2sBB4I2fH")


def is_colmap(content: bytes) -> bool:
    """Tell whether the content is a map of COLMAP: its header tells the number of bytes."""
    header = COLMAP_HEADER.match(content)
    if header is None:
        return False
    width, height, channels = (int(number) for number in header.groups())
    return width * height * channels > 0 and len(content) == header.end() + 4 * width * height * channels


def decode_colmap(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a depth map of COLMAP: text `width&height&1&`, then float32, rows from the top.

    Raises:
        BrokenSampleError: a map of normals.
        UnreadableImageError: no such header, or another number of bytes.
    """
    header = COLMAP_HEADER.match(file.content)
    if header is None or not is_colmap(file.content):
        size = "" if header is None else f": {len(file.content)} bytes do not fit its header {header[0].decode()!r}"
        raise UnreadableImageError(f"{file.name}: not a map of COLMAP, or truncated{size}; copy it again")
    width, height, channels = (int(number) for number in header.groups())
    if channels != 1:
        raise BrokenSampleError(f"{file.name}: a map of {channels} channels, so of normals; take depth_maps/")
    check_pixel_count(width * height, file.name)
    stored = np.frombuffer(file.content, "<f4", offset=header.end()).reshape(height, width)
    return DecodedMap(depth_of_floats(stored, options["scale"]), "depth", "scene")


def is_openmvs(content: bytes) -> bool:
    """Tell whether the content is a depth map of OpenMVS, of the format that it has written since 2021."""
    if len(content) < DMAP_HEADER.size or not content.startswith(DMAP_START):
        return False
    _, kinds, padding, *sizes, _near, _far, name_length = DMAP_HEADER.unpack_from(content)
    width, height = sizes[2:]
    fits = DMAP_HEADER.size + name_length + 4 + 4 * width * height <= len(content)
    return bool(kinds & HAS_DEPTH) and kinds < 16 and padding == 0 and width * height > 0 and fits


def is_old_openmvs(content: bytes) -> bool:
    """Tell whether the content is an archive of Boost in a stream of zlib, as OpenMVS wrote it before."""
    if not content.startswith(ZLIB_STARTS):
        return False
    try:
        return BOOST_ARCHIVE in zlib.decompressobj().decompress(content[:4096], 64)
    except zlib.error:
        return False


def decode_openmvs(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a `.dmap` of OpenMVS: depth, confidence and the camera.

    Raises:
        UnreadableImageError: the format of before (zlib around an archive of Boost), damaged, or without depth.
    """
    content, name = file.content, file.name
    if is_old_openmvs(content):
        raise UnreadableImageError(
            f"{name}: a .dmap of an OpenMVS before 2021, an archive of Boost that nothing else reads; write it again "
            "with a newer DensifyPointCloud"
        )
    if not is_openmvs(content):
        raise UnreadableImageError(f"{name}: not a .dmap of OpenMVS with depth, or truncated; copy it again")
    _, kinds, _, image_width, image_height, width, height, *_, name_length = DMAP_HEADER.unpack_from(content)
    check_pixel_count(width * height, name)
    place = DMAP_HEADER.size + name_length
    (views,) = struct.unpack_from("<I", content, place)
    place += 4 + 4 * views
    count = width * height
    maps = 1 + 3 * bool(kinds & HAS_NORMAL) + bool(kinds & HAS_CONFIDENCE)
    if len(content) < place + 8 * 21 + 4 * count * maps:
        raise UnreadableImageError(f"{name}: a truncated .dmap of OpenMVS; copy it again")
    intrinsics = np.frombuffer(content, "<f8", 9, place).reshape(3, 3).copy()
    # Its camera is that of the picture; integer indices are pixel centres.
    across, down = width / image_width, height / image_height
    intrinsics[0] *= across
    intrinsics[1] *= down
    intrinsics[0, 2] += 0.5 * across - 0.5
    intrinsics[1, 2] += 0.5 * down - 0.5
    place += 8 * 21
    stored = np.frombuffer(content, "<f4", count, place).reshape(height, width)
    place += 4 * count * (1 + 3 * bool(kinds & HAS_NORMAL))
    find_confidence = None
    if kinds & HAS_CONFIDENCE:
        confidence = np.frombuffer(content, "<f4", count, place).reshape(height, width)
        find_confidence = confidence.copy
    values = depth_of_floats(stored, options["scale"])
    return DecodedMap(values, "depth", "scene", find_confidence=find_confidence, intrinsics=intrinsics)


ENCODINGS = (
    Encoding(
        name="colmap",
        writers="COLMAP, depth_maps/*.geometric.bin and *.photometric.bin",
        files="text header and float32",
        unit="of the scene: its scale is arbitrary",
        missing="0 and negative missing; photometric maps have a value everywhere",
        kind="depth",
        geometry="planar",
        orientation="as the picture",
        source="colmap/colmap doc/format.rst:243-246, scripts/python/read_write_dense.py",
        verified="made",
        decode=decode_colmap,
        options=(SCALE,),
        proves=is_colmap,
    ),
    Encoding(
        name="openmvs",
        writers="OpenMVS since 2021 (older ones are refused)",
        files=".dmap",
        unit="of the scene: its scale is arbitrary",
        missing="0 and negative missing; it has confidence",
        kind="depth",
        geometry="planar",
        orientation="as the picture, of a size of its own",
        source="cdcseacave/openMVS scripts/python/MvsUtils.py:12-62",
        verified="made",
        decode=decode_openmvs,
        options=(SCALE,),
        proves=lambda content: is_openmvs(content) or is_old_openmvs(content),
    ),
)
