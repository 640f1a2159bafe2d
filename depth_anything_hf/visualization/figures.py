# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Figures: images side by side, in sheets, with captions; sparse maps, point pairs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .colour_maps import as_map
from .encode import as_rgb


GAP_PIXELS = 4
CAPTION_PIXELS = 20
CAPTION_CHARACTER_PIXELS = 9
WHITE = 255
# Okabe and Ito's, which colour-blind readers tell apart, from grey too.
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def side_by_side(images: Sequence[np.ndarray], height: int | None = None) -> np.ndarray:
    """Put images in a row, with thin white gaps.

    Args:
        images: uint8 (H, W, 3) RGB or (H, W) grey, of any sizes.
        height: common height in pixels; default: the tallest image's.

    Returns:
        uint8 (height, W, 3).

    Raises:
        ValueError: there is no image, or one is not uint8 of such a shape.
    """
    return sheet([images], height)


def sheet(rows: Sequence[Sequence[np.ndarray]], height: int | None = None) -> np.ndarray:
    """Put rows of images on one sheet, with thin white gaps.

    Every image is resized to the common height with its proportions kept. A column is as wide as its widest image;
    narrower images are centred on white, and missing cells stay white.

    Args:
        rows: rows of uint8 (H, W, 3) RGB or (H, W) grey images, of any sizes; rows may differ in length.
        height: height of every image in pixels; default: the tallest image's.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: there is no image, one is not uint8 of such a shape, or `height` is not positive.
    """
    cells = [[as_rgb(image) for image in row] for row in rows]
    if not any(cells):
        raise ValueError("a sheet needs at least one image, got none")
    height = height if height is not None else max(image.shape[0] for row in cells for image in row)
    if height < 1:
        raise ValueError(f"height must be at least 1 pixel, got {height}")
    cells = [[resize_to_height(image, height) for image in row] for row in cells]
    widths = [
        max(row[column].shape[1] for row in cells if column < len(row)) for column in range(max(map(len, cells)))
    ]
    size = (len(cells) * (height + GAP_PIXELS) - GAP_PIXELS, sum(widths) + GAP_PIXELS * (len(widths) - 1), 3)
    canvas = np.full(size, WHITE, dtype=np.uint8)
    for row_number, row in enumerate(cells):
        top, left = row_number * (height + GAP_PIXELS), 0
        for image, width in zip(row, widths, strict=False):
            start = left + (width - image.shape[1]) // 2
            canvas[top : top + height, start : start + image.shape[1]] = image
            left += width + GAP_PIXELS
    return canvas


def stack(images: Sequence[np.ndarray]) -> np.ndarray:
    """Put images below each other at their own sizes, aligned left, with thin white gaps.

    Args:
        images: uint8 (H, W, 3) RGB or (H, W) grey.

    Returns:
        uint8 (H, W, 3), as wide as the widest.

    Raises:
        ValueError: there is no image.
    """
    if not images:
        raise ValueError("a stack needs at least one image, got none")
    width = max(image.shape[1] for image in images)
    parts = [
        np.pad(as_rgb(image), ((0, GAP_PIXELS), (0, width - image.shape[1]), (0, 0)), constant_values=WHITE)
        for image in images
    ]
    return np.concatenate(parts)[:-GAP_PIXELS]


def add_caption(image: np.ndarray, text: str) -> np.ndarray:
    """Put a white strip with one line of text above a picture.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        text: characters outside of ASCII become "?"; what is too long loses its middle.

    Returns:
        uint8 (H + strip, W, 3).
    """
    picture = as_rgb(image)
    text = text.encode("ascii", "replace").decode()
    room = max(8, picture.shape[1] // CAPTION_CHARACTER_PIXELS)
    if len(text) > room:
        text = text[: room // 2 - 2] + "..." + text[len(text) - (room - room // 2 - 1) :]
    strip = np.full((CAPTION_PIXELS, picture.shape[1], 3), WHITE, dtype=np.uint8)
    place = (GAP_PIXELS, CAPTION_PIXELS - 7)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])


def thicken(values: np.ndarray, radius: int = 2, below_share: float = 0.2) -> np.ndarray:
    """Make sparse measurements visible: each grows to a square, the largest value wins; dense maps stay.

    Args:
        values: float (H, W); NaN = nothing there.
        radius: pixels to each side.
        below_share: of valid pixels, below which a map is sparse.

    Returns:
        float32 (H, W).
    """
    values = as_map(values, "values").astype(np.float32)
    valid = ~np.isnan(values)
    if not valid.any() or valid.mean() >= below_share:
        return values
    side = 2 * radius + 1
    lowest = np.finfo(np.float32).min
    grown = cv2.dilate(np.where(valid, values, lowest), np.ones((side, side), np.uint8))
    return np.where(grown == lowest, np.nan, grown).astype(np.float32)


def mark_pairs(image: np.ndarray, nearer: np.ndarray, farther: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Draw annotated point pairs: a line from the nearer point (filled dot) to the farther one (ring).

    Wrong pairs have a cross in their middle besides another colour.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        nearer: int (N, 2), row and column.
        farther: int (N, 2).
        correct: bool (N,): blue where true, orange with a cross where false.

    Returns:
        uint8 (H, W, 3), a copy.
    """
    picture = np.ascontiguousarray(as_rgb(image)).copy()
    radius = max(2, round(max(picture.shape[:2]) / 80))
    thickness = max(1, radius // 3)
    for near, far, is_correct in zip(nearer, farther, correct, strict=True):
        colour = BLUE if is_correct else ORANGE
        start, end = ((int(point[1]), int(point[0])) for point in (near, far))
        middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        # The white border sets it off from pictures of any colour.
        for stroke, wider in (((WHITE,) * 3, 2), (colour, 0)):
            cv2.line(picture, start, end, stroke, thickness + wider, cv2.LINE_AA)
            if not is_correct:
                size = 4 * radius
                cv2.drawMarker(picture, middle, stroke, cv2.MARKER_TILTED_CROSS, size, thickness + wider, cv2.LINE_AA)
            cv2.circle(picture, start, radius + wider // 2, stroke, cv2.FILLED, cv2.LINE_AA)
            cv2.circle(picture, end, radius, stroke, thickness + wider, cv2.LINE_AA)
    return picture


def resize_to_height(image: np.ndarray, height: int) -> np.ndarray:
    """Resize a picture, uint8 (H, W, 3) or (H, W), to a height in pixels with its proportions kept."""
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    shrinks = height < image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
