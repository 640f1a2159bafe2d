# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A part brought to a reference: outliers, fields that vary, parts with nothing to say, metres."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depth_anything_hf.inference.tiling.local_alignment import fit_to_reference, from_domain, sample_map, to_domain


@pytest.fixture
def part() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (32, 32)).astype(np.float32)


def test_one_scale_and_shift_are_found_beside_outliers(part: np.ndarray) -> None:
    wanted = 2.5 * part - 0.7
    wanted[4:12, 6:22] += 3  # an eighth of the cells
    fit = fit_to_reference(part, wanted, has_scale=True)
    assert fit is not None
    np.testing.assert_allclose(fit.scale, 2.5, atol=0.02)
    kept = np.ones(part.shape, dtype=bool)
    kept[4:12, 6:22] = False
    np.testing.assert_allclose(fit.apply(part)[kept], (2.5 * part - 0.7)[kept], atol=0.02)


def test_scale_and_shift_follow_what_varies_slowly(part: np.ndarray) -> None:
    slope = np.linspace(0, 1, 32)
    wanted = (1 + 0.5 * slope) * part + slope[:, None]
    fit = fit_to_reference(part, wanted, has_scale=True)
    assert fit is not None
    error = fit.apply(part) - wanted
    rigid = np.polyval(np.polyfit(part.ravel(), wanted.ravel(), 1), part) - wanted
    assert np.abs(error).mean() < 0.4 * np.abs(rigid).mean()


def test_a_fine_part_keeps_its_detail(part: np.ndarray) -> None:
    fine = np.repeat(np.repeat(part, 4, 0), 4, 1)
    fine += np.random.default_rng(1).normal(0, 0.05, fine.shape).astype(np.float32)
    fit = fit_to_reference(part, 2 * part + 1, has_scale=True)
    assert fit is not None
    np.testing.assert_allclose(fit.apply(fine), 2 * fine + 1, atol=1e-4)


def blur(values: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), 0.1 * max(values.shape), borderType=cv2.BORDER_REFLECT)


def test_a_region_that_contradicts_the_reference_follows_it_in_its_mean(part: np.ndarray) -> None:
    goal = 2 * part + 1
    spread, contradicting = float(goal.std()), part.copy()
    contradicting[6:18, 12:24] += 1.5
    fits = [fit_to_reference(contradicting, goal, has_scale=True, spread=each) for each in (None, spread)]
    left = [np.abs(blur(fit.apply(contradicting) - goal)).max() / spread for fit in fits if fit is not None]
    assert left[0] > 0.6 and left[1] < 0.3
    # Its detail is that of the part.
    inside, held = (slice(9, 15), slice(15, 21)), fits[1]
    assert held is not None
    assert np.corrcoef(held.apply(contradicting)[inside].ravel(), goal[inside].ravel())[0, 1] > 0.95


def test_a_part_that_agrees_is_hardly_moved_by_being_held(part: np.ndarray) -> None:
    goal = 2 * part + 1 + np.random.default_rng(1).normal(0, 0.05, part.shape)
    free, held = (fit_to_reference(part, goal, has_scale=True, spread=each) for each in (None, float(goal.std())))
    assert free is not None and held is not None
    np.testing.assert_array_equal(held.scale, free.scale)
    np.testing.assert_allclose(held.shift, free.shift, atol=0.02 * goal.std())


@pytest.mark.parametrize("kind", ["reversed", "constant", "upside down", "reference without a spread"])
def test_metres_that_say_nothing_are_left_out_where_a_spread_is_given(part: np.ndarray, kind: str) -> None:
    bad = {"reversed": -part, "constant": np.zeros_like(part), "upside down": part[::-1]}.get(kind, part)
    goal = np.zeros_like(part) if kind.startswith("reference") else part
    assert fit_to_reference(bad, goal, has_scale=False, spread=float(goal.std())) is None
    assert fit_to_reference(part + 0.3, part, has_scale=False, spread=float(part.std())) is not None


@pytest.mark.parametrize("wanted", ["reversed", "unrelated"])
def test_a_part_with_nothing_to_say_is_left_out(part: np.ndarray, wanted: str) -> None:
    goal = 1 - part if wanted == "reversed" else np.random.default_rng(5).uniform(0, 1, part.shape)
    assert fit_to_reference(part, goal, has_scale=True) is None
    assert fit_to_reference(np.zeros_like(part), goal, has_scale=True) is None


def test_equal_values_on_both_sides_are_no_division_by_zero(part: np.ndarray) -> None:
    flat = np.full_like(part, 3.0)
    assert fit_to_reference(part, flat, has_scale=True) is None
    fit = fit_to_reference(flat, flat + 1, has_scale=False)
    assert fit is not None
    np.testing.assert_allclose(fit.apply(flat), flat + 1, rtol=1e-6)


def test_metres_are_brought_to_metres_by_a_factor() -> None:
    metres = np.random.default_rng(0).uniform(1, 20, (24, 24)).astype(np.float32)
    part, reference = to_domain(1.7 * metres, "depth"), to_domain(metres, "depth")
    fit = fit_to_reference(part, reference, has_scale=False)
    assert fit is not None
    np.testing.assert_allclose(fit.scale, 1)
    np.testing.assert_allclose(from_domain(fit.apply(part), "depth"), metres, rtol=1e-5)


def test_cells_of_no_weight_do_not_count(part: np.ndarray) -> None:
    wanted, weights = 3 * part, np.ones(part.shape)
    wanted[:16] = 100 * np.random.default_rng(2).uniform(0, 1, (16, 32))
    weights[:16] = 0
    fit = fit_to_reference(part, wanted, has_scale=True, weights=weights)
    assert fit is not None
    np.testing.assert_allclose(fit.scale[20:], 3, atol=0.1)


def test_maps_are_sampled_between_and_beyond_their_pixels() -> None:
    ramp = np.add.outer(10 * np.arange(4.0), np.arange(5.0)).astype(np.float32)
    sampled = sample_map(ramp, np.array([-1, 0.5, 9]), np.array([0.123, 3.75]))
    np.testing.assert_allclose(sampled, [[0.123, 3.75], [5.123, 8.75], [30.123, 33.75]], rtol=1e-6)
