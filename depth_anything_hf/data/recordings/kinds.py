# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which files are recordings, by their names alone."""

from __future__ import annotations

import os
from pathlib import Path

from ..index.looks import note_file, note_folder


# ROS 1; ROS 2 with either storage; Record3D.
BAG_SUFFIXES = frozenset({".bag", ".db3", ".mcap"})
RECORD3D_SUFFIX = ".r3d"
RECORDING_SUFFIXES = BAG_SUFFIXES | {RECORD3D_SUFFIX}
# Of the folder that is a bag of ROS 2.
BAG_METADATA, BAG_METADATA_KEY = "metadata.yaml", "rosbag2_bagfile_information"


def is_bag_folder(path: Path) -> bool:
    """Tell whether a folder is a bag of ROS 2."""
    metadata = path / BAG_METADATA
    note_file(metadata)
    try:
        return metadata.is_file() and BAG_METADATA_KEY in metadata.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def is_recording(path: Path) -> bool:
    """Tell whether a file or folder is one recording."""
    return path.suffix.lower() in RECORDING_SUFFIXES if path.is_file() else is_bag_folder(path)


def recordings_at(path: Path) -> list[Path]:
    """List the recordings that a path names: itself, or those that lie in the folder; none where there is none."""
    if is_recording(path):
        return [path]
    if not path.is_dir():
        return []
    note_folder(path)
    endings = tuple(RECORDING_SUFFIXES)
    with os.scandir(path) as entries:
        # Of a million pictures none is looked up on disk one by one.
        likely = [each.name for each in entries if each.name.lower().endswith(endings) or each.is_dir()]
    return sorted(path / name for name in likely if is_recording(path / name))
