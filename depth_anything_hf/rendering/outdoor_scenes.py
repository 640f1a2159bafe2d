# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Outdoor scenes: a street, nature; one function each, which fills a builder and returns how cameras are drawn.

x points right, y ahead, z up, in metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import objects, outdoor_objects
from .builder import Builder
from .scene_geometry import IDENTITY, Camera, Frame, SampleCamera, hand_held_camera, rotation, standing_at, translation


def street(builder: Builder) -> SampleCamera:
    """Build a street along y with pavements, buildings, trees, cars, people, lamps and signs."""
    road_width = builder.uniform(5, 13)
    pavement_width, pavement_height = builder.uniform(1.5, 3.5), 0.14
    start, end = -45.0, 130.0
    builder.panel(IDENTITY, (900, 900), builder.material(builder.choose(["grass", "ground"]), (150, 150), gloss=0.1))
    middle, extent = (start + end) / 2, end - start
    builder.panel(
        translation(0, middle + 40, 0.01), (road_width, extent + 120), builder.material("asphalt", (2, 40), gloss=0.2)
    )
    _road_markings(builder, road_width, start, end)
    for side in objects.SIDES:
        if builder.chance(0.85):
            centre = (side * (road_width + pavement_width) / 2, middle, pavement_height / 2)
            slabs = builder.material(builder.choose(["tiles", "tiles", "ground"]), (2, extent / 2), gloss=0.2)
            builder.box(IDENTITY, centre, (pavement_width, extent, pavement_height), slabs)
        _roadside(builder, side, road_width / 2 + pavement_width, start, end)
    for _ in range(builder.count(1, 9)):
        lane = builder.choose(objects.SIDES)
        parked = builder.chance(0.5)
        x = lane * (road_width / 2 - 1.1 if parked else builder.uniform(0.2, 0.3) * road_width)
        turn_degrees = (0 if lane < 0 else 180) + builder.uniform(-4, 4)
        outdoor_objects.car(builder, standing_at(x, builder.uniform(-20, 60), 0.01, turn_degrees))
    for _ in range(builder.count(1, 9)):
        x = builder.choose(objects.SIDES) * (road_width / 2 + builder.uniform(0.3, 0.9) * pavement_width)
        objects.person(builder, standing_at(x, builder.uniform(-15, 35), pavement_height, builder.uniform(0, 360)))
    builder.sky()

    def sample_camera(random: np.random.Generator) -> Camera:
        on_pavement = random.random() < 0.4
        side = random.choice(objects.SIDES)
        x = side * (road_width / 2 + 0.5 * pavement_width) if on_pavement else random.uniform(-0.35, 0.35) * road_width
        position = np.array([x, random.uniform(-15, 30), random.uniform(1.2, 2.4)])
        yaw = random.normal(0, 22) + (180 if random.random() < 0.2 else 0)
        return hand_held_camera(random, position, yaw, random.uniform(-10, 6))

    return sample_camera


def _road_markings(builder: Builder, road_width: float, start: float, end: float) -> None:
    paint = builder.material("plain", gloss=0.1)
    for y in np.arange(start, end, 6.0):
        builder.panel(translation(0, y, 0.02), (0.15, 2.5), paint)
    if builder.chance(0.5):
        for side in objects.SIDES:
            builder.panel(
                translation(side * (road_width / 2 - 0.25), (start + end) / 2, 0.02), (0.12, end - start), paint
            )
    if builder.chance(0.4):
        crossing = builder.uniform(0, 20)
        for x in np.arange(-road_width / 2 + 0.6, road_width / 2 - 0.3, 1.0):
            builder.panel(translation(x, crossing, 0.022), (0.5, 3), paint)


def _roadside(builder: Builder, side: int, edge: float, start: float, end: float) -> None:
    """Add what stands beyond the pavement of one side: a row of buildings, an avenue, or gardens."""
    style = builder.choose(["buildings", "buildings", "avenue", "gardens"])
    gap, lawn = builder.uniform(0.3, 5), builder.material("grass", gloss=0.2)
    low, high = (3, 8) if builder.chance(0.5) else (8, 24)
    y = start
    while y < end:
        beyond = edge + gap
        if style == "buildings" or builder.chance(0.3):
            width, length, height = builder.uniform(6, 11), builder.uniform(6, 18), builder.uniform(low, high)
            frame = standing_at(side * (beyond + width / 2 + 0.6), y + length / 2)
            outdoor_objects.building(builder, frame, width, length, height)
            y += length + (0 if builder.chance(0.3) else builder.uniform(0.5, 7))
        elif style == "avenue":
            outdoor_objects.tree(
                builder, standing_at(side * (beyond + builder.uniform(0, 2)), y), builder.uniform(3, 9)
            )
            y += builder.uniform(3, 10)
        else:
            outdoor_objects.fence(builder, standing_at(side * beyond, y, 0, 90), 10, lambda x, y: 0.0)
            for _ in range(builder.count(1, 4)):
                place = standing_at(side * (beyond + builder.uniform(1, 6)), y + builder.uniform(0, 10))
                outdoor_objects.grass_tuft(builder, place, builder.uniform(0.3, 0.8), lawn)
                outdoor_objects.bush(builder, place, builder.uniform(0.5, 1.6))
            y += builder.uniform(10, 18)
    lamps, spacing = builder.chance(0.6), builder.uniform(9, 20)
    for y in np.arange(start + builder.uniform(0, spacing), end / 1.5, spacing):
        frame = standing_at(side * (edge - 0.4), y, 0, -90 * side)
        if lamps:
            outdoor_objects.street_lamp(builder, frame)
        if builder.chance(0.4):
            outdoor_objects.road_sign(builder, standing_at(side * (edge - 0.5), y + 3, 0, builder.uniform(-20, 20)))
        if builder.chance(0.2):
            outdoor_objects.tree(builder, standing_at(side * (edge - 0.5), y + 5), builder.uniform(3, 5))


def nature(builder: Builder) -> SampleCamera:
    """Build hilly ground with trees, rocks, bushes, grass, sometimes a fence, a hut, people or hills far away."""
    ground = _random_ground(builder)
    _terrain(builder, ground)

    def scatter(nearest: float, farthest: float) -> Frame:
        """Draw a place on the ground, denser near the middle, where the cameras are."""
        distance, bearing = builder.uniform(nearest, farthest), builder.uniform(0, 2 * math.pi)
        x, y = distance * math.sin(bearing), distance * math.cos(bearing)
        return standing_at(x, y, ground(x, y), builder.uniform(0, 360))

    for _ in range(builder.count(12, 45)):
        outdoor_objects.tree(builder, scatter(4, 50), builder.uniform(2.5, 10))
    for _ in range(builder.count(4, 16)):
        outdoor_objects.rock(builder, scatter(2, 25), builder.uniform(0.2, 1.8))
    for _ in range(builder.count(3, 20)):
        outdoor_objects.bush(builder, scatter(3, 30), builder.uniform(0.3, 1.5))
    blades = [builder.material("grass", gloss=0.1) for _ in range(3)]
    for _ in range(builder.count(0, 60)):
        outdoor_objects.grass_tuft(builder, scatter(0.5, 12), builder.uniform(0.15, 0.7), builder.choose(blades))
    for _ in range(builder.count(0, 2)):
        outdoor_objects.fence(builder, scatter(3, 15), builder.uniform(8, 18), ground)
    for _ in range(builder.count(0, 4)):
        builder.choose([objects.person, objects.person, objects.rack, objects.table, objects.pile])(
            builder, scatter(3, 14)
        )
    for _ in range(builder.count(0, 2)):
        frame = scatter(16, 45) @ translation(0, 0, -0.5)
        outdoor_objects.building(builder, frame, builder.uniform(5, 8), builder.uniform(6, 12), builder.uniform(3, 7))
    for _ in range(builder.count(0, 3)):
        bearing = builder.uniform(0, 360)
        hill = rotation((0, 0, 1), bearing) @ translation(0, 260, -12)
        size = (builder.uniform(200, 500), 120, builder.uniform(50, 180))
        builder.blob(hill, (0, 0, 0), size, builder.material("grass", (6, 6), gloss=0.2), 0.3)
    builder.sky()

    def sample_camera(random: np.random.Generator) -> Camera:
        x, y = random.uniform(-5, 5, 2)
        position = np.array([x, y, ground(x, y) + random.uniform(0.8, 2.2)])
        return hand_held_camera(random, position, random.uniform(0, 360), random.uniform(-16, 6))

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
    """Add a mesh of the ground, finer in the middle, above a wide plain."""
    half = 90.0

    def position(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y = (half * np.sign(share - 0.5) * np.abs(2 * share - 1) ** 1.6 for share in (u, v))
        return x, y, ground(x, y)

    builder.surface(position, 110, builder.material(builder.choose(["grass", "grass", "ground"]), (60, 60), gloss=0.2))
    builder.panel(translation(0, 0, -8), (4000, 4000), builder.material("grass", (200, 200), gloss=0.2))
