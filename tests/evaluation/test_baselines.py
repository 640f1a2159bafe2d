# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Baselines recover what they can represent, at any size, and give the same numbers twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from depth_anything_hf.evaluation.baselines import (
    ColourRegression,
    Constant,
    MeanDisparityMap,
    Rows,
    as_predictor,
    normalize_disparity,
    shuffle_predictions,
)
from depth_anything_hf.evaluation.evaluator import evaluate


def row_samples(sizes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Disparity linear in the row, each image in a unit of its own, with invalid pixels and random pictures."""
    samples = []
    for number, (height, width) in enumerate(sizes):
        random = np.random.default_rng(number)
        rows = (np.arange(height) + 0.5) / height
        disparity = np.repeat(((2 + number) * rows + 0.1 * number)[:, None], width, axis=1).astype(np.float32)
        disparity[1:3, 2:5] = np.nan
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        samples.append({"image": image, "disparity": disparity, "name": str(number)})
    return samples


def colour_samples(count: int, size: int = 56) -> list[dict[str, Any]]:
    """Disparity that is a quadratic function of a smooth picture's colour, from 0 to 1 in every image."""
    samples = []
    for number in range(count):
        random = np.random.default_rng(number)
        y, x = np.meshgrid(*[np.linspace(0, 1, size)] * 2, indexing="ij")
        angle = random.uniform(0, 2 * np.pi)
        slope = np.cos(angle) * x + np.sin(angle) * y
        slope = (slope - slope.min()) / (slope.max() - slope.min())
        image = np.stack([255 * slope, 255 * (1 - slope), np.full_like(slope, random.uniform(0, 255))], axis=-1)
        samples.append({"image": image.astype(np.uint8), "disparity": slope**2, "name": str(number)})
    return samples


ALL = [Constant, Rows, MeanDisparityMap, ColourRegression]


def test_rows_recover_a_linear_disparity_of_any_size() -> None:
    baseline = Rows().fit(row_samples([(60, 80), (112, 112), (90, 57)]))
    output = baseline(np.zeros((33, 21, 3), dtype=np.uint8))
    rows = (np.arange(33) + 0.5) / 33
    np.testing.assert_allclose(output, np.repeat(rows[:, None], 21, axis=1), atol=0.02)
    assert (np.diff(output[:, 0]) > 0).all()


@pytest.mark.parametrize("pixels_per_cell", [1, 2])
def test_mean_map_is_the_mean_of_the_normalized_labels_over_valid_pixels(pixels_per_cell: int) -> None:
    samples: list[dict[str, Any]] = []
    size = 56 * pixels_per_cell
    for number in range(5):
        random = np.random.default_rng(number)
        disparity = random.uniform(1, 9, (size, size))
        disparity[random.random((size, size)) < 0.3] = np.nan
        disparity[:8, :8] = np.nan  # never valid
        samples.append({"disparity": disparity, "name": str(number)})
    total, count = np.zeros((56, 56)), np.zeros((56, 56))
    for sample in samples:
        disparity = sample["disparity"]
        low, high = np.nanmin(disparity), np.nanmax(disparity)
        for row, column in np.argwhere(np.isfinite(disparity)):
            cell = row // pixels_per_cell, column // pixels_per_cell
            total[cell] += (disparity[row, column] - low) / (high - low)
            count[cell] += 1
    expected = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    expected[count == 0] = expected[count > 0].mean()
    image = np.zeros((56, 56, 3), dtype=np.uint8)
    found = MeanDisparityMap().fit(samples)(image)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(Constant().fit(samples)(image), np.full((56, 56), expected.mean()), rtol=1e-6)


def test_a_mean_map_that_all_images_share_is_recovered_at_other_sizes() -> None:
    y, x = np.meshgrid(np.linspace(0, 1, 112), np.linspace(0, 1, 140), indexing="ij")
    shared = 0.5 * y + 0.5 * x
    samples = [{"disparity": factor * shared + 3, "name": "a"} for factor in (1.0, 20.0)]
    output = MeanDisparityMap().fit(samples)(np.zeros((112, 140, 3), dtype=np.uint8))
    assert np.abs(output - shared).max() < 0.02


def test_colour_regression_recovers_a_colour_determined_disparity() -> None:
    baseline = ColourRegression().fit(colour_samples(30))
    worst, alone = 0.0, []
    prior = MeanDisparityMap().fit(colour_samples(30))
    for sample in colour_samples(36)[30:]:
        output = baseline(sample["image"])
        worst = max(worst, float(np.abs(output - sample["disparity"]).max()))
        alone.append(np.abs(prior(sample["image"]) - sample["disparity"]).max())
    assert worst < 0.06 < min(alone)


def test_colour_regression_recovers_a_position_prior_from_sparse_labels() -> None:
    samples = row_samples([(112, 112)] * 12)
    for sample in samples:
        dropped = np.random.default_rng(1).random((112, 112)) < 0.99
        dropped[[0, -1]] = False  # keeps every image's range
        sample["disparity"][dropped] = np.nan
    output = ColourRegression().fit(samples)(samples[0]["image"])
    rows = np.repeat(((np.arange(112) + 0.5) / 112)[:, None], 112, axis=1)
    assert np.abs(output - rows).mean() < 0.03


@pytest.mark.parametrize("baseline", ALL)
def test_output_type_size_and_determinism(baseline: Any) -> None:
    samples = row_samples([(40, 50), (64, 30), (20, 20)])
    image = np.random.default_rng(0).integers(0, 256, (37, 45, 3), dtype=np.uint8)
    one, two = baseline().fit(samples), baseline().fit(iter(samples))
    output = one(image)
    assert output.dtype == np.float32 and output.shape == (37, 45) and np.isfinite(output).all()
    np.testing.assert_array_equal(output, two(image))
    np.testing.assert_array_equal(output, one(image))
    assert isinstance(one.name, str)


def test_baselines_and_replayed_maps_can_be_evaluated() -> None:
    samples = row_samples([(40, 50), (64, 30), (20, 20)])
    for sample in samples:
        sample["disparity"] += 1  # no pixel is infinitely far
    exact = evaluate(as_predictor(Rows().fit(samples)), samples, prediction_kind="disparity")
    assert exact.mean["ordinal_accuracy"] == 1 and exact.mean["delta1"] == 1
    constant = evaluate(as_predictor(Constant().fit(samples)), samples, prediction_kind="disparity")
    assert constant.mean["ordinal_accuracy"] == 0.5 and constant.mean["delta1"] < 0.7
    maps = [np.full(sample["disparity"].shape, number) for number, sample in enumerate(samples)]
    remaining = iter(maps)
    replayed = evaluate(as_predictor(lambda image: next(remaining)), samples, prediction_kind="disparity")
    assert [row["output_minimum"] for row in replayed.rows] == [0, 1, 2]


@pytest.mark.parametrize("baseline", ALL)
def test_not_fitted_or_nothing_to_fit_raises(baseline: Any) -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    with pytest.raises(RuntimeError, match="not fitted"):
        baseline()(image)
    flat = [{"image": image, "depth": np.full((8, 8), 2.0), "name": "flat"}]
    with pytest.raises(ValueError, match="two different valid values"):
        baseline().fit(flat)
    with pytest.raises(ValueError, match=r"x\.png: expected a sample with 'depth' or 'disparity' to fit a baseline"):
        baseline().fit([{"image": image, "name": "x.png"}])


def test_depth_labels_become_disparity_with_sky_farthest() -> None:
    found = normalize_disparity({"depth": np.array([[1.0, 2.0, np.inf, np.nan]])})
    assert found is not None
    np.testing.assert_allclose(found, [[1.0, 0.5, 0.0, np.nan]])


def test_shuffled_predictions_come_from_another_image_at_the_right_size() -> None:
    maps = [np.full((4 + number, 6), number, dtype=np.float32) for number in range(5)]
    for shift in (1, 2, 7):
        for number, output in enumerate(shuffle_predictions(maps, shift)):
            assert output.shape == maps[number].shape and output.dtype == np.float32
            assert (output == (number + shift) % 5).all()
    for shift in (0, 5, -10):
        with pytest.raises(ValueError, match="its own prediction"):
            shuffle_predictions(maps, shift)
    with pytest.raises(ValueError, match="each of 0 images"):
        shuffle_predictions([], 1)
