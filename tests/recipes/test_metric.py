# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The recipe of metric models: its caps, its loss, and what its scores count."""

from __future__ import annotations

from typing import Any

import pytest

from depth_anything_hf.recipes import metric
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.catalog import find_recipe, read_recipe
from depth_anything_hf.recipes.metric import MetricArguments
from depth_anything_hf.training.arguments import TrainingArguments


SCRATCH: dict[str, Any] = {
    "encoder_config": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
    "decoder_config": {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8},
    "input_size": 56,
}


@pytest.mark.parametrize(("max_depth", "cap"), [(20.0, (20, "m")), (5.5, (5500, "mm"))], ids=["metres", "millimetres"])
def test_data_loss_model_and_scores_have_one_range(labelled_folder, tmp_path, max_depth, cap):
    data = DataArguments(train_data=[str(labelled_folder)], eval_data=str(labelled_folder))
    options = MetricArguments(max_depth=max_depth, min_depth=0.5)
    run = metric.prepare(ModelArguments(**SCRATCH), data, options, TrainingArguments(str(tmp_path)))
    assert (run.start.model.config.max_depth, run.start.model.config.depth_unit) == cap
    assert (run.objective.min_depth, run.objective.max_depth) == (0.5, max_depth)
    assert (run.evaluation.settings.min_depth, run.evaluation.settings.max_depth) == (0.5, max_depth)
    (transform,) = run.train_data.transforms
    assert (transform.min_depth, transform.max_depth) == (0.5, max_depth)
    assert run.objective.silog_over == "batch"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_depth": 0.0}, "max_depth is 0.0, expected a number of metres above 0"),
        ({"max_depth": float("inf")}, "max_depth must be a finite number, got inf"),
        ({"max_depth": 0.3505}, "max_depth is 0.3505"),
        ({"max_depth": 20.0, "min_depth": 20.0}, "expected 0 < min_depth < max_depth"),
        ({"max_depth": 20.0, "min_depth": 0.0}, "expected 0 < min_depth < max_depth"),
        ({"max_depth": 20.0, "silog_over": "pixels"}, "silog_over is 'pixels', expected 'batch'"),
    ],
)
def test_what_cannot_be_trained_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MetricArguments(**options)


def test_the_recipe_is_the_published_one():
    """Values of metric_depth/train.py and dist_train.sh of DepthAnything/Depth-Anything-V2."""
    recipe = read_recipe(find_recipe("metric"))
    published = {
        "silog_over": "batch",
        "num_train_epochs": 120,
        "per_device_train_batch_size": 4,
        "encoder_learning_rate": 5e-6,
        "decoder_learning_rate": 5e-5,
        "lr_scheduler_type": "poly",
        "weight_decay": 0.01,
        "max_grad_norm": 0,
        "horizontal_flip": 0.5,
        "input_size": 518,
        "mixed_precision": "no",
    }
    assert {name: recipe[name] for name in published} == published
    options = MetricArguments(max_depth=20.0)
    assert (options.min_depth, options.variance_focus, options.keep_decoder) == (1e-3, 0.5, False)
