# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoding of pictures, depth maps and disparity maps, and the 16-bit code of disparity."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps


FileLike: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"

LABELS = ("depth", "disparity")
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
LABEL_SUFFIXES = frozenset({".exr", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"})
SCALE_ADVICE = (
    "pass scale= (stored units per metre, depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)
LARGEST_CODE = 65535


class UnreadableImageError(ValueError):
    """A picture or label file that cannot be decoded; the message names the file and the reason."""


# Pictures


def read_image(source: FileLike | Image.Image) -> np.ndarray:
    """Decodes a picture of any common kind to 8-bit RGB, turned upright by its EXIF orientation.

    Transparency is dropped, 16-bit grey is scaled to 8 bit (not clipped), palettes and CMYK are converted.

    Args:
        source: path, encoded bytes, PIL image, or a `datasets` cell `{"bytes": ..., "path": ...}`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: there is no file at the path.
        UnreadableImageError: not a picture, empty, truncated, floating point, or too many pixels.
    """
    if isinstance(source, Image.Image):
        return _decode_picture(source, getattr(source, "filename", "") or "PIL image")
    content, name = read_bytes(source)
    try:
        picture = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"{name}: {error}. If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except Exception as error:
        # Pillow's decoders raise many kinds of exceptions on damaged files; all of them mean the same here.
        raise UnreadableImageError(
            f"{name}: not a picture in a format Pillow knows (it starts with {content[:12]!r})"
        ) from error
    with picture:
        return _decode_picture(picture, name)


def _decode_picture(picture: Image.Image, name: str) -> np.ndarray:
    try:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I") or upright.mode == "F":
            return _grey_to_rgb(np.asarray(upright), name)
        return np.array(upright.convert("RGB"))
    except UnreadableImageError:
        raise
    except Exception as error:
        # See read_image: any exception of a decoder means a damaged file.
        raise UnreadableImageError(f"{name}: cannot be decoded: {error}") from error


def _grey_to_rgb(grey: np.ndarray, name: str) -> np.ndarray:
    if grey.dtype.kind == "f":
        raise UnreadableImageError(f"{name}: a floating-point picture has no known brightness range; save it as 8 bit")
    if grey.min() < 0 or grey.max() > LARGEST_CODE:
        raise UnreadableImageError(
            f"{name}: grey values {grey.min()}..{grey.max()} do not fit 16 bit; save it as 8 bit"
        )
    eight_bit = ((grey.astype(np.uint32) * 255 + LARGEST_CODE // 2) // LARGEST_CODE).astype(np.uint8)
    return np.repeat(eight_bit[..., None], 3, axis=2)


def read_bytes(source: FileLike) -> tuple[bytes, str]:
    """Returns the encoded content and a name for messages."""
    if isinstance(source, Mapping):
        if source.get("bytes") is None:
            if not source.get("path"):
                raise UnreadableImageError("a cell with neither bytes nor path")
            return read_bytes(str(source["path"]))
        content, name = bytes(source["bytes"]), str(source.get("path") or "bytes")
    elif isinstance(source, bytes | bytearray | memoryview):
        content, name = bytes(source), "bytes"
    elif isinstance(source, str | os.PathLike):
        content, name = _read_file(Path(source)), os.fspath(source)
    else:
        raise TypeError(f"expected a path, bytes or a cell with bytes and path, got {type(source).__name__}")
    if not content:
        raise UnreadableImageError(f"{name}: the file is empty (0 bytes)")
    return content, name


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise UnreadableImageError(f"{path}: {error.strerror or error}") from error


# Labels


def read_label(source: FileLike, scale: float | None = None) -> np.ndarray:
    """Reads a depth or disparity map: PNG, PGM, TIFF, PFM, EXR, npy, or npz (one array, or key depth or disparity).

    The format is told by the content, not by the suffix. Nothing is masked: 0 stays 0.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        scale: stored units per metre; the result is value / scale. Required for integer maps.

    Returns:
        float32 (H, W).

    Raises:
        ValueError: an integer map without scale, or a map that is not (H, W).
        UnreadableImageError: the file cannot be decoded.
    """
    stored, name = _read_stored_label(source)
    return _scaled(stored, scale, name)


def _read_stored_label(source: FileLike) -> tuple[np.ndarray, str]:
    """Returns the values as stored (H, W), integer or floating point, and a name for messages."""
    content, name = read_bytes(source)
    if content.startswith(b"\x93NUMPY") or content.startswith(b"PK\x03\x04"):
        stored = _decode_numpy(content, name)
    elif content.startswith((b"Pf", b"PF")):
        stored = _decode_pfm(content, name)
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
        arrays = {key: loaded[key] for key in loaded.files}
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(f"{name}: not a readable npy or npz file: {error}") from error
    for key in LABELS:
        if key in arrays:
            return arrays[key]
    if len(arrays) != 1:
        raise ValueError(f"{name}: expected one array or a key depth or disparity, got the keys {sorted(arrays)}")
    return next(iter(arrays.values()))


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


def _decode_with_opencv(content: bytes, name: str) -> np.ndarray:
    is_exr = content.startswith(b"\x76\x2f\x31\x01")
    if is_exr:
        # OpenCV looks at this variable when it meets its first EXR file.
        os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    try:
        stored = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is not None:
        return stored
    if is_exr:
        raise UnreadableImageError(
            f"{name}: damaged, or OpenCV {cv2.__version__} comes without OpenEXR (the wheels of version 5 do); "
            "install opencv-python-headless<5, or convert the maps to npy or float TIFF"
        )
    raise UnreadableImageError(
        f"{name}: not a readable label (starts with {content[:12]!r}); expected PNG, PGM, TIFF, PFM, EXR, npy or npz"
    )


def single_channel(stored: np.ndarray, name: str) -> np.ndarray:
    """Returns stored values as a map (H, W), also where a grey map was saved with equal channels.

    Raises:
        ValueError: not numbers, not a map, or a coloured picture; the message starts with `name`.
    """
    if stored.dtype.kind not in "iuf":
        raise ValueError(f"{name}: expected numbers, got dtype {stored.dtype}")
    if stored.ndim == 3 and stored.shape[2] > 0:
        colours = stored[..., :3]
        if np.array_equal(colours, np.broadcast_to(colours[..., :1], colours.shape), equal_nan=True):
            stored = stored[..., 0]
    if stored.ndim != 2 or stored.size == 0:
        raise ValueError(f"{name}: expected a map (H, W), got shape {stored.shape} (is it a coloured preview?)")
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
        stored, name = _read_stored_label(source)
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


# The 16-bit code of disparity


def encode_disparity(disparity: np.ndarray) -> tuple[bytes, float, float]:
    """Packs a disparity map into a 16-bit PNG.

    Code 0 is NaN; codes 1..65535 run linearly from the smallest to the largest valid value.

    Args:
        disparity: float (H, W); NaN is invalid, infinities are refused.

    Returns:
        (png_bytes, minimum, maximum); minimum and maximum are 0 for a map without any valid value.
    """
    if disparity.ndim != 2:
        raise ValueError(f"expected a disparity map (H, W), got shape {disparity.shape}")
    if np.isinf(disparity).any():
        raise ValueError("a disparity map with infinite values cannot be encoded; set them to NaN first")
    valid = ~np.isnan(disparity)
    values = disparity.astype(np.float64)
    minimum, maximum = (float(values[valid].min()), float(values[valid].max())) if valid.any() else (0.0, 0.0)
    steps_per_unit = (LARGEST_CODE - 1) / (maximum - minimum) if maximum > minimum else 0.0
    codes = np.zeros(disparity.shape, dtype=np.uint16)
    codes[valid] = 1 + np.rint((values[valid] - minimum) * steps_per_unit).astype(np.uint16)
    written, png = cv2.imencode(".png", codes)
    if not written:
        raise ValueError(f"OpenCV could not encode a map of shape {disparity.shape} as PNG")
    return png.tobytes(), minimum, maximum


def decode_disparity(png_bytes: bytes, minimum: float, maximum: float) -> np.ndarray:
    """Inverse of `encode_disparity`, exact to (maximum - minimum) / 65535.

    Args:
        png_bytes: a 16-bit grey PNG.
        minimum: value of code 1.
        maximum: value of code 65535.

    Returns:
        float32 (H, W), NaN where the code is 0.
    """
    codes, name = _read_stored_label(png_bytes)
    if codes.dtype != np.uint16:
        raise ValueError(f"{name}: encoded disparity must be a 16-bit PNG, got {codes.dtype}")
    values = minimum + (codes.astype(np.float64) - 1) * ((maximum - minimum) / (LARGEST_CODE - 1))
    values[codes == 0] = np.nan
    return values.astype(np.float32)
