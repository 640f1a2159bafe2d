# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A part of a video on disk: its encoded pictures, the files of its frames, and a record that says what is there."""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.files import atomic_write, fsync_file
from ..prediction_files import encode_prediction
from .codes import CodeRanges
from .colours import FrameColours
from .encoding import PART_SUFFIX, PartEncoder
from .outputs import NUMBER_DIGITS, VIDEO_FILES, VideoOutputs
from .prediction import VideoPrediction


FRAMES_FOLDER = "frames"
# Frames that may wait for an encoder.
FRAMES_BEHIND = 2
_CHUNK_BYTES = 1 << 20


class PartWriter:
    """Write one part.

    Args:
        folder: of the unfinished video.
        number: of the part.
        outputs: what is written.
        kind: of the values.
        ranges: of the codes, of the parts before; those of this part are added.
    """

    def __init__(self, folder: Path, number: int, outputs: VideoOutputs, kind: str, ranges: CodeRanges) -> None:
        self._folder, self._number, self._outputs, self._kind, self._ranges = folder, number, outputs, kind, ranges
        self._lanes: dict[str, _Lane] = {}
        self._frames: list[dict[str, Any]] = []
        self._numbered: dict[str, dict[str, Any]] = {}
        self._time_base = ""

    def add(self, prediction: VideoPrediction) -> None:
        """Write a frame."""
        frame = prediction.frame
        self._time_base = str(frame.time_base)
        if not self._lanes:
            for name in self._outputs.files:
                path = part_file(self._folder, self._number, name)
                encoder = PartEncoder(path, VIDEO_FILES[name].codec, frame.time_base, frame.pixel_aspect)
                self._lanes[name] = _Lane(encoder, self._picture_of(name))
        values = self._outputs.look.limit(prediction.values)
        for lane in self._lanes.values():
            lane.add(prediction, values)
        self._frames.append(
            {
                "pts": frame.pts,
                "duration": frame.duration,
                "scale": prediction.scale,
                "shift": prediction.shift,
                **({"is_cut": True} if prediction.is_cut else {}),
            }
        )
        if self._outputs.frames is not None:
            contents, _ = encode_prediction(prediction.values, self._kind, self._outputs.frames)
            for suffix, content in contents.items():
                name = f"{prediction.index:0{NUMBER_DIGITS}d}{suffix}"
                atomic_write(self._folder / FRAMES_FOLDER / name, content, sync=False)
                self._numbered[name] = stamp(self._folder / FRAMES_FOLDER / name, content)

    def finish(self) -> None:
        """Complete the part: its files are on the disk, and then its record."""
        for lane in self._lanes.values():
            lane.close()
        names = list(self._lanes)
        # What makes pictures knows this part: a circle would keep encoders until Python happens to look for circles.
        self._lanes.clear()
        files = {}
        for name in names:
            path = part_file(self._folder, self._number, name)
            fsync_file(path)
            files[path.name] = stamp(path)
        # The last two are enough to join what a kill has left, where the state behind this part was not written.
        record = {
            "files": files,
            "frames": self._frames,
            "numbered": self._numbered,
            "ranges": [list(each) for each in self._ranges.ranges],
            "time_base": self._time_base,
        }
        atomic_write(part_record(self._folder, self._number), json.dumps(record))

    def abandon(self) -> None:
        """Close the files of a part that is not completed."""
        for lane in self._lanes.values():
            with suppress(Exception):
                lane.close()
        self._lanes.clear()

    def _picture_of(self, name: str) -> Callable[[VideoPrediction, np.ndarray], np.ndarray]:
        """Return what makes the pictures of a format from a prediction and its values."""
        if name == "ffv1":
            return lambda prediction, values: self._ranges.encode(prediction.index, values, self._kind)
        look = self._outputs.look
        far, near = (look.limits.get(limit) for limit in ("max_depth", "min_depth"))
        ends = (None if far is None else 1 / far, None if near is None else 1 / near)
        colours = FrameColours(look.colormap, self._kind, legend=look.legend, ends=ends)
        if name == "side_by_side":
            return lambda prediction, values: colours(values, prediction.limits, prediction.image)
        return lambda prediction, values: colours(values, prediction.limits)


class _Lane:
    """A thread that makes and encodes the pictures of one file, a few frames behind.

    Args:
        encoder: of the file.
        picture_of: makes a picture from a prediction and its values.
    """

    def __init__(self, encoder: PartEncoder, picture_of: Callable[[VideoPrediction, np.ndarray], np.ndarray]) -> None:
        self._encoder, self._picture_of = encoder, picture_of
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._waiting: deque[Future[None]] = deque()

    def add(self, prediction: VideoPrediction, values: np.ndarray) -> None:
        while len(self._waiting) >= FRAMES_BEHIND:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._encode, prediction, values))

    def close(self) -> None:
        """Wait for the frames, and end the file; raises what a frame has raised."""
        self._pool.shutdown()
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._encoder.close()

    def _encode(self, prediction: VideoPrediction, values: np.ndarray) -> None:
        self._encoder.add(self._picture_of(prediction, values), prediction.frame.pts)


def part_file(folder: Path, number: int, name: str) -> Path:
    """Return the file of a part with the pictures of one format."""
    return folder / f"part_{number:05d}_{name}{PART_SUFFIX}"


def part_record(folder: Path, number: int) -> Path:
    """Return the record of a part."""
    return folder / f"part_{number:05d}.json"


def read_part(folder: Path, number: int) -> dict[str, Any] | None:
    """Return the record of a part whose files are all as they were written; None else."""
    try:
        record: dict[str, Any] = json.loads(part_record(folder, number).read_text(encoding="utf-8"))
        for name, expected in record["files"].items():
            if stamp(folder / name)["crc32"] != expected["crc32"]:
                return None
        for name, expected in record["numbered"].items():
            if (folder / FRAMES_FOLDER / name).stat().st_size != expected["bytes"]:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record


def stamp(path: Path, content: bytes | None = None) -> dict[str, Any]:
    """Return size, time and checksum of a file, as lists of predictions hold them.

    Args:
        path: of the file.
        content: where it is at hand.
    """
    status = path.stat()
    if content is not None:
        checksum = zlib.crc32(content)
    else:
        checksum = 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                checksum = zlib.crc32(chunk, checksum)
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "crc32": f"{checksum:08x}"}


def durations(frames: list[Mapping[str, Any]], time_base: Fraction) -> list[tuple[int, int]]:
    """Return (time, duration) of each frame: up to the next one, of the last one as the source says."""
    times = [int(frame["pts"]) for frame in frames]
    last = int(frames[-1]["duration"]) or (
        times[-1] - times[-2] if len(times) > 1 else max(1, round(1 / 25 / time_base))
    )
    return [
        *((time, after - time) for time, after in pairwise(times)),
        (times[-1], last),
    ]
