# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Figures: images side by side, in sheets, with captions; sparse maps, point pairs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from .colour_maps import as_map
from .encode import as_rgb


GAP_PIXELS = 4
# Of a caption of one line, and what each further line adds.
CAPTION_PIXELS, LINE_PIXELS, MOST_LINES = 20, 15, 4
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
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


def sheet(
    rows: Sequence[Sequence[np.ndarray]],
    height: int | None = None,
    captions: Sequence[Sequence[str]] | None = None,
) -> np.ndarray:
    """Put rows of images on one sheet, with thin white gaps.

    Every image is resized to the common height with its proportions kept. A column is as wide as its widest image;
    narrower images are centred on white, and missing cells stay white.

    Args:
        rows: rows of uint8 (H, W, 3) RGB or (H, W) grey images, of any sizes; rows may differ in length.
        height: height of every image in pixels; default: the tallest image's.
        captions: of each image, above it and wrapped to its column as `add_caption` does; the strips of a row are as
            high as that of its longest text. None: no strips.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: there is no image, one is not uint8 of such a shape, `height` is not positive, or there is not one
            caption for each image.
    """
    cells = [[as_rgb(image) for image in row] for row in rows]
    if not any(cells):
        raise ValueError("a sheet needs at least one image, got none")
    if captions is not None and [len(row) for row in captions] != [len(row) for row in cells]:
        raise ValueError(
            f"a caption for each image is expected, {[len(row) for row in cells]} in the rows, got "
            f"{[len(row) for row in captions]}"
        )
    height = height if height is not None else max(image.shape[0] for row in cells for image in row)
    if height < 1:
        raise ValueError(f"height must be at least 1 pixel, got {height}")
    cells = [[resize_to_height(image, height) for image in row] for row in cells]
    widths = [
        max(row[column].shape[1] for row in cells if column < len(row)) for column in range(max(map(len, cells)))
    ]
    strips: list[list[np.ndarray]] = [[] for _ in cells]
    if captions is not None:
        for strip, texts in zip(strips, captions, strict=True):
            wrapped = [caption_lines(text, width) for text, width in zip(texts, widths, strict=False)]
            most = max(map(len, wrapped), default=1)
            strip += [_strip(lines, width, most) for lines, width in zip(wrapped, widths, strict=False)]
    tops = [strip[0].shape[0] if strip else 0 for strip in strips]
    size = (
        sum(tops) + len(cells) * (height + GAP_PIXELS) - GAP_PIXELS,
        sum(widths) + GAP_PIXELS * (len(widths) - 1),
        3,
    )
    canvas = np.full(size, WHITE, dtype=np.uint8)
    top = 0
    for row, strip, strip_height in zip(cells, strips, tops, strict=True):
        left = 0
        for number, (image, width) in enumerate(zip(row, widths, strict=False)):
            if strip:
                canvas[top : top + strip_height, left : left + width] = strip[number]
            start = left + (width - image.shape[1]) // 2
            canvas[top + strip_height : top + strip_height + height, start : start + image.shape[1]] = image
            left += width + GAP_PIXELS
        top += strip_height + height + GAP_PIXELS
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
    """Put a white strip with text above a picture, in as many lines as its width needs.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        text: characters outside of ASCII become "?"; what does not fit into four lines loses its middle.

    Returns:
        uint8 (H + strip, W, 3); a strip of one line has 20 pixels, each further one 15 more.
    """
    picture = as_rgb(image)
    return np.concatenate([_strip(caption_lines(text, picture.shape[1]), picture.shape[1]), picture])


def caption_lines(text: str, width: int) -> list[str]:
    """Return the lines of a caption that is so many pixels wide, broken at spaces where it can be."""
    text = text.encode("ascii", "replace").decode()
    lines = _wrapped(text, width)
    if len(lines) > MOST_LINES:
        # The middle goes, for names differ at their ends.
        # Every character takes some pixels, so that of a long text no more than these need be tried.
        tried = range(min(len(text), MOST_LINES * max(1, width)))
        kept = bisect_left(tried, True, key=lambda kept: len(_wrapped(_ends(text, kept), width)) > MOST_LINES)
        lines = _wrapped(_ends(text, max(0, kept - 1)), width)
    return lines[:MOST_LINES]


def _ends(text: str, kept: int) -> str:
    return f"{text[: kept // 2]}...{text[len(text) - (kept - kept // 2) :]}"


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text; of one that needs more than `MOST_LINES` the first ones, one more than these."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and _text_width(longer) > width:
            lines.append(line.rstrip())
            longer = word
        # A word that is wider than the picture is broken anywhere.
        while len(longer) > 1 and _text_width(longer) > width:
            word = longer
            ends = range(2, min(len(word), max(3, width)))
            fits = bisect_left(ends, True, key=partial(_is_wider, word, width)) + 1
            lines.append(word[:fits])
            longer = word[fits:]
            if len(lines) > MOST_LINES:
                return lines
        line = longer
        if len(lines) > MOST_LINES:
            return lines
    return [*lines, line] if line or not lines else lines


def _is_wider(text: str, width: int, end: int) -> bool:
    return _text_width(text[:end]) > width


def _text_width(text: str) -> int:
    """Return the pixels that a line takes, with the white to its left and right."""
    return int(cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0]) + 2 * GAP_PIXELS


def _strip(lines: Sequence[str], width: int, count: int | None = None) -> np.ndarray:
    """Return lines of text on white, uint8 (H, width, 3), as high as so many lines need; None: as they need."""
    height = CAPTION_PIXELS + LINE_PIXELS * (max(1, len(lines) if count is None else count) - 1)
    strip = np.full((height, width, 3), WHITE, dtype=np.uint8)
    for number, line in enumerate(lines):
        place = (GAP_PIXELS, CAPTION_PIXELS - 7 + number * LINE_PIXELS)
        cv2.putText(strip, line, place, FONT, FONT_SCALE, (0, 0, 0), 1, cv2.LINE_AA)
    return strip


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
