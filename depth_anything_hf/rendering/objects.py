# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objects of the varied scenes: household clutter, furniture, people.

Every function takes a builder and a frame. The object stands on z = 0 of that frame, its front looks towards -y, its
back is at +y; sizes in metres are drawn from the ranges of the real thing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .builder import Builder
from .scene_geometry import Frame, scaling, standing_at, translation


SIDES = (-1, 1)


# Small things


def clutter(builder: Builder, frame: Frame, width: float, length: float, count: int, largest: float = 0.3) -> None:
    """Put `count` small things, at most `largest` high, on a width x length surface."""
    for _ in range(count):
        x, y = builder.uniform(-0.45, 0.45) * width, builder.uniform(-0.42, 0.42) * length
        height = builder.uniform(0.25, 1) * largest
        small_thing = builder.choose(SMALL_THINGS)
        small_thing(builder, frame @ standing_at(x, y, 0, builder.uniform(0, 360)), height)


def _small_material(builder: Builder) -> dict[str, str]:
    if builder.chance(0.12):
        return builder.material("glass")
    return builder.material("metal") if builder.chance(0.09) else builder.any_material()


def _carton(builder: Builder, frame: Frame, height: float) -> None:
    size = (height * builder.uniform(0.3, 1), height * builder.uniform(0.3, 1), height)
    builder.box(frame, (0, 0, height / 2), size, _small_material(builder))


def _globe(builder: Builder, frame: Frame, height: float) -> None:
    builder.ball(frame, (0, 0, height / 3), height * 2 / 3, _small_material(builder))


def _jar(builder: Builder, frame: Frame, height: float) -> None:
    builder.can(frame, (0, 0, 0), height * builder.uniform(0.12, 0.35), height, _small_material(builder))


def _bottle(builder: Builder, frame: Frame, height: float) -> None:
    material = _small_material(builder)
    builder.can(frame, (0, 0, 0), 0.2 * height, 0.6 * height, material)
    builder.ball(frame, (0, 0, 0.6 * height), 0.4 * height, material)
    builder.can(frame, (0, 0, 0.6 * height), 0.07 * height, 0.38 * height, material)


def _lump(builder: Builder, frame: Frame, height: float) -> None:
    size = height * np.array([builder.uniform(0.7, 1.3), builder.uniform(0.7, 1.3), 1.0])
    builder.blob(frame, (0, 0, 0.4 * height), size, builder.any_material(), builder.uniform(0, 0.4))


def _book_stack(builder: Builder, frame: Frame, height: float) -> None:
    thickness = 0.12 * height
    for level in range(builder.count(2, 6)):
        size = (height * builder.uniform(0.6, 0.9), height * builder.uniform(0.5, 0.7), 0.92 * thickness)
        middle = (0, 0, thickness * (level + 0.5))
        builder.box(frame, middle, size, builder.any_material(), turn_degrees=builder.uniform(-20, 20))


def _potted_plant(builder: Builder, frame: Frame, height: float) -> None:
    builder.can(frame, (0, 0, 0), 0.22 * height, 0.35 * height, builder.any_material())
    leaf = builder.shared_material("grass")
    size = (0.9 * height, 0.9 * height, height)
    builder.leaves(frame, (0, 0, 0.75 * height), size, builder.count(30, 90), 0.17 * height, leaf)


def _cup_of_twigs(builder: Builder, frame: Frame, height: float) -> None:
    builder.can(frame, (0, 0, 0), 0.12 * height, 0.4 * height, _small_material(builder))
    for _ in range(5):
        tip = (builder.uniform(-0.3, 0.3) * height, builder.uniform(-0.3, 0.3) * height, height)
        builder.rod(frame, (0, 0, 0), tip, 0.018 * height, builder.any_material())


def _bowl(builder: Builder, frame: Frame, height: float) -> None:
    """Add a shallow dish with fruit in it."""
    radius = 0.6 * height
    builder.can(frame, (0, 0, 0), radius, 0.2 * height, _small_material(builder))
    fruit = builder.material("noise")
    for _ in range(builder.count(2, 6)):
        centre = (builder.uniform(-0.5, 0.5) * radius, builder.uniform(-0.5, 0.5) * radius, 0.35 * height)
        builder.ball(frame, centre, 0.35 * height, fruit)


SMALL_THINGS: list[Callable[[Builder, Frame, float], None]] = [
    _carton,
    _carton,
    _globe,
    _jar,
    _jar,
    _bottle,
    _lump,
    _book_stack,
    _potted_plant,
    _cup_of_twigs,
    _bowl,
]


# Furniture


def table(builder: Builder, frame: Frame) -> None:
    """Add a table with clutter on it."""
    width, length, height = builder.uniform(0.6, 1.8), builder.uniform(0.5, 1.0), builder.uniform(0.4, 0.8)
    material, top, leg = builder.any_material(), builder.uniform(0.02, 0.06), builder.uniform(0.02, 0.07)
    top_material = builder.material("glass") if builder.chance(0.12) else material
    builder.box(frame, (0, 0, height - top / 2), (width, length, top), top_material)
    for x in SIDES:
        for y in SIDES:
            foot = (x * (width / 2 - leg), y * (length / 2 - leg), (height - top) / 2)
            builder.box(frame, foot, (leg, leg, height - top), material)
    clutter(builder, frame @ translation(0, 0, height), width, length, builder.count(1, 7))


def chair(builder: Builder, frame: Frame) -> None:
    """Add a chair with a solid back or one of bars."""
    material, seat_height = builder.any_material(), builder.uniform(0.38, 0.5)
    size, leg_radius = builder.uniform(0.38, 0.5), builder.uniform(0.01, 0.023)
    back = 0.46 * size
    builder.box(frame, (0, 0, seat_height), (size, size, 0.04), material)
    for x in SIDES:
        builder.rod(frame, (x * back, -back, 0), (x * back, -back, seat_height), leg_radius, material)
        builder.rod(frame, (x * back, back, 0), (x * back, back, seat_height + 0.5), leg_radius, material)
    if builder.chance(0.5):
        builder.box(frame, (0, back, seat_height + 0.35), (size, 0.03, 0.3), material)
        return
    for x in np.linspace(-0.36, 0.36, 5) * size:
        builder.rod(frame, (x, back, seat_height), (x, back, seat_height + 0.48), 0.008, material)
    builder.box(frame, (0, back, seat_height + 0.49), (size, 0.03, 0.05), material)


def shelf(builder: Builder, frame: Frame) -> None:
    """Add a shelf with books and clutter."""
    width, length, height = builder.uniform(0.6, 2), builder.uniform(0.25, 0.4), builder.uniform(0.8, 2.2)
    levels, material = builder.count(2, 5), builder.any_material()
    spacing = (height - 0.03) / levels
    for side in SIDES:
        builder.box(frame, (side * width / 2, 0, height / 2), (0.03, length, height), material)
    if builder.chance(0.6):
        builder.box(frame, (0, length / 2, height / 2), (width, 0.02, height), material)
    for level in range(levels + 1):
        board = frame @ translation(0, 0, 0.02 + level * spacing)
        builder.box(board, (0, 0, 0), (width, length, 0.03), material)
        on_board = board @ translation(0, 0, 0.015)
        if level == levels or builder.chance(0.4):
            clutter(builder, on_board, width, 0.7 * length, builder.count(1, 4), 0.75 * spacing)
        else:
            _row_of_books(builder, on_board, width, length, spacing)


def _row_of_books(builder: Builder, frame: Frame, width: float, length: float, spacing: float) -> None:
    x, end = -width / 2 + 0.03, width * (builder.uniform(0.3, 1) - 0.5) - 0.06
    while x < end:
        thickness, height = builder.uniform(0.015, 0.06), builder.uniform(0.55, 0.8) * spacing
        size = (thickness, 0.7 * length, height)
        builder.box(frame, (x + thickness / 2, 0, height / 2), size, builder.any_material())
        x += thickness + 0.003


def cabinet(builder: Builder, frame: Frame) -> None:
    """Add a cabinet with doors, and clutter on a low one."""
    width, length, height = builder.uniform(0.4, 1.8), builder.uniform(0.35, 0.65), builder.uniform(0.4, 2.1)
    material, handle = builder.any_material(), builder.any_material()
    builder.box(frame, (0, 0, height / 2), (width, length, height), material)
    doors = builder.count(1, 3)
    for door in range(doors):
        middle = width * ((door + 0.5) / doors - 0.5)
        builder.box(
            frame, (middle, -length / 2 - 0.008, height / 2), (0.94 * width / doors, 0.016, 0.94 * height), material
        )
        x, y = middle + 0.35 * width / doors, -length / 2 - 0.04
        builder.rod(frame, (x, y, 0.45 * height), (x, y, 0.55 * height), 0.008, handle)
    if height < 1.3:
        clutter(builder, frame @ translation(0, 0, height), width, length, builder.count(0, 5))


def sofa(builder: Builder, frame: Frame) -> None:
    """Add an armchair or a sofa with cushions."""
    width, length, height = builder.uniform(0.8, 2.2), builder.uniform(0.75, 1.0), builder.uniform(0.3, 0.45)
    material = builder.any_material()
    builder.box(frame, (0, 0, height / 2), (width, length, height), material)
    builder.box(frame, (0, length / 2, height), (width, 0.15, 2 * height), material)
    for side in SIDES:
        builder.box(frame, (side * width / 2, 0, 0.75 * height), (0.15, length, 1.5 * height), material)
    for _ in range(builder.count(1, 3)):
        cushion = (builder.uniform(-0.35, 0.35) * width, 0.25 * length, height + 0.15)
        builder.blob(frame, cushion, (0.45, 0.25, 0.34), builder.material(), 0.12)


def bed(builder: Builder, frame: Frame) -> None:
    """Add a bed with a blanket and pillows."""
    width, length, height = builder.uniform(0.9, 1.8), 2.0, builder.uniform(0.35, 0.55)
    material, blanket = builder.any_material(), builder.material()
    builder.box(frame, (0, 0, height / 2), (width, length, height), material)
    builder.box(frame, (0, length / 2 + 0.03, 0.9 * height), (width, 0.06, 1.8 * height), material)
    cover = builder.uniform(0.8, 1.5)
    builder.box(frame, (0, (cover - length) / 2 - 0.02, height / 2 + 0.05), (width + 0.06, cover, height), blanket)
    pillow = builder.material("plain")
    for x in SIDES if width > 1.3 else (0,):
        builder.blob(frame, (0.24 * x * width, 0.35 * length, height + 0.06), (0.6, 0.4, 0.18), pillow, 0.1)


def floor_lamp(builder: Builder, frame: Frame) -> None:
    """Add a floor lamp."""
    height, material = builder.uniform(1.2, 1.8), builder.any_material()
    builder.can(frame, (0, 0, 0), 0.14, 0.03, material)
    builder.rod(frame, (0, 0, 0), (0, 0, height + 0.1), 0.012, material)
    builder.rod(frame, (0, 0, height - 0.1), (0, 0, height + 0.2), builder.uniform(0.12, 0.22), builder.any_material())


def rack(builder: Builder, frame: Frame) -> None:
    """Add a grid of rods, 4-18 mm thick: railing, clothes horse, radiator; what is behind shows through."""
    width, height, radius = builder.uniform(0.6, 2.2), builder.uniform(0.7, 1.8), builder.uniform(0.004, 0.018)
    material = builder.material("metal") if builder.chance(0.4) else builder.any_material()
    for x in np.linspace(-width / 2, width / 2, builder.count(5, 17)):
        builder.rod(frame, (x, 0, 0), (x, 0, height), radius, material)
    for z in np.linspace(0.05, height, builder.count(2, 9)):
        builder.rod(frame, (-width / 2, 0, z), (width / 2, 0, z), 1.3 * radius, material)


def stairs(builder: Builder, frame: Frame) -> None:
    """Add a flight of stairs with a rail."""
    steps, width, material = builder.count(4, 12), builder.uniform(0.8, 1.5), builder.any_material()
    rise, run, solid = builder.uniform(0.14, 0.2), builder.uniform(0.22, 0.32), builder.chance(0.6)
    rail_height = 0.85
    for step in range(steps):
        y, top = step * run, (step + 1) * rise
        thickness = top if solid else 0.04
        builder.box(frame, (0, y, top - thickness / 2), (width, run, thickness), material)
        builder.rod(frame, (-width / 2, y, top), (-width / 2, y, top + rail_height), 0.012, material)
    first, last = (-width / 2, 0, rise + rail_height), (-width / 2, (steps - 1) * run, steps * rise + rail_height)
    builder.rod(frame, first, last, 0.02, material)


def pile(builder: Builder, frame: Frame) -> None:
    """Add things left on the floor."""
    clutter(builder, frame, 1.0, 1.0, builder.count(2, 6), builder.uniform(0.3, 0.8))


def person(builder: Builder, frame: Frame) -> None:
    """Add a person in mid-stride."""
    height, trousers, shirt = builder.uniform(1.5, 1.9), builder.any_material(), builder.any_material()
    skin = builder.material("skin", gloss=0.1)
    for side in SIDES:
        stride = builder.uniform(-0.15, 0.15)
        builder.rod(frame, (side * 0.1, stride, 0), (side * 0.09, 0, 0.5 * height), 0.075, trousers)
        builder.blob(frame, (side * 0.1, stride - 0.06, 0.05), (0.11, 0.28, 0.1), trousers, 0)
        hand, shoulder = (side * 0.25, builder.uniform(-0.2, 0.2), 0.44 * height), (side * 0.2, 0, 0.8 * height)
        builder.rod(frame, hand, shoulder, 0.045, shirt)
        builder.ball(frame, hand, 0.1, skin)
        builder.ball(frame, shoulder, 0.1, shirt)
    builder.blob(frame, (0, 0, 0.65 * height), (0.44, 0.27, 0.4 * height), shirt, 0)
    builder.rod(frame, (0, 0, 0.8 * height), (0, 0, 0.9 * height), 0.06, skin)
    builder.blob(frame, (0, 0, 0.93 * height), (0.19, 0.22, 0.26), skin, 0)


def shrink(builder: Builder, thing: Callable[[Builder, Frame], None], frame: Frame, scale: float) -> None:
    """Add the thing at a fraction of its size, as a model of itself."""
    thing(builder, frame @ scaling(scale, scale, scale))


# Things along a wall need their distance from it, half their usual depth.
WALL_FURNITURE: list[tuple[Callable[[Builder, Frame], None], float]] = [
    (table, 0.55),
    (shelf, 0.25),
    (shelf, 0.25),
    (cabinet, 0.35),
    (cabinet, 0.35),
    (sofa, 0.6),
    (bed, 1.1),
    (floor_lamp, 0.3),
    (rack, 0.15),
]
FREE_FURNITURE: list[Callable[[Builder, Frame], None]] = [
    table,
    table,
    chair,
    chair,
    chair,
    sofa,
    floor_lamp,
    rack,
    pile,
    pile,
    person,
    stairs,
]
