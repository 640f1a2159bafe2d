# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A part of a video on disk: its encoded pictures, the files of its frames, and a record that says what is there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...utils.files import atomic_write, fsync_file
from ..prediction_files import encode_prediction
from .codes import CodeRanges
from .colours import FrameColours
from .encoding import PART_SUFFIX, PartEncoder
from .outputs import NUMBER_DIGITS, VIDEO_FILES, VideoOutputs
from .prediction import VideoPrediction


FRAMES_FOLDER = "frames"
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
        limits = outputs.look.limits
        ends = tuple(1 / limits[name] if name in limits else None for name in ("max_depth", "min_depth"))
        self._colours = FrameColours(outputs.look.colormap, kind, legend=outputs.look.legend, ends=(ends[0], ends[1]))
        self._encoders: dict[str, PartEncoder] = {}
        self._frames: list[dict[str, Any]] = []
        self._numbered: dict[str, dict[str, Any]] = {}

    def add(self, prediction: VideoPrediction) -> None:
        """Write a frame."""
        frame = prediction.frame
        if not self._encoders:
            for name in self._outputs.files:
                self._encoders[name] = PartEncoder(
                    part_file(self._folder, self._number, name),
                    VIDEO_FILES[name].codec,
                    frame.time_base,
                    frame.pixel_aspect,
                )
        values = self._outputs.look.limit(prediction.values)
        for name, encoder in self._encoders.items():
            if name == "ffv1":
                encoder.add(self._ranges.encode(prediction.index, values, self._kind), frame.pts)
            else:
                image = prediction.image if name == "side_by_side" else None
                encoder.add(self._colours(values, prediction.limits, image), frame.pts)
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
        for encoder in self._encoders.values():
            encoder.close()
        files = {}
        for name in self._encoders:
            path = part_file(self._folder, self._number, name)
            fsync_file(path)
            files[path.name] = stamp(path)
        record = {"files": files, "frames": self._frames, "numbered": self._numbered}
        atomic_write(part_record(self._folder, self._number), json.dumps(record))

    def abandon(self) -> None:
        """Close the files of a part that is not completed."""
        for encoder in self._encoders.values():
            encoder.close()


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
