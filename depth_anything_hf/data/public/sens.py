# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The .sens files of ScanNet: pictures, maps and cameras of a recording, read a frame at a time."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..decoding.encodings.scaled_integers import metres_of
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..decoding.limits import check_pixel_count
from .formats import check_exists


VERSION = 4
COLOURS = {0: "raw", 1: "png", 2: "jpeg"}
DEPTHS = {0: "raw_ushort", 1: "zlib_ushort", 2: "occi_ushort"}
# What a frame begins with: its pose, two times, and the bytes of its picture and its map.
FRAME_HEAD = struct.Struct("<16f4Q")
LONGEST_NAME = 1 << 16


@dataclass(frozen=True)
class SensHeader:
    """What a .sens begins with.

    Attributes:
        color_intrinsics: (3, 3) pixels of the pictures.
        depth_intrinsics: (3, 3) pixels of the maps.
        color_compression: of `COLOURS`.
        depth_compression: of `DEPTHS`.
        color_size: width and height.
        depth_size: width and height.
        depth_shift: stored units per metre.
        frames: how many there should be.
        begin: where the first one begins.
    """

    color_intrinsics: np.ndarray
    depth_intrinsics: np.ndarray
    color_compression: str
    depth_compression: str
    color_size: tuple[int, int]
    depth_size: tuple[int, int]
    depth_shift: float
    frames: int
    begin: int


def read_sens_header(path: str) -> SensHeader:
    """Read the header of a .sens (ScanNet, SensReader/python/SensorData.py).

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: damaged, of another version, or compressed in a way that is not public.
    """
    check_exists(path)
    with open(path, "rb") as file:
        try:
            return _parse_header(file, path)
        except (struct.error, OverflowError) as error:
            raise UnreadableImageError(f"{path}: expected the header of a .sens, the file ends within it") from error


def _parse_header(file: BinaryIO, path: str) -> SensHeader:
    version, name_length = _unpack(file, "<IQ")
    if version != VERSION or name_length > LONGEST_NAME:
        raise UnreadableImageError(f"{path}: expected a .sens of version {VERSION}, got version {version}")
    file.seek(name_length, 1)
    color, _, depth, _ = np.array(_unpack(file, "<64f"), dtype=np.float64).reshape(4, 4, 4)[:, :3, :3]
    color_code, depth_code, *sizes = _unpack(file, "<2i4I")
    shift, frames = _unpack(file, "<fQ")
    if color_code not in COLOURS or depth_code not in DEPTHS or DEPTHS.get(depth_code) == "occi_ushort":
        raise UnreadableImageError(
            f"{path}: expected pictures as raw, PNG or JPEG and maps as raw or zlib, got the codes {color_code} and "
            f"{depth_code}; export the frames with ScanNet's SensReader"
        )
    if not 0 < shift < np.inf or not all(0 < size < 1 << 16 for size in sizes):
        raise UnreadableImageError(f"{path}: damaged: {shift:g} units per metre, sizes {sizes}")
    return SensHeader(
        color,
        depth,
        COLOURS[color_code],
        DEPTHS[depth_code],
        (sizes[0], sizes[1]),
        (sizes[2], sizes[3]),
        shift,
        frames,
        file.tell(),
    )


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def read_sens_frame(path: str, index: int) -> tuple[np.ndarray, np.ndarray, SensHeader]:
    """Read a picture and its map out of a .sens; the places of all frames are looked up once.

    Args:
        path: of the file.
        index: of the frame.

    Returns:
        uint8 (H, W, 3), float32 (h, w) metres with NaN where there is no depth, and the header.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: damaged, or without that frame.
    """
    check_exists(path)
    header, heads = _index(path, Path(path).stat().st_mtime_ns)
    if index >= len(heads):
        raise UnreadableImageError(f"{path}: has {len(heads)} whole frames of {header.frames}, and no frame {index}")
    begin, color_bytes, depth_bytes = map(int, heads[index])
    with open(path, "rb") as file:
        file.seek(begin)
        color, depth = file.read(color_bytes), file.read(depth_bytes)
    name = f"{path}, frame {index}"
    return _picture(color, header, name), _metres(depth, header, name), header


@lru_cache(maxsize=32)
def _index(path: str, time: int) -> tuple[SensHeader, np.ndarray]:
    """Return the header, and where each frame's picture begins and how many bytes picture and map have: (N, 3)."""
    header, size = read_sens_header(path), Path(path).stat().st_size
    heads: list[tuple[int, int, int]] = []
    with open(path, "rb") as file:
        place = header.begin
        while len(heads) < header.frames:
            file.seek(place)
            head = file.read(FRAME_HEAD.size)
            if len(head) < FRAME_HEAD.size:
                break
            color_bytes, depth_bytes = FRAME_HEAD.unpack(head)[-2:]
            begin = place + FRAME_HEAD.size
            place = begin + color_bytes + depth_bytes
            if place > size:
                break
            heads.append((begin, color_bytes, depth_bytes))
    return header, np.array(heads, dtype=np.int64).reshape(-1, 3)


def _picture(content: bytes, header: SensHeader, name: str) -> np.ndarray:
    if header.color_compression != "raw":
        return read_image({"bytes": content, "path": name})
    width, height = header.color_size
    return _whole(content, np.uint8, (height, width, 3), name).copy()


def _metres(content: bytes, header: SensHeader, name: str) -> np.ndarray:
    width, height = header.depth_size
    check_pixel_count(width * height, name)
    if header.depth_compression == "zlib_ushort":
        try:
            # A damaged file must not unpack to more than its map.
            content = zlib.decompressobj().decompress(content, 2 * width * height + 1)
        except zlib.error as error:
            raise UnreadableImageError(f"{name}: the map is damaged: {error}") from error
    return metres_of(_whole(content, np.dtype("<u2"), (height, width), name), header.depth_shift)


def _whole(content: bytes, kind: np.typing.DTypeLike, shape: tuple[int, ...], name: str) -> np.ndarray:
    expected = int(np.prod(shape)) * np.dtype(kind).itemsize
    if len(content) != expected:
        raise UnreadableImageError(f"{name}: expected {expected} bytes, got {len(content)}")
    return np.frombuffer(content, kind).reshape(shape)
