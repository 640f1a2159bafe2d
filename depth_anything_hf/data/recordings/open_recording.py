# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Open a recording, or a folder of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...utils.paths import local_path
from ..decoding.encodings.choice import parse_encoding
from .bag import TOLERANCE_SECONDS, BagRecording
from .kinds import RECORD3D_SUFFIX, RECORDING_SUFFIXES, recordings_at
from .pairs import RecordedPairs, Recording
from .record3d import Record3DRecording


def open_recording(
    path: str | os.PathLike[str],
    *,
    image_topic: str | None = None,
    depth_topic: str | None = None,
    tolerance: float | None = None,
    scale: float | None = None,
    encoding: str | None = None,
    max_depth: float | None = None,
    limit: int | None = None,
    max_pixels: int | None = None,
) -> RecordedPairs:
    """Open pictures with depth of a bag of ROS or of a `.r3d`, or of all that lie in a folder.

    Args:
        path: of a `.bag`, `.db3`, `.mcap`, the folder of a bag of ROS 2, a `.r3d`, or a folder of such.
        image_topic: of a bag, see `BagRecording`.
        depth_topic: of a bag.
        tolerance: of a bag, seconds.
        scale: of a bag, stored units per metre; None: of whole numbers what the bag says, else 1000, of others 1.
        encoding: of Record3D: "record3d", with its option min_confidence; None: that, without the lowest level.
        max_depth: finite depth beyond this many metres becomes invalid; +inf stays.
        limit: use only the first samples, this many.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.

    Raises:
        FileNotFoundError: no recording is there.
        ImportError: a package of the extra ros or record3d is missing.
        UnreadableImageError: damaged.
        ValueError: an option of the other kind of recording, or see `BagRecording`.
    """
    path = local_path(path)
    found = recordings_at(path)
    if not found:
        raise FileNotFoundError(
            f"{path}: no recording; expected {', '.join(sorted(RECORDING_SUFFIXES))}, a folder of such, or the folder "
            "of a bag of ROS 2 with its metadata.yaml"
        )
    of_bags = {"image_topic": image_topic, "depth_topic": depth_topic, "tolerance": tolerance, "scale": scale}
    recordings = [_open(each, of_bags, encoding) for each in found]
    return RecordedPairs(recordings, path if path not in found else path.parent, max_depth, limit, max_pixels)


def _open(path: Path, of_bags: dict[str, Any], encoding: str | None) -> Recording:
    given = {name: value for name, value in of_bags.items() if value is not None}
    if path.suffix.lower() == RECORD3D_SUFFIX and path.is_file():
        if given:
            raise ValueError(f"{path}: {next(iter(given))} is for bags of ROS; leave it out")
        return Record3DRecording(path, _min_confidence(path, encoding))
    if encoding is not None:
        raise ValueError(f"{path}: messages say how they are encoded; leave encoding {encoding!r} out, or set scale")
    return BagRecording(path, **{"tolerance": TOLERANCE_SECONDS, **given})


def _min_confidence(path: Path, encoding: str | None) -> float | None:
    if encoding is None:
        return None
    choice = parse_encoding(encoding)
    others = {name for name in ("index", "confidence") if choice.options.get(name) is not None}
    if choice.encoding.name != "record3d" or others:
        raise ValueError(
            f"{path}: a recording of Record3D has the encoding 'record3d', with min_confidence alone, got {encoding!r}"
        )
    least: float | None = choice.options["min_confidence"]
    return least
