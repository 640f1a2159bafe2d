# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Steps without memory: one serves all optimizers, and the stand-in for a loss is as large as losses are."""

from __future__ import annotations

import pytest
import torch

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training.arguments import OPTIMIZERS, TrainingArguments
from depth_anything_hf.training.memory_estimate import estimate_around, estimate_memory
from depth_anything_hf.training.simulated_step import KEPT_LOSS_MAPS, LOSS_MAPS, LiveBytes, simulate_step


SIZE = (56, 56)


@pytest.mark.parametrize(("processes", "sharded"), [(1, False), (4, False), (4, True)])
def test_one_step_serves_all_that_follows_it(make_tiny_model, processes, sharded):
    model = make_tiny_model()
    rates = {"encoder_learning_rate": 1e-3, "decoder_learning_rate": 1e-3}
    step = simulate_step(model, TrainingArguments("unused"), SIZE, sharded=sharded)
    where = {"processes": processes, "on_cpu": False}
    for options in ({"ema_decay": 0.9}, {"weight_decay_to_start": 0.1}, *({"optimizer": each} for each in OPTIMIZERS)):
        arguments = TrainingArguments("unused", **rates, **options)
        assert estimate_around(step, arguments, **where) == estimate_memory(
            model, arguments, SIZE, sharded=sharded, **where
        )


def test_the_loss_needs_and_keeps_as_many_maps_as_is_said():
    prediction, labels = torch.rand(8, 140, 140, requires_grad=True), torch.rand(8, 140, 140)
    for loss in (RelativeLoss(gradient_weight=2.0), RelativeLoss(gradient_weight=2.0, ignore_largest=0.1)):
        with LiveBytes() as live:
            terms = loss.terms(prediction, labels, None, 0.0)
            total = sum(weight * values.mean() for weight, values in terms.values())
            kept = live.now
            total.backward()
        of_a_map = 8 * 4 * 140 * 140
        assert live.peak / of_a_map == pytest.approx(LOSS_MAPS, abs=1.5)
        assert kept / of_a_map == pytest.approx(KEPT_LOSS_MAPS, abs=1)
