# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Encode disparity maps as 16-bit PNG, and decode them."""

from __future__ import annotations

import numpy as np

from .errors import BrokenSampleError
from .grey16_png import encode_grey16
from .stored_maps import read_stored_label


ENCODINGS = ("linear", "log")
LARGEST_CODE = 65535


def encode_disparity(disparity: np.ndarray, encoding: str = "linear") -> tuple[bytes, float, float]:
    """Encode a disparity map as a 16-bit PNG.

    Code 0 is NaN. With the linear encoding, codes 1..65535 run in equal steps from the smallest to the largest valid
    value, which suits disparity that is known up to scale and shift only. With the logarithmic encoding, code 1 is
    disparity 0 (sky), and codes 2..65535 run in equal ratios from the smallest to the largest positive value: the
    relative error is the same near and far, which suits 1 / metres.

    Args:
        disparity: float (H, W); NaN is invalid, infinite values are refused.
        encoding: "linear" or "log".

    Returns:
        (png_bytes, minimum, maximum): the values of the first and the last code; 0 and 0 for a map without a value.

    Raises:
        ValueError: not a map, infinite values, an unknown encoding, or negative values with the logarithmic encoding.
    """
    if disparity.ndim != 2:
        raise ValueError(f"expected a disparity map (H, W), got shape {disparity.shape}")
    if np.isinf(disparity).any():
        raise ValueError("a disparity map with infinite values cannot be encoded; set them to NaN (invalid) first")
    _check_encoding(encoding)
    codes, minimum, maximum = _linear_codes(disparity) if encoding == "linear" else _log_codes(disparity)
    return encode_grey16(codes), minimum, maximum


def decode_disparity(png_bytes: bytes, minimum: float, maximum: float, encoding: str = "linear") -> np.ndarray:
    """Decode a disparity map; the inverse of `encode_disparity`.

    The error is at most (maximum - minimum) / 65535 with the linear encoding, and the share
    ln(maximum / minimum) / 65535 of the value with the logarithmic one.

    Args:
        png_bytes: a 16-bit grey PNG.
        minimum: value of the first code, from `encode_disparity`.
        maximum: value of code 65535, from `encode_disparity`.
        encoding: "linear" or "log", as it was encoded.

    Returns:
        float32 (H, W), NaN where the code is 0.

    Raises:
        BrokenSampleError: not a 16-bit grey image.
        ValueError: an unknown encoding.
    """
    _check_encoding(encoding)
    codes, name = read_stored_label(png_bytes)
    if codes.dtype != np.uint16:
        raise BrokenSampleError(
            f"{name}: expected encoded disparity as a 16-bit PNG, got {codes.dtype}; see encode_disparity"
        )
    if encoding == "linear":
        values = minimum + (codes.astype(np.float64) - 1) * ((maximum - minimum) / (LARGEST_CODE - 1))
    else:
        ratio_per_step = np.log(maximum / minimum) / (LARGEST_CODE - 2) if minimum > 0 else 0.0
        values = minimum * np.exp((codes.astype(np.float64) - 2) * ratio_per_step)
        values[codes == 1] = 0.0
    values[codes == 0] = np.nan
    return values.astype(np.float32)


def _linear_codes(disparity: np.ndarray) -> tuple[np.ndarray, float, float]:
    # float64: float32 would add an error as large as a code step where the range is narrow.
    values = disparity.astype(np.float64)
    invalid = np.isnan(values)
    has_invalid = bool(invalid.any())
    valid = values[~invalid] if has_invalid else values
    minimum, maximum = (float(valid.min()), float(valid.max())) if valid.size else (0.0, 0.0)
    values -= minimum
    values *= (LARGEST_CODE - 1) / (maximum - minimum) if maximum > minimum else 0.0
    np.rint(values, out=values)
    values += 1
    if has_invalid:
        values[invalid] = 0
    return values.astype(np.uint16), minimum, maximum


def _log_codes(disparity: np.ndarray) -> tuple[np.ndarray, float, float]:
    if (disparity < 0).any():
        raise ValueError(
            f"the logarithmic encoding needs disparity >= 0, got {float(np.nanmin(disparity))}; use encoding='linear'"
        )
    positive = disparity > 0
    values = disparity[positive].astype(np.float64)
    minimum, maximum = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    steps = (LARGEST_CODE - 2) / np.log(maximum / minimum) if maximum > minimum else 0.0
    codes = np.where(np.isnan(disparity), 0, 1).astype(np.uint16)
    codes[positive] = 2 + np.rint(np.log(values / minimum) * steps)
    return codes, minimum, maximum


def _check_encoding(encoding: str) -> None:
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding of disparity must be one of {list(ENCODINGS)}, got {encoding!r}")
