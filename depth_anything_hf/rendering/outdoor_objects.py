# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Outdoor objects of the varied scenes: cars, buildings, plants, rocks, fences, lamps, signs; as in `objects`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .builder import Builder
from .objects import SIDES
from .scene_geometry import Frame, rotation, translation


def car(builder: Builder, frame: Frame) -> None:
    """Add a car that drives towards -y: bevelled nose and tail, a cabin with sloping windows, four wheels."""
    paint, glass = builder.material("plain", gloss=0.9), builder.material("metal")
    rubber = builder.shared_material("asphalt", variants=1)
    length, width = builder.uniform(3.6, 4.8), builder.uniform(1.6, 1.9)
    waist, roof = builder.uniform(0.8, 1.0), builder.uniform(1.35, 1.85)
    body = [(-0.5, 0.25), (-0.5, waist - 0.15), (-0.46, waist - 0.03), (0.46, waist), (0.5, waist - 0.12), (0.5, 0.25)]
    cabin = [(-0.25, waist - 0.05), (-0.1, roof), (0.28, roof), (builder.uniform(0.33, 0.45), waist - 0.05)]
    lowered = [(y, z if z < waist else z - 0.05) for y, z in cabin]
    extrude(builder, frame, [(y * length, z) for y, z in body], width, paint)
    extrude(builder, frame, [(y * length, z) for y, z in cabin], 0.84 * width, paint)
    extrude(builder, frame, [(0.97 * y * length, z) for y, z in lowered], 0.86 * width, glass)
    for side in SIDES:
        for y in (-0.31 * length, 0.31 * length):
            outer, inner = (side * (width / 2 + 0.02), y, 0.32), (side * (width / 2 - 0.2), y, 0.32)
            builder.rod(frame, inner, outer, 0.32, rubber)
            facing_out = frame @ translation(*outer) @ rotation((0, 1, 0), 90)
            builder.disk(facing_out, 0.32, rubber)
            builder.disk(facing_out @ translation(0, 0, 0.004 * side), 0.2, glass)


def extrude(
    builder: Builder, frame: Frame, profile: list[tuple[float, float]], width: float, material: dict[str, str]
) -> None:
    """Add a solid with the convex outline `profile` of (y, z) points, `width` thick along x."""
    points = np.array([(side * width / 2, y, z) for side in SIDES for y, z in profile])
    count = len(profile)
    faces = [(0, i, i + 1) for i in range(1, count - 1)] + [
        (count, count + i + 1, count + i) for i in range(1, count - 1)
    ]
    for i in range(count):
        following = (i + 1) % count
        faces += [(i, count + i, following), (following, count + i, count + following)]
    texture_positions = np.array([(0.3 * (y + x), 0.3 * (z + x)) for x, y, z in points])
    world = points @ frame[:3, :3].T + frame[:3, 3]
    builder.mesh(world, np.array(faces), texture_positions, material)


def building(builder: Builder, frame: Frame, width: float, length: float, height: float) -> None:
    """Add a house or block with windows that stand out of the wall, a gable or flat roof; its long side is along y."""
    wall = builder.material(builder.choose(["plain", "brick", "tiles", "noise"]), (length / 4, height / 3), gloss=0.2)
    if height > 9 and builder.chance(0.7):
        wall = builder.material("windows", (max(1, round(length / 8)), max(1, round(height / 12))), gloss=0.3)
        builder.box(frame, (0, 0, height / 2), (width, length, height), wall)
        builder.box(frame, (0, 0, height), (width + 0.4, length + 0.4, 0.5), builder.any_material())
        return
    builder.box(frame, (0, 0, height / 2), (width, length, height), wall)
    pane, trim = builder.shared_material("metal"), builder.shared_material("plain")
    for side in SIDES:
        for z in np.arange(1.5, height - 0.8, 3.0):
            for y in np.arange(-length / 2 + 1.5, length / 2 - 1, 2.8):
                builder.box(frame, (side * width / 2, y, z), (0.06, 1.3, 1.5), trim)
                builder.box(frame, (side * (width / 2 + 0.02), y, z), (0.06, 1.1, 1.3), pane)
    roof = builder.material(builder.choose(["brick", "tiles", "stripes", "plain"]), (3, 3), gloss=0.2)
    if height < 9 and builder.chance(0.8):
        rise = builder.uniform(0.25, 0.5) * width
        turned = frame @ translation(0, 0, height) @ rotation((0, 0, 1), 90)
        eaves = width / 2 + 0.4
        extrude(builder, turned, [(-eaves, 0), (0, rise), (eaves, 0)], length + 0.6, roof)
    else:
        builder.box(frame, (0, 0, height), (width + 0.3, length + 0.3, 0.4), roof)


def tree(builder: Builder, frame: Frame, height: float) -> None:
    """Add a broadleaf tree, a conifer or a bare tree; the trunk reaches below the ground for slopes."""
    bark = builder.shared_material("wood", (1, 3))
    shape = builder.choose(["broadleaf"] * 5 + ["conifer"] * 3 + ["bare"])
    bend = builder.uniform(-0.05, 0.05) * height
    trunk_top = (0.85 if shape == "conifer" else 0.6) * height
    builder.rod(frame, (0, 0, -1), (bend, 0, trunk_top), builder.uniform(0.02, 0.035) * height, bark)
    leaf = builder.shared_material("grass")
    if shape == "conifer":
        for level in np.linspace(0.25, 0.95, 6):
            spread = (1.1 - level) * 0.55 * height
            centre = (bend * level, 0, level * height)
            builder.leaves(frame, centre, (spread, spread, 0.16 * height), 110, 0.05 * height, leaf)
        return
    for _ in range(builder.count(4, 8)):
        start = (bend, 0, height * builder.uniform(0.3, 0.58))
        end = height * np.array([builder.uniform(-0.3, 0.3), builder.uniform(-0.3, 0.3), builder.uniform(0.6, 0.95)])
        builder.rod(frame, start, end, 0.01 * height, bark)
    for _ in range(builder.count(2, 5) if shape == "broadleaf" else 0):
        crown = (builder.uniform(-0.2, 0.2), builder.uniform(-0.2, 0.2), builder.uniform(0.6, 0.85))
        spread = builder.uniform(0.35, 0.6) * height
        builder.leaves(frame, height * np.array(crown), (spread, spread, 0.8 * spread), 320, 0.05 * height, leaf)


def bush(builder: Builder, frame: Frame, height: float) -> None:
    """Add a bush."""
    leaf = builder.shared_material("grass")
    builder.leaves(frame, (0, 0, 0.4 * height), (1.2 * height, 1.2 * height, height), 110, 0.16 * height, leaf)


def grass_tuft(builder: Builder, frame: Frame, height: float, material: dict[str, str]) -> None:
    """Add a sheaf of blades that all grow upwards, as one mesh."""
    blades = builder.count(15, 40)
    feet = np.column_stack([builder.random.normal(size=(blades, 2)) * 0.25 * height, np.full(blades, -0.05)])
    lean = builder.random.normal(size=(blades, 2)) * 0.3
    tips = feet + np.column_stack([lean, np.ones(blades)]) * height * builder.random.uniform(0.5, 1, (blades, 1))
    angle = builder.random.uniform(0, 2 * np.pi, blades)
    half_width = 0.03 * height * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(blades)])
    vertices = np.stack([feet - half_width, feet + half_width, tips], axis=1).reshape(-1, 3)
    world = vertices @ frame[:3, :3].T + frame[:3, 3]
    builder.mesh(
        world, np.arange(3 * blades).reshape(-1, 3), np.tile([[0, 0], [1, 0], [0.5, 1]], (blades, 1)), material
    )


def rock(builder: Builder, frame: Frame, size: float) -> None:
    """Add a rock."""
    axes = size * np.array([builder.uniform(0.7, 1.6), builder.uniform(0.7, 1.6), builder.uniform(0.4, 1)])
    builder.blob(frame, (0, 0, 0.15 * size), axes, builder.shared_material("ground"), 0.35)


def fence(builder: Builder, frame: Frame, length: float, ground: Callable[[float, float], float]) -> None:
    """Add a picket fence along x; every post stands on `ground(x, y)` of the world, rails follow the posts."""
    height, material = builder.uniform(0.7, 1.6), builder.any_material()
    spacing, thickness = builder.uniform(0.12, 0.5), builder.uniform(0.02, 0.09)
    feet: list[tuple[float, float, float]] = []
    for x in np.arange(0, length, spacing):
        world = (frame @ np.array([x, 0, 0, 1]))[:3]
        feet.append((x, 0.0, ground(world[0], world[1]) - frame[2, 3]))
        builder.box(frame, (x, 0, feet[-1][2] + height / 2 - 0.1), (thickness, 0.02, height + 0.2), material)
    for share in (0.25, 0.8):
        for (x, y, z), (next_x, next_y, next_z) in zip(feet[:-1:4], feet[4::4], strict=False):
            start, end = (x, y + 0.02, z + share * height), (next_x, next_y + 0.02, next_z + share * height)
            builder.rod(frame, start, end, thickness / 2, material)


def street_lamp(builder: Builder, frame: Frame) -> None:
    """Add a street lamp whose arm reaches towards -y."""
    height, material = builder.uniform(3.5, 8), builder.any_material()
    builder.rod(frame, (0, 0, 0), (0, 0, height), builder.uniform(0.04, 0.1), material)
    builder.rod(frame, (0, 0, height), (0, -1.5, height + 0.2), 0.04, material)
    builder.box(frame, (0, -1.6, height + 0.15), (0.2, 0.6, 0.12), material)


def road_sign(builder: Builder, frame: Frame) -> None:
    """Add a road sign, round or rectangular."""
    height = builder.uniform(1.9, 2.8)
    builder.rod(frame, (0, 0, 0), (0, 0, height), 0.035, builder.material("metal"))
    face = frame @ translation(0, -0.05, height) @ rotation((1, 0, 0), 90)
    if builder.chance(0.5):
        builder.disk(face, builder.uniform(0.25, 0.4), builder.material("picture"))
    else:
        builder.panel(face, (builder.uniform(0.4, 0.9), builder.uniform(0.3, 0.7)), builder.material("picture"))
