# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Procedural surface textures: small sRGB pictures drawn from a random generator."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np


TEXTURE_SIZE = 128

# Textures whose period divides the picture repeat without a seam; the others are mirrored at their borders.
SEAMLESS_TEXTURES = ("tiles", "brick", "checker", "windows", "plaid")

# A pattern says, per pixel, how much of the second colour covers the first one.
Pattern = tuple[np.ndarray, np.ndarray, np.ndarray]


def random_colour(
    random: np.random.Generator, saturation: float | None = None, value: float | None = None
) -> np.ndarray:
    """Draw a colour (3,) in [0, 1]: any hue, mostly weak saturation, as on real surfaces, unless told otherwise."""
    hue = random.random()
    saturation = random.beta(1.0, 4.5) if saturation is None else saturation
    value = random.uniform(0.25, 0.95) if value is None else value
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value), dtype=np.float32)


def fractal_noise(
    random: np.random.Generator,
    octaves: int = 5,
    cells: float = 3,
    gain: float = 0.55,
    stretch_across: float = 1.0,
    stretch_down: float = 1.0,
    size: int = TEXTURE_SIZE,
) -> np.ndarray:
    """Draw smooth noise in [0, 1], (size, size): grids, each twice as fine and `gain` times as strong, summed up."""
    total = np.zeros((size, size), dtype=np.float32)
    for octave in range(octaves):
        rows = max(2, int(cells * 2**octave * stretch_down))
        columns = max(2, int(cells * 2**octave * stretch_across))
        grid = random.random((rows, columns), dtype=np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) * gain**octave
    noise: np.ndarray = (total - total.min()) / (np.ptp(total) + 1e-6)
    return noise


def _pixel_grid() -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and vertical position of the pixels, (size, size) each, in [0, 1)."""
    down, across = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE].astype(np.float32) / TEXTURE_SIZE
    return across, down


def _plain(random: np.random.Generator) -> Pattern:
    first = random_colour(random)
    return fractal_noise(random) * 0.2, first, first * 0.7


def _noise(random: np.random.Generator) -> Pattern:
    share = fractal_noise(random, octaves=int(random.integers(2, 7)), cells=int(random.integers(2, 10)))
    return share ** random.uniform(0.6, 3), random_colour(random), random_colour(random)


def _checker(random: np.random.Generator) -> Pattern:
    across, down = _pixel_grid()
    fields = 2 * int(random.integers(1, 6))
    share = ((across * fields).astype(int) + (down * fields).astype(int)) % 2
    return share, random_colour(random), random_colour(random)


def _stripes(random: np.random.Generator) -> Pattern:
    across, down = _pixel_grid()
    position = across if random.random() < 0.6 else down
    share = np.sin(position * 2 * np.pi * int(random.integers(2, 14))) > random.uniform(-0.5, 0.7)
    return share, random_colour(random), random_colour(random)


def _plaid(random: np.random.Generator) -> Pattern:
    across, down = _pixel_grid()
    stripes = int(random.integers(2, 9))
    vertical = np.sin(across * 2 * np.pi * stripes) > random.uniform(-0.3, 0.6)
    horizontal = np.sin(down * 2 * np.pi * stripes) > random.uniform(-0.3, 0.6)
    return 0.5 * vertical + 0.5 * horizontal, random_colour(random), random_colour(random)


def _wood(random: np.random.Generator) -> Pattern:
    across, _ = _pixel_grid()
    warp = 1.5 * fractal_noise(random, octaves=3, cells=1, gain=0.3)
    grain = 2 * fractal_noise(random, octaves=4, cells=4, gain=0.5)
    share = 0.5 + 0.5 * np.sin(2 * np.pi * (across * random.uniform(3, 9) + warp) + grain)
    planks = int(random.integers(1, 6))
    share = 0.8 * share + 0.2 * ((across * planks) % 1 < 0.02)
    brightness, warmth = random.uniform(0.35, 0.8), random.uniform(0.35, 0.6)
    first = brightness * np.array([1.0, 1 - 0.6 * warmth, 1 - 1.2 * warmth])
    return share, first, first * random.uniform(0.45, 0.8)


def _masonry(random: np.random.Generator, bricks: bool) -> Pattern:
    across, down = _pixel_grid()
    columns = int(random.integers(2, 7))
    rows = 2 * columns if bricks else columns
    if bricks:
        columns = max(2, columns - columns % 2)
        across = across + 0.5 / columns * ((down * rows).astype(int) % 2)
    joint = random.uniform(0.03, 0.1)
    joints = np.maximum((across * columns) % 1 < joint, (down * rows) % 1 < joint * rows / columns)
    stones = random.random((rows, columns), dtype=np.float32)
    shade = stones[(down * rows).astype(int) % rows, (across * columns).astype(int) % columns]
    share = 0.9 * joints + 0.35 * fractal_noise(random) + 0.25 * shade
    first = random_colour(random)
    if bricks and random.random() < 0.5:
        first = np.array([0.6, 0.32, 0.24]) * random.uniform(0.7, 1.3)
    return share, first, random_colour(random)


def _brick(random: np.random.Generator) -> Pattern:
    return _masonry(random, bricks=True)


def _tiles(random: np.random.Generator) -> Pattern:
    return _masonry(random, bricks=False)


def _windows(random: np.random.Generator) -> Pattern:
    across, down = _pixel_grid()
    columns, rows = int(random.integers(2, 6)), int(random.integers(3, 9))
    x, y = (across * columns) % 1, (down * rows) % 1
    left, low = random.uniform(0.08, 0.3), random.uniform(0.15, 0.3)
    glass = (x > left) & (x < 1 - left) & (y > low) & (y < 0.85)
    frame = glass & (np.abs(x - 0.5) < 0.03)
    lit = random.random((rows, columns))[(down * rows).astype(int), (across * columns).astype(int)]
    share = glass * (0.65 + 0.35 * lit) - 0.5 * frame
    return share, random_colour(random), random_colour(random, 0.2, random.uniform(0.05, 0.4))


def _grass(random: np.random.Generator) -> Pattern:
    first = np.array([0.32, 0.37, 0.19]) * random.uniform(0.7, 1.7) * random.uniform(0.85, 1.15, 3)
    second = first * random.uniform(0.3, 0.6) + random.uniform(0, 0.12)
    return fractal_noise(random, cells=5, gain=0.95), first, second


def _ground(random: np.random.Generator) -> Pattern:
    value = random.uniform(0.25, 0.65)
    first = value * np.array([1, random.uniform(0.85, 1), random.uniform(0.65, 1)])
    return fractal_noise(random, octaves=6, gain=random.uniform(0.6, 1)), first, first * random.uniform(0.4, 0.85)


def _asphalt(random: np.random.Generator) -> Pattern:
    first = random.uniform(0.25, 0.5) * np.array([1, 1, random.uniform(0.95, 1.08)])
    return fractal_noise(random, octaves=6, cells=4, gain=0.9), first, first * random.uniform(0.55, 0.9)


def _skin(random: np.random.Generator) -> Pattern:
    first = np.array([0.9, 0.7, 0.58]) * random.uniform(0.35, 1)
    return fractal_noise(random) * 0.2, first, first * 0.8


def _spots(random: np.random.Generator) -> Pattern:
    canvas = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), dtype=np.float32)
    radius = int(random.integers(2, 9))
    for _ in range(int(random.integers(15, 90))):
        x, y = (int(value) for value in random.integers(0, TEXTURE_SIZE, 2))
        cv2.circle(canvas, (x, y), int(random.integers(1, radius + 1)), float(random.uniform(0.4, 1)), -1)
    return canvas, random_colour(random), random_colour(random)


PATTERNS: dict[str, Callable[[np.random.Generator], Pattern]] = {
    "plain": _plain,
    "noise": _noise,
    "checker": _checker,
    "stripes": _stripes,
    "plaid": _plaid,
    "wood": _wood,
    "brick": _brick,
    "tiles": _tiles,
    "windows": _windows,
    "grass": _grass,
    "ground": _ground,
    "asphalt": _asphalt,
    "skin": _skin,
    "spots": _spots,
}


def _picture(random: np.random.Generator) -> np.ndarray:
    """Draw a picture to hang on a wall: a gradient with a few random figures, float in [0, 1], (size, size, 3)."""
    _, down = _pixel_grid()
    top, bottom = random_colour(random, random.uniform(0, 0.7)), random_colour(random, random.uniform(0, 0.7))
    mixed = np.clip(down + 0.4 * (fractal_noise(random) - 0.5), 0, 1)[..., None]
    canvas = np.ascontiguousarray(top * (1 - mixed) + bottom * mixed, dtype=np.float32)
    for _ in range(int(random.integers(2, 9))):
        colour = [float(value) for value in random_colour(random, random.uniform(0, 0.9))]
        x, y, width, height = (int(value) for value in random.integers(4, TEXTURE_SIZE, 4))
        figure = random.integers(3)
        if figure == 0:
            cv2.rectangle(canvas, (x, y), (x + width // 2, y + height // 2), colour, -1)
        elif figure == 1:
            cv2.ellipse(canvas, (x, y), (width // 4, height // 4), float(random.uniform(0, 180)), 0, 360, colour, -1)
        else:
            cv2.line(canvas, (x, y), (width, height), colour, int(random.integers(1, 6)))
    return canvas


def make_texture(random: np.random.Generator, kind: str) -> np.ndarray:
    """Draw a texture.

    Args:
        random: source of all variation.
        kind: a key of `PATTERNS`, or `"picture"`.

    Returns:
        uint8 (128, 128, 3), sRGB.
    """
    if kind == "picture":
        image = _picture(random)
    else:
        share, first, second = PATTERNS[kind](random)
        share = np.clip(share, 0, 1)[..., None]
        image = first * (1 - share) + second * share
    grain = 1 + random.uniform(0, 0.12) * (random.random((TEXTURE_SIZE, TEXTURE_SIZE, 1)) - 0.5)
    stains = 1 - random.uniform(0, 0.3) * fractal_noise(random, octaves=3)[..., None]
    return (np.clip(image * grain * stains, 0, 1) * 255 + 0.5).astype(np.uint8)
