# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps in the browser: values at pixels, not means, exact to half a step."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from depth_anything_hf.demo.hover import for_browser, sampled, to_codes
from depth_anything_hf.visualization.colour_tables import colour_table


def decode(data: dict) -> np.ndarray:
    """As the script in the browser does."""
    codes = np.frombuffer(base64.b64decode(data["codes"]), "<u2").reshape(data["height"], data["width"])
    base = data["low"] + (codes.astype(float) - 1) / 65534 * (data["high"] - data["low"])
    return np.where(codes == 0, np.nan, np.exp(base) if data["is_depth"] else base)


def test_a_map_that_is_small_enough_is_sent_whole():
    values = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(sampled(values), values)


@pytest.mark.parametrize("shape", [(1000, 700), (5, 3000), (3000, 1)])
def test_of_a_larger_map_values_are_taken_at_the_pixels_under_the_centres(shape):
    values = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    found = sampled(values, longest=100)
    assert max(found.shape) == 100 and min(found.shape) >= 1
    height, width = found.shape
    for row, column in ((0, 0), (height - 1, width - 1), (height // 2, width // 3)):
        # As `fullPlace` of the script says which pixel it is.
        y, x = int((row + 0.5) * shape[0] / height), int((column + 0.5) * shape[1] / width)
        assert found[row, column] == values[min(y, shape[0] - 1), min(x, shape[1] - 1)]


def test_metres_keep_their_relative_precision_from_near_to_far():
    depth = np.array([[0.1, 1.0, 10.0, 1e5], [np.nan, np.inf, -1.0, 0.0]])
    codes, low, high = to_codes(depth, is_logarithmic=True)
    back = np.exp(low + (codes[0].astype(float) - 1) / 65534 * (high - low))
    assert np.allclose(back, depth[0], rtol=1.1e-4)
    assert codes[1].tolist() == [0, 0, 0, 0]


def test_a_map_without_values_or_of_one_value_has_codes():
    assert to_codes(np.full((2, 2), np.nan), is_logarithmic=False) == (pytest.approx(np.zeros((2, 2))), 0.0, 0.0)
    codes, low, high = to_codes(np.full((2, 2), 3.0), is_logarithmic=False)
    assert (codes == 1).all() and low == high == 3.0


def test_the_browser_gets_values_and_colours(relative, metric):
    for result in (relative, metric):
        data = json.loads(json.dumps(for_browser(result, "cividis")))
        step = np.ptp(result.raw) / 65534
        assert np.allclose(decode(data), result.raw, atol=step, rtol=2e-4 if data["is_depth"] else 0)
        assert (data["full_width"], data["full_height"]) == (80, 60)
        assert base64.b64decode(data["colours"]) == colour_table("cividis").tobytes()
        assert (data["first_colour"], data["last_colour"]) == result.limits()
    assert (
        "metres" in for_browser(metric, "gray")["label"]
        and "larger is nearer" in for_browser(relative, "gray")["label"]
    )
    holed = replace(relative, raw=np.where(np.arange(80) < 5, np.nan, relative.raw).astype(np.float32))
    assert np.isnan(decode(for_browser(holed, "gray"))[:, :5]).all()
