# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of depth and disparity maps: colours, 16-bit greys, errors, sheets, encoded files."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


LIMIT_PERCENTILES = (2.0, 98.0)
INVALID_GREY = 128
GAP_PIXELS = 4
CAPTION_PIXELS = 20
CAPTION_CHARACTER_PIXELS = 9
WHITE = 255


def colour_map(values: np.ndarray, minimum: float | None = None, maximum: float | None = None) -> np.ndarray:
    """Inferno colours, dark for small and bright for large values.

    Args:
        values: (H, W) real numbers of any unit. NaN (invalid) becomes mid grey; `+inf` (the sky of a depth map) takes
            the colour of `maximum`, `-inf` that of `minimum`.
        minimum: value of the darkest colour; default: the 2nd percentile of the finite values, which a few outliers
            cannot move.
        maximum: value of the brightest colour; default: the 98th percentile. Give both limits to compare maps.

    Returns:
        uint8 (H, W, 3) RGB. Where the two limits are equal, values at the limit take the middle colour.

    Raises:
        ValueError: `values` is not two-dimensional, or the limits are not finite and ordered.
    """
    values = _as_map(values, "values")
    low, high = _limits(values, minimum, maximum)
    with np.errstate(invalid="ignore"):
        # Equal limits: the sign tells below, at and above apart.
        share = (values - low) / (high - low) if high > low else (np.sign(values - low) + 1) / 2
    codes = np.rint(np.nan_to_num(np.clip(share, 0, 1)) * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(codes, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    colours[np.isnan(values)] = INVALID_GREY
    return colours


def error_map(prediction: np.ndarray, truth: np.ndarray, maximum: float | None = None) -> np.ndarray:
    """Absolute difference of two maps as colours, dark where they agree.

    Args:
        prediction: (H, W), already aligned to the truth's scale and shift.
        truth: (H, W), same unit; NaN is invalid. Two `+inf` agree, one alone is the largest error.
        maximum: difference that takes the brightest colour; default: a quarter of the truth's robust range, so that
            errors of several predictions of one truth can be compared by eye.

    Returns:
        uint8 (H, W, 3) RGB, mid grey where either map is NaN.

    Raises:
        ValueError: the shapes differ or are not two-dimensional, or `maximum` is negative.
    """
    prediction, truth = _as_map(prediction, "prediction"), _as_map(truth, "truth")
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {prediction.shape} and truth {truth.shape} must have the same height and width")
    if maximum is None:
        low, high = _limits(truth, None, None)
        maximum = (high - low) / 4
    with np.errstate(invalid="ignore"):
        error = np.where(prediction == truth, 0.0, np.abs(prediction - truth))
    return colour_map(error, 0.0, maximum)


def to_uint16(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Greys in 16 bits for pictures, from the smallest finite value (0) to the largest (65535).

    Labels for training have their own codec, which keeps invalid pixels apart (`data.reading.encode_disparity`).

    Args:
        values: (H, W) real numbers; NaN becomes 0, `+inf` 65535, `-inf` 0.

    Returns:
        uint16 (H, W), and the values of codes 0 and 65535: `minimum + code / 65535 * (maximum - minimum)` inverts it.

    Raises:
        ValueError: `values` is not two-dimensional.
    """
    values = _as_map(values, "values")
    finite = values[np.isfinite(values)]
    minimum, maximum = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    span = maximum - minimum
    share = np.nan_to_num((values - minimum) / (span if span > 0 else 1.0), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(share, 0, 1) * 65535).astype(np.uint16), minimum, maximum


def side_by_side(images: Sequence[np.ndarray], height: int | None = None) -> np.ndarray:
    """One picture of several images in a row, with thin white gaps.

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
    """One picture of rows of images, with thin white gaps.

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
    cells = [[_as_rgb(image) for image in row] for row in rows]
    if not any(cells):
        raise ValueError("a sheet needs at least one image, got none")
    height = height if height is not None else max(image.shape[0] for row in cells for image in row)
    if height < 1:
        raise ValueError(f"height must be at least 1 pixel, got {height}")
    cells = [[_resize_to_height(image, height) for image in row] for row in cells]
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


def stacked(images: Sequence[np.ndarray]) -> np.ndarray:
    """One picture of several below each other at their own sizes, from the left, with thin white gaps.

    Args:
        images: uint8 (H, W, 3) RGB or (H, W) grey.

    Returns:
        uint8 (H, W, 3), as wide as the widest.

    Raises:
        ValueError: there is no image.
    """
    if not images:
        raise ValueError("a picture needs at least one image, got none")
    width = max(image.shape[1] for image in images)
    parts = [
        np.pad(_as_rgb(image), ((0, GAP_PIXELS), (0, width - image.shape[1]), (0, 0)), constant_values=WHITE)
        for image in images
    ]
    return np.concatenate(parts)[:-GAP_PIXELS]


def captioned(image: np.ndarray, text: str) -> np.ndarray:
    """The picture below a white strip with one line of text.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        text: characters outside of ASCII become "?"; what is too long loses its middle.

    Returns:
        uint8 (H + strip, W, 3).
    """
    picture = _as_rgb(image)
    text = text.encode("ascii", "replace").decode()
    room = max(8, picture.shape[1] // CAPTION_CHARACTER_PIXELS)
    if len(text) > room:
        text = text[: room // 2 - 2] + "..." + text[len(text) - (room - room // 2 - 1) :]
    strip = np.full((CAPTION_PIXELS, picture.shape[1], 3), WHITE, dtype=np.uint8)
    place = (GAP_PIXELS, CAPTION_PIXELS - 7)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])


def thickened(values: np.ndarray, radius: int = 2, below_share: float = 0.2) -> np.ndarray:
    """Sparse measurements made visible: each grows to a square with the largest value around; dense maps stay.

    Args:
        values: float (H, W); NaN = nothing there.
        radius: pixels to each side.
        below_share: of valid pixels, below which a map is sparse.

    Returns:
        float32 (H, W).
    """
    values = _as_map(values, "values").astype(np.float32)
    valid = ~np.isnan(values)
    if not valid.any() or valid.mean() >= below_share:
        return values
    side = 2 * radius + 1
    lowest = np.finfo(np.float32).min
    grown = cv2.dilate(np.where(valid, values, lowest), np.ones((side, side), np.uint8))
    return np.where(grown == lowest, np.nan, grown).astype(np.float32)


def line_plot(x: np.ndarray, y: np.ndarray, size: tuple[int, int] = (280, 720)) -> np.ndarray:
    """One curve with the limits of both axes; logarithmic upwards where the values span more than a factor of ten.

    Args:
        x: (N,), increasing.
        y: (N,); values that are not finite are left out.
        size: height and width in pixels.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: fewer than two finite points.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if x.size < 2:
        raise ValueError(f"a curve needs at least two finite points, got {x.size}")
    height, width = size
    left, top, right, bottom = 70, 12, width - 12, height - 28
    is_logarithmic = y.min() > 0 and y.max() > 10 * y.min()
    level = np.log10(y) if is_logarithmic else y
    across = (x - x[0]) / max(x[-1] - x[0], 1e-12)
    upwards = (level - level.min()) / max(np.ptp(level), 1e-12)
    points = np.stack([left + across * (right - left), bottom - upwards * (bottom - top)], axis=1)
    plot = np.full((height, width, 3), WHITE, dtype=np.uint8)
    cv2.rectangle(plot, (left, top), (right, bottom), (200, 200, 200), 1)
    cv2.polylines(plot, [np.rint(points).astype(np.int32)], False, (30, 90, 200), 2, cv2.LINE_AA)
    for text, place in (
        (f"{y.max():.3g}", (4, top + 10)),
        (f"{y.min():.3g}", (4, bottom)),
        (f"{x[0]:g}", (left, height - 8)),
        (f"{x[-1]:g}", (right - 9 * len(f"{x[-1]:g}"), height - 8)),
    ):
        cv2.putText(plot, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return plot


def mark_pairs(image: np.ndarray, nearer: np.ndarray, farther: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Annotated point pairs on a picture: a line from the nearer point (filled dot) to the farther one (ring).

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        nearer: int (N, 2), row and column.
        farther: int (N, 2).
        correct: bool (N,): green where true, red where false.

    Returns:
        uint8 (H, W, 3), a copy.
    """
    picture = np.ascontiguousarray(_as_rgb(image)).copy()
    radius = max(2, round(max(picture.shape[:2]) / 80))
    for near, far, is_correct in zip(nearer, farther, correct, strict=True):
        colour = (0, 200, 0) if is_correct else (230, 0, 0)
        start, end = ((int(point[1]), int(point[0])) for point in (near, far))
        cv2.line(picture, start, end, colour, max(1, radius // 3), cv2.LINE_AA)
        cv2.circle(picture, start, radius, colour, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(picture, end, radius, colour, max(1, radius // 3), cv2.LINE_AA)
    return picture


def encode_png(image: np.ndarray) -> bytes:
    """A PNG file, lossless.

    Args:
        image: uint8 (H, W, 3) RGB, or uint8 or uint16 (H, W) grey.

    Raises:
        ValueError: another shape or type.
    """
    if image.dtype == np.uint16 and image.ndim == 2:
        return _encode(".png", image)
    return _encode(".png", _as_rgb(image)[..., ::-1] if image.ndim == 3 else _as_rgb(image)[..., 0])


def encode_jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """A JPEG file, small, for photographs and pictures to look at.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        quality: 1 to 100.

    Raises:
        ValueError: another shape or type.
    """
    return _encode(".jpg", _as_rgb(image)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def _as_map(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} must be a map of shape (H, W) with at least one pixel, got {values.shape}")
    return values


def _limits(values: np.ndarray, minimum: float | None, maximum: float | None) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    robust = np.percentile(finite, LIMIT_PERCENTILES) if finite.size else (0.0, 0.0)
    low = float(robust[0]) if minimum is None else float(minimum)
    high = float(robust[1]) if maximum is None else float(maximum)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"the limits must be finite, got minimum {low} and maximum {high}")
    if high < low and minimum is not None and maximum is not None:
        raise ValueError(f"minimum {low} is above maximum {high}")
    # One given limit may lie beyond the other, measured one; the map is then of one colour.
    return (low, max(low, high)) if minimum is not None else (min(low, high), high)


def _as_rgb(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    is_rgb_or_grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not is_rgb_or_grey or image.size == 0:
        raise ValueError(f"expected a uint8 image (H, W, 3) or (H, W), got {image.dtype} {image.shape}")
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _resize_to_height(image: np.ndarray, height: int) -> np.ndarray:
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    shrinks = height < image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _encode(suffix: str, image: np.ndarray, options: Sequence[int] = ()) -> bytes:
    written, data = cv2.imencode(suffix, np.ascontiguousarray(image), list(options))
    if not written:
        raise ValueError(f"OpenCV could not encode a {image.dtype} picture of shape {image.shape} as {suffix}")
    return data.tobytes()
