# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hazy rooms: cheap renders on which a small model learns depth in minutes.

Closed rooms with large, partly floating shapes, seen from anywhere at any angle, so that the position in the image
says little about depth; surfaces carry textures of a fixed physical size. There is no light transport: albedo and
normals are shaded directly. The cue that is quick to learn is the haze, which `render_dataset(haze=True)` adds.
"""

from __future__ import annotations

import numpy as np

from .builder import Builder
from .scene_geometry import (
    IDENTITY,
    Camera,
    Frame,
    Scene,
    Vector,
    ViewRequirements,
    rotation,
    standing_at,
    translation,
)


REQUIREMENTS = ViewRequirements(finite_share=1.0, near_metres=0.5, nearest_metres=0.3, spread=2.0, edge_share=0.02)
TEXTURE_PERIOD_METRES = 1.5
SURFACES = ["tiles", "tiles", "brick", "brick", "checker", "checker", "wood", "stripes", "noise", "plain"]


def build_hazy_room(random: np.random.Generator) -> Scene:
    """Build a room of 5-12 m with 8-17 large shapes; 60 % of those that are not pillars float."""
    builder = Builder(random)
    size = (builder.uniform(5, 12), builder.uniform(5, 12), builder.uniform(3, 5.5))
    _add_room_surfaces(builder, size)
    materials = [builder.material(builder.choose(SURFACES), gloss=0.0) for _ in range(6)]
    for _ in range(builder.count(8, 17)):
        _add_shape(builder, size, builder.choose(materials))

    def sample_camera(view_random: np.random.Generator) -> Camera:
        width, length, height = size
        position = (
            float(view_random.uniform(-0.45, 0.45) * width),
            float(view_random.uniform(-0.45, 0.45) * length),
            float(view_random.uniform(0.4, height - 0.4)),
        )
        return Camera(
            position=position,
            yaw_degrees=float(view_random.uniform(0, 360)),
            pitch_degrees=float(view_random.uniform(-50, 40)),
            roll_degrees=float(view_random.uniform(-25, 25)),
            horizontal_field_of_view_degrees=float(view_random.uniform(50, 80)),
        )

    return Scene(builder.load(), "hazy-room", sample_camera, REQUIREMENTS, light_transport=False)


def _add_room_surfaces(builder: Builder, size: tuple[float, float, float]) -> None:
    width, length, height = size
    thickness = 0.1

    def slab(centre: Vector, edges: Vector, across: float, along: float) -> None:
        repeats = (across / TEXTURE_PERIOD_METRES, along / TEXTURE_PERIOD_METRES)
        builder.box(IDENTITY, centre, edges, builder.material(builder.choose(SURFACES), repeats, gloss=0.0))

    for z in (-thickness / 2, height + thickness / 2):
        slab((0, 0, z), (width, length, thickness), width, length)
    for side in (-1, 1):
        slab((side * (width + thickness) / 2, 0, height / 2), (thickness, length, height), length, height)
        slab((0, side * (length + thickness) / 2, height / 2), (width, thickness, height), width, height)


def _add_shape(builder: Builder, size: tuple[float, float, float], material: dict[str, str]) -> None:
    width, length, height = size
    extent = builder.uniform(0.5, 1.7)
    x, y = builder.uniform(-0.45, 0.45) * width, builder.uniform(-0.45, 0.45) * length
    floats = builder.chance(0.6)
    z = builder.uniform(extent / 2, height - extent / 2) if floats else extent / 2
    frame = translation(x, y, z) @ _random_rotation(builder)
    kind = builder.choose(["box", "box", "ball", "can", "pillar"])
    if kind == "box":
        edges = (extent * builder.uniform(0.5, 1), extent * builder.uniform(0.5, 1), extent)
        builder.box(frame, (0, 0, 0), edges, material)
    elif kind == "ball":
        builder.ball(frame, (0, 0, 0), extent, material)
    elif kind == "can":
        builder.can(frame, (0, 0, -extent / 2), extent * builder.uniform(0.15, 0.45), extent, material)
    else:
        edges = (builder.uniform(0.2, 0.5), builder.uniform(0.2, 0.5), height)
        builder.box(standing_at(x, y, height / 2, builder.uniform(0, 90)), (0, 0, 0), edges, material)


def _random_rotation(builder: Builder) -> Frame:
    """About the vertical or, half of the time, about any axis."""
    axis = builder.random.normal(size=3) if builder.chance(0.5) else (0.0, 0.0, 1.0)
    return rotation(axis, builder.uniform(0, 360))
