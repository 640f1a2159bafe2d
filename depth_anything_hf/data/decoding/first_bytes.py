# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the first bytes of a PNG or JPEG rule out, for many files: a tenth of the time that Pillow takes to open one.

Only what is certain is told; of all else Pillow is asked. PNG: https://www.w3.org/TR/png-3/, chunks. JPEG: ITU-T T.81,
annex B, and CIPA DC-007 for several pictures in one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


PNG_SIGNATURE, JPEG_START = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_GREY = 0
_COLOUR_TYPE_AT = 25
# Of a segment of several pictures, and what begins the compressed picture itself.
_APP2, _START_OF_SCAN = 0xE2, 0xDA
_SEVERAL = b"MPF\0"
# Pictures begin later where profiles and thumbnails come first.
_READ_BYTES, _MOST_SEGMENTS = 4096, 64


def is_surely_no_map(path: Path) -> bool:
    """Return whether a file is a JPEG, or a PNG with more than one channel, as far as its first bytes tell."""
    start = _start_of(path, _COLOUR_TYPE_AT + 1)
    if start.startswith(JPEG_START):
        return True
    return start.startswith(PNG_SIGNATURE) and len(start) > _COLOUR_TYPE_AT and start[_COLOUR_TYPE_AT] != _GREY


def is_surely_single(path: Path) -> bool:
    """Return whether a file is a PNG without animation, or a JPEG without further pictures."""
    try:
        with path.open("rb", buffering=_READ_BYTES) as file:
            start = file.read(len(PNG_SIGNATURE))
            if start == PNG_SIGNATURE:
                return _reaches_pixels_of_png(file)
            file.seek(2)
            return start.startswith(JPEG_START) and _reaches_scan_of_jpeg(file)
    except OSError:
        return False


def _reaches_pixels_of_png(file: BinaryIO) -> bool:
    for _ in range(_MOST_SEGMENTS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"acTL":
            return False
        if head[4:] == b"IDAT":
            return True
        # Content and checksum.
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _reaches_scan_of_jpeg(file: BinaryIO) -> bool:
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or not 0xC0 <= head[1] <= 0xFE:
            return False
        if head[1] == _START_OF_SCAN:
            return True
        length = int.from_bytes(head[2:], "big") - 2
        if length < 0:
            return False
        if head[1] == _APP2:
            known = file.read(min(length, len(_SEVERAL)))
            if known == _SEVERAL:
                return False
            length -= len(known)
        file.seek(length, 1)
    return False


def _start_of(path: Path, count: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(count)
    except OSError:
        return b""
