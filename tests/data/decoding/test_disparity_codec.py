# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The 16-bit code of disparity keeps its error bounds."""

from __future__ import annotations

import numpy as np
import pytest
from sample_files import png_bytes

from depth_anything_hf.data.decoding.disparity_codec import decode_disparity, encode_disparity


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.013, 417.0), (-3, 5e-4), (1e-6, 3e-6)])
def test_encoded_disparity_keeps_its_error_bound(low: float, high: float) -> None:
    disparity = np.random.default_rng(0).uniform(low, high, (37, 53)).astype(np.float32)
    disparity[3:5, 10:20] = np.nan
    png, minimum, maximum = encode_disparity(disparity)
    decoded = decode_disparity(png, minimum, maximum)
    assert decoded.dtype == np.float32 and np.array_equal(np.isnan(decoded), np.isnan(disparity))
    assert minimum == np.nanmin(disparity) and maximum == np.nanmax(disparity)
    assert np.nanmax(np.abs(decoded.astype(np.float64) - disparity)) <= (maximum - minimum) / 65535
    assert np.nanmin(decoded) == np.nanmin(disparity) and np.nanmax(decoded) == np.nanmax(disparity)


def test_encoded_disparity_of_special_maps() -> None:
    for disparity in (np.full((4, 5), 2.5, np.float32), np.full((4, 5), np.nan, np.float32)):
        png, minimum, maximum = encode_disparity(disparity)
        assert np.isfinite([minimum, maximum]).all()
        assert np.array_equal(decode_disparity(png, minimum, maximum), disparity, equal_nan=True)
    with pytest.raises(ValueError, match="infinite"):
        encode_disparity(np.array([[np.inf, 1]], dtype=np.float32))
    with pytest.raises(ValueError, match="shape"):
        encode_disparity(np.zeros((1, 2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="16-bit"):
        decode_disparity(png_bytes(np.zeros((2, 2), dtype=np.uint8)), 0, 1)


def test_the_logarithmic_code_keeps_the_relative_error_and_zero() -> None:
    disparity = np.geomspace(1e-3, 20, 5000, dtype=np.float32).reshape(50, 100)
    disparity[0, :3] = (np.nan, 0, 1e-3)
    png, minimum, maximum = encode_disparity(disparity, "log")
    decoded = decode_disparity(png, minimum, maximum, "log")
    assert (minimum, maximum) == (float(np.float32(1e-3)), 20.0)
    assert np.isnan(decoded[0, 0]) and decoded[0, 1] == 0
    positive = disparity > 0
    np.testing.assert_allclose(decoded[positive], disparity[positive], rtol=np.log(maximum / minimum) / 65535)


@pytest.mark.parametrize("values", [[0.0, 0.0], [np.nan, np.nan], [2.5, 2.5], [0.0, 3.0]])
def test_the_logarithmic_code_of_few_values_is_exact(values: list[float]) -> None:
    disparity = np.array([values], dtype=np.float32)
    png, minimum, maximum = encode_disparity(disparity, "log")
    np.testing.assert_array_equal(decode_disparity(png, minimum, maximum, "log"), disparity)


def test_the_logarithmic_code_refuses_negative_values_and_unknown_names_are_told() -> None:
    disparity = np.array([[-1.0, 2.0]], dtype=np.float32)
    with pytest.raises(ValueError, match=r"disparity >= 0, got -1.0; use encoding='linear'"):
        encode_disparity(disparity, "log")
    with pytest.raises(ValueError, match=r"one of \['linear', 'log'\], got 'logarithm'"):
        encode_disparity(disparity, "logarithm")
    with pytest.raises(ValueError, match="encoding of disparity must be one of"):
        decode_disparity(b"", 0, 1, "")
