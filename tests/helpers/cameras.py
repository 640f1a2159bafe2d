# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Cameras that look at a scene in every direction."""

from __future__ import annotations

from depth_anything_hf.rendering.scene_geometry import Camera


CAMERAS = [
    Camera((0.0, 0.0, 1.5), yaw_degrees=0, pitch_degrees=0, roll_degrees=0, horizontal_field_of_view_degrees=60),
    Camera((-1.5, 1.0, 0.8), yaw_degrees=25, pitch_degrees=9, roll_degrees=-12, horizontal_field_of_view_degrees=90),
    Camera((2.0, 1.0, 3.0), yaw_degrees=-33, pitch_degrees=-35, roll_degrees=20, horizontal_field_of_view_degrees=35),
    Camera((0.5, 9.0, 1.0), yaw_degrees=175, pitch_degrees=-3, roll_degrees=90, horizontal_field_of_view_degrees=75),
]
