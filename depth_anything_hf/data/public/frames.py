# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of public datasets: which files make a sample, which are missing, and how to find them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.paths import local_path
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import BrokenSampleError
from ..decoding.limits import allow_pixels, check_max_pixels
from ..samples import Sample


@dataclass(frozen=True, slots=True)
class Frame:
    """One sample on disk.

    Attributes:
        name: path below the root, or an id.
        files: all files that must be there; the image first, the label last.
        details: what else the reader needs to know.
    """

    name: str
    files: tuple[str, ...]
    details: Any = None


Reader = Callable[[Frame], Sample]

DEPTH_RULES = LabelRules("depth")


class PublicSamples:
    """A `SampleDataset` of frames, which are decoded one at a time.

    Args:
        label: "depth", "disparity", or None (no map).
        frames: the samples, in their order.
        read: decodes a frame.
        max_depth: finite depth beyond this many metres becomes invalid.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.
    """

    def __init__(
        self,
        label: str | None,
        frames: Sequence[Frame],
        read: Reader,
        max_depth: float | None = None,
        max_pixels: int | None = None,
    ) -> None:
        check_max_pixels(max_pixels)
        self.label = label
        self.frames = frames
        self._read = read
        self._max_depth = max_depth
        self._max_pixels = max_pixels

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        frame = self.frames[index]
        with allow_pixels(self._max_pixels):
            sample = {**self._read(frame), "name": frame.name}
        if self.label is None:
            return sample
        values, size = sample[self.label], sample["image"].shape[:2]
        if values.shape != size:
            raise BrokenSampleError(
                f"{frame.files[0]} is {size[0]} x {size[1]} (height x width), but its label {frame.files[-1]} is "
                f"{values.shape[0]} x {values.shape[1]}; they must agree pixel by pixel: download both again"
            )
        if self._max_depth is not None and self.label == "depth":
            values[np.isfinite(values) & (values > self._max_depth)] = np.nan
        return sample

    def shorten(self, limit: int | None, max_depth: float | None, max_pixels: int | None = None) -> PublicSamples:
        """Return the first `limit` frames, with finite depth beyond `max_depth` metres invalid; None keeps all.

        Maps of more than `max_pixels` are broken; None: by Pillow's limit.
        """
        return PublicSamples(self.label, self.frames[:limit], self._read, max_depth, max_pixels)

    def missing_files(self) -> list[str]:
        """List the files of the frames that are not on disk, each once; every folder is read once."""
        names: dict[str, set[str]] = {}
        missing: dict[str, None] = {}
        for frame in self.frames:
            for path in frame.files:
                folder, name = os.path.split(path)
                if folder not in names:
                    names[folder] = set(os.listdir(folder)) if os.path.isdir(folder) else set()
                if name not in names[folder]:
                    missing[path] = None
        return list(missing)


def matches(root: Path, *patterns: str) -> list[str]:
    """List the files and folders below the root that match one of the patterns, sorted."""
    found = (path for pattern in patterns for path in glob.iglob(os.path.join(glob.escape(str(root)), pattern)))
    return sorted(set(found))


def path_below(root: Path, path: str) -> str:
    """Return the path relative to the root, with slashes."""
    above = str(root) + os.sep
    # Of a million frames each; paths that were found below the root begin with it.
    below = path[len(above) :] if path.startswith(above) else os.path.relpath(path, root)
    return below.replace(os.sep, "/")


def lines_of(path: str | os.PathLike[str]) -> list[str]:
    """Return the lines of a text file that are not empty.

    Raises:
        ValueError: it is no text.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a list as text in UTF-8, got other bytes: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def require_file(path: str | os.PathLike[str], advice: str) -> Path:
    """Return the path of a file that must be there.

    Raises:
        FileNotFoundError: no such file; the message ends with the advice.
    """
    path = local_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {advice}")
    return path


def mask_invalid(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return a float32 copy of depth (H, W) with NaN where `valid`, bool (H, W), is False."""
    return np.where(valid, depth, np.nan).astype(np.float32)


def swap_last(path: str, old: str, new: str) -> str:
    """Replace the last occurrence of `old` in a path."""
    head, _, tail = path.rpartition(old)
    return head + new + tail


MILLIMETRE_RULES = LabelRules("depth", scale=1000.0, invalid_values=(0, 65535))
