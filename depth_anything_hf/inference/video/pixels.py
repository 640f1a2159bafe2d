# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A decoded frame as an upright picture of 8 bits: range and matrix of its colours, alpha, display matrix."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from ...data.decoding.video_frames import colour_matrix


_ONE = 1 << 16
# Quarters that PyAV says -> the first two rows of a display matrix.
_TURNS = {
    1: struct.pack("=5i", 0, -_ONE, 0, _ONE, 0),
    2: struct.pack("=5i", -_ONE, 0, 0, 0, -_ONE),
    3: struct.pack("=5i", 0, _ONE, 0, -_ONE, 0),
}


class UprightPixels:
    """Turn decoded frames into uint8 (H, W, 3) RGB, upright.

    10 bits and more are rounded to 8, alpha is dropped as everywhere, and brightness stays as it is coded: HDR is not
    mapped to SDR.

    Args:
        av: PyAV.
    """

    def __init__(self, av: Any) -> None:
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._types = av.sidedata.sidedata.Type

    def __call__(self, frame: Any) -> np.ndarray:
        """Return the pixels of a frame of PyAV."""
        rgb = self._reformatter.reformat(frame, format="rgb24", src_colorspace=colour_matrix(frame))
        return turn(rgb.to_ndarray(), self._display_matrix(frame))

    def _display_matrix(self, frame: Any) -> bytes | None:
        try:
            data = frame.side_data.get(self._types.DISPLAYMATRIX) if frame.side_data else None
        except ValueError:
            # PyAV has no name for a kind of data that FFmpeg adds, such as the EXIF of JPEG. It tells the turn alone.
            return _TURNS.get(round(frame.rotation / 90) % 4)
        return None if data is None else bytes(data)

    def swaps_sides(self, frame: Any) -> bool:
        """Return whether a frame is turned by a quarter."""
        matrix = self._display_matrix(frame)
        return matrix is not None and _quarter(matrix)[0]


def turn(image: np.ndarray, display_matrix: bytes | None) -> np.ndarray:
    """Turn and mirror a picture by a display matrix of ISO 14496-12: to the nearest of the eight orientations.

    Args:
        image: (H, W, 3).
        display_matrix: nine numbers of 32 bits, row by row; a point (x, y) is shown at (a x + c y, b x + d y).
    """
    if display_matrix is None:
        return image
    is_swapped, mirrors_x, mirrors_y = _quarter(display_matrix)
    if is_swapped:
        image = cv2.transpose(image)
    if mirrors_x or mirrors_y:
        image = cv2.flip(image, -1 if mirrors_x and mirrors_y else 1 if mirrors_x else 0)
    return image


def _quarter(display_matrix: bytes) -> tuple[bool, bool, bool]:
    """Return whether the sides are swapped, and whether x and y are mirrored then."""
    a, b, _, c, d = struct.unpack("=5i", display_matrix[:20])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0
