# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Early stopping: when a run ends, what it says, and that a resume counts on."""

from __future__ import annotations

import pytest
from training_runs import assert_same_checkpoint, log_of

from depth_anything_hf.training.early_stopping import is_gain, reason_to_stop
from depth_anything_hf.training.state import Progress
from depth_anything_hf.training.trainer import TrainingArguments


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
# Nothing is learned at such a rate, and a constant score is no gain.
STILL = {"encoder_learning_rate": 1e-30, "decoder_learning_rate": 1e-30, "weight_decay": 0.0}
STILL |= {"max_steps": 12, "eval_steps": 2, "lr_scheduler_type": "constant"}


def test_a_run_ends_when_scores_stay_as_they_are_and_says_why(tmp_path, train, make_tiny_model, evaluation, capsys):
    result = train(tmp_path, make_tiny_model(), evaluation=evaluation, early_stopping_patience=2, **STILL)
    # The first evaluation is the best; the second and the third are no better.
    assert result.steps == 6 and result.stopped_early
    assert result.stop_reason.startswith(
        "stopped early at step 6: delta1 has not become better in 2 evaluations; the best model, with "
    )
    assert result.stop_reason.endswith("at step 2, is in best/")
    assert f"{result.stop_reason}\n" in capsys.readouterr().out
    assert [each["stopped_early"] for each in log_of(tmp_path) if "stopped_early" in each] == [result.stop_reason]
    assert (tmp_path / "model.safetensors").is_file() and result.metrics["delta1"] == result.best_metrics["delta1"]
    assert "| early_stopping_patience | 2 |" in (tmp_path / "README.md").read_text()


def test_the_same_call_again_finds_the_run_complete_and_a_larger_patience_does_not(
    tmp_path, train, make_tiny_model, evaluation, capsys
):
    options = {"evaluation": evaluation, "early_stopping_patience": 1, **STILL}
    first = train(tmp_path, make_tiny_model(), **options)
    again = train(tmp_path, make_tiny_model(), **options, resume_from_checkpoint="latest")
    assert "complete after 4 steps" in capsys.readouterr().out
    assert (again.steps, again.stop_reason, again.metrics) == (first.steps, first.stop_reason, first.metrics)
    with pytest.raises(ValueError, match="a run that has ended after 4 steps and has no checkpoint"):
        train(
            tmp_path,
            make_tiny_model(),
            **{**options, "early_stopping_patience": 2},
            resume_from_checkpoint="latest",
        )


def test_a_resume_counts_on_and_ends_where_the_whole_run_did(tmp_path, train, make_tiny_model, evaluation):
    options = {"evaluation": evaluation, "early_stopping_patience": 2, "save_steps": 2, **STILL}
    whole = train(tmp_path / "whole", make_tiny_model(), **options)
    for cut in (4, 6):
        middle, folder = str(tmp_path / "whole" / f"checkpoint-{cut}"), tmp_path / f"from-{cut}"
        parts = train(folder, make_tiny_model(), **options, resume_from_checkpoint=middle)
        assert (whole.steps, whole.stop_reason) == (parts.steps, parts.stop_reason) and whole.steps == 6
        assert parts.metrics == whole.metrics
    assert_same_checkpoint(tmp_path / "whole" / "checkpoint-6", tmp_path / "from-4" / "checkpoint-6")


def test_more_patience_goes_on_from_where_a_run_had_ended(tmp_path, train, make_tiny_model, evaluation):
    options = {"evaluation": evaluation, "save_steps": 2, **STILL}
    train(tmp_path, make_tiny_model(), early_stopping_patience=1, **options)
    result = train(tmp_path, make_tiny_model(), early_stopping_patience=3, resume_from_checkpoint="latest", **options)
    assert result.steps == 8


@pytest.mark.parametrize(
    ("value", "best", "threshold", "expected"),
    [(0.5, None, 0.1, True), (0.5, 0.45, 0.1, False), (0.56, 0.45, 0.1, True), (0.3, 0.5, 0.1, True)],
)
def test_a_score_must_be_better_by_the_threshold(value, best, threshold, expected):
    assert is_gain(value, best, threshold) is expected


def test_the_reason_names_the_sum_whose_value_it_gives():
    arguments = TrainingArguments("unused", early_stopping_patience=2, eval_steps=5, forgetting_weight=0.5)
    progress = Progress(step=20, evaluated_step=20, evaluations_without_gain=2, best_value=1.2, best_step=10)
    assert reason_to_stop(arguments, progress, total_steps=100) == (
        "stopped early at step 20: delta1 + 0.5 x that of the old domain has not become better in 2 evaluations; the "
        "best model, with 1.2000 at step 10, is in best/"
    )


def test_patience_without_a_held_out_set_is_refused(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match=r"early_stopping_patience is 2, but there is no held-out set"):
        train(tmp_path, make_tiny_model(), early_stopping_patience=2, eval_steps=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"early_stopping_patience": 2}, "but eval_steps is 0: nothing is evaluated before the end; set eval_steps"),
        ({"early_stopping_patience": 0, "eval_steps": 5}, "early_stopping_patience is 0, expected at least 1"),
        ({"early_stopping_threshold": 0.1}, "without early_stopping_patience nothing stops early"),
        ({"early_stopping_threshold": -0.1}, "early_stopping_threshold is -0.1, expected at least 0"),
    ],
)
def test_what_could_never_stop_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrainingArguments("unused", **options)


def test_a_run_that_is_too_short_to_stop_early_is_warned_of(tmp_path, train, make_tiny_model, evaluation, capsys):
    train(tmp_path, make_tiny_model(), evaluation=evaluation, early_stopping_patience=2, eval_steps=1)
    told = "warning: the run has 2 steps, which is no more than the patience of 2 evaluations, one every 1 step: it"
    assert told in capsys.readouterr().out
