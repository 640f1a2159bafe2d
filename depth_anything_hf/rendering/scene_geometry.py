# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a scene is: the loaded Mitsuba scene, cameras that look at it, what a view must show; and frames.

Units are metres, z points up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


Frame = np.ndarray  # (4, 4): places an object in the world
Vector = Sequence[float] | np.ndarray
IDENTITY: Frame = np.eye(4)


def load_mitsuba() -> Any:
    """Import Mitsuba and switch this process to its `scalar_rgb` variant.

    That variant needs no LLVM: probing the LLVM ones aborts the whole process with some LLVM versions.

    Raises:
        ImportError: if Mitsuba is not installed.
    """
    try:
        import mitsuba
    except ImportError as error:
        raise ImportError('rendering needs Mitsuba 3: pip install "depth_anything_hf[render]"') from error
    if mitsuba.variant() != "scalar_rgb":
        mitsuba.set_variant("scalar_rgb")
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return mitsuba


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in a z-up world.

    Attributes:
        position: (x, y, z) in metres.
        yaw_degrees: heading; 0 looks along +y, 90 along +x.
        pitch_degrees: positive looks up; must stay within (-90, 90).
        roll_degrees: positive turns the camera clockwise, as seen from behind it.
        horizontal_field_of_view_degrees: between the left and the right image border.
    """

    position: tuple[float, float, float]
    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float
    horizontal_field_of_view_degrees: float

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the unit vectors (right, up, forward) of the camera in the world, (3,) each."""
        yaw, pitch, roll = np.radians([self.yaw_degrees, self.pitch_degrees, self.roll_degrees])
        forward = np.array([math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)])
        level_right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        level_up = np.cross(level_right, forward)
        right = math.cos(roll) * level_right - math.sin(roll) * level_up
        up = math.cos(roll) * level_up + math.sin(roll) * level_right
        return right, up, forward


@dataclass(frozen=True)
class ViewRequirements:
    """What the depth of a view must show to be worth keeping.

    Attributes:
        finite_share: at least this share of the pixels is not sky.
        near_metres: the nearest 3 % of the pixels end beyond this depth.
        nearest_metres: no pixel is nearer than this.
        spread: the depth at 95 % is at least this many times the depth at 3 %.
        edge_share: at least this share of neighbouring pixels, in a map 80 pixels wide, jumps by 10 % in depth.
    """

    finite_share: float = 0.4
    near_metres: float = 0.25
    nearest_metres: float = 0.12
    spread: float = 1.6
    edge_share: float = 0.03


# Draws a camera that is placed sensibly, though perhaps behind an obstacle.
SampleCamera = Callable[[np.random.Generator], Camera]


@dataclass(frozen=True)
class Scene:
    """A loaded scene and where to photograph it from.

    Attributes:
        mitsuba_scene: the loaded Mitsuba scene.
        kind: what it shows, such as "room".
        sample_camera: draws a camera; see `view.choose_camera`.
        requirements: which of these views are worth keeping.
        light_transport: True traces light paths; False shades albedo and normals directly, without noise and cheaply.
    """

    mitsuba_scene: Any
    kind: str
    sample_camera: SampleCamera
    requirements: ViewRequirements = ViewRequirements()
    light_transport: bool = True


def hand_held_camera(
    random: np.random.Generator, position: np.ndarray, yaw_degrees: float, pitch_degrees: float
) -> Camera:
    """Draw roll and lens of a hand-held camera: a little roll, any usual lens."""
    return Camera(
        position=(float(position[0]), float(position[1]), float(position[2])),
        yaw_degrees=float(yaw_degrees),
        pitch_degrees=float(np.clip(pitch_degrees, -80, 80)),
        roll_degrees=float(np.clip(random.normal(0, 3), -10, 10)),
        horizontal_field_of_view_degrees=float(random.uniform(35, 90)),
    )


def direction_degrees(position: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Return yaw and pitch from a position towards a target."""
    x, y, z = np.asarray(target) - position
    return math.degrees(math.atan2(x, y)), math.degrees(math.atan2(z, math.hypot(x, y)))


# Frames


def translation(x: float, y: float, z: float) -> Frame:
    """Return the frame that moves by (x, y, z)."""
    frame = np.eye(4)
    frame[:3, 3] = x, y, z
    return frame


def rotation(axis: Vector, degrees: float) -> Frame:
    """Return the frame that turns right-handed about an axis of any length.

    Rodrigues' formula on the normalized axis: Mitsuba's own `rotate` shears the object unless the axis is a unit
    vector.
    """
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(degrees)
    frame = np.eye(4)
    frame[:3, :3] += math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return frame


def scaling(x: float, y: float, z: float) -> Frame:
    """Return the frame that stretches along the axes."""
    frame: Frame = np.diag([x, y, z, 1.0])
    return frame


def standing_at(x: float, y: float, z: float = 0.0, turn_degrees: float = 0.0) -> Frame:
    """Return the frame of an object on the floor, turned about the vertical."""
    frame: Frame = translation(x, y, z) @ rotation((0, 0, 1), turn_degrees)
    return frame
