# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Indoor scenes: a room, a tabletop; one function each, which fills a builder and returns how cameras are drawn.

x points right, y ahead, z up, in metres.
"""

from __future__ import annotations

import math

import numpy as np

from . import objects, outdoor_objects
from .builder import Builder
from .scene_geometry import (
    IDENTITY,
    Camera,
    Frame,
    SampleCamera,
    direction_degrees,
    hand_held_camera,
    rotation,
    standing_at,
    translation,
)


WALL_TEXTURES = ["plain"] * 10 + ["noise", "stripes", "brick", "wood", "tiles", "plaid", "spots"]
FLOOR_TEXTURES = ["wood", "wood", "tiles", "tiles", "noise", "checker", "ground", "plain"]


def room(builder: Builder) -> SampleCamera:
    """Build a furnished room with windows, doorways, pictures and mirrors."""
    width, length, height = builder.uniform(2.8, 7), builder.uniform(3.5, 8), builder.uniform(2.3, 3.4)
    openings = _room_shell(builder, width, length, height)
    for _ in range(builder.count(1, 3)):
        place = (builder.uniform(-0.35, 0.35) * width, builder.uniform(-0.35, 0.35) * length, height - 0.01)
        _ceiling_light(builder, translation(*place), builder.uniform(0.3, 1.4), builder.uniform(4, 12))
    if openings:
        builder.sky(brightness=builder.uniform(0.5, 1.5))
        builder.panel(translation(0, 0, -0.4), (400, 400), builder.material("grass", (60, 60), gloss=0.1))
    _fill_light(builder, (builder.uniform(-0.3, 0.3) * width, builder.uniform(-0.3, 0.3) * length, 0.8 * height))
    if builder.chance(0.4):
        size = (builder.uniform(1, 0.7 * width), builder.uniform(1, 0.6 * length), 0.02)
        rug = builder.material(builder.choose(["plaid", "stripes", "noise", "picture"]), gloss=0.1)
        builder.box(standing_at(0, 0, 0.01, builder.uniform(-20, 20)), (0, 0, 0), size, rug)
    _furnish(builder, width, length, along_walls=builder.count(6, 12), free=builder.count(4, 9))

    def sample_camera(random: np.random.Generator) -> Camera:
        span = np.array([width, length])
        ground = random.uniform(-0.42, 0.42, 2) * span
        position = np.append(ground, random.uniform(0.7, min(2.0, height - 0.3)))
        target = np.append(random.uniform(-0.35, 0.35, 2) * span, 1.0)
        yaw, _ = direction_degrees(position, target)
        return hand_held_camera(random, position, yaw, random.uniform(-28, 6))

    return sample_camera


def _room_shell(builder: Builder, width: float, length: float, height: float) -> int:
    """Floor, ceiling and four walls; returns the number of openings to the outside."""
    repeats = (0.7 * width, 0.7 * length)
    floor = builder.material(builder.choose(FLOOR_TEXTURES), repeats)
    builder.box(IDENTITY, (0, 0, -0.05), (width + 0.2, length + 0.2, 0.1), floor)
    ceiling = builder.material(builder.choose(["plain", "plain", "plain", "wood"]), (2, 2), gloss=0.2)
    builder.box(IDENTITY, (0, 0, height + 0.05), (width + 0.2, length + 0.2, 0.1), ceiling)
    main = builder.material(builder.choose(WALL_TEXTURES), (builder.uniform(1, 3), builder.uniform(1, 2)), gloss=0.2)
    accent = builder.material(builder.choose(WALL_TEXTURES), (builder.uniform(1, 3), builder.uniform(1, 2)), gloss=0.2)
    openings = 0
    for turn_degrees, distance, span in (
        (0, length, width),
        (180, length, width),
        (90, width, length),
        (-90, width, length),
    ):
        frame = rotation((0, 0, 1), turn_degrees) @ translation(0, distance / 2, 0)
        material = accent if builder.chance(0.3) else main
        use = builder.choose(["window", "window", "doorway", "pictures", "pictures", "plain"])
        if use in ("window", "doorway"):
            openings += 1
            _wall_with_opening(builder, frame, span, height, material, doorway=use == "doorway")
            continue
        builder.box(frame, (0, 0.05, height / 2), (span, 0.1, height), material)
        builder.box(frame, (0, -0.01, 0.05), (span, 0.02, 0.1), main)
        for _ in range(builder.count(1, 3) if use == "pictures" else 0):
            _picture(builder, frame, span)
    return openings


def _wall_with_opening(
    builder: Builder, frame: Frame, span: float, height: float, material: dict[str, str], doorway: bool
) -> None:
    """Add a wall in the xz plane of the frame with a doorway or a window, glazed or open, some with blinds."""
    opening_width = builder.uniform(0.8, 1.0) if doorway else builder.uniform(0.8, min(2.2, 0.6 * span))
    left = builder.uniform(-0.45 * span, 0.45 * span - opening_width)
    right, top = left + opening_width, min(height - 0.2, builder.uniform(1.9, 2.4))
    bottom = 0.0 if doorway else builder.uniform(0.5, 1.1)
    parts = [(-span / 2, left, 0, height), (right, span / 2, 0, height), (left, right, top, height)]
    parts += [] if doorway else [(left, right, 0, bottom)]
    for start, end, low, high in parts:
        builder.box(frame, ((start + end) / 2, 0.05, (low + high) / 2), (end - start, 0.1, high - low), material)
    if doorway:
        return
    middle, centre, tall = (left + right) / 2, (bottom + top) / 2, top - bottom
    trim = builder.material("plain")
    if builder.chance(0.7):
        builder.box(frame, (middle, 0.05, centre), (opening_width, 0.01, tall), builder.material("pane"))
    builder.box(frame, (middle, 0.05, centre), (0.04, 0.05, tall), trim)
    builder.box(frame, (middle, 0.05, centre), (opening_width, 0.05, 0.04), trim)
    builder.box(frame, (middle, -0.03, bottom), (opening_width + 0.1, 0.2, 0.03), trim)
    if builder.chance(0.25):
        for z in np.arange(bottom + 0.05, top, 0.06):
            builder.box(frame, (middle, -0.06, z), (1.05 * opening_width, 0.04, 0.004), trim, tilt_degrees=30)
    elif builder.chance(0.35):
        cloth = builder.material(builder.choose(["plain", "stripes", "plaid", "noise"]), (2, 2), gloss=0.1)
        for side in (left - 0.15, right + 0.15):
            for fold in np.linspace(-0.2, 0.2, 6):
                builder.rod(frame, (side + fold, -0.1, 0.1), (side + fold, -0.1, top + 0.1), 0.05, cloth)


def _picture(builder: Builder, frame: Frame, span: float) -> None:
    """Add a framed picture or a mirror on a wall."""
    width = builder.uniform(0.3, 1.2)
    tall = width * builder.uniform(0.6, 1.3)
    x, z = builder.uniform(-0.4, 0.4) * span, builder.uniform(1.3, 1.7)
    builder.box(frame, (x, -0.012, z), (width + 0.06, 0.025, tall + 0.06), builder.any_material())
    face = builder.material("mirror") if builder.chance(0.2) else builder.material("picture")
    builder.box(frame, (x, -0.02, z), (width, 0.025, tall), face)


def _ceiling_light(builder: Builder, frame: Frame, size: float, strength: float) -> None:
    """Add a shining panel that faces down; a larger one shines less per area."""
    warmth = np.array([1.0, builder.uniform(0.85, 1), builder.uniform(0.6, 1)])
    facing_down = frame @ rotation((1, 0, 0), 180)
    edges = (size, size * builder.uniform(0.3, 1))
    builder.panel(facing_down, edges, builder.material("plain"), radiance=warmth * strength / size)


def _fill_light(builder: Builder, position: tuple[float, float, float]) -> None:
    """Add a weak lamp in the middle of the room, so that no corner is black."""
    intensity = {"type": "rgb", "value": builder.uniform(1, 4)}
    builder.description["fill"] = {"type": "point", "position": list(position), "intensity": intensity}


def _furnish(builder: Builder, width: float, length: float, along_walls: int, free: int) -> None:
    """Furniture along the walls, back to the wall, and in the room."""
    for _ in range(along_walls):
        thing, offset = builder.choose(objects.WALL_FURNITURE)
        turn_degrees, distance, span = builder.choose(
            [(0, length, width), (90, width, length), (-90, width, length), (180, length, width)]
        )
        wall = rotation((0, 0, 1), turn_degrees) @ translation(0, distance / 2, 0)
        thing(builder, wall @ standing_at(builder.uniform(-0.38, 0.38) * span, -offset, 0, builder.uniform(-3, 3)))
    for _ in range(free):
        x, y = builder.uniform(-0.38, 0.38) * width, builder.uniform(-0.38, 0.38) * length
        builder.choose(objects.FREE_FURNITURE)(builder, standing_at(x, y, 0, builder.uniform(0, 360)))


def tabletop(builder: Builder) -> SampleCamera:
    """Build a laid table seen from near, in a room or in a garden."""
    width, length, table_height = builder.uniform(0.9, 2.2), builder.uniform(0.7, 1.5), 0.75
    top = translation(0, 0, table_height)
    builder.box(top, (0, 0, -0.025), (width, length, 0.05), builder.material(repeats=(2, 2)))
    leg = builder.any_material()
    for x in objects.SIDES:
        for y in objects.SIDES:
            foot = (x * (width / 2 - 0.06), y * (length / 2 - 0.06), table_height / 2 - 0.025)
            builder.box(IDENTITY, foot, (0.06, 0.06, table_height - 0.05), leg)
    objects.clutter(builder, top, width, length, builder.count(9, 22), builder.uniform(0.25, 0.5))
    if builder.chance(0.4):
        thing = builder.choose([objects.rack, objects.chair, objects.stairs, objects.person])
        place = standing_at(builder.uniform(-0.3, 0.3) * width, builder.uniform(0, 0.35) * length, table_height)
        objects.shrink(builder, thing, place @ rotation((0, 0, 1), builder.uniform(-40, 40)), 0.25)
    if builder.chance(0.7):
        _room_around_table(builder)
    else:
        _garden_around_table(builder)

    def sample_camera(random: np.random.Generator) -> Camera:
        direction = math.radians(random.uniform(0, 360))
        distance = random.uniform(0.35, 1.1) + 0.35 * length
        target = np.array([random.uniform(-0.3, 0.3) * width, random.uniform(-0.3, 0.3) * length, table_height + 0.1])
        position = target + np.array([distance * math.sin(direction), distance * math.cos(direction), 0.0])
        position[2] = table_height + random.uniform(0.15, 0.9)
        yaw, pitch = direction_degrees(position, target)
        return hand_held_camera(random, position, yaw + random.uniform(-8, 8), pitch + random.uniform(-4, 8))

    return sample_camera


def _room_around_table(builder: Builder) -> None:
    width, length, height = builder.uniform(4, 7), builder.uniform(4, 7), builder.uniform(2.4, 3.2)
    if _room_shell(builder, width, length, height):
        builder.sky(brightness=builder.uniform(0.5, 1.5))
        builder.panel(translation(0, 0, -0.4), (400, 400), builder.material("grass", (60, 60), gloss=0.1))
    place = translation(builder.uniform(-1, 1), builder.uniform(-1, 1), height - 0.01)
    _ceiling_light(builder, place, builder.uniform(0.6, 1.2), builder.uniform(5, 12))
    _fill_light(builder, (builder.uniform(-1.5, 1.5), builder.uniform(-1.5, 1.5), height - 0.5))
    _furnish(builder, width, length, along_walls=builder.count(3, 8), free=0)


def _garden_around_table(builder: Builder) -> None:
    builder.sky()
    builder.panel(
        IDENTITY, (400, 400), builder.material(builder.choose(["grass", "ground", "tiles"]), (100, 100), gloss=0.1)
    )
    for _ in range(builder.count(5, 14)):
        bearing, distance = builder.uniform(0, 2 * math.pi), builder.uniform(3.5, 18)
        frame = standing_at(distance * math.sin(bearing), distance * math.cos(bearing), 0, builder.uniform(0, 360))
        if builder.chance(0.5):
            outdoor_objects.tree(builder, frame, builder.uniform(2, 6))
        else:
            outdoor_objects.bush(builder, frame, builder.uniform(0.5, 1.5))


# Outdoors
