# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth inside of photographs of Android phones: GDepth in the XMP of a JPEG, and Dynamic Depth behind the picture."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

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
FORMATS = ("rangeinverse", "rangelinear")


@dataclass(frozen=True)
class _Range:
    """How codes become distance."""

    is_inverse: bool
    near: float
    far: float
    geometry: Geometry
    is_dioptres: bool = False


def is_gdepth(content: bytes) -> bool:
    """Tell whether the content is a JPEG with depth in its XMP, as Google's Lens Blur wrote it."""
    return content.startswith(JPEG_START) and b"http://ns.google.com/photos/1.0/depthmap/" in content


def is_dynamic_depth(content: bytes) -> bool:
    """Tell whether the content is a JPEG with a depth map of Dynamic Depth behind the picture."""
    return (
        content.startswith(JPEG_START)
        and b"http://ns.google.com/photos/dd/1.0/depthmap/" in content
        and b"http://ns.google.com/photos/dd/1.0/container/" in content
    )


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

    Raises:
        UnreadableImageError: no such JPEG, or the map is cut off.
    """
    xmp = _xmp_of(file)
    uri = xmp_property(xmp, "DepthMap", "DepthURI")
    place = end_of_jpeg(file.content, file.name)
    for item in re.finditer(rb"<(?:\w+:)?Item\b[^>]*>|<rdf:li[^>]*rdf:parseType[^>]*>.*?</rdf:li>", xmp, re.DOTALL):
        length = int(xmp_property(item[0], "Item", "Length") or 0)
        mime = xmp_property(item[0], "Item", "Mime") or b""
        named = xmp_property(item[0], "Item", "DataURI")
        if length and (named == uri if uri and named else xmp_property(item[0], "Item", "Semantic") == b"Depth"):
            picture = file.content[place : place + length]
            if len(picture) < length:
                raise UnreadableImageError(f"{file.name}: its depth map is cut off; copy the photograph again")
            if not mime.startswith(b"image/"):
                break
            return _decode_range(picture, _range_of(xmp, "DepthMap", file.name), file.name)
        # The picture itself is the first item, of the length 0.
        place += length + int(xmp_property(item[0], "Item", "Padding") or 0)
    raise UnreadableImageError(f"{file.name}: a Dynamic Depth photograph whose container has no depth map")


def _decode_range(picture: bytes, told: _Range, name: str) -> DecodedMap:
    stored = decode_with_opencv(picture)
    if stored is None:
        raise UnreadableImageError(f"{name}: its depth map, {len(picture)} bytes, cannot be decoded")
    # JPEG rounds the three channels of a grey map differently.
    stored = single_channel(stored[..., 0] if stored.ndim == 3 else stored, name)
    share = stored / np.float64(np.iinfo(stored.dtype).max)
    span = told.far - told.near
    depth = told.far * told.near / (told.far - share * span) if told.is_inverse else told.near + share * span
    if told.is_dioptres:
        depth = 1 / depth
    return DecodedMap(depth.astype(np.float32), "depth", "m", told.geometry)


def _range_of(xmp: bytes, prefix: str, name: str) -> _Range:
    kind = (xmp_property(xmp, prefix, "Format") or b"").decode("ascii", "replace").lower()
    try:
        near, far = (float(xmp_property(xmp, prefix, key) or b"nan") for key in ("Near", "Far"))
    except ValueError:
        near = far = math.nan
    if kind not in FORMATS or not 0 < near < math.inf or not 0 < far < math.inf or near == far:
        raise UnreadableImageError(
            f"{name}: expected {prefix}:Format RangeInverse or RangeLinear with Near and Far > 0, got {kind!r}, "
            f"{near:g} and {far:g}"
        )
    is_ray = xmp_property(xmp, prefix, "MeasureType") == b"OpticRay"
    units = (xmp_property(xmp, prefix, "Units") or b"").lower()
    return _Range(kind == FORMATS[0], near, far, "ray" if is_ray else "planar", units == b"diopters")


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
    for segment in segments:
        if not segment.startswith(EXTENDED_START):
            continue
        header = segment[len(EXTENDED_START) : len(EXTENDED_START) + EXTENDED_HEADER]
        if len(header) < EXTENDED_HEADER or (wanted is not None and header[:GUID_BYTES] != wanted):
            continue
        total, offset = (int.from_bytes(header[start : start + 4], "big") for start in (32, 36))
        parts[offset] = segment[len(EXTENDED_START) + EXTENDED_HEADER :]
    joined = b"".join(parts[offset] for offset in sorted(parts))
    starts = sorted(parts)
    ends = [offset + len(parts[offset]) for offset in starts]
    if parts and (starts != [0, *ends[:-1]] or ends[-1] != total):
        raise UnreadableImageError(
            f"{file.name}: parts of its Extended XMP are missing, {len(joined)} of {total} bytes are there; another "
            "program has cut it"
        )
    return own + joined


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
        unit="8 or 16 bits from GDepth:Near to Far, linear or inverse; metres by the reference, but seldom so",
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
