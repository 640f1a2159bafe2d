# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The best model by the held-out scores."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from training_runs import assert_equal_bits, log_of, weights

from depth_anything_hf import DepthAnythingConfig
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training.validation import Evaluation, as_evaluation, is_better


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


@pytest.mark.parametrize(("metric", "choose"), [("delta1", max), ("abs_rel", min)])
def test_the_best_model_is_kept_by_the_metrics_direction(tmp_path, train, make_tiny_model, evaluation, metric, choose):
    # A rate that is far too high, so that scores go up and down.
    result = train(
        tmp_path,
        make_tiny_model(),
        evaluation=evaluation,
        max_steps=6,
        eval_steps=1,
        save_steps=1,
        encoder_learning_rate=2e-2,
        decoder_learning_rate=2e-2,
        lr_scheduler_type="constant",
        metric_for_best_model=metric,
    )
    scores = {entry["step"]: entry[f"eval_{metric}"] for entry in log_of(tmp_path) if f"eval_{metric}" in entry}
    assert list(scores) == [1, 2, 3, 4, 5, 6]
    best = choose(scores.values())
    first_best = next(step for step, score in scores.items() if score == best)
    assert len(set(scores.values())) > 3 and result.best_metrics[metric] == best
    assert_equal_bits(weights(tmp_path / "best"), weights(tmp_path / f"checkpoint-{first_best}"))
    assert json.loads((tmp_path / "best" / "results.json").read_text())["mean"][metric] == best
    assert result.metrics[metric] == scores[6]


@pytest.mark.parametrize(
    ("value", "best", "metric", "better"),
    [
        (0.5, None, "delta1", True),
        (0.6, 0.5, "delta1", True),
        (0.5, 0.5, "delta1", False),
        (0.4, 0.5, "abs_rel", True),
        (0.6, 0.5, "abs_rel", False),
        (math.nan, None, "delta1", False),
        (math.nan, 0.5, "abs_rel", False),
    ],
)
def test_a_score_is_better_in_the_metrics_direction_and_nan_never_is(value, best, metric, better):
    assert is_better(value, best, metric) is better


def test_a_metric_that_is_not_measured_cannot_decide(evaluation):
    evaluation.require_metric("delta1")
    with pytest.raises(ValueError, match=r"is 'pair_accuracy', but the evaluation only measures .*delta1.*choose one"):
        evaluation.require_metric("pair_accuracy")


def darkness(prediction, label, valid):
    return float(prediction[valid].mean())


@pytest.mark.parametrize(("greater", "choose"), [(True, max), (False, min)])
def test_a_metric_of_ones_own_is_logged_and_selects_the_best_model(
    tmp_path, train, make_tiny_model, evaluation, greater, choose
):
    result = train(
        tmp_path,
        make_tiny_model(),
        evaluation=evaluation,
        metrics={"darkness": darkness},
        metric_for_best_model="darkness",
        greater_is_better=greater,
        max_steps=4,
        eval_steps=1,
        encoder_learning_rate=0.05,
        decoder_learning_rate=0.05,
    )
    scores = [entry["eval_darkness"] for entry in log_of(tmp_path) if "eval_darkness" in entry]
    assert len(scores) == 4 and result.best_metrics["darkness"] == choose(scores)
    best = json.loads((tmp_path / "best" / "results.json").read_text())
    assert best["mean"]["darkness"] == choose(scores)
    assert "eval_darkness" in (tmp_path / "results.csv").read_text().splitlines()[0]
    assert "darkness" in (tmp_path / "README.md").read_text()


def test_own_metrics_may_come_with_the_evaluation(tmp_path, train, make_tiny_model, evaluation):
    evaluation = Evaluation(evaluation.dataset, evaluation.settings, metrics={"darkness": darkness})
    assert "darkness" in train(tmp_path / "one", make_tiny_model(), evaluation=evaluation).metrics
    with pytest.raises(ValueError, match="measured by an evaluation; give one too"):
        train(tmp_path / "two", make_tiny_model(), metrics={"darkness": darkness})
    with pytest.raises(ValueError, match=r"metric_for_best_model is 'other', but .* darkness"):
        train(
            tmp_path / "three",
            make_tiny_model(),
            evaluation=evaluation,
            metric_for_best_model="other",
            greater_is_better=True,
        )


@pytest.mark.parametrize(
    ("fields", "label", "expected"),
    [
        ({"depth_estimation_type": "metric", "max_depth": 20}, "depth", ("none", 20.0)),
        ({"depth_estimation_type": "metric", "max_depth": 350, "depth_unit": "mm"}, "depth", ("none", 0.35)),
        ({"depth_estimation_type": "metric", "max_depth": 20}, "disparity", ("disparity", 80.0)),
        ({}, "depth", ("disparity", 80.0)),
    ],
)
def test_a_dataset_alone_is_scored_by_the_settings_that_fit_the_model(fields, label, expected):
    items = [{"image": np.zeros((4, 4, 3), np.uint8), label: np.ones((4, 4), np.float32)}]
    found = as_evaluation(items, DepthAnythingConfig(**fields))
    assert (found.settings.alignment, found.settings.max_depth) == expected
    left_open = Evaluation(items, batch_size=3)
    assert as_evaluation(left_open, DepthAnythingConfig(**fields)) == replace(left_open, settings=found.settings)
    # Settings that were given are kept, though they be the defaults.
    own = Evaluation(items, EvaluationSettings())
    assert as_evaluation(own, DepthAnythingConfig(**fields)) is own


def test_held_out_images_without_a_label_stop_a_run_at_its_start(tmp_path, train, make_tiny_model, evaluation):
    # Depth of 1 to 9 metres, of which nothing is in this range.
    evaluation.settings = replace(evaluation.settings, min_depth=50.0, max_depth=80.0)
    with pytest.raises(ValueError, match=r"^evaluation: none of its first 3 images can be scored; the last reason:"):
        train(tmp_path / "run", make_tiny_model(), evaluation=evaluation)
    assert not (tmp_path / "run").exists()
