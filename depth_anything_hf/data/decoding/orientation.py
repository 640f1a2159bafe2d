# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""EXIF orientation: what it is, and the turns that make a stored image upright."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import ExifTags

from .files import FileLike, read_bytes
from .limits import open_picture
from .tiff import TIFF_STARTS


# EXIF orientation -> the turns that make the stored image upright.
TURNS: dict[int, tuple[Callable[[np.ndarray], np.ndarray], ...]] = {
    1: (),
    2: (lambda image: cv2.flip(image, 1),),
    3: (lambda image: cv2.rotate(image, cv2.ROTATE_180),),
    4: (lambda image: cv2.flip(image, 0),),
    5: (cv2.transpose,),
    6: (lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),),
    7: (cv2.transpose, lambda image: cv2.rotate(image, cv2.ROTATE_180)),
    8: (lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),),
}
# The orientation whose turns undo those of another; all others undo themselves.
_INVERSE = {6: 8, 8: 6}
PNG_START, PNG_EXIF = b"\x89PNG", b"eXIf"


def turn_upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored array (H, W, ...) upright; the orientation is one of `TURNS`."""
    for turn in TURNS[orientation]:
        stored = turn(stored)
    return stored


def turned_shape(shape: tuple[int, ...], orientation: int) -> tuple[int, ...]:
    """Return the height and width of a stored array (H, W) once it is upright."""
    return shape[::-1] if orientation >= 5 else shape


def turn_back(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Return the array (H, W, ...) that `turn_upright` has turned."""
    return turn_upright(upright, _INVERSE.get(orientation, orientation))


def orientation_of_map(source: FileLike) -> tuple[int | None, bool]:
    """Return the orientation that a depth map itself has, and whether its decoder turns it by that (TIFF).

    None: it has none, as all maps but some PNG and TIFF.
    """
    content, _ = read_bytes(source)
    is_tiff = content.startswith(TIFF_STARTS)
    if not is_tiff and not (content.startswith(PNG_START) and PNG_EXIF in content):
        return None, False
    try:
        with open_picture(io.BytesIO(content), "") as picture:
            orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        # Pillow raises many kinds of exceptions on files that it cannot read, such as some kinds of TIFF.
        return None, False
    return (int(orientation), is_tiff) if orientation in TURNS else (None, False)
