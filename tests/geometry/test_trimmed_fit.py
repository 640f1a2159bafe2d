# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Least trimmed squares finds the line of most pixels, whatever the others say."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.geometry.alignment import fit_scale_and_shift
from depth_anything_hf.geometry.trimmed_fit import fit_trimmed_scale_and_shift


SIZE = (60, 80)
EVERYWHERE = np.ones(SIZE, dtype=bool)


def _noisy_line(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values, and 0.2 * values + 0.05 with 2 % of noise."""
    random = np.random.default_rng(seed)
    values = np.abs(random.normal(0, 1, SIZE))
    return values, (0.2 * values + 0.05) * random.normal(1, 0.02, SIZE)


@pytest.mark.parametrize("case", ["a wall", "an offset", "the nearest cut off", "anything"])
def test_a_third_of_wrong_pixels_does_not_carry_the_fit_away(case: str) -> None:
    values, target = _noisy_line()
    wrong = np.random.default_rng(1).random(SIZE) < 0.33
    if case == "a wall":
        target[wrong] = 0.05
    elif case == "an offset":
        target[wrong] += 0.5
    elif case == "the nearest cut off":
        target = np.minimum(target, np.quantile(target, 0.7))
    else:
        target[wrong] = np.random.default_rng(2).uniform(0, 3, int(wrong.sum()))
    scale, shift = fit_trimmed_scale_and_shift(values, target, EVERYWHERE)
    assert scale == pytest.approx(0.2, rel=0.05) and shift == pytest.approx(0.05, abs=0.007)
    by_all = fit_scale_and_shift(values, target, EVERYWHERE)
    assert abs(by_all[0] - 0.2) > 0.02 or abs(by_all[1] - 0.05) > 0.02


def test_an_exact_line_is_found_exactly_and_may_fall() -> None:
    values, _ = _noisy_line()
    for scale, shift in ((0.2, 0.05), (-3.0, 1.0), (1e-6, 1e3)):
        target = scale * values + shift
        target[:20] = 7.0
        found = fit_trimmed_scale_and_shift(values, target, EVERYWHERE)
        assert found == pytest.approx((scale, shift), rel=1e-6)
    assert fit_trimmed_scale_and_shift(values, values, EVERYWHERE, kept_share=1) == pytest.approx((1, 0), abs=1e-9)


def test_weights_decide_between_pixels() -> None:
    values, _ = _noisy_line()
    is_first = np.arange(values.size).reshape(SIZE) % 2 == 0
    target = np.where(is_first, 0.2 * values + 0.05, 2 - values)
    for heavy, line in ((is_first, (0.2, 0.05)), (~is_first, (-1.0, 2.0))):
        found = fit_trimmed_scale_and_shift(values, target, EVERYWHERE, weights=np.where(heavy, 100.0, 1.0))
        assert found == pytest.approx(line, rel=1e-3, abs=1e-3)


def test_degenerate_pixels_give_no_scale() -> None:
    values, target = _noisy_line()
    assert fit_trimmed_scale_and_shift(np.full(SIZE, 2.0), target, EVERYWHERE) == pytest.approx((0, target.mean()))
    assert np.isnan(fit_trimmed_scale_and_shift(values, target, ~EVERYWHERE)).all()
    # More than half of the pixels have one value, so that the best pixels alone tell no scale.
    flat = np.where(np.arange(values.size).reshape(SIZE) % 10 < 7, 1.0, values)
    assert np.isfinite(fit_trimmed_scale_and_shift(flat, 0.2 * flat + 0.05, EVERYWHERE)).all()
    with pytest.raises(ValueError, match=r"kept_share must be from 0.5 to 1, got 0.4"):
        fit_trimmed_scale_and_shift(values, target, EVERYWHERE, kept_share=0.4)
    with pytest.raises(ValueError, match="prediction is not finite at 1 of"):
        fit_trimmed_scale_and_shift(np.where(values == values.max(), np.nan, values), target, EVERYWHERE)
