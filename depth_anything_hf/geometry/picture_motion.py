# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of two successive frames show the same, and where they were: optical flow on small grey pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


# Longer side of the small pictures, pixels; no side is shorter than what the flow needs.
SMALL_SIDE = 192
SHORTEST_SIDE = 32
# A pixel went there and came back within this many pixels, and a tenth of the way.
RETURN_PIXELS = 0.7
RETURN_SHARE = 0.1
# By which a pixel may differ from where it came from: half of the picture's contrast (standard deviation), but no less
# and no more grey levels (of 255) than these.
GREY_TOLERANCES = (5.0, 16.0)


@dataclass(frozen=True)
class PictureMotion:
    """Where the pixels of a frame were in the frame before.

    Attributes:
        flow: float32 (h, w, 2): the pixel (x, y) was at (x, y) + flow, in pixels of the small pictures.
        matched: bool (h, w): the pixel was seen before, at that place and in about the same grey.
    """

    flow: np.ndarray
    matched: np.ndarray

    def previous_pixels(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return where the pixels of a picture of another size were: x and y, float32 (height, width) each."""
        small_height, small_width = self.matched.shape
        x: np.ndarray = cv2.resize(self.flow[..., 0], (width, height), interpolation=cv2.INTER_LINEAR)
        y: np.ndarray = cv2.resize(self.flow[..., 1], (width, height), interpolation=cv2.INTER_LINEAR)
        x *= np.float32(width / small_width)
        y *= np.float32(height / small_height)
        x += np.arange(width, dtype=np.float32)[None, :]
        y += np.arange(height, dtype=np.float32)[:, None]
        return x, y

    def warp(self, previous: np.ndarray) -> np.ndarray:
        """Return the previous frame's map, float32 (H, W) of any size, moved to where its pixels are now."""
        x, y = self.previous_pixels(*previous.shape)
        moved: np.ndarray = cv2.remap(previous, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved


def small_grey(frame: np.ndarray, side: int = SMALL_SIDE) -> np.ndarray:
    """Return a frame, uint8 (H, W, 3) RGB, as a small grey picture, uint8 (h, w), the longer side `side` or less."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    height, width = small_size(grey.shape[0], grey.shape[1], side)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)


def small_size(height: int, width: int, side: int = SMALL_SIDE) -> tuple[int, int]:
    """Return the (height, width) of a small picture: at most `side`, no side below what the flow needs."""
    shrink = min(1.0, side / max(height, width))
    return max(SHORTEST_SIDE, round(height * shrink)), max(SHORTEST_SIDE, round(width * shrink))


def shrink_map(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a map, float32 (H, W), at another size: the mean over each pixel; NaN where it has any."""
    if values.shape == (height, width):
        return values
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)


def find_motion(previous: np.ndarray, current: np.ndarray) -> PictureMotion:
    """Find where the pixels of a small grey picture were in the one before.

    Dense inverse search (Kroeger et al., arXiv 1603.03590) both ways, started at the shift of the whole picture where
    phase correlation finds one, as in a pan. A pixel is matched where the way back leads to it again and where its
    grey is about that of where it came from, after the change of brightness and contrast of the whole picture.

    Args:
        previous: uint8 (h, w).
        current: uint8 (h, w).
    """
    previous, current = np.ascontiguousarray(previous), np.ascontiguousarray(current)
    shift = _shift_of_picture(previous, current)
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    back = engine.calc(current, previous, _constant_flow(current.shape, -shift))
    forth = engine.calc(previous, current, _constant_flow(current.shape, shift))
    height, width = current.shape
    x = np.arange(width, dtype=np.float32)[None, :] + back[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + back[..., 1]
    returned = cv2.remap(forth, x, y, cv2.INTER_LINEAR) + back
    came_from = cv2.remap(_as_bright_as(previous, current), x, y, cv2.INTER_LINEAR)
    length = np.hypot(back[..., 0], back[..., 1])
    matched = np.hypot(returned[..., 0], returned[..., 1]) <= RETURN_PIXELS + RETURN_SHARE * length
    tolerance = float(np.clip(current.std() / 2, *GREY_TOLERANCES))
    matched &= np.abs(current.astype(np.float32) - came_from) <= tolerance
    matched &= (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return PictureMotion(back, matched)


def _shift_of_picture(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return how far the whole picture moved, float32 (2,) in pixels; 0 unless that explains it better than rest."""
    window = cv2.createHanningWindow(previous.shape[::-1], cv2.CV_32F)
    first, second = previous.astype(np.float32), current.astype(np.float32)
    # Some versions of OpenCV multiply what they are given by the window, in place.
    (across, down), _ = cv2.phaseCorrelate(first.copy(), second.copy(), window)
    whole = np.rint(np.array([across, down], dtype=np.float32))
    height, width = previous.shape
    x, y = int(whole[0]), int(whole[1])
    if (x, y) == (0, 0) or abs(x) > width // 2 or abs(y) > height // 2:
        return np.zeros(2, dtype=np.float32)
    moved = np.abs(
        first[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
        - second[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)]
    ).mean()
    return whole if moved < np.abs(first - second).mean() else np.zeros(2, dtype=np.float32)


def _constant_flow(shape: tuple[int, ...], shift: np.ndarray) -> np.ndarray:
    flow = np.empty((*shape, 2), dtype=np.float32)
    flow[:] = shift
    return flow


def _as_bright_as(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return the previous picture with the mean and spread of the current one, float32: exposure is no motion."""
    mean, spread = float(previous.mean()), float(previous.std())
    gain = float(np.clip(current.std() / spread, 0.5, 2.0)) if spread > 1 else 1.0
    brought: np.ndarray = ((previous.astype(np.float32) - np.float32(mean)) * np.float32(gain)) + np.float32(
        current.mean()
    )
    return brought
