# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures and depth of a bag of ROS, paired by their times."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np

from ..samples import Sample
from .bag_file import NANOSECONDS, BagFile, TopicIndex
from .nearest_in_time import nearest_pairs
from .realsense import NOT_ALIGNED, UNIT_UNKNOWN, camera_topic, is_sdk_topic, units_per_metre
from .ros_images import CAMERA_INFO, depth_of, intrinsics_of, picture_of
from .topics import base_of, choose_topics, image_topics


# Largest difference of two times, seconds: what `associate.py` of TUM RGB-D has, less than a frame at 30 a second.
TOLERANCE_SECONDS = 0.02
RECTIFIED = "rect"


class BagRecording:
    """The pairs of a bag: for each frame of depth the nearest picture in time.

    Times are those of the headers, where both topics have them and of one clock, else those of the recording. Frames
    of depth without a picture within the tolerance are left out; a warning counts them, and names topics that were
    found.

    Args:
        path: of the bag.
        image_topic: topic of the pictures; None: the only one that has colours, or else is grey.
        depth_topic: topic of the depth; None: the only one.
        tolerance: largest difference of the times of a pair, seconds.
        scale: stored units per metre; None: of whole numbers what RealSense's SDK says, else 1000, of others 1.

    Raises:
        ImportError: rosbags is not installed.
        UnreadableImageError: the bag cannot be read.
        ValueError: no such topic, or several where none is named; no pair, or a tolerance that is none.
    """

    def __init__(
        self,
        path: Path,
        image_topic: str | None = None,
        depth_topic: str | None = None,
        tolerance: float = TOLERANCE_SECONDS,
        scale: float | None = None,
    ) -> None:
        if not (isinstance(tolerance, int | float) and math.isfinite(tolerance) and tolerance >= 0):
            raise ValueError(f"{path}: tolerance must be a number of seconds of at least 0, got {tolerance!r}")
        self.path = path
        # Kept for the record of a run.
        self._tolerance = tolerance
        self._bag = BagFile(path)
        self.image_topic, self.depth_topic = choose_topics(
            image_topics(self._bag), image_topic, depth_topic, str(path)
        )
        self._scale = units_per_metre(self._bag, self.depth_topic) if scale is None else scale
        pictures, depths = self._bag.index(self.image_topic), self._bag.index(self.depth_topic)
        self.clock, (picture_times, depth_times) = _one_clock(pictures, depths)
        of_depth, of_picture = nearest_pairs(depth_times, picture_times, round(tolerance * NANOSECONDS))
        if not of_depth.size:
            raise ValueError(
                f"{path}: none of the {len(depths)} frames of {self.depth_topic} has a picture of {self.image_topic} "
                f"({len(pictures)}) within {1000 * tolerance:g} ms by the times of the {self.clock}; the nearest are "
                f"{_smallest_gap(depth_times, picture_times)} apart; set options: {{tolerance: seconds}}"
            )
        self._times = depth_times[of_depth]
        self._pictures = np.stack([pictures.times[of_picture], pictures.ranks[of_picture]], axis=1)
        self._depths = np.stack([depths.times[of_depth], depths.ranks[of_depth]], axis=1)
        self._find_camera()
        self._tell(len(depths), tolerance, image_topic is None or depth_topic is None)

    def __len__(self) -> int:
        return len(self._times)

    def name_of(self, index: int) -> str:
        """Return the name of a pair: the bag, and the time of its depth."""
        seconds, nanoseconds = divmod(int(self._times[index]), NANOSECONDS)
        return f"{self.path}/{seconds}_{nanoseconds:09d}"

    def read(self, index: int) -> Sample:
        """Read a pair: "image", "depth" of its own size, and "intrinsics" of the picture where they are known."""
        name = self.name_of(index)
        picture_name, depth_name = f"{name}, {self.image_topic}", f"{name}, {self.depth_topic}"
        time, rank = map(int, self._pictures[index])
        image = picture_of(self._bag.message(self.image_topic, time, rank, picture_name), picture_name)
        time, rank = map(int, self._depths[index])
        depth = depth_of(self._bag.message(self.depth_topic, time, rank, depth_name), depth_name, self._scale)
        sample: Sample = {"image": image, "depth": depth}
        if self._camera is not None:
            matrix = intrinsics_of(self._camera, *image.shape[:2], is_rectified=self._is_rectified)
            if matrix is not None:
                sample["intrinsics"] = matrix
        return sample

    def _find_camera(self) -> None:
        """Read the camera of the pictures once: it lies beside their topic, and does not change."""
        base = base_of(self.image_topic)
        topic = camera_topic(base) if is_sdk_topic(base) else f"{base.rpartition('/')[0]}/camera_info"
        is_there = any(each.name == topic and each.kind == CAMERA_INFO for each in self._bag.topics)
        self._camera = self._bag.first_message(topic) if is_there else None
        self._is_rectified = RECTIFIED in base.rpartition("/")[2]

    def _tell(self, count: int, tolerance: float, were_found: bool) -> None:
        told = [f"pictures of {self.image_topic}, depth of {self.depth_topic}"] if were_found else []
        if len(self) < count:
            told.append(
                f"{count - len(self)} of {count} frames of depth have no picture of their own within "
                f"{1000 * tolerance:g} ms by the times of the {self.clock}, and are left out"
            )
        frames = [
            self._frame_id(self.image_topic, *self._pictures[0]),
            self._frame_id(self.depth_topic, *self._depths[0]),
        ]
        if all(frames) and frames[0] != frames[1]:
            told.append(
                f"depth is in the frame {frames[1]!r} and pictures in {frames[0]!r}, so they may be of two cameras: "
                "record a topic that is aligned to colour"
            )
        elif is_sdk_topic(self.depth_topic):
            told += [NOT_ALIGNED] if self._scale is not None else [UNIT_UNKNOWN, NOT_ALIGNED]
        if told:
            warnings.warn(f"{self.path}: {'; '.join(told)}", stacklevel=2)

    def _frame_id(self, topic: str, time: int, rank: int) -> str:
        header = self._bag.message(topic, int(time), int(rank), str(self.path)).header
        return str(header.frame_id).strip("/")


def _one_clock(pictures: TopicIndex, depths: TopicIndex) -> tuple[str, tuple[np.ndarray, np.ndarray]]:
    """Return times that both topics have: those of headers say when the light came in, if they are of one clock."""
    first, second = pictures.stamps, depths.stamps
    are_set = bool(first.size and second.size and (first > 0).all() and (second > 0).all())
    if are_set and max(first.min() - second.max(), second.min() - first.max()) <= NANOSECONDS:
        return "headers", (first, second)
    return "recording", (pictures.times, depths.times)


def _smallest_gap(times: np.ndarray, others: np.ndarray) -> str:
    found, nearest = nearest_pairs(times, others, np.iinfo(np.int64).max)
    return f"{np.abs(times[found] - others[nearest]).min() / NANOSECONDS:.3g} s" if found.size else "nowhere"
