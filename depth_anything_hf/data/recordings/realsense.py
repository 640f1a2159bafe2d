# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What RealSense's SDK and viewer write into a bag beside its images: the unit of depth, cameras.

Topics are those of librealsense, src/media/ros/ros_file_format.h: /device_0/sensor_0/Depth_0/image/data holds the
images of a stream, /device_0/sensor_0/Depth_0/info/camera_info its camera, and
/device_0/sensor_0/option/Depth Units/value metres of a stored unit, which is 0.001 of a D400 and 0.00025 of an L515.
"""

from __future__ import annotations

import math
import re

from .bag_file import BagFile


_STREAM = re.compile(r"(?P<sensor>/device_\d+/sensor_\d+)/(?P<name>[A-Za-z]+)_\d+/image/data")
_UNIT_TOPICS = ("option/Depth Units/value", "option/Depth_Units/value")
# A number in bags of ROS 1, text in those of ROS 2 (ros2_writer.cpp).
_NUMBERS = ("std_msgs/msg/Float32", "std_msgs/msg/String")
NOT_ALIGNED = (
    "RealSense's SDK records depth as its own camera sees it, which is no label of the pictures: align the frames "
    "(rs.align to colour) and save those, unless they were aligned before"
)
UNIT_UNKNOWN = (
    "the bag does not tell the unit of depth, which is read as millimetres: set scale, the stored units per metre"
)


def is_sdk_topic(topic: str) -> bool:
    """Tell whether a topic of images is one of RealSense's SDK."""
    return _STREAM.fullmatch(topic) is not None


def camera_topic(topic: str) -> str:
    """Return the topic of the camera of a topic of images of the SDK."""
    return topic.removesuffix("/image/data") + "/info/camera_info"


def units_per_metre(bag: BagFile, topic: str) -> float | None:
    """Read how many stored units of a topic of depth a metre has; None for other topics, and bags that do not tell."""
    stream = _STREAM.fullmatch(topic)
    if stream is None:
        return None
    wanted = {f"{stream['sensor']}/{ending}" for ending in _UNIT_TOPICS}
    found = next((each for each in bag.topics if each.name in wanted and each.kind in _NUMBERS and each.count), None)
    try:
        metres = 0.0 if found is None else float(bag.first_message(found.name).data)
    except ValueError:
        return None
    if not (math.isfinite(metres) and metres > 0):
        return None
    # A float32 of 0.001 is 0.0010000000475.
    return float(f"{1 / metres:.6g}")
