# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Find images, and decode them to upright 8-bit RGB."""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, features

from ...utils.paths import local_path
from .errors import BrokenSampleError, UnreadableImageError
from .files import FileLike, files_below, read_bytes
from .limits import check_pixel_count, open_picture
from .opencv import decode_with_opencv
from .orientation import TURNS, turn_back, turn_upright
from .signatures import recording_in
from .tiff import MIN_IS_WHITE, PACKED_BITS, TIFF_STARTS, decode_tiff, read_tiff_layout


HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
HEIF_ADVICE = "install pillow-heif with: pip install 'depth_anything_hf[heif]'"


def _register_heif() -> frozenset[str]:
    """Let Pillow read HEIF by pillow-heif, if it is installed, and return the suffixes that it then reads."""
    if importlib.util.find_spec("pillow_heif") is None:
        return frozenset()
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return HEIF_SUFFIXES


IMAGE_SUFFIXES = (
    frozenset({".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tga"})
    | frozenset({".tif", ".tiff", ".webp"})
    # Pillow before 11.3 warns of a name that it does not know.
    | (frozenset({".avif"}) if "avif" in features.modules and features.check("avif") else frozenset())
    | (frozenset({".j2k", ".jp2", ".jpx"}) if features.check("jpg_2000") else frozenset())
    | _register_heif()
)
LARGEST_GREY_16_BIT = 65535
# Tags of TIFF, and their values.
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_PLANAR = 258, 262, 284
SEPARATE_PLANES = 2
# Boxes of rotation and mirroring, ISO/IEC 23008-12.
HEIF_TURNS = (b"irot", b"imir")
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


def read_image(source: FileLike | Image.Image) -> np.ndarray:
    """Decode an image of any common kind to 8-bit RGB, upright by its EXIF orientation.

    The alpha channel is dropped, 10 to 16-bit grey is scaled to 8 bits (not clipped), palettes and CMYK are
    converted.

    Args:
        source: path, encoded bytes, PIL image, or a `datasets` cell `{"bytes": ..., "path": ...}`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: no file at the path.
        UnreadableImageError: not an image, empty, truncated, floating point, or too many pixels; the message names the
            file.
    """
    return turn_upright(*read_stored_image(source))


def read_stored_image(source: FileLike | Image.Image) -> tuple[np.ndarray, int]:
    """Decode an image as `read_image` does, but as it is stored; return it with its EXIF orientation, 1 to 8."""
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "") or "PIL image"
        check_pixel_count(source.width * source.height, name, "pixels")
        return _decode_picture(source, name)
    content, name = read_bytes(source)
    try:
        picture = open_picture(io.BytesIO(content), name)
    except UnreadableImageError:
        raise
    except Exception as error:
        # Pillow's decoders raise many kinds of exceptions on damaged files; all of them mean the same here.
        packed = _decode_packed_tiff(content, name)
        if packed is not None:
            return packed, 1
        reason = (
            _missing_decoder(content)
            or recording_in(content)
            or (f"not an image in a format that Pillow knows; it starts with the bytes {content[:12]!r}")
        )
        raise UnreadableImageError(f"{name}: {reason}") from error
    with picture:
        if picture.format == "HEIF":
            return _decode_heif(picture, content, name)
        return _decode_jpeg(picture, content) or _decode_picture(picture, name)


def _missing_decoder(content: bytes) -> str:
    """Say which decoder a file needs that is not installed; "" for other files."""
    if content[4:8] != b"ftyp":
        return ""
    if b"avif" in content[8:32] or content[8:12] == b"avis":
        advice = "AVIF, which this build of Pillow does not read: take Pillow's wheels (pip install --upgrade pillow)"
        return "" if ".avif" in IMAGE_SUFFIXES else advice
    return "" if HEIF_SUFFIXES <= IMAGE_SUFFIXES else f"HEIF: {HEIF_ADVICE}"


def _decode_heif(picture: Image.Image, content: bytes, name: str) -> tuple[np.ndarray, int]:
    """Decode HEIF, whose decoder turns it by its boxes; EXIF, which says the same in photographs, turns nothing."""
    image, _ = _decode_picture(picture, name)
    orientation = picture.info.get("original_orientation")
    is_turned = any(box in content[: content.find(b"mdat")] for box in HEIF_TURNS)
    return (turn_back(image, orientation), int(orientation)) if is_turned and orientation in TURNS else (image, 1)


def _decode_jpeg(picture: Image.Image, content: bytes) -> tuple[np.ndarray, int] | None:
    """Decode an ordinary, complete JPEG with OpenCV: the library and the pixels are Pillow's, in less time.

    Returns:
        uint8 (H, W, 3) and the orientation; None for any other file, which is left to Pillow.
    """
    is_whole = content.startswith(JPEG_START) and content.endswith(JPEG_END)
    if not is_whole or picture.mode not in ("RGB", "L"):
        return None
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation not in TURNS:
        return None
    image = decode_with_opencv(content, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None or image.shape[:2] != picture.size[::-1]:
        return None
    return image, int(orientation)


def _decode_packed_tiff(content: bytes, name: str) -> np.ndarray | None:
    """Decode grey TIFF of 10, 12 or 14 bits, of which Pillow knows few.

    Returns:
        uint8 (H, W, 3); None for any other file, and for those that cannot be decoded.
    """
    try:
        layout = read_tiff_layout(content, name) if content.startswith(TIFF_STARTS) else None
        if layout is None or layout.samples != 1 or max(layout.bits) not in PACKED_BITS:
            return None
        grey = decode_tiff(content, name)
    except BrokenSampleError:
        return None
    return _grey_to_rgb(grey, name, 2 ** max(layout.bits) - 1, layout.photometric == MIN_IS_WHITE)


def _decode_picture(picture: Image.Image, name: str) -> tuple[np.ndarray, int]:
    try:
        tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
        bits = max(tags.get(TIFF_BITS, (8,)))
        if tags.get(TIFF_PLANAR) == SEPARATE_PLANES and bits > 8 and len(picture.getbands()) > 1:
            # Pillow reads every second byte of such planes.
            raise UnreadableImageError(
                f"{name}: a TIFF of {bits}-bit planes; save it with interleaved samples, or as PNG"
            )
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
        picture.load()
        if picture.mode.startswith("I") or picture.mode == "F":
            # Pillow leaves 12 bits as they are, and turns 8 bits of min-is-white over, but not 16.
            largest = 2**bits - 1 if tags and 8 < bits < 16 else LARGEST_GREY_16_BIT
            is_negative = tags.get(TIFF_PHOTOMETRIC) == MIN_IS_WHITE
            image = _grey_to_rgb(np.asarray(picture), name, largest, is_negative)
        else:
            # Pillow converts premultiplied grey to nothing else.
            image = np.array((picture.convert("LA") if picture.mode == "La" else picture).convert("RGB"))
        if orientation not in TURNS:
            return image, 1
        # Pillow itself turns TIFF, and takes the orientation away.
        was_turned = ExifTags.Base.Orientation not in picture.getexif()
        return turn_back(image, orientation) if was_turned else image, int(orientation)
    except UnreadableImageError:
        raise
    except Exception as error:
        # As in read_image: any exception of a decoder means a damaged file.
        raise UnreadableImageError(f"{name}: cannot be decoded, the file is damaged: {error}") from error


def _grey_to_rgb(grey: np.ndarray, name: str, largest: int, is_negative: bool) -> np.ndarray:
    if grey.dtype.kind == "f":
        raise UnreadableImageError(
            f"{name}: a floating-point image has no known brightness range; save it with 8 bits per channel"
        )
    if grey.min() < 0 or grey.max() > LARGEST_GREY_16_BIT:
        raise UnreadableImageError(
            f"{name}: grey values {grey.min()}..{grey.max()} do not fit 16 bits; save it with 8 bits per channel"
        )
    eight_bit = ((grey.astype(np.uint32) * 255 + largest // 2) // largest).astype(np.uint8)
    if is_negative:
        eight_bit = 255 - eight_bit
    return np.repeat(eight_bit[..., None], 3, axis=2)


def find_images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """List the given files, and all images below the given folders, sorted, without hidden ones.

    Raises:
        ValueError: a folder has no images.
    """
    found: list[Path] = []
    for path in map(local_path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        visible = files_below(path, IMAGE_SUFFIXES)
        if not visible:
            unread = files_below(path, HEIF_SUFFIXES - IMAGE_SUFFIXES)
            advice = f"; {len(unread)} of HEIF: {HEIF_ADVICE}" if unread else ""
            raise ValueError(f"{path}: no images; expected files that end in one of {sorted(IMAGE_SUFFIXES)}{advice}")
        found.extend(visible)
    return found
