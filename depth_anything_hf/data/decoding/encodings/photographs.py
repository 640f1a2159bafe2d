# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth inside of photographs of Android phones: GDepth in the XMP of a JPEG, and Dynamic Depth behind the picture."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UnreadableImageError
from ..opencv import decode_with_opencv
from ..stored_maps import single_channel
from .common_options import RAYS
from .encoding import DecodedMap, EncodedFile, Encoding, Geometry, Options


JPEG_START, APP1, START_OF_SCAN = b"\xff\xd8\xff", 0xE1, 0xDA
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_START = b"http://ns.adobe.com/xmp/extension/\0"
# Identifier, total length and offset stand before each part.
GUID_BYTES, EXTENDED_HEADER = 32, 40
HEADER_BYTES = 1 << 16
GDEPTH, DYNAMIC_DEPTH, CONTAINER = (
    f"http://ns.google.com/photos/{each}/".encode() for each in ("1.0/depthmap", "dd/1.0/depthmap", "dd/1.0/container")
)
FORMATS = ("rangeinverse", "rangelinear")
# Units of near and far, per metre; another one is the inverse of metres.
UNITS = {b"": 1.0, b"m": 1.0, b"meters": 1.0, b"metres": 1.0, b"none": 1.0, b"cm": 100.0, b"mm": 1000.0}
DIOPTRES = b"diopters"
# Items of a container, which serializers write in several ways.
ITEM = re.compile(rb"<rdf:li\b[^>]*/>|<rdf:li\b[^>]*>.*?</rdf:li>", re.DOTALL)


@dataclass(frozen=True)
class _Range:
    """How codes become distance."""

    is_inverse: bool
    near: float
    far: float
    geometry: Geometry
    per_metre: float = 1.0
    is_dioptres: bool = False


def is_gdepth(content: bytes) -> bool:
    """Tell whether the content is a JPEG with depth in its XMP, as Google's Lens Blur wrote it."""
    if not content.startswith(JPEG_START) or GDEPTH not in content:
        return False
    segments = list(jpeg_segments(content))
    # The name may stand across two parts of Extended XMP, which have offsets, and may be in another order.
    parts = {offset: part for _, _, offset, part in map(_extended_part, filter(_is_extended, segments))}
    return any(b"GDepth:Data" in each for each in (*segments, b"".join(parts[offset] for offset in sorted(parts))))


def is_dynamic_depth(content: bytes) -> bool:
    """Tell whether the content is a JPEG with a depth map of Dynamic Depth behind the picture."""
    return content.startswith(JPEG_START) and DYNAMIC_DEPTH in content and CONTAINER in content


def decode_gdepth(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode the depth of GDepth, whose base64 may be spread over several segments (Extended XMP).

    Raises:
        UnreadableImageError: no such JPEG, a part is missing, or a range that says nothing.
    """
    xmp = _xmp_of(file)
    data = xmp_property(xmp, "GDepth", "Data")
    if data is None:
        raise UnreadableImageError(f"{file.name}: expected a JPEG with GDepth:Data in its XMP, got none")
    try:
        picture = base64.b64decode(re.sub(rb"\s+", b"", data), validate=False)
    except binascii.Error as error:
        raise UnreadableImageError(f"{file.name}: its GDepth:Data is no base64: {error}") from error
    return _decode_range(picture, _range_of(xmp, "GDepth", file.name), file.name)


def decode_dynamic_depth(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode the depth map of Dynamic Depth: the item of the container that is called so, behind the picture.

    Confidence is that of the item which the depth map names, 0 to 1.

    Raises:
        UnreadableImageError: no such JPEG, a map of something else, or one that is cut off.
    """
    xmp = _xmp_of(file)
    semantic = xmp_property(xmp, "DepthMap", "ItemSemantic") or b"Depth"
    picture = _item(file, xmp, xmp_property(xmp, "DepthMap", "DepthURI"))
    if picture is None or semantic != b"Depth":
        found = "has no depth map" if semantic == b"Depth" else f"has a map of {semantic.decode(errors='replace')}"
        raise UnreadableImageError(f"{file.name}: a Dynamic Depth photograph whose container {found}")
    decoded = _decode_range(picture, _range_of(xmp, "DepthMap", file.name), file.name)
    uri = xmp_property(xmp, "DepthMap", "ConfidenceURI")
    beside = _item(file, xmp, uri) if uri else None
    return (
        decoded
        if beside is None
        else replace(decoded, find_confidence=lambda: _shares(beside, file.name).astype(np.float32))
    )


def _item(file: EncodedFile, xmp: bytes, uri: bytes | None) -> bytes | None:
    """Return the picture behind the photograph that has this name, or is called Depth; None without one."""
    place = end_of_jpeg(file.content, file.name)
    # Lists of cameras and profiles have no items with a type.
    items = [each[0] for each in ITEM.finditer(xmp) if xmp_property(each[0], "Item", "Mime")]
    for number, item in enumerate(items):
        # The first item is the photograph itself, which ends where it ends, whatever its length says.
        length = _size(item, "Length") if number else 0
        named, mime = (xmp_property(item, "Item", key) or b"" for key in ("DataURI", "Mime"))
        if length and (named == uri if uri and named else xmp_property(item, "Item", "Semantic") == b"Depth"):
            if place + length > len(file.content):
                raise UnreadableImageError(f"{file.name}: its depth map is cut off; copy the photograph again")
            return file.content[place : place + length] if mime.startswith(b"image/") else None
        place += length + _size(item, "Padding")
    return None


def _size(item: bytes, key: str) -> int:
    """Return a number of bytes of an item; 0 where it has none, or text that is none."""
    text = xmp_property(item, "Item", key) or b""
    return int(text) if text.isdigit() else 0


def _decode_range(picture: bytes, told: _Range, name: str) -> DecodedMap:
    share = _shares(picture, name)
    span = told.far - told.near
    depth = told.far * told.near / (told.far - share * span) if told.is_inverse else told.near + share * span
    depth = 1 / depth if told.is_dioptres else depth / told.per_metre
    depth[~(depth > 0)] = np.nan
    return DecodedMap(depth.astype(np.float32), "depth", "m", told.geometry)


def _shares(picture: bytes, name: str) -> np.ndarray:
    """Return the codes of a grey picture as shares of the largest: float64 (H, W)."""
    stored = decode_with_opencv(picture)
    if stored is None:
        raise UnreadableImageError(f"{name}: its depth map, {len(picture)} bytes, cannot be decoded")
    # JPEG rounds the three channels of a grey map differently.
    stored = single_channel(stored[..., 0] if stored.ndim == 3 else stored, name)
    shares: np.ndarray = stored / np.float64(np.iinfo(stored.dtype).max)
    return shares


def _range_of(xmp: bytes, prefix: str, name: str) -> _Range:
    kind = (xmp_property(xmp, prefix, "Format") or b"").decode("ascii", "replace").lower()
    try:
        near, far = (float(xmp_property(xmp, prefix, key) or b"nan") for key in ("Near", "Far"))
    except ValueError:
        near = far = math.nan
    units = (xmp_property(xmp, prefix, "Units") or b"").lower()
    is_inverse, is_dioptres = kind == FORMATS[0], units == DIOPTRES
    # Codes between two distances may begin at the camera, those between their inverses may not.
    least = 0.0 if near == 0 and not is_inverse else math.nextafter(0.0, 1.0)
    if kind not in FORMATS or not least <= near < math.inf or not 0 < far < math.inf or near == far:
        raise UnreadableImageError(
            f"{name}: expected {prefix}:Format RangeInverse or RangeLinear with Near and Far > 0, got {kind!r}, "
            f"{near:g} and {far:g}"
        )
    if units not in UNITS and not is_dioptres:
        known = ", ".join(each.decode() for each in (*UNITS, DIOPTRES) if each)
        raise UnreadableImageError(f"{name}: expected {prefix}:Units {known}, got {units.decode(errors='replace')!r}")
    is_ray = xmp_property(xmp, prefix, "MeasureType") == b"OpticRay"
    return _Range(is_inverse, near, far, "ray" if is_ray else "planar", UNITS.get(units, 1.0), is_dioptres)


def xmp_property(xmp: bytes, prefix: str, name: str) -> bytes | None:
    """Return a property of XMP, which may be an attribute or an element."""
    key = re.escape(f"{prefix}:{name}".encode())
    found = re.search(rb"\b" + key + rb"\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", xmp) or re.search(
        rb"<" + key + rb"\s*>([^<]*)()</", xmp
    )
    return None if found is None else (found[1] if found[1] is not None else found[2]).strip()


def _xmp_of(file: EncodedFile) -> bytes:
    """Return the XMP of a JPEG, followed by its Extended XMP, whose parts are joined by their offsets."""
    parts: dict[int, bytes] = {}
    wanted: bytes | None = None
    own, total = b"", 0
    segments = list(jpeg_segments(file.content))
    for segment in segments:
        if segment.startswith(XMP_START):
            own = segment[len(XMP_START) :]
            wanted = xmp_property(own, "xmpNote", "HasExtendedXMP")
    for guid, length, offset, part in map(_extended_part, filter(_is_extended, segments)):
        if wanted is None or guid.upper() == wanted.upper():
            total = length
            parts[offset] = part
    joined = b"".join(parts[offset] for offset in sorted(parts))
    starts = sorted(parts)
    ends = [offset + len(parts[offset]) for offset in starts]
    if parts and (starts != [0, *ends[:-1]] or ends[-1] != total):
        raise UnreadableImageError(
            f"{file.name}: parts of its Extended XMP are missing, {len(joined)} of {total} bytes are there; another "
            "program has cut it"
        )
    return own + joined


def _is_extended(segment: bytes) -> bool:
    return segment.startswith(EXTENDED_START) and len(segment) >= len(EXTENDED_START) + EXTENDED_HEADER


def _extended_part(segment: bytes) -> tuple[bytes, int, int, bytes]:
    """Return of what it is a part (GUID), how long that is, where the part stands in it, and the part."""
    header = segment[len(EXTENDED_START) : len(EXTENDED_START) + EXTENDED_HEADER]
    total, offset = (int.from_bytes(header[start : start + 4], "big") for start in (32, 36))
    return header[:GUID_BYTES], total, offset, segment[len(EXTENDED_START) + EXTENDED_HEADER :]


def jpeg_segments(content: bytes) -> Iterator[bytes]:
    """Yield the contents of APP1 segments before the pixels of a JPEG."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == START_OF_SCAN:
            return
        if marker == APP1:
            yield content[place + 4 : place + 2 + length]
        place += 2 + length


def end_of_jpeg(content: bytes, name: str) -> int:
    """Return where the first JPEG of a file ends.

    Raises:
        UnreadableImageError: it is truncated.
    """
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        place += 2 + length
        if marker == START_OF_SCAN:
            # In the pixels 0xff stands before 0 or a restart marker; of progressive files further segments follow.
            while place + 2 <= len(content) and not (content[place] == 0xFF and _is_marker(content[place + 1])):
                found = content.find(b"\xff", place + 1)
                place = len(content) if found < 0 else found
            if content[place : place + 2] == b"\xff\xd9":
                return place + 2
    raise UnreadableImageError(f"{name}: a truncated JPEG; copy it again")


def _is_marker(code: int) -> bool:
    return code not in (0, 0xFF) and not 0xD0 <= code <= 0xD7


ENCODINGS = (
    Encoding(
        name="gdepth",
        writers="Google Camera (Lens Blur), and others after Google's depth map metadata",
        files="JPEG with XMP",
        unit="8 or 16 bits from GDepth:Near to Far, linear or inverse; metres, or as GDepth:Units says, but seldom so",
        missing="none",
        kind="depth",
        geometry="planar",
        orientation="as the photograph is stored, stretched over it",
        source="developers.google.com/depthmap-metadata/encoding and /reference",
        verified="genuine",
        decode=decode_gdepth,
        options=RAYS,
        proves=is_gdepth,
        in_photograph=True,
    ),
    Encoding(
        name="dynamic_depth",
        writers="Android 10 and later (Pixel, Samsung portraits)",
        files="JPEG with a map behind it",
        unit="8 or 16 bits from DepthMap:Near to Far, linear or inverse; metres or dioptres",
        missing="none",
        kind="depth",
        geometry="planar",
        orientation="as the photograph is stored",
        source="developer.android.com Dynamic-depth-v1.0.pdf; platform/external/dynamic_depth depth_map.cc",
        verified="made",
        decode=decode_dynamic_depth,
        options=RAYS,
        proves=is_dynamic_depth,
        in_photograph=True,
    ),
)
