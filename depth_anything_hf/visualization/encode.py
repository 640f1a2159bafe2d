# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files in memory: PNG and JPEG for pictures, TIFF for depth."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEADER_BYTES = 33


def encode_png(image: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """Encode a picture as PNG, lossless.

    Args:
        image: uint8 (H, W, 3) RGB, or uint8 or uint16 (H, W) grey.
        text: keyword (1 to 79 characters) -> text that the file holds; Latin-1.

    Raises:
        ValueError: another shape or type.
    """
    if image.dtype == np.uint16 and image.ndim == 2:
        content = _encode(".png", image)
    else:
        content = _encode(".png", as_rgb(image)[..., ::-1] if image.ndim == 3 else as_rgb(image)[..., 0])
    # OpenCV writes no text. Chunk tEXt of the PNG specification, after the header: length, name, data, checksum.
    chunks = [f"{keyword}\0{value}".encode("latin-1") for keyword, value in (text or {}).items()]
    texts = [
        struct.pack(">I", len(data)) + b"tEXt" + data + struct.pack(">I", zlib.crc32(b"tEXt" + data))
        for data in chunks
    ]
    return b"".join([content[:PNG_HEADER_BYTES], *texts, content[PNG_HEADER_BYTES:]])


def encode_jpeg(image: np.ndarray, quality: int = 88, comment: str = "") -> bytes:
    """Encode a picture as JPEG, small, to look at.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        quality: 1 to 100.
        comment: ASCII text that the file holds, which `jpeg_comment` reads.

    Raises:
        ValueError: another shape or type.
    """
    content = _encode(".jpg", as_rgb(image)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not comment:
        return content
    text = comment.encode("ascii")
    # Behind the first segment (JFIF), which must come first: its length is in the two bytes after its marker.
    place = 4 + int.from_bytes(content[4:6], "big")
    return content[:place] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + content[place:]


def jpeg_comment(path: Path) -> str | None:
    """Return the comment of a JPEG file; None where there is none, or no such file."""
    try:
        with warnings.catch_warnings():
            # Of the number of pixels.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                comment = image.info.get("comment")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return comment.decode(errors="replace") if isinstance(comment, bytes) else None


def png_texts(path: Path) -> dict[str, str]:
    """Return keyword -> text of the chunks tEXt before a PNG's pixels; empty where there is none, or no such file."""
    try:
        with path.open("rb") as file:
            return png_texts_of(file)
    except OSError:
        return {}


def png_texts_of(file: BinaryIO) -> dict[str, str]:
    """Return the texts as `png_texts` does, of an opened file."""
    texts: dict[str, str] = {}
    if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
        return texts
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        (length,) = struct.unpack(">I", head[:4])
        if head[4:] == b"tEXt":
            keyword, _, text = file.read(length).decode("latin-1").partition("\0")
            texts[keyword] = text
        else:
            file.seek(length, os.SEEK_CUR)
        file.seek(4, os.SEEK_CUR)
    return texts


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Return a picture as uint8 (H, W, 3); raise ValueError unless it is uint8 (H, W, 3) RGB or (H, W) grey."""
    image = np.asarray(image)
    is_rgb_or_grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not is_rgb_or_grey or image.size == 0:
        raise ValueError(f"expected a uint8 image (H, W, 3) RGB or (H, W) grey, got {image.dtype} {image.shape}")
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def encode_tiff(depth: np.ndarray) -> bytes:
    """Encode a map as TIFF, lossless; the floating-point predictor makes it compress well.

    Args:
        depth: float32 (H, W), any values, NaN and infinity included.

    Raises:
        ValueError: another shape or type.
    """
    if depth.dtype != np.float32 or depth.ndim != 2:
        raise ValueError(f"expected a float32 map (H, W), got {depth.dtype} {depth.shape}")
    deflate, floating_point_predictor = 8, 3
    return _encode(
        ".tiff",
        depth,
        [cv2.IMWRITE_TIFF_COMPRESSION, deflate, cv2.IMWRITE_TIFF_PREDICTOR, floating_point_predictor],
    )


def _encode(suffix: str, image: np.ndarray, options: Sequence[int] = ()) -> bytes:
    written, data = cv2.imencode(suffix, np.ascontiguousarray(image), list(options))
    if not written:
        raise ValueError(f"OpenCV cannot encode a {image.dtype} image of shape {image.shape} as {suffix}")
    return data.tobytes()
