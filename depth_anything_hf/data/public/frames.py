# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of public data sets: which files make a sample, which are missing, and how to find them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..decoding.errors import BrokenSampleError
from ..samples import Sample


@dataclass(frozen=True, slots=True)
class Frame:
    """One sample on disk.

    Attributes:
        name: path below the root, or an id.
        files: all that must be there; the picture first, the label last.
        details: what else the reader needs to know.
    """

    name: str
    files: tuple[str, ...]
    details: Any = None


Reader = Callable[[Frame], Sample]

DEPTH_RULES = LabelRules("depth")


class PublicSamples:
    """A `SampleDataset` of frames that are decoded when asked for."""

    def __init__(
        self, label: str | None, frames: Sequence[Frame], read: Reader, max_depth: float | None = None
    ) -> None:
        self.label = label
        self.frames = frames
        self._read = read
        self._max_depth = max_depth

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        frame = self.frames[index]
        sample = {**self._read(frame), "name": frame.name}
        if self.label is None:
            return sample
        values, size = sample[self.label], sample["image"].shape[:2]
        if values.shape != size:
            raise BrokenSampleError(
                f"{frame.files[0]} is {size[0]} x {size[1]} (height x width), but its label {frame.files[-1]} is "
                f"{values.shape[0]} x {values.shape[1]}; they must agree pixel by pixel"
            )
        if self._max_depth is not None and self.label == "depth":
            values[np.isfinite(values) & (values > self._max_depth)] = np.nan
        return sample

    def shortened(self, limit: int | None, max_depth: float | None) -> PublicSamples:
        """The first `limit` frames, with finite depth beyond `max_depth` metres invalid; None changes nothing."""
        return PublicSamples(self.label, self.frames[:limit], self._read, max_depth)

    def missing_files(self) -> list[str]:
        """Files of the frames that are not on disk, in order, each once. Lists every folder once."""
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
    """Files and folders below the root that match one of the patterns, sorted."""
    found = (path for pattern in patterns for path in glob.iglob(os.path.join(glob.escape(str(root)), pattern)))
    return sorted(set(found))


def below(root: Path, path: str) -> str:
    """The path relative to the root, with slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def lines_of(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a text file that are not empty."""
    return [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def needed_file(path: str | os.PathLike[str], advice: str) -> Path:
    """The path if there is a file; FileNotFoundError with the advice otherwise."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {advice}")
    return path


def invalid_unless(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """float32 copy with NaN where not valid."""
    return np.where(valid, depth, np.nan).astype(np.float32)


def swap_last(path: str, old: str, new: str) -> str:
    """Replaces the last occurrence."""
    head, _, tail = path.rpartition(old)
    return head + new + tail


MILLIMETRE_RULES = LabelRules("depth", scale=1000.0, invalid_values=(0, 65535))
