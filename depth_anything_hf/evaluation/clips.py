# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Clips to score: frames of a folder or a video, with exact depth and poses where they were rendered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..data.decoding.depth_maps import read_label
from ..data.decoding.images import read_image
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


def read_clip(source: str, limit: int | None = None) -> Iterator[ClipFrame]:
    """Read a clip frame by frame.

    Args:
        source: a folder of `render --clip`; or what `open_video` takes, without truth: a video file, a folder of
            pictures in natural order, a pattern such as frames/%04d.png.
        limit: only the first frames.

    Raises:
        FileNotFoundError: no such folder or file.
        ImportError: PyAV is missing, for a video file.
        ValueError: the folder was rendered as single images, or a record of it is damaged.
        VideoError: no frame can be had; frames before a damaged place have been given.
    """
    folder = local_path(source)
    if (folder / METADATA).is_file():
        return islice(_read_rendered(folder), limit)
    return _read_video(source, limit)


def _read_video(source: str, limit: int | None) -> Iterator[ClipFrame]:
    opened = open_video(source)
    try:
        # Not cut off here, so that a gap before the last frame that is wanted is told.
        for frame in opened.frames(0, limit):
            if frame.image is not None:
                yield ClipFrame(str(frame.index), frame.image)
    finally:
        opened.close()


def _read_rendered(folder: Path) -> Iterator[ClipFrame]:
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
    for record in records:
        yield _rendered_frame(folder, record)


def _rendered_frame(folder: Path, record: dict[str, Any]) -> ClipFrame:
    depth_name = record.get("depth_file_name")
    intrinsics = np.array([[record["fx"], 0, record["cx"]], [0, record["fy"], record["cy"]], [0, 0, 1]], dtype=float)
    return ClipFrame(
        name=str(record["file_name"]),
        image=read_image(folder / record["file_name"]),
        depth=None if depth_name is None else read_label(folder / depth_name),
        pose=np.array(record["camera_to_world"], dtype=float),
        intrinsics=intrinsics,
    )
