# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Clips to score: frames of a folder or a video, with exact depth and poses where they were rendered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.decoding.depth_maps import read_label
from ..data.decoding.images import read_image
from ..data.decoding.limits import allow_pixels
from ..inference.video.frames import FrameSource
from ..inference.video.sources import open_video
from ..utils.paths import local_path


METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class ClipFrame:
    """A frame, and what is known of it.

    Attributes:
        name: of its file, or its number.
        image: uint8 (H, W, 3) RGB.
        depth: float32 (H, W), true planar z in metres, +inf = sky; None: not known.
        pose: float64 (4, 4), from the camera (x right, y down, z forward) to the world, metres; None: not known.
        intrinsics: float64 (3, 3), pixels; None: not known.
    """

    name: str
    image: np.ndarray
    depth: np.ndarray | None = None
    pose: np.ndarray | None = None
    intrinsics: np.ndarray | None = None


def read_clip(source: str, limit: int | None = None, max_pixels: int | None = None) -> Iterator[ClipFrame]:
    """Open a clip, to be read frame by frame.

    Args:
        source: a folder of `render --clip`; or what `open_video` takes, without truth: a video file, a folder of
            pictures in natural order, a pattern such as frames/%04d.png.
        limit: only the first frames.
        max_pixels: largest number of pixels of a picture or its depth, except in a video file.

    Raises:
        FileNotFoundError: no such folder or file.
        ImportError: PyAV is missing, for a video file.
        ValueError: the folder was rendered as single images, or a record of it is damaged.
        VideoError: cannot be opened; from the iterator, when the frames before have been given: a damaged place.
    """
    folder = local_path(source)
    if (folder / METADATA).is_file():
        return (_rendered_frame(folder, record, max_pixels) for record in _read_records(folder)[:limit])
    return _read_video(open_video(source, max_pixels=max_pixels), limit)


def _read_video(opened: FrameSource, limit: int | None) -> Iterator[ClipFrame]:
    try:
        # Not cut off here, so that a gap before the last frame that is wanted is told.
        for frame in opened.frames(0, limit):
            if frame.image is not None:
                yield ClipFrame(str(frame.index), frame.image)
    finally:
        opened.close()


def _read_records(folder: Path) -> list[dict[str, Any]]:
    text = (folder / METADATA).read_text(encoding="utf-8")
    try:
        records = sorted((json.loads(line) for line in text.splitlines()), key=lambda record: str(record["file_name"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / METADATA}: expected a record with file_name in each line ({error})") from error
    if not all("camera_to_world" in record for record in records):
        raise ValueError(
            f"{folder} has single images, or not the pose of each: expected frames of `render --clip`; score single "
            "images by --data"
        )
    return records


def _rendered_frame(folder: Path, record: dict[str, Any], max_pixels: int | None) -> ClipFrame:
    depth_name = record.get("depth_file_name")
    intrinsics = np.array([[record["fx"], 0, record["cx"]], [0, record["fy"], record["cy"]], [0, 0, 1]], dtype=float)
    with allow_pixels(max_pixels):
        image = read_image(folder / record["file_name"])
        depth = None if depth_name is None else read_label(folder / depth_name)
    return ClipFrame(
        name=str(record["file_name"]),
        image=image,
        depth=depth,
        pose=np.array(record["camera_to_world"], dtype=float),
        intrinsics=intrinsics,
    )
