# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Comparisons: paired differences and their bootstrap against references, common images, equal rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from depth_anything_hf.evaluation.comparison import Comparison
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.settings import EvaluationSettings


SETTINGS = EvaluationSettings(metrics=("abs_rel", "delta1"))


def result_of(values: Sequence[float] | np.ndarray, **columns: Any) -> EvaluationResult:
    rows = [
        {"index": i, "name": f"{i}.png", "abs_rel": float(v), "delta1": 1 - float(v), "mine": float(v)}
        | {key: column[i] for key, column in columns.items()}
        for i, v in enumerate(values)
    ]
    return EvaluationResult(rows, SETTINGS)


def make_values(images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Values that differ much by image and little by model."""
    random = np.random.default_rng(3)
    first = random.uniform(0.05, 0.6, images)
    return first, first + random.normal(0.004, 0.01, images)


def test_differences_and_intervals_are_those_of_a_reference() -> None:
    first, second = make_values()
    comparison = Comparison.of({"a": result_of(first), "b": result_of(second)})
    metric = comparison.main
    assert (comparison.metric, comparison.models, metric.images) == ("abs_rel", ("a", "b"), 60)
    expected = math.fsum(second - first) / 60
    assert metric.differences == (0.0, pytest.approx(expected, rel=1e-12))
    assert metric.means == (pytest.approx(math.fsum(first) / 60), pytest.approx(math.fsum(second) / 60))
    # The same seed, drawn and averaged one by one.
    counts = np.random.default_rng(0).multinomial(60, [1 / 60] * 60, size=1000)
    sampled = np.array([np.mean(np.repeat(second - first, count)) for count in counts])
    assert metric.difference_intervals[1] == pytest.approx(np.percentile(sampled, (2.5, 97.5)), rel=1e-9)
    assert metric.better[1][0] == np.mean(sampled < 0) and metric.better[0][1] == np.mean(sampled > 0)
    # Other samples, of another kind: many indices.
    drawn = np.random.default_rng(8).integers(0, 60, (20_000, 60))
    others = (second - first)[drawn].mean(axis=1)
    assert metric.difference_intervals[1] == pytest.approx(np.percentile(others, (2.5, 97.5)), abs=3e-4)
    # Paired: the intervals of the means overlap widely, that of the difference is forty times narrower.
    low, high = metric.difference_intervals[1]
    assert 0 < low < high < 0.01 and metric.verdict(1) == "worse" and metric.verdict(0) == ""
    assert metric.intervals[1][0] < metric.intervals[0][1] and high - low < np.ptp(metric.intervals[0]) / 10
    # delta1 falls where abs_rel rises: larger is better.
    mirrored = comparison.metrics["delta1"]
    assert mirrored.differences[1] == pytest.approx(-expected) and mirrored.verdict(1) == "worse"
    assert mirrored.better[1][0] == pytest.approx(metric.better[1][0])


def test_means_and_intervals_are_those_that_an_evaluation_prints() -> None:
    results = dict(zip("ab", map(result_of, make_values()), strict=True))
    for name, metric in Comparison.of(results).metrics.items():
        for number, result in enumerate(results.values()):
            assert metric.means[number] == pytest.approx(result.mean[name], rel=1e-12)
            assert metric.intervals[number] == pytest.approx(result.interval[name], rel=1e-12)


def test_equal_models_differ_by_exactly_nothing() -> None:
    first, second = make_values(37)
    comparison = Comparison.of({"a": result_of(first), "b": result_of(second), "c": result_of(first)})
    metric = comparison.main
    assert metric.differences[2] == 0 and metric.difference_intervals[2] == (0, 0) and metric.verdict(2) == ""
    assert metric.better[0][2] == metric.better[2][0] == metric.better[1][1] == 0.5
    assert metric.better[0][1] == metric.better[2][1]
    assert Comparison.of({"a": result_of(first), "b": result_of(first)}).most_different(3) == []


def test_a_single_image_gives_no_verdict() -> None:
    results = {name: result_of(np.array([value])) for name, value in (("a", 0.1), ("b", 0.2))}
    metric = Comparison.of(results).main
    assert metric.differences[1] == pytest.approx(0.1) and metric.verdict(1) == ""
    assert all(math.isnan(share) for row in metric.better for share in row)


def test_order_and_baseline_only_turn_the_signs() -> None:
    results = dict(zip("abc", [*map(result_of, make_values()), result_of(np.full(60, 0.1))], strict=True))
    straight = Comparison.of(results)
    turned = Comparison.of(dict(reversed(results.items())), baseline="a")
    assert turned.models == ("c", "b", "a") and turned.baseline == 2
    assert turned.main.differences == straight.main.differences[::-1]
    assert turned.main.difference_intervals == straight.main.difference_intervals[::-1]
    other = Comparison.of(results, baseline="b").main
    assert other.differences[0] == pytest.approx(-straight.main.differences[1], rel=1e-12)
    assert other.difference_intervals[0] == pytest.approx(
        [-end for end in straight.main.difference_intervals[1]][::-1]
    )
    assert other.better == straight.main.better
    for row, column in ((0, 1), (1, 2)):
        assert other.better[row][column] + other.better[column][row] == pytest.approx(1)


def test_only_common_images_count_and_the_others_are_named() -> None:
    first, second = result_of([0.1, 0.2, 0.3, 0.4]), result_of([0.2, 0.3, 9.0, 0.5])
    del second.rows[2]
    second.skipped_images.append({"index": 2, "name": "2.png", "reason": "not finite"})
    first.rows[3]["abs_rel"] = math.nan
    second.rows.append({"index": 9, "name": "9.png", "abs_rel": 0.0, "delta1": 1.0})
    comparison = Comparison.of({"a": first, "b": second})
    assert [name for _, name in comparison.images] == ["0.png", "1.png", "3.png"]
    assert [(image.name, image.reasons) for image in comparison.left_out] == [
        ("2.png", {"b": "not finite"}),
        ("9.png", {"a": "not among its images"}),
    ]
    # An image without a value of one metric counts in the others.
    assert comparison.metrics["abs_rel"].images == 2 and comparison.metrics["delta1"].images == 3
    assert comparison.metrics["abs_rel"].means == pytest.approx((0.15, 0.25))
    second.rows = second.rows[-1:]
    with pytest.raises(ValueError, match=r"no image was scored by every model: a, b; 0\.png: b: not among its images"):
        Comparison.of({"a": first, "b": second})


def test_pictures_are_those_that_differ_most() -> None:
    comparison = Comparison.of({"a": result_of([0.1, 0.2, 0.3, 0.4]), "b": result_of([0.1, 0.5, 0.4, 0.2])})
    assert comparison.most_different(2) == [1, 3] and comparison.most_different(9) == [1, 3, 2]


def test_metrics_of_ones_own_have_no_better_and_unshared_ones_are_named() -> None:
    first, second = map(result_of, make_values(30))
    first.own_metrics, second.own_metrics = ("mine", "hers"), ("mine",)
    comparison = Comparison.of({"a": first, "b": second}, metric="mine")
    assert comparison.unshared == ("hers",) and comparison.main.higher_is_better is None
    assert math.isnan(comparison.main.better[1][0]) and comparison.main.verdict(1) == ""
    assert comparison.main.differences[1] == comparison.metrics["abs_rel"].differences[1]


def test_pairs_of_points_weigh_by_their_number() -> None:
    settings = EvaluationSettings(metrics=("pair_accuracy",))
    accuracies, pairs = ([1.0, 0.5, 0.0], [0.0, 0.5, 1.0]), (6, 2, 1)
    results = {
        name: EvaluationResult(
            [
                {"index": i, "name": str(i), "pairs": pairs[i], "scenario": "xxy"[i], "pair_accuracy": value}
                for i, value in enumerate(values)
            ],
            settings,
        )
        for name, values in zip("ab", accuracies, strict=True)
    }
    comparison = Comparison.of(results)
    assert comparison.metric == "pair_accuracy" and comparison.main.means == pytest.approx((7 / 9, 2 / 9))
    assert comparison.main.differences[1] == pytest.approx(-5 / 9)
    assert (
        comparison.metrics["pair_accuracy/y"].differences[1] == 1 and comparison.metrics["pair_accuracy/y"].images == 1
    )


def test_what_cannot_be_compared_is_refused() -> None:
    first = result_of([0.1, 0.2])
    other = EvaluationResult(first.rows, EvaluationSettings(metrics=("abs_rel", "delta1"), max_depth=10))
    with pytest.raises(ValueError, match=r"a and b were scored by other rules \(max_depth\).* 80 m; .* 10 m"):
        Comparison.of({"a": first, "b": other})
    with pytest.raises(ValueError, match="at least two models to compare, got 1"):
        Comparison.of({"a": first})
    both = {"a": first, "b": first}
    with pytest.raises(ValueError, match=r"baseline must be one of \['a', 'b'\], got 'c'"):
        Comparison.of(both, baseline="c")
    with pytest.raises(ValueError, match=r"metric must be one of .* got 'delta2'; did you mean 'delta1'"):
        Comparison.of(both, metric="delta2")
