# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training arguments: wrong choices and harmful numbers are refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.hub.publisher import STRATEGIES
from depth_anything_hf.training.arguments import HUB_STRATEGIES
from depth_anything_hf.training.trainer import TrainingArguments


def test_an_unquoted_no_in_yaml_means_no_mixed_precision():
    assert TrainingArguments("unused", mixed_precision=False).mixed_precision == "no"


@pytest.mark.parametrize("wrong", ["lr_scheduler_type", "mixed_precision", "report_to", "metric_for_best_model"])
def test_a_wrong_choice_is_refused_before_anything_starts(wrong):
    with pytest.raises(ValueError, match=f"{wrong} is 'nonsense', expected"):
        TrainingArguments("unused", **{wrong: "nonsense"})


def test_a_metric_that_no_evaluation_gives_cannot_decide():
    with pytest.raises(ValueError, match="metric_for_best_model is 'pairwise_agreement', expected one of"):
        TrainingArguments("unused", metric_for_best_model="pairwise_agreement")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("save_total_limit", value) for value in (-1, 0)),
        *(("ema_decay", value) for value in (-0.5, 1.0, 998.0)),
        ("warmup_steps", -1),
        ("dataloader_multiprocessing_context", "threads"),
        *(("cutmix_probability", value) for value in (-0.1, 1.5)),
        ("hub_strategy", "sometimes"),
    ],
)
def test_numbers_that_would_do_harm_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is '?{value}'?, expected"):
        TrainingArguments("unused", **{name: value})


def test_the_average_of_a_recipe_can_be_switched_off():
    assert TrainingArguments("unused", ema_decay="0").ema_decay is None
    assert TrainingArguments("unused", ema_decay=0, pure_bf16=True) == TrainingArguments("unused", pure_bf16=True)


def test_the_strategies_are_those_of_the_publisher():
    assert HUB_STRATEGIES == STRATEGIES


@pytest.mark.parametrize(
    "name",
    [
        *("per_device_train_batch_size", "gradient_accumulation_steps", "logging_steps"),
        *("gradient_checkpointing_every", "max_skipped_steps", "max_unlabelled_steps"),
    ],
)
def test_counts_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        TrainingArguments("unused", **{name: 0})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *((value, "latest") for value in (True, "true", "True", "latest", "Latest")),
        *((value, None) for value in (None, False, "false", "False", "none")),
        *((value, str(value)) for value in ("runs/a/checkpoint-4", Path("runs") / "checkpoint-4", "./true")),
    ],
)
def test_a_resume_is_asked_for_as_in_trainer(given, meant):
    assert TrainingArguments("unused", resume_from_checkpoint=given).resume_from_checkpoint == meant


def test_cutmix_needs_two_images_in_a_micro_batch():
    with pytest.raises(ValueError, match=r"cutmix_probability is 0\.5, but per_device_train_batch_size is 1"):
        TrainingArguments("unused", cutmix_probability=0.5, per_device_train_batch_size=1)
    assert TrainingArguments("unused", cutmix_probability=0.5, per_device_train_batch_size=2).cutmix_probability == 0.5


def test_a_metric_of_ones_own_needs_its_direction():
    arguments = TrainingArguments("unused", metric_for_best_model="mine", greater_is_better=False)
    assert arguments.metric_for_best_model == "mine"
    assert TrainingArguments("unused", metric_for_best_model="eval_abs_rel").metric_for_best_model == "abs_rel"
    with pytest.raises(ValueError, match="say by greater_is_better which scores are the better ones"):
        TrainingArguments("unused", metric_for_best_model="mine")
    with pytest.raises(ValueError, match="abs_rel is better the lower it is"):
        TrainingArguments("unused", metric_for_best_model="abs_rel", greater_is_better=True)


def test_the_card_names_what_differs_from_the_defaults_and_no_more(tmp_path) -> None:
    assert TrainingArguments(output_dir=str(tmp_path)).non_default() == {}
    lora = TrainingArguments(output_dir=str(tmp_path), encoder_strategy="lora", lora_targets=["all-linear"])
    assert lora.non_default()["lora_targets"] == ["all-linear"]
