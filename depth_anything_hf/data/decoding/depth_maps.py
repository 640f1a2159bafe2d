# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode depth maps and disparity maps of many formats, and say which of their values are invalid or sky."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...utils.typed_fields import convert_fields
from .errors import BrokenSampleError, UnreadableImageError
from .exr import EXR_MAGIC, decode_exr
from .exr import exr_is_readable as exr_is_readable
from .files import FileLike, in_memory, read_bytes
from .limits import check_pixel_count, open_picture
from .map_meaning import KINDS, MapMeaning, meaning_of
from .opencv import decode_with_opencv
from .orientation import orientation_of_map, turn_upright
from .signatures import refuse_what_is_no_map
from .tiff import TIFF_STARTS, decode_tiff


LABELS = KINDS
LABEL_SUFFIXES = frozenset({".exr", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"})
SCALE_ADVICE = (
    "set scale, the stored units per metre (depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)
LARGEST_VALUE_BYTES = 8
PNG_START, PNG_END, PNG_GREY = b"\x89PNG", b"IEND", 0


def read_label(source: FileLike, scale: float | None = None) -> np.ndarray:
    """Read a depth or disparity map: PNG, PGM, TIFF, PFM, EXR, npy, or npz (one array, or a key depth or disparity).

    The content tells the format, not the suffix. No value is masked: 0 stays 0. An orientation of the
    map's own (TIFF, EXIF in PNG) turns it upright. The 16-bit files that `predict` writes say themselves what their
    codes are: metres or disparity, and NaN where there is no value.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        scale: stored units per metre; the result is value / scale. Required for other integer maps.

    Returns:
        float32 (H, W).

    Raises:
        FileNotFoundError: no file at the path.
        ValueError: an integer map without scale, a scale that is not positive, or one that contradicts the file.
        BrokenSampleError: the map is not (H, W).
        UnreadableImageError: the file cannot be decoded, or holds too many values.
    """
    source = in_memory(source)
    stored, name = read_stored_label(source)
    orientation, was_turned = orientation_of_map(source)
    if orientation is not None and not was_turned:
        stored = turn_upright(stored, orientation)
    meaning = meaning_of(source["bytes"], name)
    return _scale(stored, scale, name) if meaning is None else _decode(meaning, stored, scale, name)


def read_stored_label(source: FileLike, label: str | None = None) -> tuple[np.ndarray, str]:
    """Return the values as stored (H, W), integer or floating point, and a name for messages.

    Args:
        source: as in `read_label`.
        label: "depth" or "disparity", which is looked for first in a file of several maps; None looks for depth first.
    """
    content, name = read_bytes(source)
    if content.startswith(b"\x93NUMPY") or content.startswith(b"PK\x03\x04"):
        stored = _decode_numpy(content, name, label)
    elif content.startswith((b"Pf", b"PF")):
        stored = _decode_pfm(content, name)
    elif content.startswith(EXR_MAGIC):
        stored = decode_exr(content, name, label)
    elif content.startswith(TIFF_STARTS):
        stored = decode_tiff(content, name)
    elif re.match(rb"P2\s", content):
        stored = _decode_text_pgm(content, name)
    else:
        refuse_what_is_no_map(content, name)
        stored = _decode_picture(content, name)
    return single_channel(stored, name), name


def _decode(meaning: MapMeaning, stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    """Decode the numbers of a file that says what they are."""
    if meaning.kind == "depth" and not meaning.has_codes and scale not in (None, 1):
        raise ValueError(f"{name}: scale is {scale:g}, and the file itself tells of metres; leave scale out")
    if meaning.kind == "disparity" or not meaning.has_codes or scale == meaning.scale:
        values = meaning.decode(stored, name)
        is_scaled = scale is not None and not (meaning.has_codes and scale == meaning.scale)
        return _scale(values, scale, name) if is_scaled else values
    if scale is not None:
        told = "codes of a range" if meaning.scale is None else f"{meaning.scale:g} codes per metre"
        raise ValueError(f"{name}: scale is {scale:g}, and the file's own text tells of {told}; leave scale out")
    return meaning.decode(stored, name)


def _scale(stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    if scale is None and stored.dtype.kind in "iu":
        raise ValueError(f"{name}: an integer map ({stored.dtype}) has no unit; {SCALE_ADVICE}")
    if scale is not None and not scale > 0:
        raise ValueError(f"{name}: scale must be > 0, got {scale}; {SCALE_ADVICE}")
    if scale is None or scale == 1:
        return stored.astype(np.float32)
    return (stored.astype(np.float64) / scale).astype(np.float32)


def _decode_numpy(content: bytes, name: str, label: str | None) -> np.ndarray:
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        key = key_of_map(loaded.files, name, label)
        sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in loaded.zip.infolist()}
        check_pixel_count(sizes[key] // LARGEST_VALUE_BYTES, name)
        stored = loaded[key]
        if not isinstance(stored, np.ndarray):
            raise UnreadableImageError(
                f"{name}: expected an npz, got a zip archive whose only file {key!r} is no array"
            )
        return stored
    except BrokenSampleError:
        raise
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(
            f"{name}: not a readable npy or npz file, it is damaged or holds Python objects: {error}"
        ) from error


def key_of_map(keys: Sequence[str], name: str, label: str | None = None) -> str:
    """Return which of several named arrays is the map: `label`, depth or disparity, or the only one.

    Raises:
        BrokenSampleError: several arrays, and none of these names; the message starts with `name`.
    """
    preferred: tuple[str, ...] = (label, *LABELS) if label else LABELS
    for key in preferred:
        if key in keys:
            return key
    if len(keys) != 1:
        raise BrokenSampleError(
            f"{name}: expected an npz of one array, or with the key depth or disparity, got the keys {sorted(keys)}"
        )
    return keys[0]


def _decode_pfm(content: bytes, name: str) -> np.ndarray:
    # Not with OpenCV: it divides the values by the scale in the header, which Middlebury and others fill arbitrarily.
    header = re.match(rb"P([fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)[^\S\n]*\n", content)
    if header is None:
        raise UnreadableImageError(
            f"{name}: expected a PFM header such as b'Pf\\n640 480\\n-1.0\\n', got {content[:32]!r}"
        )
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"F" else 1
    count = width * height * channels
    if len(content) - header.end() < 4 * count:
        raise UnreadableImageError(
            f"{name}: truncated PFM: {height} x {width} x {channels} values need {4 * count} bytes, "
            f"there are {len(content) - header.end()}; copy or download it again"
        )
    try:
        scale = float(header[4])
    except ValueError:
        scale = 0.0
    if scale == 0:
        raise UnreadableImageError(
            f"{name}: the third line of a PFM header tells the byte order by its sign, such as -1.0 or 1.0, got "
            f"{header[4]!r}"
        )
    byte_order = "<" if scale < 0 else ">"
    values = np.frombuffer(content, dtype=f"{byte_order}f4", count=count, offset=header.end())
    # PFM stores the bottom row first.
    return values.reshape(height, width, channels)[::-1].astype(np.float32)


def _decode_text_pgm(content: bytes, name: str) -> np.ndarray:
    # Not with OpenCV: it spreads values of less than 8 bits over 8.
    words = re.sub(rb"#[^\n]*", b"", content).split()
    try:
        width, height, largest = (int(word) for word in words[1:4])
        values = np.array([int(word) for word in words[4:]], dtype=np.uint16)
        return values.reshape(height, width).astype(np.uint8 if largest < 256 else np.uint16)
    except (ValueError, OverflowError) as error:
        raise UnreadableImageError(f"{name}: a damaged text PGM: {error}") from error


def _decode_picture(content: bytes, name: str) -> np.ndarray:
    _check_header(content, name)
    stored = decode_with_opencv(content)
    if stored is not None:
        return stored
    raise UnreadableImageError(
        f"{name}: not a readable label; expected PNG, PGM, TIFF, PFM, EXR, npy or npz, got bytes {content[:12]!r}"
    )


def _check_header(content: bytes, name: str) -> None:
    """Refuse what OpenCV would decode at any size, in part, or to other numbers than those that are stored."""
    if content.startswith(PNG_START):
        if PNG_END not in content[-64:]:
            raise UnreadableImageError(f"{name}: a truncated PNG, its end is missing; copy or download it again")
        if b"acTL" in content[: content.find(b"IDAT")]:
            raise UnreadableImageError(f"{name}: an animated PNG; save the map alone")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_picture(io.BytesIO(content), name) as picture:
                if picture.mode == "P" and not _is_grey_ramp(picture):
                    raise BrokenSampleError(
                        f"{name}: expected a map (H, W), got a palette of colours, or of grey in another order; "
                        "is it a coloured preview of the map?"
                    )
    except UnidentifiedImageError:
        # OpenCV tells whether it knows the format.
        return
    if content.startswith(PNG_START):
        bits, colour_type = content[24:26]
        if bits < 8 and colour_type == PNG_GREY:
            # PNG scales them to 8 bits, as OpenCV does, and whoever wrote them hardly meant it.
            raise UnreadableImageError(f"{name}: a PNG of {bits} bits is no map; save it with 8 or 16 bits")


def _is_grey_ramp(picture: Image.Image) -> bool:
    """Tell whether each entry of the palette is the grey of its own number, so that colours are the stored numbers."""
    palette = np.array(picture.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    return bool((palette == np.arange(len(palette))[:, None]).all())


def single_channel(stored: np.ndarray, name: str) -> np.ndarray:
    """Return stored values as a map (H, W), also where a grey map was saved with equal channels.

    Raises:
        BrokenSampleError: not numbers, not a map, or a coloured image; the message starts with `name`.
    """
    if stored.dtype.kind not in "iuf":
        raise BrokenSampleError(f"{name}: expected a map of numbers, got values of type {stored.dtype}")
    if stored.ndim == 3 and stored.shape[0] == 1 and stored.shape[2] > 4:
        # Channels first, as tensors are saved.
        stored = stored[0]
    if stored.ndim == 3 and 0 < stored.shape[2] <= 4:
        colours = stored[..., :3]
        if np.array_equal(colours, np.broadcast_to(colours[..., :1], colours.shape), equal_nan=True):
            stored = stored[..., 0]
    if stored.ndim != 2 or stored.size == 0:
        raise BrokenSampleError(
            f"{name}: expected a map (H, W), got shape {stored.shape}; is it a coloured preview of the map?"
        )
    return stored


@dataclass(frozen=True)
class LabelRules:
    """How stored values become a label: NaN invalid; sky is depth +inf or disparity 0.

    Attributes:
        label: "depth" or "disparity".
        scale: stored units per metre, see `read_label`; integer disparity needs none.
        invalid_values: stored values that mean no measurement; None takes 0, but nothing of floating-point disparity.
        sky_value: stored depth values >= this (disparity: <=) are sky.
        max_depth: finite depth beyond this many metres is invalid.
    """

    label: str
    scale: float | None = None
    invalid_values: tuple[float, ...] | None = None
    sky_value: float | None = None
    max_depth: float | None = None

    def __post_init__(self) -> None:
        convert_fields(self, may_be_infinite=("invalid_values", "sky_value", "max_depth"))

    def read(self, source: FileLike) -> np.ndarray:
        """Read a label of any format of `read_label`: float32 (H, W), see `apply`.

        Raises:
            ValueError: also where a file that `predict` has written holds the other kind.
        """
        source = in_memory(source)
        stored, name = read_stored_label(source, self.label)
        meaning = meaning_of(source["bytes"], name)
        if meaning is not None:
            meaning.check_label(self.label, name)
        return self.apply(stored, name, meaning)

    def apply(self, stored: np.ndarray, name: str, meaning: MapMeaning | None = None) -> np.ndarray:
        """Turn stored values (H, W) into a label: float32 (H, W).

        Args:
            stored: numbers as they are in the file.
            name: starts the messages.
            meaning: what the file says of them.
        """
        is_depth = self.label == "depth"
        if meaning is None:
            # Disparity has no unit that matters, so that an integer disparity map needs no scale.
            values = _scale(stored, self.scale if is_depth or self.scale is not None else 1.0, name)
        else:
            values = _decode(meaning, stored, self.scale, name)
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
    """Return the options of a dataset as rules; a single invalid value needs no list."""
    given: Any = invalid_values
    return LabelRules(label or "depth", scale, given, sky_value, max_depth)
