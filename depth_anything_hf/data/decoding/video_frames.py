# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Single frames of a video, by their numbers."""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import UnreadableImageError
from .optional import import_optional


# Frames that are decoded on the way to one that comes after the last one, rather than looked up.
FEW_FRAMES = 32
# Values of ITU-T H.273, as FFmpeg has them.
UNSPECIFIED, BT709, BT601 = 2, 1, 5
# Players take videos without a statement for BT.709 from here on.
HIGH_DEFINITION_LINES = 720


def read_video_frame(path: str, index: int) -> np.ndarray:
    """Decode a frame of a video as it is stored: turned by nothing, as the maps that were recorded beside it.

    Frames one after the other are decoded once each; others from the key frame before. Some videos are kept open.

    Args:
        path: of the video.
        index: of the frame, in the order of presentation.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        FileNotFoundError: no such file.
        ImportError: PyAV is not installed.
        UnreadableImageError: no video, a damaged one, or one without that frame.
    """
    av = import_optional("av", "video")
    try:
        # A file that is open belongs to one process.
        video = _open(os.fspath(path), os.stat(path).st_mtime_ns, os.getpid())
        return video.frame(index)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (av.FFmpegError, StopIteration, IndexError, OSError) as error:
        raise UnreadableImageError(f"{path}: frame {index} cannot be decoded: {error}") from error


@dataclass(frozen=True)
class _Times:
    """When the frames of a video are shown, and its key frames: when they are shown and decoded."""

    frames: Sequence[int]
    keys: Sequence[tuple[int, int]]


# Looked up for many videos, of which few are open at once.
@lru_cache(maxsize=1024)
def _times_of(path: str, time: int) -> _Times:
    with import_optional("av", "video").open(path) as container:
        packets = [each for each in container.demux(container.streams.video[0]) if each.pts is not None]
        # Containers look for key frames by the time of decoding, which is earlier than that of presentation.
        keys = [(each.pts, each.pts if each.dts is None else each.dts) for each in packets if each.is_keyframe]
        return _Times(sorted(each.pts for each in packets if not each.is_discard), sorted(keys))


class _Video:
    """An open video."""

    def __init__(self, path: str, times: _Times) -> None:
        self._path = path
        self._times, self._keys = times.frames, times.keys
        self._lock = threading.Lock()
        self._container = import_optional("av", "video").open(path)
        self._stream = self._container.streams.video[0]
        self._frames: Iterator[Any] | None = None
        self._next = 0

    def frame(self, index: int) -> np.ndarray:
        """Return the pixels of a frame by its number."""
        with self._lock:
            if index >= len(self._times):
                raise UnreadableImageError(f"{self._path}: has {len(self._times)} frames, and no frame {index}")
            try:
                return _rgb(self._find(index))
            except BaseException:
                self._frames = None
                raise

    def _find(self, index: int) -> Any:
        wanted = self._times[index]
        if self._frames is None or not self._next <= index < self._next + FEW_FRAMES:
            place = bisect_right(self._keys, (wanted, math.inf)) - 1
            self._frames = self._from(self._keys[max(place, 0)][1])
        self._next = index + 1
        found = next(frame for frame in self._frames if frame.pts is not None and frame.pts >= wanted)
        if found.pts == wanted:
            return found
        # A frame that no key frame leads to, as some containers place them, is decoded from the beginning.
        self._frames = self._from(min(self._times[0], self._keys[0][1]))
        return next(frame for frame in self._frames if frame.pts == wanted)

    def _from(self, time: int) -> Iterator[Any]:
        self._container.seek(time, stream=self._stream)
        frames: Iterator[Any] = self._container.decode(self._stream)
        return frames


@lru_cache(maxsize=8)
def _open(path: str, time: int, process: int) -> _Video:
    return _Video(path, _times_of(path, time))


def colour_matrix(frame: Any) -> int:
    """Return the matrix of ITU-T H.273 that a frame's colours are decoded by: its own, or the one players take."""
    matrix = int(frame.colorspace)
    if matrix != UNSPECIFIED:
        return matrix
    # Of the coded picture, which lies on its side in a video that stands upright.
    return BT709 if min(frame.height, frame.width) >= HIGH_DEFINITION_LINES else BT601


def _rgb(frame: Any) -> np.ndarray:
    pixels: np.ndarray = frame.reformat(format="rgb24", src_colorspace=colour_matrix(frame)).to_ndarray()
    return pixels
