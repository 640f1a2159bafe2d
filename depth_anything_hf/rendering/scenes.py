# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The varied scenes: room, tabletop, street and nature, one function each.

A scene function fills a builder and returns how to draw cameras for it. x points right, y ahead, z up, in metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import objects as things
from .builder import Builder
from .scene import IDENTITY, Camera, Frame, Scene, ViewRequirements, rotation, standing_at, translation


SampleCamera = Callable[[np.random.Generator], Camera]

WALL_TEXTURES = ["plain"] * 10 + ["noise", "stripes", "brick", "wood", "tiles", "plaid", "spots"]
REQUIREMENTS = ViewRequirements(edge_share=0.045)
FLOOR_TEXTURES = ["wood", "wood", "tiles", "tiles", "noise", "checker", "ground", "plain"]


def build_varied_scene(kind: str, random: np.random.Generator) -> Scene:
    """Builds a scene of one of the `SCENE_KINDS`."""
    functions = {"room": room, "tabletop": tabletop, "street": street, "nature": nature}
    builder = Builder(random)
    sample_camera = functions[kind](builder)
    return Scene(builder.load(), kind, sample_camera, REQUIREMENTS)


# How often each kind is drawn, in twelfths.
SCENE_KINDS = {"room": 5, "tabletop": 2, "street": 3, "nature": 2}


def _camera(random: np.random.Generator, position: np.ndarray, yaw_degrees: float, pitch_degrees: float) -> Camera:
    """A hand-held camera: a little roll, any usual lens."""
    return Camera(
        position=(float(position[0]), float(position[1]), float(position[2])),
        yaw_degrees=float(yaw_degrees),
        pitch_degrees=float(np.clip(pitch_degrees, -80, 80)),
        roll_degrees=float(np.clip(random.normal(0, 3), -10, 10)),
        horizontal_field_of_view_degrees=float(random.uniform(35, 90)),
    )


def _direction_degrees(position: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Yaw and pitch from a position towards a target."""
    x, y, z = np.asarray(target) - position
    return math.degrees(math.atan2(x, y)), math.degrees(math.atan2(z, math.hypot(x, y)))


# Indoors


def room(builder: Builder) -> SampleCamera:
    """A furnished room with windows, doorways, pictures and mirrors."""
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
        yaw, _ = _direction_degrees(position, target)
        return _camera(random, position, yaw, random.uniform(-28, 6))

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
    """A wall in the xz plane of the frame with a doorway or a window, glazed or open, some with blinds."""
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
    """A framed picture or a mirror on a wall."""
    width = builder.uniform(0.3, 1.2)
    tall = width * builder.uniform(0.6, 1.3)
    x, z = builder.uniform(-0.4, 0.4) * span, builder.uniform(1.3, 1.7)
    builder.box(frame, (x, -0.012, z), (width + 0.06, 0.025, tall + 0.06), builder.any_material())
    face = builder.material("mirror") if builder.chance(0.2) else builder.material("picture")
    builder.box(frame, (x, -0.02, z), (width, 0.025, tall), face)


def _ceiling_light(builder: Builder, frame: Frame, size: float, strength: float) -> None:
    """A shining panel that faces down; a larger one shines less per area."""
    warmth = np.array([1.0, builder.uniform(0.85, 1), builder.uniform(0.6, 1)])
    facing_down = frame @ rotation((1, 0, 0), 180)
    edges = (size, size * builder.uniform(0.3, 1))
    builder.panel(facing_down, edges, builder.material("plain"), radiance=warmth * strength / size)


def _fill_light(builder: Builder, position: tuple[float, float, float]) -> None:
    """A weak lamp in the middle of the room, so that no corner is black."""
    intensity = {"type": "rgb", "value": builder.uniform(1, 4)}
    builder.description["fill"] = {"type": "point", "position": list(position), "intensity": intensity}


def _furnish(builder: Builder, width: float, length: float, along_walls: int, free: int) -> None:
    """Furniture along the walls, back to the wall, and in the room."""
    for _ in range(along_walls):
        thing, offset = builder.choose(things.WALL_FURNITURE)
        turn_degrees, distance, span = builder.choose(
            [(0, length, width), (90, width, length), (-90, width, length), (180, length, width)]
        )
        wall = rotation((0, 0, 1), turn_degrees) @ translation(0, distance / 2, 0)
        thing(builder, wall @ standing_at(builder.uniform(-0.38, 0.38) * span, -offset, 0, builder.uniform(-3, 3)))
    for _ in range(free):
        x, y = builder.uniform(-0.38, 0.38) * width, builder.uniform(-0.38, 0.38) * length
        builder.choose(things.FREE_FURNITURE)(builder, standing_at(x, y, 0, builder.uniform(0, 360)))


def tabletop(builder: Builder) -> SampleCamera:
    """Things on a table seen from near, in a room or in a garden."""
    width, length, table_height = builder.uniform(0.9, 2.2), builder.uniform(0.7, 1.5), 0.75
    top = translation(0, 0, table_height)
    builder.box(top, (0, 0, -0.025), (width, length, 0.05), builder.material(repeats=(2, 2)))
    leg = builder.any_material()
    for x in things.SIDES:
        for y in things.SIDES:
            foot = (x * (width / 2 - 0.06), y * (length / 2 - 0.06), table_height / 2 - 0.025)
            builder.box(IDENTITY, foot, (0.06, 0.06, table_height - 0.05), leg)
    things.clutter(builder, top, width, length, builder.count(9, 22), builder.uniform(0.25, 0.5))
    if builder.chance(0.4):
        thing = builder.choose([things.rack, things.chair, things.stairs, things.person])
        place = standing_at(builder.uniform(-0.3, 0.3) * width, builder.uniform(0, 0.35) * length, table_height)
        things.shrunk(builder, thing, place @ rotation((0, 0, 1), builder.uniform(-40, 40)), 0.25)
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
        yaw, pitch = _direction_degrees(position, target)
        return _camera(random, position, yaw + random.uniform(-8, 8), pitch + random.uniform(-4, 8))

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
            things.tree(builder, frame, builder.uniform(2, 6))
        else:
            things.bush(builder, frame, builder.uniform(0.5, 1.5))


# Outdoors


def street(builder: Builder) -> SampleCamera:
    """A street along y with pavements, buildings, trees, cars, people, lamps and signs."""
    road_width = builder.uniform(5, 13)
    pavement_width, pavement_height = builder.uniform(1.5, 3.5), 0.14
    start, end = -45.0, 130.0
    builder.panel(IDENTITY, (900, 900), builder.material(builder.choose(["grass", "ground"]), (150, 150), gloss=0.1))
    middle, extent = (start + end) / 2, end - start
    builder.panel(
        translation(0, middle + 40, 0.01), (road_width, extent + 120), builder.material("asphalt", (2, 40), gloss=0.2)
    )
    _road_markings(builder, road_width, start, end)
    for side in things.SIDES:
        if builder.chance(0.85):
            centre = (side * (road_width + pavement_width) / 2, middle, pavement_height / 2)
            slabs = builder.material(builder.choose(["tiles", "tiles", "ground"]), (2, extent / 2), gloss=0.2)
            builder.box(IDENTITY, centre, (pavement_width, extent, pavement_height), slabs)
        _roadside(builder, side, road_width / 2 + pavement_width, start, end)
    for _ in range(builder.count(1, 9)):
        lane = builder.choose(things.SIDES)
        parked = builder.chance(0.5)
        x = lane * (road_width / 2 - 1.1 if parked else builder.uniform(0.2, 0.3) * road_width)
        turn_degrees = (0 if lane < 0 else 180) + builder.uniform(-4, 4)
        things.car(builder, standing_at(x, builder.uniform(-20, 60), 0.01, turn_degrees))
    for _ in range(builder.count(1, 9)):
        x = builder.choose(things.SIDES) * (road_width / 2 + builder.uniform(0.3, 0.9) * pavement_width)
        things.person(builder, standing_at(x, builder.uniform(-15, 35), pavement_height, builder.uniform(0, 360)))
    builder.sky()

    def sample_camera(random: np.random.Generator) -> Camera:
        on_pavement = random.random() < 0.4
        side = random.choice(things.SIDES)
        x = side * (road_width / 2 + 0.5 * pavement_width) if on_pavement else random.uniform(-0.35, 0.35) * road_width
        position = np.array([x, random.uniform(-15, 30), random.uniform(1.2, 2.4)])
        yaw = random.normal(0, 22) + (180 if random.random() < 0.2 else 0)
        return _camera(random, position, yaw, random.uniform(-10, 6))

    return sample_camera


def _road_markings(builder: Builder, road_width: float, start: float, end: float) -> None:
    paint = builder.material("plain", gloss=0.1)
    for y in np.arange(start, end, 6.0):
        builder.panel(translation(0, y, 0.02), (0.15, 2.5), paint)
    if builder.chance(0.5):
        for side in things.SIDES:
            builder.panel(
                translation(side * (road_width / 2 - 0.25), (start + end) / 2, 0.02), (0.12, end - start), paint
            )
    if builder.chance(0.4):
        crossing = builder.uniform(0, 20)
        for x in np.arange(-road_width / 2 + 0.6, road_width / 2 - 0.3, 1.0):
            builder.panel(translation(x, crossing, 0.022), (0.5, 3), paint)


def _roadside(builder: Builder, side: int, edge: float, start: float, end: float) -> None:
    """What stands beyond the pavement of one side: a row of buildings, an avenue, or gardens."""
    style = builder.choose(["buildings", "buildings", "avenue", "gardens"])
    gap, lawn = builder.uniform(0.3, 5), builder.material("grass", gloss=0.2)
    low, high = (3, 8) if builder.chance(0.5) else (8, 24)
    y = start
    while y < end:
        beyond = edge + gap
        if style == "buildings" or builder.chance(0.3):
            width, length, height = builder.uniform(6, 11), builder.uniform(6, 18), builder.uniform(low, high)
            frame = standing_at(side * (beyond + width / 2 + 0.6), y + length / 2)
            things.building(builder, frame, width, length, height)
            y += length + (0 if builder.chance(0.3) else builder.uniform(0.5, 7))
        elif style == "avenue":
            things.tree(builder, standing_at(side * (beyond + builder.uniform(0, 2)), y), builder.uniform(3, 9))
            y += builder.uniform(3, 10)
        else:
            things.fence(builder, standing_at(side * beyond, y, 0, 90), 10, lambda x, y: 0.0)
            for _ in range(builder.count(1, 4)):
                place = standing_at(side * (beyond + builder.uniform(1, 6)), y + builder.uniform(0, 10))
                things.grass_tuft(builder, place, builder.uniform(0.3, 0.8), lawn)
                things.bush(builder, place, builder.uniform(0.5, 1.6))
            y += builder.uniform(10, 18)
    lamps, spacing = builder.chance(0.6), builder.uniform(9, 20)
    for y in np.arange(start + builder.uniform(0, spacing), end / 1.5, spacing):
        frame = standing_at(side * (edge - 0.4), y, 0, -90 * side)
        if lamps:
            things.street_lamp(builder, frame)
        if builder.chance(0.4):
            things.road_sign(builder, standing_at(side * (edge - 0.5), y + 3, 0, builder.uniform(-20, 20)))
        if builder.chance(0.2):
            things.tree(builder, standing_at(side * (edge - 0.5), y + 5), builder.uniform(3, 5))


def nature(builder: Builder) -> SampleCamera:
    """Hilly ground with trees, rocks, bushes, grass, sometimes a fence, a hut, people or hills far away."""
    ground = _random_ground(builder)
    _terrain(builder, ground)

    def scattered(nearest: float, farthest: float) -> Frame:
        """A place on the ground, denser near the middle, where the cameras are."""
        distance, bearing = builder.uniform(nearest, farthest), builder.uniform(0, 2 * math.pi)
        x, y = distance * math.sin(bearing), distance * math.cos(bearing)
        return standing_at(x, y, ground(x, y), builder.uniform(0, 360))

    for _ in range(builder.count(12, 45)):
        things.tree(builder, scattered(4, 50), builder.uniform(2.5, 10))
    for _ in range(builder.count(4, 16)):
        things.rock(builder, scattered(2, 25), builder.uniform(0.2, 1.8))
    for _ in range(builder.count(3, 20)):
        things.bush(builder, scattered(3, 30), builder.uniform(0.3, 1.5))
    blades = [builder.material("grass", gloss=0.1) for _ in range(3)]
    for _ in range(builder.count(0, 60)):
        things.grass_tuft(builder, scattered(0.5, 12), builder.uniform(0.15, 0.7), builder.choose(blades))
    for _ in range(builder.count(0, 2)):
        things.fence(builder, scattered(3, 15), builder.uniform(8, 18), ground)
    for _ in range(builder.count(0, 4)):
        builder.choose([things.person, things.person, things.rack, things.table, things.pile])(
            builder, scattered(3, 14)
        )
    for _ in range(builder.count(0, 2)):
        frame = scattered(16, 45) @ translation(0, 0, -0.5)
        things.building(builder, frame, builder.uniform(5, 8), builder.uniform(6, 12), builder.uniform(3, 7))
    for _ in range(builder.count(0, 3)):
        bearing = builder.uniform(0, 360)
        hill = rotation((0, 0, 1), bearing) @ translation(0, 260, -12)
        size = (builder.uniform(200, 500), 120, builder.uniform(50, 180))
        builder.blob(hill, (0, 0, 0), size, builder.material("grass", (6, 6), gloss=0.2), 0.3)
    builder.sky()

    def sample_camera(random: np.random.Generator) -> Camera:
        x, y = random.uniform(-5, 5, 2)
        position = np.array([x, y, ground(x, y) + random.uniform(0.8, 2.2)])
        return _camera(random, position, random.uniform(0, 360), random.uniform(-16, 6))

    return sample_camera


def _random_ground(builder: Builder) -> Callable[[Any, Any], Any]:
    """Height over (x, y), numbers or arrays: a sum of waves, flat in the middle, steeper outwards."""
    waves = builder.random.uniform(0.02, 0.25, (5, 2))
    phases = builder.random.uniform(0, 2 * math.pi, (5, 2))
    amplitude = builder.uniform(0.02, 0.35)

    def ground(x: Any, y: Any) -> Any:
        steepness = np.clip(np.hypot(x, y) / 12, 0.15, 6)
        height = 0.0
        for (wave_x, wave_y), (phase_x, phase_y) in zip(waves, phases, strict=True):
            height = height + np.sin(wave_x * x + phase_x) * np.sin(wave_y * y + phase_y)
        return amplitude * steepness * height

    return ground


def _terrain(builder: Builder, ground: Callable[[Any, Any], Any]) -> None:
    """A mesh of the ground, finer in the middle, above a wide plain."""
    half = 90.0

    def position(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y = (half * np.sign(share - 0.5) * np.abs(2 * share - 1) ** 1.6 for share in (u, v))
        return x, y, ground(x, y)

    builder.surface(position, 110, builder.material(builder.choose(["grass", "grass", "ground"]), (60, 60), gloss=0.2))
    builder.panel(translation(0, 0, -8), (4000, 4000), builder.material("grass", (200, 200), gloss=0.2))
