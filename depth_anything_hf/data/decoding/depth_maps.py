# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoding of pictures, depth maps and disparity maps, and the 16-bit code of disparity."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import struct
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .errors import BrokenSampleError, UnreadableImageError


FileLike: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"

LABELS = ("depth", "disparity")
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
LABEL_SUFFIXES = frozenset({".exr", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"})
SCALE_ADVICE = (
    "pass scale= (stored units per metre, depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)
LARGEST_CODE = 65535
LARGEST_VALUE_BYTES = 8
PNG_START, PNG_END = b"\x89PNG", b"IEND"
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
EXR_MAGIC = b"\x76\x2f\x31\x01"
ENCODINGS = ("linear", "log")


# What turns a stored picture upright, by its EXIF orientation.
JPEG_TURNS: dict[int, tuple[Callable[[np.ndarray], np.ndarray], ...]] = {
    1: (),
    2: (lambda image: cv2.flip(image, 1),),
    3: (lambda image: cv2.rotate(image, cv2.ROTATE_180),),
    4: (lambda image: cv2.flip(image, 0),),
    5: (cv2.transpose,),
    6: (lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),),
    7: (cv2.transpose, lambda image: cv2.rotate(image, cv2.ROTATE_180)),
    8: (lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),),
}


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
        decoded = _decode_jpeg(picture, content)
        return _decode_picture(picture, name) if decoded is None else decoded


def _decode_jpeg(picture: Image.Image, content: bytes) -> np.ndarray | None:
    """Decodes an ordinary, whole JPEG by OpenCV: Pillow's library and pixels, in less time.

    Returns:
        uint8 (H, W, 3); None for anything else, which Pillow then decodes or refuses.
    """
    is_whole = content.startswith(JPEG_START) and content.endswith(JPEG_END)
    if not is_whole or picture.mode not in ("RGB", "L"):
        return None
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation not in JPEG_TURNS:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if image is None or image.shape[:2] != picture.size[::-1]:
        return None
    for turn in JPEG_TURNS[orientation]:
        image = turn(image)
    return image


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
        ValueError: an integer map without scale.
        BrokenSampleError: the map is not (H, W).
        UnreadableImageError: the file cannot be decoded, or holds too many values.
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


def encode_disparity(disparity: np.ndarray, encoding: str = "linear") -> tuple[bytes, float, float]:
    """Packs a disparity map into a 16-bit PNG.

    Code 0 is NaN. In the linear code 1..65535 run from the smallest to the largest valid value, which suits a
    disparity that is only known up to scale and shift. In the logarithmic code 1 is disparity 0 (sky) and 2..65535
    run in equal ratios from the smallest to the largest positive value: the relative error is the same near and far,
    which suits 1 / metres.

    Args:
        disparity: float (H, W); NaN is invalid, infinities are refused.
        encoding: "linear" or "log".

    Returns:
        (png_bytes, minimum, maximum), the range of the codes; 0 and 0 for a map without any value to code.

    Raises:
        ValueError: not a map, infinite values, an unknown encoding, or negative values in the logarithmic code.
    """
    if disparity.ndim != 2:
        raise ValueError(f"expected a disparity map (H, W), got shape {disparity.shape}")
    if np.isinf(disparity).any():
        raise ValueError("a disparity map with infinite values cannot be encoded; set them to NaN first")
    _check_encoding(encoding)
    codes, minimum, maximum = _linear_codes(disparity) if encoding == "linear" else _log_codes(disparity)
    # OpenCV's own level and strategy: measured 1.5 to 2.5 times as fast as level 1, for 2 to 10 % more bytes.
    written, png = cv2.imencode(".png", codes)
    if not written:
        raise ValueError(f"OpenCV could not encode a map of shape {disparity.shape} as PNG")
    return png.tobytes(), minimum, maximum


def decode_disparity(png_bytes: bytes, minimum: float, maximum: float, encoding: str = "linear") -> np.ndarray:
    """Inverse of `encode_disparity`.

    Exact to (maximum - minimum) / 65535 in the linear code, and to the share ln(maximum / minimum) / 65535 of the
    value in the logarithmic one.

    Args:
        png_bytes: a 16-bit grey PNG.
        minimum: value of the first code.
        maximum: value of code 65535.
        encoding: "linear" or "log", as it was encoded.

    Returns:
        float32 (H, W), NaN where the code is 0.

    Raises:
        BrokenSampleError: not a 16-bit picture.
        ValueError: an unknown encoding.
    """
    _check_encoding(encoding)
    codes, name = _read_stored_label(png_bytes)
    if codes.dtype != np.uint16:
        raise BrokenSampleError(f"{name}: encoded disparity must be a 16-bit PNG, got {codes.dtype}")
    if encoding == "linear":
        values = minimum + (codes.astype(np.float64) - 1) * ((maximum - minimum) / (LARGEST_CODE - 1))
    else:
        ratio_per_step = np.log(maximum / minimum) / (LARGEST_CODE - 2) if minimum > 0 else 0.0
        values = minimum * np.exp((codes.astype(np.float64) - 2) * ratio_per_step)
        values[codes == 1] = 0.0
    values[codes == 0] = np.nan
    return values.astype(np.float32)


def _linear_codes(disparity: np.ndarray) -> tuple[np.ndarray, float, float]:
    # float64: float32 would add an error as large as a code step where the range is narrow.
    values = disparity.astype(np.float64)
    invalid = np.isnan(values)
    has_invalid = bool(invalid.any())
    valid = values[~invalid] if has_invalid else values
    minimum, maximum = (float(valid.min()), float(valid.max())) if valid.size else (0.0, 0.0)
    values -= minimum
    values *= (LARGEST_CODE - 1) / (maximum - minimum) if maximum > minimum else 0.0
    np.rint(values, out=values)
    values += 1
    if has_invalid:
        values[invalid] = 0
    return values.astype(np.uint16), minimum, maximum


def _log_codes(disparity: np.ndarray) -> tuple[np.ndarray, float, float]:
    if (disparity < 0).any():
        raise ValueError(
            f"the logarithmic code holds disparity >= 0, got {float(np.nanmin(disparity))}; use the linear one"
        )
    positive = disparity > 0
    values = disparity[positive].astype(np.float64)
    minimum, maximum = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    steps = (LARGEST_CODE - 2) / np.log(maximum / minimum) if maximum > minimum else 0.0
    codes = np.where(np.isnan(disparity), 0, 1).astype(np.uint16)
    codes[positive] = 2 + np.rint(np.log(values / minimum) * steps)
    return codes, minimum, maximum


def _check_encoding(encoding: str) -> None:
    if encoding not in ENCODINGS:
        raise ValueError(f"unknown encoding {encoding!r} of disparity, expected one of {list(ENCODINGS)}")
