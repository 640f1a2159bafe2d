# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The camera of a clip: a hand-held pan through one scene, known exactly for every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .scene_geometry import Camera, Scene
from .view import CAMERA_MAP_WIDTH, planar_depth, view_quality


FRAMES_PER_SECOND = 30
PATH_ATTEMPTS = 30
# Views of a path that are judged, spread over its pan.
JUDGED_VIEWS = 6


@dataclass(frozen=True)
class CameraPath:
    """A pan to and fro with the sway of a hand; frame i depends on i alone, so that a clip may be made longer.

    Attributes:
        middle: the camera in the middle of the pan.
        pan_degrees: the heading turns by this much to either side.
        pan_seconds: of one pan to and fro.
        sway_metres: (right, up, forward), how far the position moves to either side.
        sway_seconds: (right, up, forward), of one sway to and fro.
        phases: (pan, right, up, forward), radians at frame 0.
    """

    middle: Camera
    pan_degrees: float
    pan_seconds: float
    sway_metres: tuple[float, float, float]
    sway_seconds: tuple[float, float, float]
    phases: tuple[float, float, float, float]

    def camera(self, frame: int) -> Camera:
        """Return the camera of a frame, from 0, at 30 frames a second."""
        seconds = frame / FRAMES_PER_SECOND
        right, up, forward = self.middle.axes()
        position = np.asarray(self.middle.position, dtype=np.float64)
        for axis, metres, period, phase in zip(
            (right, up, forward), self.sway_metres, self.sway_seconds, self.phases[1:], strict=True
        ):
            position = position + axis * metres * math.sin(2 * math.pi * seconds / period + phase)
        turn = self.pan_degrees * math.sin(2 * math.pi * seconds / self.pan_seconds + self.phases[0])
        x, y, z = (float(part) for part in position)
        return replace(self.middle, position=(x, y, z), yaw_degrees=self.middle.yaw_degrees + turn)


def choose_path(scene: Scene, aspect_ratio: float, seeds: Sequence[int]) -> CameraPath:
    """Return the first of up to 30 random paths all of whose judged views meet the requirements, else the best.

    Args:
        scene: draws the cameras in the middle of the pans.
        aspect_ratio: height / width.
        seeds: of the draws.
    """
    map_height = max(2, round(CAMERA_MAP_WIDTH * aspect_ratio))
    random = np.random.default_rng(seeds)
    best_path, best_quality = None, -1.0
    for _ in range(PATH_ATTEMPTS):
        path = _draw_path(scene.sample_camera(random), random)
        frames = np.linspace(0, path.pan_seconds * FRAMES_PER_SECOND, JUDGED_VIEWS, endpoint=False)
        quality = np.inf
        for frame in frames:
            camera = path.camera(round(frame))
            depth = planar_depth(scene.mitsuba_scene, camera, map_height, CAMERA_MAP_WIDTH)
            quality = min(quality, view_quality(depth, scene.requirements))
            if quality <= best_quality:
                break
        if quality > best_quality:
            best_path, best_quality = path, quality
        if quality >= 1:
            break
    assert best_path is not None
    return best_path


def _draw_path(middle: Camera, random: np.random.Generator) -> CameraPath:
    pan_degrees = float(random.uniform(20, 35))
    # At most 15 to 25 degrees a second.
    fastest = float(random.uniform(15, 25))
    sway = [float(random.uniform(low, high)) for low, high in ((0.05, 0.15), (0.02, 0.05), (0.05, 0.25))]
    seconds = [float(random.uniform(low, high)) for low, high in ((2.5, 5), (1, 2), (4, 8))]
    pan, right, up, forward = (float(phase) for phase in random.uniform(0, 2 * math.pi, size=4))
    return CameraPath(
        middle=middle,
        pan_degrees=pan_degrees,
        pan_seconds=2 * math.pi * pan_degrees / fastest,
        sway_metres=(sway[0], sway[1], sway[2]),
        sway_seconds=(seconds[0], seconds[1], seconds[2]),
        phases=(pan, right, up, forward),
    )


def camera_to_world(camera: Camera) -> np.ndarray:
    """Return the pose of a camera, float64 (4, 4): from OpenCV axes (x right, y down, z forward) to the world."""
    right, up, forward = camera.axes()
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, -up, forward, camera.position
    return pose
