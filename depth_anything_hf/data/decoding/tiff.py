# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode maps in TIFF: what OpenCV makes of some kinds of them is no longer what is stored."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from .errors import BrokenSampleError, UnreadableImageError
from .limits import check_pixel_count
from .opencv import decode_with_opencv


TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Tags and their values: TIFF 6.0, and the supplements of Adobe and libtiff.
SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
SAMPLES, PLANAR, PREDICTOR, SAMPLE_FORMAT = 277, 284, 317, 339
LOSSY = {6: "JPEG", 7: "JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 50001: "WebP"}
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
KINDS = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f", UNDEFINED: "u"}
KIND_NAMES = {UNSIGNED: "unsigned integers", SIGNED: "signed integers", FLOAT: "floats", UNDEFINED: "bits"}
# Bits that fill bytes, and those that OpenCV moves to the upper end of 16 bits.
WHOLE_BITS = {"u": (8, 16, 32, 64), "i": (8, 16, 32, 64), "f": (32, 64)}
PACKED_BITS = (10, 12, 14)
MIN_IS_WHITE, PALETTE = 0, 3
FLOATING_POINT_PREDICTOR = 3
# Bits of the subfile type: a smaller copy of another page, or its mask.
NOT_A_MAP = 0b101
MOST_PAGES = 100_000
# GDAL's number of pixels without a value, as text, whose digits may be others than those of the pixels.
GDAL_NODATA, NODATA_ROUNDING = 42113, 1e-6
# Type of a value -> its code for `struct`.
VALUE_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
ADVICE = "save the map alone, as float32 or as 16-bit integers with one sample per pixel"


class _Value(NamedTuple):
    """Numbers of a tag, and where the first of them stands in the file."""

    numbers: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class TiffLayout:
    """How the first page of a TIFF is stored.

    Attributes:
        order: "<" or ">", as for `struct`.
        width, height: in pixels.
        bits: of each sample.
        kind: sample format, 1 to 4 (unsigned, signed, float, undefined), others are complex.
        samples: of each pixel.
        compression, photometric, predictor: numbers of the TIFF specification.
        is_planar: samples in planes of their own.
        pages: pages, without smaller copies and masks.
        kind_offset: where the sample format stands in the file; None where it is left out.
    """

    order: str
    width: int
    height: int
    bits: tuple[int, ...]
    kind: int
    samples: int
    compression: int
    photometric: int
    predictor: int
    is_planar: bool
    pages: int
    kind_offset: int | None

    def __str__(self) -> str:
        """Return the layout in words, for messages."""
        kind = KIND_NAMES.get(self.kind, "complex numbers")
        planes = " in planes" if self.is_planar and self.samples > 1 else ""
        return (
            f"a TIFF of {self.samples} x {max(self.bits)}-bit {kind}{planes} (compression {self.compression}, "
            f"photometric {self.photometric}, predictor {self.predictor})"
        )


def decode_tiff(content: bytes, name: str) -> np.ndarray:
    """Decode the only page of a TIFF to the numbers that are stored, min-is-white or not.

    Returns:
        (H, W), or (H, W, 3 or 4): uint or int of 8 to 64 bits, float16, float32 or float64.

    Raises:
        BrokenSampleError: several pages.
        UnreadableImageError: damaged, lossy, too large, or a layout whose numbers cannot be had; the message names it.
    """
    layout = read_tiff_layout(content, name)
    check_pixel_count(layout.width * layout.height, name)
    if layout.pages > 1:
        raise BrokenSampleError(f"{name}: expected one map, got a TIFF of {layout.pages} pages; {ADVICE}")
    if layout.compression in LOSSY:
        raise UnreadableImageError(
            f"{name}: {LOSSY[layout.compression]} in TIFF is lossy and changes depth; write the map without it, "
            "deflate is lossless"
        )
    if layout.photometric == PALETTE:
        raise BrokenSampleError(
            f"{name}: expected a map (H, W), got a TIFF with a palette; is it a coloured preview of the map?"
        )
    kind, bits = KINDS.get(layout.kind, ""), max(layout.bits)
    is_whole = bits in WHOLE_BITS.get(kind, ())
    is_packed = kind == "u" and bits in PACKED_BITS and layout.samples == 1
    is_half = kind == "f" and bits == 16 and layout.predictor != FLOATING_POINT_PREDICTOR
    # Of planes OpenCV reads 8 bits right only, of two samples it keeps 8 bits.
    is_mixed = len(set(layout.bits)) > 1 or layout.samples not in (1, 3, 4)
    is_planar = layout.is_planar and layout.samples > 1 and bits > 8
    if not (is_whole or is_packed or is_half) or is_mixed or is_planar:
        raise UnreadableImageError(f"{name}: {layout} cannot be read as a map; {ADVICE}")
    stored = decode_with_opencv(_as_integers(content, layout) if is_half else content)
    if stored is None or stored.itemsize * 8 != (16 if is_packed else bits):
        raise UnreadableImageError(
            f"{name}: {layout} is damaged, or OpenCV {cv2.__version__} cannot decode it; copy it again, or {ADVICE}"
        )
    if is_half:
        return stored.view(np.float16)
    if is_packed:
        return stored >> (16 - bits)
    # OpenCV 4 has no unsigned 32 bits.
    stored = stored.view(f"{kind}{stored.itemsize}")
    # OpenCV turns 8 bits of min-is-white over, and no other.
    return np.invert(stored) if layout.photometric == MIN_IS_WHITE and bits == 8 else stored


def read_tiff_layout(content: bytes, name: str) -> TiffLayout:
    """Read how the first page of a TIFF is stored.

    Raises:
        UnreadableImageError: a damaged header.
    """
    order, is_big = _order_of(content)
    try:
        page = _first_page(content, order, is_big)
        tags, following = _read_page(content, page, order, is_big)
        pages, seen = 1, {page}
        while following and following not in seen and len(seen) < MOST_PAGES:
            seen.add(following)
            others, following = _read_page(content, following, order, is_big)
            pages += not others.get(SUBFILE_TYPE, _Value((0,), 0)).numbers[0] & NOT_A_MAP
        width, height = tags[WIDTH].numbers[0], tags[HEIGHT].numbers[0]
    except (struct.error, KeyError, IndexError, OverflowError) as error:
        raise UnreadableImageError(f"{name}: a damaged TIFF, its header cannot be read; copy it again") from error

    def number(tag: int, default: int) -> int:
        return tags[tag].numbers[0] if tag in tags else default

    return TiffLayout(
        order=order,
        width=width,
        height=height,
        bits=tags[BITS].numbers if BITS in tags else (1,),
        kind=number(SAMPLE_FORMAT, UNSIGNED),
        samples=number(SAMPLES, 1),
        compression=number(COMPRESSION, 1),
        photometric=number(PHOTOMETRIC, 1),
        predictor=number(PREDICTOR, 1),
        is_planar=number(PLANAR, 1) == 2,
        pages=pages,
        kind_offset=tags[SAMPLE_FORMAT].offset if SAMPLE_FORMAT in tags else None,
    )


def _read_page(content: bytes, offset: int, order: str, is_big: bool) -> tuple[dict[int, _Value], int]:
    """Return the whole numbers of a page's tags, and the offset of the next page (0 after the last)."""
    entries, end = _read_entries(content, offset, order, is_big)
    tags = {}
    for tag, value_type, length, place in entries:
        code = VALUE_CODES.get(value_type)
        # Only tags with a number for each sample are wanted; the lists of strips may be long.
        if code is None or not 0 < length <= 16:
            continue
        place = _value_at(content, place, struct.calcsize(f"{order}{length}{code}"), order, is_big)
        tags[tag] = _Value(struct.unpack_from(f"{order}{length}{code}", content, place), place)
    return tags, _offset_at(content, end, order, is_big)


def read_tags(content: bytes, wanted: Collection[int]) -> dict[int, bytes]:
    """Return the bytes of some tags of the first page, of those that are there; none of a damaged file.

    Args:
        content: the file.
        wanted: numbers of tags whose values are text or bytes; of others it is told that they are there.
    """
    order, is_big = _order_of(content)
    found: dict[int, bytes] = {}
    try:
        entries, _ = _read_entries(content, _first_page(content, order, is_big), order, is_big)
        for tag, _, length, place in entries:
            if tag in wanted:
                start = _value_at(content, place, length, order, is_big)
                found[tag] = content[start : start + length]
    except (struct.error, OverflowError):
        return {}
    return found


def nodata_of(content: bytes) -> float | None:
    """Return the number that a TIFF's tag GDAL_NODATA tells of as text; None without one."""
    text = read_tags(content, (GDAL_NODATA,)).get(GDAL_NODATA, b"") if content.startswith(TIFF_STARTS) else b""
    try:
        return float(text.strip(b"\0 ").decode("ascii")) if text else None
    except ValueError:
        return None


def is_nodata(stored: np.ndarray, nodata: float | None) -> np.ndarray:
    """Return where stored numbers are `nodata`: bool (H, W)."""
    if nodata is None or not np.isfinite(nodata):
        return np.zeros(stored.shape, bool)
    found: np.ndarray = np.abs(stored - np.float64(nodata)) <= NODATA_ROUNDING * abs(nodata)
    return found


def _order_of(content: bytes) -> tuple[str, bool]:
    """Return the order of bytes, "<" or ">", and whether offsets have 64 bits (BigTIFF)."""
    return "<" if content[:1] == b"I" else ">", content[2:4] in (b"+\0", b"\0+")


def _first_page(content: bytes, order: str, is_big: bool) -> int:
    return _offset_at(content, 8 if is_big else 4, order, is_big)


def _offset_at(content: bytes, place: int, order: str, is_big: bool) -> int:
    return int(struct.unpack_from(order + ("Q" if is_big else "I"), content, place)[0])


def _read_entries(
    content: bytes, offset: int, order: str, is_big: bool
) -> tuple[list[tuple[int, int, int, int]], int]:
    """Return tag, type, length and place of each entry of a page, and where the offset of the next page stands."""
    count_code, entry_size, room = ("Q", 20, 8) if is_big else ("H", 12, 4)
    count = struct.unpack_from(order + count_code, content, offset)[0]
    first = offset + struct.calcsize(count_code)
    places = range(first, min(first + count * entry_size, len(content)), entry_size)
    head = order + ("HHQ" if is_big else "HHI")
    entries = [(*struct.unpack_from(head, content, place), place + entry_size - room) for place in places]
    return entries, first + count * entry_size


def _value_at(content: bytes, place: int, size: int, order: str, is_big: bool) -> int:
    """Return where a value of so many bytes stands: in its entry, or where the entry says."""
    return place if size <= (8 if is_big else 4) else _offset_at(content, place, order, is_big)


def _as_integers(content: bytes, layout: TiffLayout) -> bytes:
    """Return the file with its sample format changed to unsigned integers: OpenCV decodes no float16."""
    assert layout.kind_offset is not None
    changed = bytearray(content)
    for sample in range(layout.samples):
        struct.pack_into(f"{layout.order}H", changed, layout.kind_offset + 2 * sample, UNSIGNED)
    return bytes(changed)
