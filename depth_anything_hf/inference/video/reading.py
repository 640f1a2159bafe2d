# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The numbers that `predict` has written of a video, read back frame by frame."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...data.decoding.errors import UnreadableImageError
from ...data.decoding.map_meaning import KINDS, MEANING_KEYWORD, MEANING_VERSION
from ...geometry.disparity import PredictionKind
from ...utils.messages import counted
from ...utils.paths import local_path
from ..prediction_files import read_prediction
from ..prediction_formats import FORMATS
from .codes import Range, decode_codes
from .frames import VideoError, load_av
from .outputs import FRAME_FORMATS, FRAMES_LIST, FRAMES_SUFFIX, RECORD_KIND, RECORD_SUFFIX, RECORD_VERSION, VIDEO_FILES


@dataclass(frozen=True)
class StoredFrame:
    """The values of a frame.

    Attributes:
        index: 0, 1, 2, ...
        time: seconds from the beginning, exact where the record lies beside the file, else in milliseconds.
        values: float32 (H, W), NaN where there is none.
        kind: "disparity" or "depth" (metres).
    """

    index: int
    time: Fraction
    values: np.ndarray
    kind: PredictionKind


def read_video_prediction(path: str | os.PathLike[str]) -> Iterator[StoredFrame]:
    """Read the numbers of a video that `predict` has written.

    Args:
        path: NAME_16bit.mkv (half a step of its codes from what was predicted), the folder NAME_frames, or
            NAME_video.json, which stands for the video beside it, or for the folder.

    Returns:
        The frames in their order, one at a time in memory.

    Raises:
        FileNotFoundError: no such file, or nothing with numbers beside the record.
        ImportError: PyAV is missing, for the video.
        UnreadableImageError: none of these, or damaged.
    """
    path = local_path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; correct the name")
    if path.is_dir():
        return _read_folder(path)
    if path.name.endswith(RECORD_SUFFIX):
        stem = path.name.removesuffix(RECORD_SUFFIX)
        video, folder = path.with_name(stem + VIDEO_FILES["ffv1"].suffix), path.with_name(stem + FRAMES_SUFFIX)
        if video.is_file():
            return _read_matroska(video)
        if folder.is_dir():
            return _read_folder(folder)
        raise FileNotFoundError(f"{path}: neither {video.name} nor {folder.name} lies beside it; add --format ffv1")
    return _read_matroska(path)


def _read_matroska(path: Path) -> Iterator[StoredFrame]:
    av = load_av()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path}: cannot be opened as a video: {error}; predict again") from error
    try:
        kind, ranges = _meaning(container.metadata, path)
        stream = container.streams.video[0]
        if stream.codec_context.pix_fmt != "gray16le":
            raise UnreadableImageError(f"{path}: its text tells of 16-bit codes, got {stream.codec_context.pix_fmt}")
    except BaseException:
        container.close()
        raise
    stem = path.name.removesuffix(VIDEO_FILES["ffv1"].suffix)
    record = _record_of(path.with_name(stem + RECORD_SUFFIX)) if stem != path.name else None

    def frames() -> Iterator[StoredFrame]:
        with container:
            try:
                for index, frame in enumerate(container.decode(stream)):
                    values = decode_codes(frame.to_ndarray(), index, ranges)
                    time = _time(record, index)
                    yield StoredFrame(index, Fraction(frame.time or 0) if time is None else time, values, kind)
            except (av.FFmpegError, OSError) as error:
                raise VideoError(
                    f"{path}: damaged behind the frames that were read: {error}; predict again"
                ) from error

    return frames()


def _read_folder(folder: Path) -> Iterator[StoredFrame]:
    record = _record_of(folder / FRAMES_LIST)
    if record is None:
        raise UnreadableImageError(f"{folder}: expected NAME{FRAMES_SUFFIX} of `predict`, with {FRAMES_LIST}")
    names = [path.name for path in folder.iterdir()]
    # Of those that hold every value first.
    suffix = next(
        (FORMATS[each].suffix for each in FRAME_FORMATS if any(_number(name, FORMATS[each].suffix) for name in names)),
        None,
    )
    if suffix is None:
        raise FileNotFoundError(f"{folder}: no files of frames; predict again")
    # Beyond 999,999 the order of names is another than that of numbers.
    chosen = sorted((int(number), name) for name in names if (number := _number(name, suffix)))
    if [number for number, _ in chosen] != list(range(record["frames"])):
        raise UnreadableImageError(
            f"{folder}: expected {counted(record['frames'], 'frame')} by {FRAMES_LIST}, one file for each number from "
            f"0, got {counted(len(chosen), 'file')} of *{suffix}{_first_gap(number for number, _ in chosen)}; predict "
            "again"
        )

    def frames() -> Iterator[StoredFrame]:
        for index, name in chosen:
            values, kind = read_prediction(folder / name)
            yield StoredFrame(index, _time(record, index) or Fraction(0), values, cast("PredictionKind", kind))

    return frames()


def _number(name: str, suffix: str) -> str | None:
    """Return the digits before a suffix; None of other names."""
    digits = name.removesuffix(suffix)
    return digits if digits != name and digits.isascii() and digits.isdecimal() else None


def _first_gap(numbers: Iterable[int]) -> str:
    """Return words for the first of ascending numbers that is not the one expected."""
    for expected, number in enumerate(numbers):
        if number != expected:
            return f", {'two' if number < expected else 'none'} for {min(number, expected)}"
    return ""


def _meaning(metadata: dict[str, str], path: Path) -> tuple[PredictionKind, list[Range]]:
    text = next((value for name, value in metadata.items() if name.upper() == MEANING_KEYWORD.upper()), None)
    try:
        if text is not None:
            told = json.loads(text)
            ranges = [Range(each["first_frame"], each["minimum"], each["maximum"]) for each in told["ranges"]]
            if told["version"] == MEANING_VERSION and told["kind"] in KINDS:
                return told["kind"], ranges
    except (ValueError, KeyError, TypeError):
        pass
    raise UnreadableImageError(
        f"{path}: expected NAME{VIDEO_FILES['ffv1'].suffix} with the tag {MEANING_KEYWORD.upper()} of version "
        f"{MEANING_VERSION}, as `predict --format ffv1` writes it; other programs may have dropped it: predict again"
    )


def _record_of(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["kind"] == RECORD_KIND and record["version"] == RECORD_VERSION:
            return record
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _time(record: dict[str, Any] | None, index: int) -> Fraction | None:
    if record is None or index >= len(record["times"]):
        return None
    numerator, denominator = record["time_base"]
    return Fraction(record["times"][index] * numerator, denominator)
