# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The micro-batch that fits: found, recorded, kept on a resume, and the same images in each step."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from training_runs import ANCHORED, assert_equal_bits, weights

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.objectives import SupervisedMetric, SupervisedRelative


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
# More than any machine has, so that the allocator itself refuses it.
TOO_MUCH = 2**60


class Greedy(SupervisedRelative):
    """Takes more memory than there is for more images than `limit`."""

    limit = 2

    def __call__(self, model: Any, batch: dict[str, Any], progress: float) -> dict[str, Any]:
        if len(batch["pixel_values"]) > self.limit:
            torch.empty(TOO_MUCH, dtype=torch.uint8)
        return super().__call__(model, batch, progress)


def record(folder: Any) -> tuple[int, int]:
    values = json.loads((folder / "training_arguments.json").read_text())
    return values["per_device_train_batch_size"], values["gradient_accumulation_steps"]


def test_the_largest_that_fits_divides_the_step_and_trains_as_if_it_were_given(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 6}
    train(tmp_path / "found", make_tiny_model(), Greedy(ANCHORED), auto_batch=True, **options)
    assert record(tmp_path / "found") == (2, 3)
    given = options | {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 3}
    train(tmp_path / "given", make_tiny_model(), Greedy(ANCHORED), **given)
    found = weights(tmp_path / "found")
    assert_equal_bits(found, weights(tmp_path / "given"))
    # Now more would fit.
    roomy = Greedy(ANCHORED)
    roomy.limit = 6
    again = {"resume_from_checkpoint": str(tmp_path / "found" / "checkpoint-2"), **options}
    train(tmp_path / "found", make_tiny_model(), roomy, auto_batch=True, **again)
    assert record(tmp_path / "found") == (2, 3)
    assert_equal_bits(found, weights(tmp_path / "found"))


def test_what_never_fits_is_refused_with_advice(tmp_path, train, make_tiny_model):
    objective = Greedy(ANCHORED)
    objective.limit = 1
    with pytest.raises(ValueError, match=r"not even a micro-batch of 2 fits.*depth-anything-hf plan"):
        train(
            tmp_path,
            make_tiny_model(),
            objective,
            auto_batch=True,
            per_device_train_batch_size=4,
            cutmix_probability=0.5,
        )


def test_a_loss_over_the_micro_batch_is_said_to_depend_on_it(tmp_path, train, make_tiny_model, capsys):
    options = {"auto_batch": True, "max_steps": 1, "transform": {"target": "depth"}}
    for over, said in (
        ("batch", "; their size has a part in the result: SILog is taken over each of them"),
        ("image", "\n"),
    ):
        objective = SupervisedMetric(max_depth=20.0, silog_over=over)
        model = make_tiny_model(depth_estimation_type="metric", max_depth=20)
        train(tmp_path / over, model, objective, **options)
        assert f"auto_batch: micro-batches of 2, 1 a step{said}" in capsys.readouterr().out
    train(tmp_path / "mixed", make_tiny_model(), auto_batch=True, max_steps=1, cutmix_probability=0.5)
    assert "in the result: CutMix pairs the images of each\n" in capsys.readouterr().out


def test_other_errors_are_no_lack_of_memory(tmp_path, train, make_tiny_model):
    def broken(model: Any, batch: Any, progress: float) -> Any:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(tmp_path, make_tiny_model(), broken, auto_batch=True)


def test_it_is_refused_where_nothing_can_be_accumulated():
    with pytest.raises(ValueError, match="auto_batch may accumulate, which optimizer_in_backward cannot"):
        TrainingArguments("unused", auto_batch=True, optimizer_in_backward=True)
