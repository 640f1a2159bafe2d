# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Refuse files that do not hold a map as it was measured, by their first bytes: lossy pictures, and containers."""

from __future__ import annotations

import re

from .errors import UnreadableImageError


ADVICE = "save depth as 16-bit PNG, float TIFF, EXR, npy or npz"
# First bytes -> name. WebP, AVIF and JPEG 2000 may be lossless, which nothing in front of the pixels tells for sure.
LOSSY = {
    rb"\xff\xd8\xff": "JPEG",
    rb"RIFF.{4}WEBP": "WebP",
    rb".{4}ftypavi[fs]": "AVIF",
    rb".{4}ftyp": "HEIF",
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": "JPEG 2000",
    rb"\0\0\0\x0cJXL |\xff\x0a": "JPEG XL",
    rb"#\?(RADIANCE|RGBE)": "Radiance HDR",
}
OTHERS = {
    rb"\x89HDF\r\n\x1a\n": (
        "an HDF5 file, which has any number of arrays: name its encoding (hypersim, spring), or export that of the map"
    ),
    rb"MATLAB 5\.0 MAT-file": "a MATLAB file, which has any number of arrays: export that of the map",
    rb"#ROSBAG V|SQLite format 3\0|\x89MCAP0": "a recording, of ROS if it is a bag: a source of data by itself",
    rb"\x59\xa6\x6a\x95": "a Sun raster image",
    rb"P[14]\s": "a bitmap of black and white",
}


RECORDINGS = re.compile(rb"#ROSBAG V|\x89MCAP0")
# Looked for first, because most files are none of them.
_ANY = re.compile(b"|".join(b"(?:" + each + b")" for each in (*LOSSY, *OTHERS)), re.DOTALL)


def recording_in(content: bytes) -> str:
    """Say that a file, which is no image, is a recording; "" for other files."""
    if RECORDINGS.match(content) is None:
        return ""
    return (
        "a recording, which is a source of data for training and evaluation, and no image; save its pictures as files"
    )


def refuse_what_is_no_map(content: bytes, name: str) -> None:
    """Refuse lossy pictures and containers.

    Raises:
        UnreadableImageError: the content is of such a format; the message names it, and starts with `name`.
    """
    start = content[:32]
    if _ANY.match(start) is None:
        return
    for pattern, title in LOSSY.items():
        if re.match(pattern, start, re.DOTALL):
            raise UnreadableImageError(f"{name}: {title} is lossy and changes depth; {ADVICE}")
    for pattern, description in OTHERS.items():
        if re.match(pattern, start):
            raise UnreadableImageError(f"{name}: {description}; {ADVICE}")
