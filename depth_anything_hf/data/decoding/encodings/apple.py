# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The auxiliary depth of photographs of iPhones: in HEIC, and behind the picture of a JPEG."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnreadableImageError
from ..opencv import decode_with_opencv
from ..optional import import_optional
from .encoding import DecodedMap, EncodedFile, Encoding, Options
from .photographs import JPEG_START, XMP_START, end_of_jpeg, jpeg_segments, xmp_property


# ISO/IEC 23008-2, depth_representation_type: uniform inverse z, disparity, z; the fourth is not uniform.
INVERSE_Z, DISPARITY, Z, NOT_UNIFORM = range(4)
DEPTH_AUXILIARIES = (b"urn:mpeg:hevc:2015:auxid:2", b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth")
AUXILIARY_KINDS = (b"disparity", b"depth")
# XMP as elements or attributes; gain maps and mattes have such a property as well.
AUXILIARY_TYPE = re.compile(rb"apdi:AuxiliaryImageType\s*(?:=\s*[\"']|>)\s*(?:disparity|depth)\b")
XMP_PACKET = re.compile(rb"<x:xmpmeta\b.*?</x:xmpmeta>", re.DOTALL)
# Core Video's formats of depth, as numbers and as text; that of mattes, which Apple calls depth as well, is grey.
NATIVE_FORMATS = frozenset(
    each for name in (b"hdis", b"fdis", b"hdep", b"fdep") for each in (name, b"%d" % int.from_bytes(name, "big"))
)
HEIF_START = re.compile(rb".{4}ftyp(?:heic|heix|mif1|msf1|heim|heis|hevc)", re.DOTALL)


# What the codes are, the values of the first and the last one, and these codes; (): 0 and the largest.
_CodeRange: TypeAlias = tuple[int, float, float, tuple[float, ...]]


def is_heic_depth(content: bytes) -> bool:
    """Tell whether the content is a HEIC with an auxiliary image of depth."""
    if HEIF_START.match(content) is None:
        return False
    header = content[: content.find(b"mdat")]
    return any(each in header for each in DEPTH_AUXILIARIES)


def is_jpeg_depth(content: bytes) -> bool:
    """Tell whether the content is a JPEG with an auxiliary image of Apple's behind it, whose XMP calls it so."""
    is_jpeg = content.startswith(JPEG_START) and content.rfind(JPEG_START) > 0
    return is_jpeg and AUXILIARY_TYPE.search(content) is not None


def decode_heic(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode the auxiliary depth of a HEIC: of several auxiliary images (gain map, mattes) the one that is called so.

    The range of its codes is in a message of the video stream (SEI), else in XMP.

    Raises:
        ImportError: pillow-heif is not installed.
        UnreadableImageError: no such image, or no range of its codes.
    """
    pillow_heif = import_optional("pillow_heif", "heif")
    try:
        images = pillow_heif.open_heif(io.BytesIO(file.content)).info.get("depth_images", [])
        stored = np.asarray(images[0]) if images else None
    except (OSError, ValueError, RuntimeError, EOFError) as error:
        raise UnreadableImageError(f"{file.name}: a damaged HEIC: {error}") from error
    if stored is None:
        raise UnreadableImageError(f"{file.name}: a HEIC without an auxiliary image of depth")
    told = dict(images[0].info.get("metadata") or {})
    # Of the gain map and the mattes there are texts as well.
    ranges = filter(None, map(_range_of_xmp, XMP_PACKET.findall(file.content)))
    unknown = (NOT_UNIFORM, math.nan, math.nan, ())
    return _decode(stored, *(_range_of_message(told) or next(ranges, unknown)), file.name)


def decode_jpeg(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode the auxiliary depth of a JPEG: of the pictures behind it the one whose XMP calls it disparity or depth.

    Raises:
        UnreadableImageError: no such picture, or no range of its codes.
    """
    for picture in _further_pictures(file):
        xmp = b"".join(each for each in jpeg_segments(picture) if each.startswith(XMP_START))
        found = _range_of_xmp(xmp)
        if found is not None:
            stored = decode_with_opencv(picture)
            if stored is None:
                raise UnreadableImageError(f"{file.name}: its auxiliary image cannot be decoded")
            return _decode(stored[..., 0] if stored.ndim == 3 else stored, *found, file.name)
    raise UnreadableImageError(f"{file.name}: no picture behind this JPEG is called depth or disparity by its XMP")


def _further_pictures(file: EncodedFile) -> Iterator[bytes]:
    place = end_of_jpeg(file.content, file.name)
    while (place := file.content.find(JPEG_START, place)) >= 0:
        rest = file.content[place:]
        length = end_of_jpeg(rest, file.name)
        yield rest[:length]
        place += length


def _range_of_message(told: dict[str, Any]) -> _CodeRange | None:
    kind = told.get("representation_type")
    if kind == DISPARITY and "d_min" in told and "d_max" in told:
        return DISPARITY, float(told["d_min"]), float(told["d_max"]), ()
    if kind in (INVERSE_Z, Z) and told.get("z_near") and told.get("z_far"):
        near, far = float(told["z_near"]), float(told["z_far"])
        return (Z, near, far, ()) if kind == Z else (DISPARITY, 1 / far, 1 / near, ())
    return None


def _range_of_xmp(xmp: bytes) -> _CodeRange | None:
    kind, native = (xmp_property(xmp, "apdi", each) for each in ("AuxiliaryImageType", "NativeFormat"))
    low, high, first, last = (
        xmp_property(xmp, "apdi", f"{each}Value") for each in ("FloatMin", "FloatMax", "IntMin", "IntMax")
    )
    is_depth = kind in AUXILIARY_KINDS and (native is None or native in NATIVE_FORMATS)
    if not is_depth or low is None or high is None:
        return None
    try:
        codes = () if first is None or last is None else (float(first), float(last))
        return (DISPARITY if kind == b"disparity" else Z), float(low), float(high), codes
    except ValueError:
        return None


def _decode(stored: np.ndarray, kind: int, low: float, high: float, codes: tuple[float, ...], name: str) -> DecodedMap:
    first, last = codes or (0.0, float(np.iinfo(stored.dtype).max))
    if kind == NOT_UNIFORM or not -math.inf < low < high < math.inf or not first < last or not high > 0:
        raise UnreadableImageError(
            f"{name}: expected an auxiliary depth image with the range of its codes, got {low:g} to {high:g}"
        )
    values = (low + (stored - np.float64(first)) / (last - first) * (high - low)).astype(np.float32)
    if kind == Z:
        values[~(values > 0)] = np.nan
        return DecodedMap(values, "depth")
    # What is measured as farther than infinitely far is infinitely far.
    return DecodedMap(np.maximum(values, 0), "disparity", "1/m")


ENCODINGS = (
    Encoding(
        name="apple_heic",
        writers="iPhone portraits (HEIC)",
        files="HEIC with an auxiliary image, by pillow-heif (extra heif)",
        unit="8 bits between two disparities in 1/m, or between two depths in metres, as the file says",
        missing="none",
        kind="disparity",
        geometry="planar",
        orientation="as the sensor: irot turns the photograph",
        source="ISO/IEC 23008-2 depth_representation_info; XMP apdi:FloatMinValue and FloatMaxValue",
        verified="genuine",
        decode=decode_heic,
        proves=is_heic_depth,
        in_photograph=True,
    ),
    Encoding(
        name="apple_jpeg",
        writers="iPhone portraits (JPEG)",
        files="JPEG with further pictures behind it",
        unit="8 bits between two disparities in 1/m, or between two depths in metres, as the XMP says",
        missing="none",
        kind="disparity",
        geometry="planar",
        orientation="as the photograph is stored",
        source="XMP apdi:AuxiliaryImageType, FloatMinValue and FloatMaxValue, as in HEIC; its place is not verified",
        verified="made",
        decode=decode_jpeg,
        proves=is_jpeg_depth,
        in_photograph=True,
    ),
)
