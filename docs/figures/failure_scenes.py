# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rooms with exact depth for the gallery of failures: mirrors, panes, posters, wires, a sky.

x points right, y ahead, z up, in metres. Surfaces are shaded without light transport, as hazy rooms are, so a mirror
is an opening behind which the room stands once more, mirrored; its true depth is that of the glass all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from depth_anything_hf.data.haze import add_haze
from depth_anything_hf.rendering import Builder, Camera, Scene, View, load_mitsuba, render_view
from depth_anything_hf.rendering.builder import SRGB_TO_LINEAR
from depth_anything_hf.rendering.scene_geometry import IDENTITY


HAZE_PER_METRE, AIRLIGHT = 0.14, np.array([0.80, 0.82, 0.84], dtype=np.float32)
TEXTURE_PERIOD_METRES = 1.5
SAMPLES_PER_PIXEL = 4
# Depth of the back wall, and half of the room's width.
BACK, HALF_WIDTH, HEIGHT = 6.0, 2.6, 3.0
FRONT = -1.0
# Linear colours without any texture.
PAINTS = {"wire": [0.05, 0.05, 0.06], "white": [0.55, 0.55, 0.55]}
WALL = 0.1
CAMERA = Camera((0.3, 0.0, 1.5), yaw_degrees=-4, pitch_degrees=-4, roll_degrees=0, horizontal_field_of_view_degrees=62)


class Thing(NamedTuple):
    """A box, ball or can: middle, full edges (a ball's first is its diameter), texture, turn about the vertical."""

    shape: str
    middle: tuple[float, float, float]
    size: tuple[float, float, float]
    surface: str
    turn_degrees: float = 0.0

    def scaled(self, factor: float) -> Thing:
        """Return the thing so many times as large and as far from the origin."""
        x, y, z = (factor * part for part in self.middle)
        width, length, height = (factor * part for part in self.size)
        return self._replace(middle=(x, y, z), size=(width, length, height))

    def mirrored(self, y: float) -> Thing:
        """Return the thing as a mirror in the plane of this y shows it."""
        x, own, z = self.middle
        return self._replace(middle=(x, 2 * y - own, z), turn_degrees=-self.turn_degrees)


class Opening(NamedTuple):
    """A rectangle in a wall of constant y: left, right, bottom and top."""

    left: float
    right: float
    bottom: float
    top: float

    def filled(self, y: float, surface: str, thickness: float = 0.02) -> Thing:
        """Return a plate that closes the opening, its front at this y."""
        middle = ((self.left + self.right) / 2, y + thickness / 2, (self.bottom + self.top) / 2)
        return Thing("box", middle, (self.right - self.left, thickness, self.top - self.bottom), surface)


def room(back: str | None = "brick", ceiling: bool = True, surfaces: Sequence[str] = ("wood", "tiles")) -> list[Thing]:
    """Return floor, side walls, the wall behind the camera, and on wish the wall ahead and the ceiling."""
    floor, sides = surfaces
    length, middle = BACK - FRONT, (BACK + FRONT) / 2
    things = [
        Thing("box", (0, middle, -WALL / 2), (2 * HALF_WIDTH, length, WALL), floor),
        Thing("box", (-HALF_WIDTH - WALL / 2, middle, HEIGHT / 2), (WALL, length, HEIGHT), sides),
        Thing("box", (HALF_WIDTH + WALL / 2, middle, HEIGHT / 2), (WALL, length, HEIGHT), sides),
        Thing("box", (0, FRONT - WALL / 2, HEIGHT / 2), (2 * HALF_WIDTH, WALL, HEIGHT), "checker"),
    ]
    if ceiling:
        things.append(Thing("box", (0, middle, HEIGHT + WALL / 2), (2 * HALF_WIDTH, length, WALL), "plain"))
    if back is not None:
        things.append(Thing("box", (0, BACK + WALL / 2, HEIGHT / 2), (2 * HALF_WIDTH, WALL, HEIGHT), back))
    return things


def furniture(textured: bool = True) -> list[Thing]:
    """Return what stands in the room: a table's worth of boxes, balls and cans from near to far."""
    things = [
        Thing("box", (-1.5, 2.6, 0.45), (0.8, 0.8, 0.9), "checker", 25),
        Thing("can", (1.5, 3.2, 0.6), (0.55, 0.55, 1.2), "brick"),
        Thing("ball", (0.2, 4.2, 0.45), (0.9, 0.9, 0.9), "stripes"),
        Thing("box", (-1.9, 5.0, 0.9), (0.7, 0.7, 1.8), "wood", -15),
        Thing("box", (1.9, 5.2, 0.5), (0.9, 0.7, 1.0), "noise", 10),
    ]
    return things if textured else [thing._replace(surface="plain") for thing in things]


def wall_around(opening: Opening, y: float, surface: str) -> list[Thing]:
    """Return a wall across the room with an opening, its front at this y."""
    parts = [
        (-HALF_WIDTH, opening.left, 0.0, HEIGHT),
        (opening.right, HALF_WIDTH, 0.0, HEIGHT),
        (opening.left, opening.right, 0.0, opening.bottom),
        (opening.left, opening.right, opening.top, HEIGHT),
    ]
    return [
        Opening(*part).filled(y, surface, WALL) for part in parts if part[1] - part[0] > 1e-6 and part[3] > part[2]
    ]


def wires(y: float, diameter: float = 0.02, spacing: float = 0.25) -> list[Thing]:
    """Return a fence across the room: upright wires and two bars."""
    places = np.arange(-HALF_WIDTH + spacing / 2, HALF_WIDTH, spacing)
    upright = [Thing("can", (float(x), y, 1.25), (diameter, diameter, 2.5), "wire") for x in places]
    bars = [Thing("box", (0, y, z), (2 * HALF_WIDTH, diameter, diameter), "wire") for z in (0.4, 2.3)]
    return upright + bars


def photograph(
    things: Sequence[Thing],
    camera: Camera = CAMERA,
    side: int = 280,
    *,
    haze_per_metre: float = HAZE_PER_METRE,
    repeats_of: float = 1.0,
    pictures: Mapping[str, np.ndarray] | None = None,
) -> View:
    """Render things with exact depth and cover them with haze.

    Args:
        things: of the scene.
        camera: where to look from.
        side: height and width in pixels.
        haze_per_metre: extinction; 0 for clear air.
        repeats_of: factor of the number of times that textures repeat.
        pictures: uint8 (H, W, 3) by the name of the surface that shows them, on boxes seen from the front.
    """
    builder = Builder(np.random.default_rng(0))
    materials: dict[tuple[str, int, int], dict[str, str]] = {}
    for thing in things:
        across, along, up = thing.size
        # Walls, floor and ceiling are plates: what repeats on them is as large as on any other.
        flat, thin, upright = (edge * repeats_of <= 1.5 * WALL for edge in (up, along, across))
        edges = (across, along) if flat else (along, up) if upright else (across, up)
        is_plate = flat or thin or upright
        repeats = [max(1, round(edge * repeats_of / TEXTURE_PERIOD_METRES)) if is_plate else 1 for edge in edges]
        key = (thing.surface, *repeats)
        if key not in materials:
            materials[key] = _material(builder, thing.surface, (repeats[0], repeats[1]), pictures or {})
        _add(builder, thing, materials[key])
    scene = Scene(builder.load(), "room", lambda _: camera, light_transport=False)
    view = render_view(scene, camera, side, side, samples_per_pixel=SAMPLES_PER_PIXEL, seed=3)
    return View(add_haze(view.image, view.depth, haze_per_metre, AIRLIGHT), view.depth, view.intrinsics)


def _material(
    builder: Builder, surface: str, repeats: tuple[float, float], pictures: Mapping[str, np.ndarray]
) -> dict[str, str]:
    # A surface looks the same whatever else is in the scene.
    builder.random = np.random.default_rng(zlib.crc32(surface.encode()))
    if surface in pictures:
        # The front of a box has the rows of its texture upright.
        linear = SRGB_TO_LINEAR[np.ascontiguousarray(np.rot90(pictures[surface][::-1, ::-1]))]
        texture = {"type": "bitmap", "bitmap": load_mitsuba().Bitmap(linear), "raw": True}
        name = f"material-{surface}"
        builder.description[name] = {"type": "diffuse", "reflectance": texture}
        return {"type": "ref", "id": name}
    if surface in PAINTS:
        name = f"material-{surface}"
        builder.description[name] = {"type": "diffuse", "reflectance": {"type": "rgb", "value": PAINTS[surface]}}
        return {"type": "ref", "id": name}
    return builder.material(surface, repeats, gloss=0.0)


def _add(builder: Builder, thing: Thing, material: dict[str, str]) -> None:
    if thing.shape == "box":
        builder.box(IDENTITY, thing.middle, thing.size, material, turn_degrees=thing.turn_degrees)
    elif thing.shape == "ball":
        builder.ball(IDENTITY, thing.middle, thing.size[0], material)
    else:
        x, y, z = thing.middle
        builder.can(IDENTITY, (x, y, z - thing.size[2] / 2), thing.size[0] / 2, thing.size[2], material)
