# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bags of ROS 1 and 2, written by rosbags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


SECOND = 1_000_000_000
STORAGES = ("bag", "sqlite3", "mcap")


class BagWriter:
    """Writes messages of images into a new bag, as a context manager.

    Args:
        path: of the bag.
        storage: "bag" (ROS 1), "sqlite3" or "mcap" (ROS 2).
    """

    def __init__(self, path: Path, storage: str = "bag") -> None:
        pytest.importorskip("rosbags")
        from rosbags import rosbag1, rosbag2
        from rosbags.typesys import Stores, get_typestore

        self.is_ros1 = storage == "bag"
        self.store = get_typestore(Stores.ROS1_NOETIC if self.is_ros1 else Stores.LATEST)
        if self.is_ros1:
            self._writer: Any = rosbag1.Writer(path)
        else:
            self._writer = rosbag2.Writer(path, version=9, storage_plugin=rosbag2.StoragePlugin[storage.upper()])
        self._topics: dict[str, Any] = {}

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, topic: str, kind: str, seconds: float, recorded: float | None = None, **fields: Any) -> None:
        """Write a message of sensor_msgs, whose header has the time `seconds`, at the time `recorded`."""
        kind = f"sensor_msgs/msg/{kind}"
        stamp = round(seconds * SECOND)
        types = self.store.types
        number = {"seq": 0} if self.is_ros1 else {}
        time = types["builtin_interfaces/msg/Time"](sec=stamp // SECOND, nanosec=stamp % SECOND)
        header = types["std_msgs/msg/Header"](stamp=time, frame_id=fields.pop("frame_id", "camera"), **number)
        if topic not in self._topics:
            self._topics[topic] = self._writer.add_connection(topic, kind, typestore=self.store)
        message = types[kind](header=header, **fields)
        serialize = self.store.serialize_ros1 if self.is_ros1 else self.store.serialize_cdr
        at = stamp if recorded is None else round(recorded * SECOND)
        self._writer.write(self._topics[topic], at, serialize(message, kind))

    def image(self, topic: str, seconds: float, pixels: np.ndarray, encoding: str, **options: Any) -> None:
        """Write an Image, whose rows are `padding` bytes longer than their pixels."""
        padding = options.pop("padding", 0)
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
        fields = {"height": len(pixels), "width": pixels.shape[1], "encoding": encoding, "step": rows.shape[1]}
        fields |= {"is_bigendian": int(pixels.dtype.byteorder == ">"), "data": rows.ravel()}
        self.write(topic, "Image", seconds, **fields, **options)

    def number(self, topic: str, seconds: float, value: float) -> None:
        """Write a number without a header: a std_msgs Float32 in ROS 1, text in ROS 2, as RealSense's SDK does."""
        name, data = ("Float32", np.float32(value)) if self.is_ros1 else ("String", f"{value:f}")
        kind = f"std_msgs/msg/{name}"
        connection = self._writer.add_connection(topic, kind, typestore=self.store)
        serialize = self.store.serialize_ros1 if self.is_ros1 else self.store.serialize_cdr
        self._writer.write(connection, round(seconds * SECOND), serialize(self.store.types[kind](data=data), kind))

    def compressed(self, topic: str, seconds: float, content: bytes, form: str, **options: Any) -> None:
        """Write a CompressedImage."""
        data = np.frombuffer(content, np.uint8)
        self.write(topic, "CompressedImage", seconds, format=form, data=data, **options)

    def camera(
        self, topic: str, seconds: float, size: tuple[int, int], matrix: np.ndarray, rectified: np.ndarray
    ) -> None:
        """Write a CameraInfo of a size (height, width)."""
        letters = {"d": np.zeros(5), "k": matrix.ravel(), "r": np.eye(3).ravel()}
        letters["p"] = np.hstack([rectified, np.zeros((3, 1))]).ravel()
        fields = {name.upper() if self.is_ros1 else name: value for name, value in letters.items()}
        region = self.store.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        fields |= {"binning_x": 0, "binning_y": 0, "roi": region, "distortion_model": "plumb_bob"}
        self.write(topic, "CameraInfo", seconds, height=size[0], width=size[1], **fields)
