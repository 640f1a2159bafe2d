# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures that are decoded for the predictor and written into files later: decoded once, within a bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.decoding.images import read_image
from ..data.decoding.limits import allow_pixels
from ..geometry.intrinsics import CameraIntrinsics
from .image_inputs import ImageSource


# About ten photographs of 16 million pixels; those beyond are decoded again.
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Picture:
    """A decoded picture, as it is predicted.

    Attributes:
        image: uint8 (H, W, 3), upright, and without distortion where the camera had one.
        intrinsics: its camera, where one was asked for.
        undistorted_from: the camera before distortion was taken out; None where there was none.
    """

    image: np.ndarray
    intrinsics: CameraIntrinsics | None = None
    undistorted_from: CameraIntrinsics | None = None


def read_upright(path: Path, max_pixels: int | None = None) -> Picture:
    """Decode a picture as the predictor does.

    Raises:
        FileNotFoundError, UnreadableImageError: as `read_image`.
    """
    with allow_pixels(max_pixels):
        return Picture(read_image(path))


class KeptPictures:
    """Hands pictures to a predictor and keeps them until their files are written.

    Args:
        read: decodes a file; called in the predictor's threads.
        most_bytes: of all pictures that are kept at one time.
    """

    def __init__(self, read: Callable[[Path], Picture], most_bytes: int = MOST_BYTES) -> None:
        self._read = read
        self._room = most_bytes
        self._kept: dict[Path, Picture] = {}
        self._lock = threading.Lock()

    def source(self, path: Path) -> ImageSource:
        """Return what the predictor takes for a file."""
        return str(path), lambda: self._read_and_keep(path)

    def take(self, path: Path) -> Picture:
        """Return a picture and forget it; decoded again where there was no room for it."""
        return self._pop(path) or self._read(path)

    def forget(self, path: Path) -> None:
        """Forget a picture that nobody will take."""
        self._pop(path)

    def _read_and_keep(self, path: Path) -> np.ndarray:
        picture = self._read(path)
        with self._lock:
            if path not in self._kept and picture.image.nbytes <= self._room:
                self._kept[path] = picture
                self._room -= picture.image.nbytes
        return picture.image

    def _pop(self, path: Path) -> Picture | None:
        with self._lock:
            picture = self._kept.pop(path, None)
            if picture is not None:
                self._room += picture.image.nbytes
            return picture
