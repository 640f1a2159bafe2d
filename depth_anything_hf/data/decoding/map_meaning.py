# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the files that `predict` writes say of themselves: kind, unit, and which codes have no value."""

from __future__ import annotations

import io
import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ...visualization.colour_maps import LARGEST_CODE, from_uint16
from ...visualization.encode import PNG_SIGNATURE, png_texts_of
from ...visualization.encode_maps import TIFF_DESCRIPTION
from .errors import BrokenSampleError, UnreadableImageError
from .exr import EXR_MAGIC, HEADER_BYTES, header_length
from .tiff import TIFF_STARTS


# Keyword of the text in all files that `predict` writes, and version of its meaning.
MEANING_KEYWORD = "depth_anything_hf.prediction"
MEANING_VERSION = 1
KINDS = ("depth", "disparity")
# What files of points and cameras say of themselves, by the beginning of their formats.
POINTS_KIND, CAMERA_KIND = "depth_anything_hf.points", "depth_anything_hf.camera"
_KINDS_WITHOUT_MAP = {b"ply\n": POINTS_KIND, b"glTF": POINTS_KIND, b"{": CAMERA_KIND}
UNITS = {"depth": "metres", "disparity": "none: scale and shift of each image are free"}
# npy has no room for a text. NumPy fills the header of a map up to 128 bytes, `predict` up to these.
NPY_HEADERS = {"depth": 256, "disparity": 320}
NPY_MAGIC, NPZ_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
# What files say whose picture was straightened first, and why these are no labels.
STRAIGHTENED_TEXT = {"picture_is": "straightened"}
STRAIGHTENED_REASON = (
    "is of the picture without the distortion of its lens, as --camera has straightened it, and no label of the "
    "picture as it is; predict without --camera"
)
_IN_EXR = re.compile(re.escape(MEANING_KEYWORD.encode()) + rb"\0string\0(.{4})", re.DOTALL)


@dataclass(frozen=True)
class MapMeaning:
    """What the numbers of a file are.

    Attributes:
        kind: "depth" (metres) or "disparity".
        minimum, maximum: values of the codes 1 and 65535 of a 16-bit file; None where the numbers are no such codes.
        scale: codes per metre of a 16-bit file; None where the numbers are no such codes. The largest code is what is
            farther than the codes reach.
        is_straightened: whether the values are of the picture without its lens's distortion.
    """

    kind: str
    minimum: float | None = None
    maximum: float | None = None
    scale: float | None = None
    is_straightened: bool = False

    @property
    def has_codes(self) -> bool:
        """Whether the stored numbers are codes of 16 bits, of which 0 has no value."""
        return self.scale is not None or self.minimum is not None

    def decode(self, stored: np.ndarray, name: str) -> np.ndarray:
        """Return the values of the stored numbers: metres or disparity, float32 (H, W), NaN where a code has none.

        Raises:
            UnreadableImageError: other numbers than the text tells of, as after another program has saved the file.
        """
        if not self.has_codes:
            return stored.astype(np.float32)
        if stored.dtype != np.uint16:
            raise UnreadableImageError(
                f"{name}: its text tells of 16-bit codes, got {stored.dtype}; another program has changed it, predict "
                "again"
            )
        if self.minimum is not None and self.maximum is not None:
            return from_uint16(stored, self.minimum, self.maximum)
        values = (stored / np.float64(self.scale)).astype(np.float32)
        values[(stored == 0) | (stored == LARGEST_CODE)] = np.nan
        return values

    def check_label(self, label: str, name: str) -> None:
        """Check that the file holds what is asked for, of the picture that it is a label of.

        Raises:
            ValueError: the other kind, or a straightened picture; the message says what to do.
        """
        if self.is_straightened:
            raise ValueError(f"{name}: {STRAIGHTENED_REASON}")
        if self.kind != label:
            raise ValueError(
                f"{name}: holds {self.kind} by its own text, and {label} is asked for; set label: {self.kind}, in a "
                f"folder of that name, or predict {label} ({_ADVICE[label]})"
            )


_ADVICE = {"depth": "with a metric model, or with --metric", "disparity": "with a relative model"}


def meaning_of(content: bytes, name: str) -> MapMeaning | None:
    """Return what a file says of its numbers; None for files of other origin, which say nothing.

    Args:
        content: the file, or as much of it as comes before its values; a whole zip archive.
        name: of the file, for messages.

    Raises:
        BrokenSampleError: a coloured picture of a prediction.
        UnreadableImageError: a text of another version, or a damaged one.
    """
    record = _record_in(content)
    if record is None:
        return None
    if isinstance(record, Mapping) and "picture" in record:
        raise BrokenSampleError(
            f"{name}: a picture of a prediction ({record['picture']}), from which no values can be read; take one of "
            "its files of numbers"
        )
    try:
        kind, scale = record["kind"], record.get("scale")
        low, high = (None if record.get(key) is None else float(record[key]) for key in ("minimum", "maximum"))
        scale = None if scale is None else float(scale)
        numbers = [each for each in (low, high, scale) if each is not None]
        is_known = record["version"] == MEANING_VERSION and kind in KINDS and all(map(math.isfinite, numbers))
        if is_known and (low is None) == (high is None) and (scale is None or scale > 0):
            return MapMeaning(kind, low, high, scale, STRAIGHTENED_TEXT.items() <= record.items())
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise UnreadableImageError(
        f"{name}: its text {MEANING_KEYWORD!r} is damaged or not of version {MEANING_VERSION}; predict again"
    )


def meaning_in_file(path: Path) -> MapMeaning | None:
    """Return what a file says of its numbers, of which only the beginning is read; None where that is nothing.

    Never raises: files that cannot be read, and pictures, say nothing.
    """
    try:
        with path.open("rb") as file:
            return meaning_of(_beginning(file), str(path))
    except (OSError, ValueError):
        return None


def is_from_predict(path: Path) -> bool:
    """Return whether a file is like those that `predict` writes, by its content."""
    try:
        with path.open("rb") as file:
            content = _beginning(file)
        without_map = any(
            content.startswith(start) and kind.encode() in content for start, kind in _KINDS_WITHOUT_MAP.items()
        )
        return without_map or _record_in(content) is not None
    except (OSError, ValueError):
        return False


def is_picture_of_prediction(path: Path) -> bool:
    """Return whether a file is a picture of a prediction, from which no values can be read."""
    try:
        with path.open("rb") as file:
            record = _record_in(_beginning(file))
    except (OSError, ValueError):
        return False
    return isinstance(record, Mapping) and "picture" in record


def _beginning(file: BinaryIO) -> bytes:
    start = file.read(8)
    file.seek(0)
    # The table of a zip archive and, mostly, that of a TIFF are at its end.
    return file.read() if start.startswith((NPZ_MAGIC, *TIFF_STARTS)) else file.read(HEADER_BYTES)


def _record_in(content: bytes) -> Any:
    """Return the JSON value of the text, "" where it is no JSON; None without a text."""
    if content.startswith(NPY_MAGIC):
        return _record_of_npy(content)
    if content.startswith(NPZ_MAGIC):
        return _record_of_npz(content)
    if content.startswith(TIFF_STARTS):
        return _record_of_tiff(content) if MEANING_KEYWORD.encode() in content else None
    text: str | None = None
    if content.startswith(PNG_SIGNATURE):
        text = png_texts_of(io.BytesIO(content)).get(MEANING_KEYWORD)
    elif content.startswith(EXR_MAGIC):
        found = _IN_EXR.search(content, 0, header_length(content))
        if found is not None:
            text = content[found.end() : found.end() + struct.unpack("<I", found[1])[0]].decode("utf-8", "replace")
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return ""


def _record_of_npy(content: bytes) -> dict[str, Any] | None:
    length = 10 + int.from_bytes(content[8:10], "little")
    kind = next((kind for kind, header in NPY_HEADERS.items() if header == length), None)
    # NumPy itself writes as long a header for other arrays than maps.
    is_map = re.match(rb"\{'descr': '<f4', 'fortran_order': False, 'shape': \(\d+, \d+\), \} *\n", content[10:length])
    return {"version": MEANING_VERSION, "kind": kind} if kind and is_map else None


def _record_of_npz(content: bytes) -> dict[str, Any] | None:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            kind = str(stored["kind"]) if "kind" in stored.files and stored["kind"].shape == () else ""
            further = {key: str(stored[key]) for key in STRAIGHTENED_TEXT if key in stored.files}
            is_map = kind in {*KINDS} & {*stored.files}
            return {"version": MEANING_VERSION, "kind": kind, **further} if is_map else None
    except Exception:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy; whoever decodes it says so.
        return None


def _record_of_tiff(content: bytes) -> Any:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            words: Any = json.loads(str(getattr(picture, "tag_v2", {}).get(TIFF_DESCRIPTION)))
        return words.get(MEANING_KEYWORD) if isinstance(words, dict) else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def describe_map(kind: str, **further: Any) -> str:
    """Return the text that `meaning_of` reads, as JSON.

    Args:
        kind: "depth" or "disparity".
        further: what else it says, JSON values.
    """
    return json.dumps({"version": MEANING_VERSION, "kind": kind, "unit": UNITS[kind], **further})


def describe_picture(kind: str, picture: str) -> str:
    """Return the text of a coloured picture, by which it is not taken for a map or a photograph."""
    return json.dumps({"kind": kind, "picture": picture})
