# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of a recording of Record3D, `.r3d`: each a JPEG, depth and confidence in a zip archive."""

from __future__ import annotations

import json
import os
import warnings
import weakref
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry.intrinsics import CameraIntrinsics
from ..decoding.encodings.record3d import camera_of_picture, decode_frame
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..decoding.optional import import_optional
from ..samples import Sample


# Of the levels 0, 1 and 2.
LOW_CONFIDENCE = 0


class Record3DRecording:
    """The frames of a `.r3d` that have a picture and depth, in their order.

    Args:
        path: of the file.
        min_confidence: pixels of less confidence (0, 1, 2) have no value; None takes 1 in frames with confidence, as
            the captures of phones among the public datasets do.

    Raises:
        FileNotFoundError: no such file.
        ImportError: no package for LZFSE is installed.
        UnreadableImageError: no zip archive, without metadata or without a frame.
    """

    def __init__(self, path: Path, min_confidence: float | None = None) -> None:
        self.path = path
        self._min_confidence = min_confidence
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such recording")
        import_optional(("lzfse", "liblzfse"), "record3d")
        try:
            self._metadata: Mapping[str, Any] = json.loads(self._archive().read("metadata"))
            names = set(self._archive().namelist())
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise UnreadableImageError(f"{path}: expected a recording of Record3D with metadata: {error}") from error
        stems = [name[5:-6] for name in names if name.startswith("rgbd/") and name.endswith(".depth")]
        numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
        self._frames = [number for number in numbers if f"rgbd/{number}.jpg" in names]
        self._with_confidence = {number for number in self._frames if f"rgbd/{number}.conf" in names}
        if not self._frames:
            raise UnreadableImageError(f"{path}: no frame with rgbd/N.jpg and rgbd/N.depth in it")
        if len(self._frames) < len(numbers):
            missing = len(numbers) - len(self._frames)
            warnings.warn(f"{path}: {missing} of {len(numbers)} frames have no picture and are left out", stacklevel=2)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return len(self._frames)

    def name_of(self, index: int) -> str:
        """Return the name of a frame: the recording, and its number there."""
        return f"{self.path}/{self._frames[index]}"

    def read(self, index: int) -> Sample:
        """Read a frame: "image", "depth" of its own size, and "intrinsics" of the picture where they are known."""
        number, name = self._frames[index], self.name_of(index)
        image = read_image({"bytes": self._member(f"{number}.jpg", name), "path": f"{name}.jpg"})
        depth = self._member(f"{number}.depth", name)
        decoded = decode_frame(self._metadata, depth, lambda: self._member(f"{number}.conf", name), name)
        values = decoded.values
        if self._min_confidence is not None or number in self._with_confidence:
            confidence = decoded.confidence
            assert confidence is not None
            least = LOW_CONFIDENCE + 1 if self._min_confidence is None else self._min_confidence
            values[~(confidence >= least)] = np.nan
        sample: Sample = {"image": image, "depth": values}
        intrinsics = self._intrinsics(number, *image.shape[:2])
        return sample if intrinsics is None else {**sample, "intrinsics": intrinsics}

    def _intrinsics(self, number: int, height: int, width: int) -> np.ndarray | None:
        """Return the camera of a frame's picture, whose focus may change from one to the next."""
        matrix = camera_of_picture(self._metadata, number)
        try:
            if matrix is None:
                return None
            stored = (int(self._metadata.get("h", height)), int(self._metadata.get("w", width)))
            return CameraIntrinsics.from_matrix(matrix, *stored).scale_to(height, width).matrix
        except (TypeError, ValueError):
            return None

    def _member(self, name: str, place: str) -> bytes:
        try:
            return self._archive().read(f"rgbd/{name}")
        except KeyError as error:
            raise UnreadableImageError(f"{place}: the recording has no rgbd/{name}") from error
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise UnreadableImageError(f"{place}: rgbd/{name} cannot be read, copy it again: {error}") from error

    def _archive(self) -> zipfile.ZipFile:
        """Return the archive as this process has opened it; its threads may read at once."""
        if self._opened is None or self._opened[0] != os.getpid():
            archive = zipfile.ZipFile(self.path)
            weakref.finalize(self, archive.close)
            self._opened = (os.getpid(), archive)
        return self._opened[1]
