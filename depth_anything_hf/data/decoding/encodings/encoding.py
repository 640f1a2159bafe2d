# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an encoding is: how a device, engine, app or data set writes depth, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np

from ....utils.paths import local_path
from ..errors import UnreadableImageError


Kind = Literal["depth", "disparity"]
# "planar": along the optical axis; "ray": from the camera's centre; "panorama": ray, of an equirectangular picture;
# "unknown": its source does not say; "height": above a datum, and no depth of a camera.
Geometry = Literal["planar", "ray", "panorama", "unknown", "height"]


@dataclass(frozen=True)
class EncodedFile:
    """A file to decode: its bytes, its name for messages, and the path that came with it, if any."""

    content: bytes
    name: str
    path: str | None = None

    @property
    def place(self) -> Path | None:
        """Where it lies, for files beside it; None: nowhere, as bytes and cells, whatever path they have."""
        path = None if self.path is None else local_path(self.path)
        return path if path is not None and path.is_file() else None


@dataclass(frozen=True)
class DecodedMap:
    """A map as it was meant.

    Attributes:
        values: float32 (H, W). Depth: `unit`, NaN without a value, +inf where nothing was hit (sky). Disparity: NaN
            without a value, 0 infinitely far.
        kind: "depth" or "disparity".
        unit: "m", "scene" (of unknown scale), "px" (pixels of disparity) or "1/m".
        geometry: what the depth is measured along.
        find_confidence: returns float32 (H, W), larger is better; None without.
        intrinsics: float64 (3, 3) in pixels of this map; None where the file has none.
    """

    values: np.ndarray
    kind: Kind
    unit: str = "m"
    geometry: Geometry = "planar"
    find_confidence: Callable[[], np.ndarray] | None = None
    intrinsics: np.ndarray | None = None

    @property
    def confidence(self) -> np.ndarray | None:
        """Confidence, float32 (H, W), larger is better; None without. It is decoded when it is asked for."""
        return None if self.find_confidence is None else self.find_confidence()


@dataclass(frozen=True)
class EncodingOption:
    """A setting of an encoding, as in "exr:channel=Z".

    Attributes:
        name: before the sign of equality.
        kind: float, int, str, or tuple for numbers with a slash between them, as in missing=0/65535.
        help: what it does, with its unit.
        default: where it is left out.
        choices: what it may be; empty: any.
    """

    name: str
    kind: type
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()


Options: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Encoding:
    """How somebody writes depth.

    Attributes:
        name: by which it is asked for.
        writers: what writes it.
        files: formats of its files.
        unit: of the stored numbers.
        missing: which of them have no value, and which are sky.
        kind: "depth" or "disparity".
        geometry: what it is measured along.
        orientation: of its rows beside the picture.
        source: where these facts are from.
        verified: "genuine" where genuine bytes were read rightly, else "made": files by another program or by hand.
        decode: reads it.
        options: settings.
        proves: whether the content alone proves that it is this; None: nothing in a file does.
        per_metre: stored units per metre of whole numbers, by which they are proposed; None for others.
        in_photograph: whether the map is inside of the photograph that it belongs to.
    """

    name: str
    writers: str
    files: str
    unit: str
    missing: str
    kind: Kind
    geometry: Geometry
    orientation: str
    source: str
    verified: Literal["genuine", "made"]
    decode: Callable[[EncodedFile, Options], DecodedMap]
    options: tuple[EncodingOption, ...] = ()
    proves: Callable[[bytes], bool] | None = None
    per_metre: float | None = None
    in_photograph: bool = False


# Tables of functions by their keys: of all encodings of a run, 256 KB each.
MOST_TABLES = 32
# Numbers that are looked up at once.
AT_ONCE = 1 << 15
_tables: dict[tuple[Hashable, int], np.ndarray] = {}
MISSING = "stored numbers without a value, with a slash between them, such as 0/65535"


def whole_numbers(
    stored: np.ndarray, file: EncodedFile, encoding: str, bits: tuple[int, ...] = (16, 32, 64)
) -> np.ndarray:
    """Check that stored values are whole numbers of so many bits, and return them.

    Raises:
        UnreadableImageError: others, as after another program has saved the file; the message says so.
    """
    if stored.dtype.kind not in "iu":
        raise UnreadableImageError(
            f"{file.name}: {encoding} has whole numbers, got {stored.dtype}: these hold values themselves; leave the "
            "encoding out, or name that of floating-point files"
        )
    if stored.dtype.itemsize * 8 not in bits:
        told = " or ".join(map(str, bits[:2]))
        raise UnreadableImageError(
            f"{file.name}: {encoding} has {told} bits, got {stored.dtype}: a preview, or saved "
            "after a program had read it with 8 bits (cv2.imread without IMREAD_UNCHANGED); take the file itself"
        )
    # npy keeps the order of bytes of whoever wrote it; bits are taken apart in this machine's.
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


@lru_cache(maxsize=2)
def looks_up(bits: int) -> bool:
    """Return whether OpenCV looks numbers of so many bits up, 8 or 16: of 16 version 5 does."""
    numbers: np.ndarray = np.array([[0, 1]], np.uint8 if bits == 8 else np.uint16)
    table = np.arange(1 << bits, dtype=np.float32)
    try:
        return bool((cv2.LUT(numbers, table) == numbers).all())
    except cv2.error:
        return False


def through_table(
    stored: np.ndarray, function: Callable[[np.ndarray], np.ndarray], key: Hashable | None = None
) -> np.ndarray:
    """Apply a function of single numbers, by a table of all of them where there are 65536 at most: float32.

    Args:
        stored: whole numbers (H, W).
        function: of whole numbers of the same type, (N,), to values.
        key: of the function: equal ones have equal keys, whose table is then made once; None: it is made each time.
    """
    bits = 8 * stored.itemsize
    is_small = bits <= 16 and stored.dtype.kind == "u"
    if not is_small or (stored.size <= 1 << bits and (key, bits) not in _tables):
        values: np.ndarray = function(stored.ravel()).astype(np.float32).reshape(stored.shape)
        return values
    table = None if key is None else _tables.get((key, bits))
    if table is None:
        table = function(np.arange(1 << bits, dtype=stored.dtype)).astype(np.float32)
        if key is not None and len(_tables) < MOST_TABLES:
            _tables[key, bits] = table
    if looks_up(bits):
        looked_up: np.ndarray = cv2.LUT(np.ascontiguousarray(stored), table)
        return looked_up
    found, codes = np.empty(stored.shape, np.float32), stored.ravel()
    flat = found.reshape(-1)
    # All numbers are inside of the table; NumPy makes int64 of them, for which a part at a time needs little memory.
    for start in range(0, codes.size, AT_ONCE):
        np.take(table, codes[start : start + AT_ONCE], out=flat[start : start + AT_ONCE], mode="wrap")
    return found
