# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Gradient and logged loss of a step do not depend on how its images are divided, also where labels are missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState
from kill_and_resume import log_entries, run_processes, tiny_model
from training_runs import CARD

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


# Images in a micro-batch, micro-batches in a step: eight images.
ONE_PROCESS = [(8, 1), (4, 2), (1, 8)]
# Largest difference of two gradients, over the norm. The last bits of float32 sums depend on their order, which gives
# 4e-6 whether or not labels are missing; in float64 nothing but the algebra is left, and 3e-15.
BOUNDS = {torch.float32: 1e-5, torch.float64: 1e-12}


def without_labels(labelled: Path, folder: Path, invalid: tuple[int, ...]) -> Path:
    """A copy of the pictures in which some have no valid label."""
    shutil.copytree(labelled, folder)
    for index in invalid:
        np.save(folder / "depth" / f"{index}.npy", np.full((56, 56), np.nan, dtype=np.float32))
    return folder


def take_one_step(
    rank: int, pictures: Path, folder: Path, divisions: list[tuple[int, int]], dtype: torch.dtype
) -> None:
    """Write the gradient of a run's only step, before it is clipped, to `batch-accumulation-rank.pt`."""
    clip_gradients = Engine.clip_gradients
    found: list[torch.Tensor] = []

    def clip_and_keep(engine: Engine) -> torch.Tensor:
        found.append(torch.cat([each.grad.flatten() for each in engine._clipped if each.grad is not None]))
        return clip_gradients(engine)

    Engine.clip_gradients = clip_and_keep  # type: ignore[method-assign]
    try:
        for batch_size, accumulation in divisions:
            # Accelerate keeps the number of micro-batches for the whole process.
            AcceleratorState._reset_state()
            GradientState._reset_state()
            fit(
                tiny_model().to(dtype),
                SupervisedRelative(RelativeLoss(anchor_weight=1.0)),
                TrainingArguments(
                    output_dir=str(folder / f"run-{batch_size}-{accumulation}"),
                    max_steps=1,
                    per_device_train_batch_size=batch_size,
                    gradient_accumulation_steps=accumulation,
                    logging_steps=1,
                    max_zero_share=1.0,
                ),
                Mixture([DepthFolder(pictures)], TrainingTransform(28, horizontal_flip=0.0)),
                processor=DepthAnythingImageProcessor.for_input_size(28),
                pretrained=False,
                card=CARD,
            )
            torch.save(found.pop(), folder / f"{batch_size}-{accumulation}-{rank}.pt")
    finally:
        Engine.clip_gradients = clip_gradients  # type: ignore[method-assign]


def outcome(folder: Path, division: tuple[int, int], rank: int = 0) -> tuple[torch.Tensor, dict[str, Any]]:
    name = f"{division[0]}-{division[1]}"
    return torch.load(folder / f"{name}-{rank}.pt"), log_entries(folder / f"run-{name}")[0]


def assert_same_step(folder: Path, divisions: list[tuple[int, int]], reference: tuple[Any, Any], ranks: int) -> None:
    gradient, entry = reference
    for division in divisions:
        for rank in range(ranks):
            other, logged = outcome(folder, division, rank)
            assert other.dtype == gradient.dtype
            assert (other - gradient).norm() < BOUNDS[gradient.dtype] * gradient.norm(), division
            for name in ("loss", "ssi", "gradient", "anchor"):
                assert logged[name] == pytest.approx(entry[name], rel=1e-6), (division, name)
            assert logged["unlabelled_share"] == entry["unlabelled_share"]


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize(
    ("invalid", "dtype"), [((), torch.float32), ((1, 3, 5, 6), torch.float32), ((0, 2, 3, 5, 6), torch.float64)]
)
def test_a_step_is_the_same_however_it_is_accumulated(tmp_path, labelled_folder, invalid, dtype):
    pictures = without_labels(labelled_folder, tmp_path / "pictures", invalid)
    take_one_step(0, pictures, tmp_path, ONE_PROCESS, dtype)
    gradient, entry = outcome(tmp_path, (8, 1))
    assert entry["unlabelled_share"] == len(invalid) / 8 and gradient.norm() > 0 and gradient.dtype == dtype
    assert_same_step(tmp_path, ONE_PROCESS, (gradient, entry), ranks=1)


# One of the two processes sees images without a label only.
@pytest.mark.parametrize(
    "division", [(2, 2), *(pytest.param(each, marks=pytest.mark.slow) for each in ((4, 1), (1, 4)))]
)
def test_a_step_is_the_same_on_two_processes(tmp_path, labelled_folder, fresh_accelerate, division):
    pictures = without_labels(labelled_folder, tmp_path / "pictures", (1, 2, 3, 4, 5, 6, 7))
    take_one_step(0, pictures, tmp_path, ONE_PROCESS[:1], torch.float64)
    run_processes(take_one_step, (pictures, tmp_path, [division], torch.float64), tmp_path / "output.txt")
    assert_same_step(tmp_path, [division], outcome(tmp_path, ONE_PROCESS[0]), ranks=2)
