# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Clips whose motion is known: a window that moves over a large textured picture with a disparity of its own."""

from __future__ import annotations

import cv2
import numpy as np


HEIGHT, WIDTH, WORLD = 72, 96, 640


def smooth_noise(random: np.random.Generator, height: int, width: int, pixels: float) -> np.ndarray:
    noise = cv2.GaussianBlur(random.normal(size=(height, width)).astype(np.float32), (0, 0), pixels)
    return (noise - noise.min()) / (noise.max() - noise.min())


class World:
    """A wide picture and its disparity, from 0 to 1."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        texture = [smooth_noise(random, HEIGHT, WORLD, 1.5) for _ in range(3)]
        self.picture = (np.stack(texture, axis=-1) * 255).astype(np.uint8)
        self.disparity = smooth_noise(random, HEIGHT, WORLD, 10)

    def view(self, x: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (frame, disparity) of the window that begins at column x."""
        return self.picture[:, x : x + WIDTH].copy(), self.disparity[:, x : x + WIDTH].copy()


def pan(frames: int, speed: float = 3.0) -> list[int]:
    """Return the columns of a pan to and fro, at most `speed` pixels a frame."""
    middle = (WORLD - WIDTH) / 2
    return [round(middle + middle * np.sin(frame * speed / middle)) for frame in range(frames)]
