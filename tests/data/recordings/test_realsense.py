# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bags as RealSense's SDK and viewer record them, with topics of librealsense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bags import BagWriter

from depth_anything_hf.data import open_recording


DEPTH, PICTURE = "/device_0/sensor_0/Depth_0/image/data", "/device_0/sensor_1/Color_0/image/data"
CAMERA = "/device_0/sensor_1/Color_0/info/camera_info"
MATRIX = np.array([[60.0, 0, 7.5], [0, 61, 5.5], [0, 0, 1]])
CODES = np.arange(12 * 16).reshape(12, 16).astype("<u2") * 40


def record(path: Path, units: dict[str, float], storage: str = "bag") -> None:
    with BagWriter(path, storage) as bag:
        for topic, value in units.items():
            bag.number(topic, 1e-9, value)
        bag.camera(CAMERA, 1e-9, (12, 16), MATRIX, MATRIX)
        bag.image(DEPTH, 1, CODES, "mono16", frame_id="0")
        bag.image("/device_0/sensor_0/Infrared_1/image/data", 1, np.zeros((12, 16), np.uint8), "mono8", frame_id="0")
        bag.image(PICTURE, 1.004, np.full((12, 16, 3), 9, np.uint8), "rgb8", frame_id="0")


@pytest.mark.parametrize(
    ("name", "metres", "per_metre"),
    [("Depth Units", 0.00025, 4000), ("Depth Units", 0.001, 1000), ("Depth_Units", 0.0001, 10000)],
)
def test_a_bag_of_the_sdk_tells_its_unit_and_camera(
    tmp_path: Path, name: str, metres: float, per_metre: float
) -> None:
    record(tmp_path / "run.bag", {f"/device_0/sensor_0/option/{name}/value": metres, "/other/value": 5})
    with pytest.warns(UserWarning, match=r"depth as its own camera sees it.*rs\.align"):
        sample = open_recording(tmp_path / "run.bag")[0]
    expected = np.where(CODES == 0, np.nan, CODES / per_metre)
    np.testing.assert_allclose(sample["depth"], expected, rtol=1e-6)
    np.testing.assert_array_equal(sample["intrinsics"], MATRIX)
    with pytest.warns(UserWarning, match="as its own camera sees it"):
        # What a user says goes first.
        stated = open_recording(tmp_path / "run.bag", scale=500)[0]
    np.testing.assert_allclose(stated["depth"], np.where(CODES == 0, np.nan, CODES / 500), rtol=1e-6)


def test_a_bag_of_the_sdk_that_tells_no_unit_is_warned_of(tmp_path: Path) -> None:
    record(tmp_path / "run.bag", {"/device_0/sensor_0/option/Depth Units/value": 0.0})
    with pytest.warns(UserWarning, match="does not tell the unit of depth, which is read as millimetres: set scale"):
        sample = open_recording(tmp_path / "run.bag")[0]
    np.testing.assert_allclose(sample["depth"], np.where(CODES == 0, np.nan, CODES / 1000), rtol=1e-6)


def test_bags_of_ros_2_tell_their_unit_as_text(tmp_path: Path) -> None:
    record(tmp_path / "run", {"/device_0/sensor_0/option/Depth_Units/value": 0.00025}, "sqlite3")
    with pytest.warns(UserWarning, match="as its own camera sees it"):
        sample = open_recording(tmp_path / "run")[0]
    np.testing.assert_allclose(sample["depth"], np.where(CODES == 0, np.nan, CODES / 4000), rtol=1e-6)
