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


# So much of the list is looked at; a frame has three entries of about 60 bytes.
LIST_BYTES = 1 << 12
ZIP_START, LZFSE_STARTS = b"PK\x03\x04", (b"bvx-", b"bvx1", b"bvx2", b"bvxn")


def is_recording(content: bytes) -> bool:
    """Tell whether the content is an archive `.r3d`, whose list of files, at its end, has frames."""
    return content.startswith(ZIP_START) and b"rgbd/" in content[-LIST_BYTES:] and b"metadata" in content


def decode_record3d(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode a frame: float32 metres, compressed by LZFSE, of the size that the recording's `metadata` tells.

    Raises:
        ImportError: no package for LZFSE is installed.
        UnreadableImageError: no such recording or frame, or no `metadata` beside it.
    """
    if file.content.startswith(ZIP_START):
        metadata, depth, find_confidence = _of_archive(file, options["index"])
    else:
        metadata, depth, find_confidence = _of_files(file)
    return decode_frame(metadata, depth, find_confidence, file.name)


def decode_frame(
    metadata: Mapping[str, Any], depth: bytes, find_confidence: Callable[[], bytes], name: str
) -> DecodedMap:
    """Decode a frame by the metadata of its recording.

    Args:
        metadata: the recording's.
        depth: float32, by LZFSE.
        find_confidence: returns whole numbers of 8 bits, by LZFSE.
        name: starts the messages.

    Raises:
        ImportError: no package for LZFSE is installed.
        UnreadableImageError: another number of values than the metadata tell, or damaged.
    """
    try:
        width, height = int(metadata["dw"]), int(metadata["dh"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{name}: its metadata have no size dw, dh: {error!r}") from error
    check_pixel_count(width * height, name)
    stored = _unpack(depth, "<f4", height, width, name)

    def confidence() -> np.ndarray:
        return _unpack(find_confidence(), "u1", height, width, name).astype(np.float32)

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
    # The same functions under two names: lzfse has wheels for Linux, pyliblzfse has none.
    library = import_optional(("lzfse", "liblzfse"), "record3d")
    try:
        values = np.frombuffer(library.decompress(packed), dtype)
        return values.reshape(height, width)
    except (library.error, ValueError) as error:
        raise UnreadableImageError(f"{name}: no map of {width} x {height} {dtype} in LZFSE: {error}") from error


def camera_of_picture(metadata: Mapping[str, Any], index: int | None = None) -> np.ndarray | None:
    """Return the camera of a picture of w x h pixels: that of its frame, or `K`, which is stored column by column.

    Returns:
        float64 (3, 3); None where the metadata have none.
    """
    each = metadata.get("perFrameIntrinsicCoeffs")
    try:
        if index is not None and each and len(each) > index:
            fx, fy, cx, cy = (float(number) for number in each[index][:4])
            return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        return np.array(metadata["K"], dtype=np.float64).reshape(3, 3).T
    except (KeyError, TypeError, ValueError):
        return None


def _camera(metadata: Mapping[str, Any]) -> np.ndarray | None:
    """Return the camera in pixels of the map."""
    of_picture = camera_of_picture(metadata)
    try:
        across, down = metadata["dw"] / metadata["w"], metadata["dh"] / metadata["h"]
    except (KeyError, TypeError, ZeroDivisionError):
        return None
    if of_picture is None:
        return None
    matrix: np.ndarray = np.diag([across, down, 1.0]) @ of_picture
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
        proves=is_recording,
        options=(EncodingOption("index", int, "which frame of an archive, from 0"),),
    ),
)
