# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Two processes of which one fails: both end within seconds, and both say why."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from kill_and_resume import enter_process, free_port, processes_context, tiny_model
from torch import nn
from training_runs import CARD

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.training import rank_failures
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


class Failing:
    """An objective that fails on some ranks at the third of six steps, and on the others may be stuck there."""

    def __init__(self, rank: int, failing: tuple[int, ...], stuck: bool) -> None:
        self.rank, self.failing, self.stuck = rank, failing, stuck

    def __call__(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        if progress >= 2 / 6:
            if self.rank in self.failing:
                raise KeyError(f"no such column on rank {self.rank}")
            if self.stuck:
                time.sleep(600)
        return SupervisedRelative()(model, batch, progress)


def train_and_fail(rank: int, pictures: Path, folder: Path, failing: tuple[int, ...], how: str) -> None:
    rank_failures.LEAVE_SECONDS = 3.0
    try:
        fit(
            tiny_model(),
            Failing(rank, failing, stuck=how == "stuck"),
            TrainingArguments(str(folder), max_steps=6, per_device_train_batch_size=2, max_zero_share=1.0),
            Mixture([DepthFolder(pictures)], TrainingTransform(28)),
            processor=DepthAnythingImageProcessor.for_input_size(28),
            pretrained=False,
            card=CARD,
        )
    except KeyError:
        if how == "goes on":
            # As a notebook does: the process stays, and the others have to end all the same.
            (folder / "caught").touch()
            time.sleep(600)
        raise


def run_two(folder: Path, pictures: Path, failing: tuple[int, ...], how: str) -> tuple[list[int | None], str, float]:
    """Return the exit codes of both ranks (None: still there), what they said, and the seconds until they ended."""
    context, port, outputs = processes_context(), free_port(), [folder / f"output-{rank}.txt" for rank in (0, 1)]
    running = [
        context.Process(
            target=enter_process,
            args=(rank, 2, port, str(outputs[rank]), train_and_fail, (pictures, folder / "run", failing, how)),
        )
        for rank in (0, 1)
    ]
    start = time.monotonic()
    for process in running:
        process.start()
    expected = [process for rank, process in enumerate(running) if not (how == "goes on" and rank in failing)]
    for process in expected:
        process.join(max(0.0, 60 - (time.monotonic() - start)))
    seconds = time.monotonic() - start
    codes = [process.exitcode for process in running]
    for process in running:
        process.kill()
        process.join()
    return codes, "".join(output.read_text() for output in outputs), seconds


@pytest.mark.parametrize(
    ("failing", "how"),
    [
        ((1,), "ends"),
        pytest.param((0,), "ends", marks=pytest.mark.slow),
        pytest.param((1,), "goes on", marks=pytest.mark.slow),
        pytest.param((1,), "stuck", marks=pytest.mark.slow),
    ],
)
def test_an_error_of_one_rank_ends_the_other_with_its_message(tmp_path, labelled_folder, failing, how):
    codes, said, seconds = run_two(tmp_path, labelled_folder, failing, how)
    assert codes == ([1, None] if how == "goes on" else [1, 1]), said
    reason = f"rank {failing[0]} failed: KeyError: 'no such column on rank {failing[0]}'"
    assert reason in said
    assert ("exits" in said) == (how != "ends")
    assert seconds < 40
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.slow
def test_an_error_of_all_ranks_is_raised_as_it_is_and_at_once(tmp_path, labelled_folder):
    codes, said, _ = run_two(tmp_path, labelled_folder, (0, 1), "ends")
    assert codes == [1, 1]
    assert "no such column on rank 0" in said and "no such column on rank 1" in said
    assert "failed:" not in said
