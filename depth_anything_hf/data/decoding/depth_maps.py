# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoding of depth maps and disparity maps."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import BrokenSampleError, UnreadableImageError
from .files import FileLike, read_bytes


LABELS = ("depth", "disparity")
LABEL_SUFFIXES = frozenset({".exr", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"})
SCALE_ADVICE = (
    "pass scale= (stored units per metre, depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)
LARGEST_VALUE_BYTES = 8
PNG_START, PNG_END = b"\x89PNG", b"IEND"
EXR_MAGIC = b"\x76\x2f\x31\x01"


def read_label(source: FileLike, scale: float | None = None) -> np.ndarray:
    """Reads a depth or disparity map: PNG, PGM, TIFF, PFM, EXR, npy, or npz (one array, or key depth or disparity).

    The format is told by the content, not by the suffix. Nothing is masked: 0 stays 0.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        scale: stored units per metre; the result is value / scale. Required for integer maps.

    Returns:
        float32 (H, W).

    Raises:
        ValueError: an integer map without scale.
        BrokenSampleError: the map is not (H, W).
        UnreadableImageError: the file cannot be decoded, or holds too many values.
    """
    stored, name = read_stored_label(source)
    return _scaled(stored, scale, name)


def read_stored_label(source: FileLike) -> tuple[np.ndarray, str]:
    """Returns the values as stored (H, W), integer or floating point, and a name for messages."""
    content, name = read_bytes(source)
    if content.startswith(b"\x93NUMPY") or content.startswith(b"PK\x03\x04"):
        stored = _decode_numpy(content, name)
    elif content.startswith((b"Pf", b"PF")):
        stored = _decode_pfm(content, name)
    elif content.startswith(EXR_MAGIC):
        stored = _decode_exr(content, name)
    else:
        stored = _decode_with_opencv(content, name)
    return single_channel(stored, name), name


def _scaled(stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    if scale is None and stored.dtype.kind in "iu":
        raise ValueError(f"{name}: an integer map ({stored.dtype}) has no unit; {SCALE_ADVICE}")
    if scale is not None and not scale > 0:
        raise ValueError(f"{name}: scale must be positive, got {scale}; {SCALE_ADVICE}")
    if scale is None or scale == 1:
        return stored.astype(np.float32)
    return (stored.astype(np.float64) / scale).astype(np.float32)


def _decode_numpy(content: bytes, name: str) -> np.ndarray:
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        key = _key_of_map(loaded.files, name)
        sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in loaded.zip.infolist()}
        _check_pixel_count(sizes[key] // LARGEST_VALUE_BYTES, name)
        return loaded[key]
    except BrokenSampleError:
        raise
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(f"{name}: not a readable npy or npz file: {error}") from error


def _key_of_map(keys: Sequence[str], name: str) -> str:
    for key in LABELS:
        if key in keys:
            return key
    if len(keys) != 1:
        raise BrokenSampleError(f"{name}: expected one array or a key depth or disparity, got the keys {sorted(keys)}")
    return keys[0]


def _check_pixel_count(count: int, name: str) -> None:
    """Refuses a small file that would fill the memory, by the same limit as Pillow's for pictures."""
    if Image.MAX_IMAGE_PIXELS is not None and count > 2 * Image.MAX_IMAGE_PIXELS:
        raise UnreadableImageError(
            f"{name}: {count} values are more than {2 * Image.MAX_IMAGE_PIXELS}. If you trust the file, raise "
            "PIL.Image.MAX_IMAGE_PIXELS."
        )


def _decode_pfm(content: bytes, name: str) -> np.ndarray:
    # Not by OpenCV: it divides the values by the header's scale, which Middlebury and others fill arbitrarily.
    header = re.match(rb"P([fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)[^\S\n]*\n", content)
    if header is None:
        raise UnreadableImageError(f"{name}: damaged PFM header {content[:32]!r}")
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"F" else 1
    count = width * height * channels
    if len(content) - header.end() < 4 * count:
        raise UnreadableImageError(
            f"{name}: truncated PFM: {height} x {width} x {channels} needs {4 * count} bytes of values, "
            f"there are {len(content) - header.end()}"
        )
    byte_order = "<" if float(header[4]) < 0 else ">"
    values = np.frombuffer(content, dtype=f"{byte_order}f4", count=count, offset=header.end())
    # PFM stores the bottom row first.
    return values.reshape(height, width, channels)[::-1].astype(np.float32)


def _decode_exr(content: bytes, name: str) -> np.ndarray:
    window = re.search(rb"dataWindow\0box2i\0.{4}(.{16})", content, re.DOTALL)
    if window is not None:
        left, top, right, bottom = struct.unpack("<4i", window[1])
        _check_pixel_count((right - left + 1) * (bottom - top + 1), name)
    try:
        import OpenEXR
    except ImportError:
        return _decode_with_opencv(content, name)
    try:
        with OpenEXR.File(io.BytesIO(content), separate_channels=True) as file:
            channels = [channel.pixels for _, channel in sorted(file.channels().items())]
    except (RuntimeError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{name}: damaged OpenEXR file: {error}") from error
    return np.stack(channels, axis=2) if len({channel.shape for channel in channels}) == 1 else channels[0]


def exr_is_readable() -> bool:
    """Whether OpenEXR maps can be decoded: by the package OpenEXR, or by an OpenCV that was built with it."""
    return importlib.util.find_spec("OpenEXR") is not None or not re.search(
        r"OpenEXR:\s+NO", cv2.getBuildInformation()
    )


def _decode_with_opencv(content: bytes, name: str) -> np.ndarray:
    is_exr = content.startswith(EXR_MAGIC)
    if is_exr:
        # OpenCV looks at this variable when it meets its first EXR file.
        os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    else:
        _check_header(content, name)
    try:
        stored = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is not None:
        return stored
    if is_exr:
        raise UnreadableImageError(
            f"{name}: damaged, or OpenCV {cv2.__version__} comes without OpenEXR (the wheels of version 5 do); "
            "install OpenEXR with: pip install 'depth_anything_hf[readers]', or convert the maps to npy or float TIFF"
        )
    raise UnreadableImageError(
        f"{name}: not a readable label (starts with {content[:12]!r}); expected PNG, PGM, TIFF, PFM, EXR, npy or npz"
    )


def _check_header(content: bytes, name: str) -> None:
    """Refuses what OpenCV would decode at any cost or only in part: huge maps, and PNG files without their end."""
    if content.startswith(PNG_START) and PNG_END not in content[-64:]:
        raise UnreadableImageError(f"{name}: a truncated PNG, its end is missing")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as picture:
                _check_pixel_count(picture.width * picture.height, name)
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"{name}: {error}. If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except UnidentifiedImageError:
        # Pillow does not know every kind of TIFF that OpenCV reads.
        return


def single_channel(stored: np.ndarray, name: str) -> np.ndarray:
    """Returns stored values as a map (H, W), also where a grey map was saved with equal channels.

    Raises:
        BrokenSampleError: not numbers, not a map, or a coloured picture; the message starts with `name`.
    """
    if stored.dtype.kind not in "iuf":
        raise BrokenSampleError(f"{name}: expected numbers, got dtype {stored.dtype}")
    if stored.ndim == 3 and 0 < stored.shape[2] <= 4:
        colours = stored[..., :3]
        if np.array_equal(colours, np.broadcast_to(colours[..., :1], colours.shape), equal_nan=True):
            stored = stored[..., 0]
    if stored.ndim != 2 or stored.size == 0:
        raise BrokenSampleError(f"{name}: expected a map (H, W), got shape {stored.shape} (is it a coloured preview?)")
    return stored


@dataclass(frozen=True)
class LabelRules:
    """How stored values become a label in this package's convention."""

    label: str
    scale: float | None = None
    invalid_values: tuple[float, ...] | None = None
    sky_value: float | None = None
    max_depth: float | None = None

    def read(self, source: FileLike) -> np.ndarray:
        """Label file of any format of `read_label` -> float32 (H, W), see `apply`."""
        stored, name = read_stored_label(source)
        return self.apply(stored, name)

    def apply(self, stored: np.ndarray, name: str) -> np.ndarray:
        """Stored values (H, W) -> float32 (H, W) with NaN for invalid and +inf depth or 0 disparity for sky."""
        is_depth = self.label == "depth"
        # Disparity has no unit that matters, so that an integer disparity map needs no scale.
        values = _scaled(stored, self.scale if is_depth or self.scale is not None else 1.0, name)
        invalid = np.isin(stored, self._invalid_values(stored)) | np.isnan(values)
        if is_depth:
            invalid |= values <= 0
            if self.max_depth is not None:
                invalid |= np.isfinite(values) & (values > self.max_depth)
        else:
            invalid |= np.isinf(values)
        sky = np.zeros(stored.shape, dtype=bool)
        if self.sky_value is not None:
            sky = stored >= self.sky_value if is_depth else stored <= self.sky_value
        values[invalid] = np.nan
        values[sky] = np.inf if is_depth else 0.0
        return values

    def _invalid_values(self, stored: np.ndarray) -> tuple[float, ...]:
        if self.invalid_values is not None:
            return self.invalid_values
        return (0,) if self.label == "depth" or stored.dtype.kind in "iu" else ()


def label_rules(
    label: str | None,
    scale: float | None,
    invalid_values: Sequence[float] | float | None,
    sky_value: float | None,
    max_depth: float | None,
) -> LabelRules:
    """The options of a dataset as rules; one invalid value may stand without a list."""
    invalid = None if invalid_values is None else tuple(np.atleast_1d(invalid_values).tolist())
    return LabelRules(label or "depth", scale, invalid, sky_value, max_depth)
