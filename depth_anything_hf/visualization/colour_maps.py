# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours of depth and disparity maps, absolute errors, 16-bit greys."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .colour_tables import DEFAULT_COLOUR_MAP, colour_table


LIMIT_PERCENTILES = (2.0, 98.0)
INVALID_GREY = 128
LARGEST_CODE = 65535
ROWS_AT_ONCE = 256
# Beyond the percentiles, in distances of the two.
OUTLIER_DISTANCE = 4.0


def colour_map(
    values: np.ndarray,
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    name: str = DEFAULT_COLOUR_MAP,
) -> np.ndarray:
    """Colour a map, by default with Inferno: dark for small and bright for large values.

    Args:
        values: (H, W) real numbers of any unit. NaN (invalid) becomes mid grey; `+inf` (the sky of a depth map) takes
            the colour of `maximum`, `-inf` that of `minimum`.
        minimum: value of the first colour; default: the 2nd percentile of the finite values, which a few outliers
            cannot move.
        maximum: value of the last colour; default: the 98th percentile. Give both limits to compare maps.
        name: of the colours, as in `colour_table`.

    Returns:
        uint8 (H, W, 3) RGB. Where the two limits are equal, values at the limit take the middle colour.

    Raises:
        ValueError: `values` is not two-dimensional, the limits are not finite and ordered, or no such colours.
    """
    values = np.asarray(values)
    low, high = colour_limits(values, minimum, maximum)
    table = colour_table(name)
    colours = np.empty((*values.shape, 3), dtype=np.uint8)
    for rows in _bands(values):
        part = as_map(values[rows], "values")
        with np.errstate(invalid="ignore"):
            # Equal limits: the sign tells below, at and above apart.
            share = (part - low) / (high - low) if high > low else (np.sign(part - low) + 1) / 2
        codes = np.rint(np.nan_to_num(np.clip(share, 0, 1)) * 255).astype(np.uint8)
        coloured = table[codes]
        coloured[np.isnan(part)] = INVALID_GREY
        colours[rows] = coloured
    return colours


def error_map(prediction: np.ndarray, truth: np.ndarray, maximum: float | None = None) -> np.ndarray:
    """Colour the absolute difference of two maps, dark where they agree.

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
    prediction, truth = as_map(prediction, "prediction"), as_map(truth, "truth")
    if prediction.shape != truth.shape:
        raise ValueError(
            f"prediction and truth must have the same height and width, got {prediction.shape} and {truth.shape}"
        )
    if maximum is None:
        low, high = colour_limits(truth)
        maximum = (high - low) / 4
    with np.errstate(invalid="ignore"):
        error = np.where(prediction == truth, 0.0, np.abs(prediction - truth))
    return colour_map(error, 0.0, maximum)


def to_uint16(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Scale a map to 16-bit greys: code 0 has no value, codes 1 to 65535 run in equal steps from small to large.

    They cover all finite values, but for outliers, of which one would take the codes of all others: the range ends
    where a value is farther beyond the 2nd or 98th percentile than four times the distance of these two.

    Labels for training have their own codec, which clips nothing (`data.decoding.disparity_codec.encode_disparity`).

    Args:
        values: (H, W) real numbers. NaN has code 0; what is beyond the range, infinity too, has the code of its end.

    Returns:
        uint16 (H, W), and the values of codes 1 and 65535, with which `from_uint16` inverts it. Without a finite value
        all codes are 0, and so are the two.

    Raises:
        ValueError: `values` is not two-dimensional.
    """
    values = np.asarray(values)
    finite = as_map(values, "values")
    finite = finite[np.isfinite(finite)]
    codes = np.zeros(values.shape, dtype=np.uint16)
    if not finite.size:
        return codes, 0.0, 0.0
    minimum, maximum = _range_of_codes(finite)
    span = maximum - minimum
    for rows in _bands(values):
        part = as_map(values[rows], "values")
        is_valid = ~np.isnan(part)
        share = (np.clip(np.where(is_valid, part, minimum), minimum, maximum) - minimum) / (span if span > 0 else 1.0)
        codes[rows] = np.where(is_valid, np.rint(share * (LARGEST_CODE - 1)) + 1, 0).astype(np.uint16)
    return codes, minimum, maximum


def from_uint16(codes: np.ndarray, minimum: float, maximum: float) -> np.ndarray:
    """Return the values of 16-bit greys, the inverse of `to_uint16` to half a step: (maximum - minimum) / 131068.

    Args:
        codes: uint16 (H, W).
        minimum: value of code 1.
        maximum: value of code 65535.

    Returns:
        float32 (H, W), `minimum + (code - 1) / 65534 * (maximum - minimum)`; NaN where the code is 0.
    """
    values = minimum + (np.asarray(codes, dtype=np.float64) - 1) / (LARGEST_CODE - 1) * (maximum - minimum)
    return np.where(np.asarray(codes) == 0, np.nan, values).astype(np.float32)


def _range_of_codes(finite: np.ndarray) -> tuple[float, float]:
    smallest, largest = float(finite.min()), float(finite.max())
    # Between two values, one outlier of few would move the percentiles.
    low = float(np.percentile(finite, LIMIT_PERCENTILES[0], method="higher"))
    high = float(np.percentile(finite, LIMIT_PERCENTILES[1], method="lower"))
    if not high > low:
        return smallest, largest
    margin = OUTLIER_DISTANCE * (high - low)
    return max(smallest, low - margin), min(largest, high + margin)


def _bands(values: np.ndarray) -> Iterator[slice]:
    """Yield the rows of a map by bands, so that what is computed of them takes little memory for large pictures."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield slice(start, start + ROWS_AT_ONCE)


def as_map(values: np.ndarray, name: str) -> np.ndarray:
    """Return a map as float64; raise ValueError with its name unless it is (H, W) with at least one pixel."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} must be a map of shape (H, W) with at least one pixel, got {values.shape}")
    return values


def colour_limits(
    values: np.ndarray, minimum: float | None = None, maximum: float | None = None
) -> tuple[float, float]:
    """Return the values of the first and the last colour of `colour_map`, with the same arguments and errors."""
    values = as_map(values, "values")
    finite = values[np.isfinite(values)]
    robust = np.percentile(finite, LIMIT_PERCENTILES) if finite.size else (0.0, 0.0)
    low = float(robust[0]) if minimum is None else float(minimum)
    high = float(robust[1]) if maximum is None else float(maximum)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"minimum and maximum must be finite, got {low} and {high}")
    if high < low and minimum is not None and maximum is not None:
        raise ValueError(f"minimum must not be above maximum, got {low} and {high}")
    # One given limit may lie beyond the other, measured one; the map is then of one colour.
    return (low, max(low, high)) if minimum is not None else (min(low, high), high)
