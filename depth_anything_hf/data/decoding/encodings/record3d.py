# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of Record3D: an archive `.r3d`, or the files that it was unpacked to."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import UnreadableImageError
from ..limits import check_pixel_count
from ..optional import import_optional
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .float_files import depth_of_floats


ZIP_START, LZFSE_STARTS = b"PK\x03\x04", (b"bvx-", b"bvx1", b"bvx2", b"bvxn")


def decode_record3d(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode a frame: float32 metres, compressed by LZFSE, of the size that the recording's `metadata` tells.

    Raises:
        ImportError: pyliblzfse is not installed.
        UnreadableImageError: no such recording or frame, or no `metadata` beside it.
    """
    if file.content.startswith(ZIP_START):
        metadata, depth, find_confidence = _of_archive(file, options["index"])
    else:
        metadata, depth, find_confidence = _of_files(file)
    try:
        width, height = int(metadata["dw"]), int(metadata["dh"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{file.name}: its metadata have no size dw, dh: {error!r}") from error
    check_pixel_count(width * height, file.name)
    stored = _unpack(depth, "<f4", height, width, file.name)

    def confidence() -> np.ndarray:
        return _unpack(find_confidence(), "u1", height, width, file.name).astype(np.float32)

    return DecodedMap(depth_of_floats(stored), "depth", find_confidence=confidence, intrinsics=_camera(metadata))


def _of_archive(file: EncodedFile, index: int | None) -> tuple[Mapping[str, Any], bytes, Callable[[], bytes]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(file.content))
        metadata = json.loads(archive.read("metadata"))
        frames = sum(name.startswith("rgbd/") and name.endswith(".depth") for name in archive.namelist())
        if index is None or f"rgbd/{index}.depth" not in archive.namelist():
            raise UnreadableImageError(
                f"{file.name}: a recording of {frames} frames, and this is one map; say which one with "
                f"'record3d:index=0', or unpack it and name rgbd/*.depth"
            )
        return metadata, archive.read(f"rgbd/{index}.depth"), lambda: archive.read(f"rgbd/{index}.conf")
    except (zipfile.BadZipFile, KeyError, OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UnreadableImageError(f"{file.name}: expected a recording of Record3D with metadata: {error}") from error


def _of_files(file: EncodedFile) -> tuple[Mapping[str, Any], bytes, Callable[[], bytes]]:
    if not file.content.startswith(LZFSE_STARTS):
        raise UnreadableImageError(
            f"{file.name}: expected a .r3d or one of its rgbd/*.depth (LZFSE), got bytes {file.content[:8]!r}"
        )
    path = file.place
    places = [] if path is None else [path.parent.parent / "metadata", path.parent / "metadata"]
    found = next((each for each in places if each.is_file()), None)
    if path is None or found is None:
        raise UnreadableImageError(
            f"{file.name}: its size is in the recording's file metadata, expected "
            f"{' or '.join(map(str, places)) or 'beside the map, which lies nowhere'}"
        )
    try:
        metadata = json.loads(found.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"{found}: expected the metadata of Record3D: {error}") from error
    return metadata, file.content, path.with_suffix(".conf").read_bytes


def _unpack(packed: bytes, dtype: str, height: int, width: int, name: str) -> np.ndarray:
    liblzfse = import_optional("liblzfse", "record3d")
    try:
        values = np.frombuffer(liblzfse.decompress(packed), dtype)
        return values.reshape(height, width)
    except (liblzfse.error, ValueError) as error:
        raise UnreadableImageError(f"{name}: no map of {width} x {height} {dtype} in LZFSE: {error}") from error


def _camera(metadata: Mapping[str, Any]) -> np.ndarray | None:
    """Return the camera in pixels of the map: `K` is that of the picture, column by column."""
    try:
        matrix = np.array(metadata["K"], dtype=np.float64).reshape(3, 3).T
        across, down = metadata["dw"] / metadata["w"], metadata["dh"] / metadata["h"]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    matrix = np.diag([across, down, 1.0]) @ matrix
    matrix[:2, 2] += np.array([across, down]) / 2 - 0.5
    return matrix


ENCODINGS = (
    Encoding(
        name="record3d",
        writers="Record3D recordings (.r3d), by the extra record3d; its EXR export is read as exr",
        files=".r3d, or rgbd/*.depth of one",
        unit="metres, float32",
        missing="0 and NaN missing; confidence 0, 1, 2 of rgbd/*.conf",
        kind="depth",
        geometry="planar",
        orientation="as the picture beside it",
        source="marek-simonik/record3d; programs that read r3d: metadata has w, h, dw, dh and K, column by column",
        verified="made",
        decode=decode_record3d,
        options=(EncodingOption("index", int, "which frame of an archive, from 0"),),
    ),
)
