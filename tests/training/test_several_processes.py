# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One's own parts on two processes, and several trainings in a launch."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from kill_and_resume import run_processes
from safetensors.torch import load_file
from tiny_model import TINY_DECODER, TINY_ENCODER
from torch import nn
from training_runs import ANCHORED, assert_equal_bits, log_of, moved_names, weights
from transformers import Dinov2Config, TrainerCallback

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


class Weighted(nn.Module):
    """A loss with parameters that differ between processes at the start; two take part in no or only one of them."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.log_sigma = nn.Parameter(torch.tensor(0.1 * rank))
        self.by_channel = nn.Parameter(torch.full((3,), float(rank)))
        self.unused = nn.Parameter(torch.ones(()))
        self.of_last = nn.Parameter(torch.ones(()))

    def forward(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, Any]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        loss = terms["loss"] * torch.exp(-self.log_sigma) + self.log_sigma
        if self.rank:
            terms["of_one_process"] = torch.tensor(5.0)
            # As of a process whose output is not finite, the first has no gradient; the other does not wait for it.
            loss = loss + self.of_last
        own = (batch["pixel_values"].mean(dim=(2, 3)) * self.by_channel).sum(dim=1).mean()
        return {**terms, "loss": loss + own}


class Decides(TrainerCallback):
    """Stops the run on one process only, or fails on the other."""

    def __init__(self, rank: int, fails: bool) -> None:
        self.rank, self.fails = rank, fails

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop |= self.rank == 0 and state.global_step == 2 and not self.fails

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.fails and self.rank == 1:
            raise OSError("no space for plots")


def train_encoder_later(rank: int, data: Path, folder: Path, processes: int = 2) -> None:
    """Trains with the encoder frozen for two steps, whole and resumed on both sides, in two precisions."""
    for name, options in WARMUPS.items():
        for stop in (5, 2, 3):
            torch.manual_seed(0)
            config = DepthAnythingConfig.from_encoder_config(Dinov2Config(**TINY_ENCODER), **TINY_DECODER)
            place = folder / f"{name}-{stop}"
            resumes = {} if stop == 5 else {"resume_from_checkpoint": str(folder / f"{name}-5" / f"checkpoint-{stop}")}
            fit(
                DepthAnythingForDepthEstimation(config),
                SupervisedRelative(ANCHORED),
                TrainingArguments(
                    str(place),
                    max_steps=5,
                    save_steps=1,
                    max_zero_share=1.0,
                    per_device_train_batch_size=4 // processes,
                    encoder_strategy="warmup:2",
                    **options,
                    **resumes,
                ),
                Mixture([DepthFolder(data)], TrainingTransform(56)),
                processor=DepthAnythingImageProcessor.for_input_size(56),
                pretrained=False,
            )


# Without AdamW, which makes steps of the rounding where a gradient is next to 0, the processes are one to 1e-4.
WARMUPS: dict[str, dict[str, Any]] = {
    "float32": {"optimizer": "sgd", "encoder_learning_rate": 1e-3, "decoder_learning_rate": 1e-3},
    "bf16": {"mixed_precision": "bf16"},
}


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_accelerate")
def test_an_encoder_that_is_trained_later_is_averaged_over_processes(tmp_path, labelled_folder):
    run_processes(train_encoder_later, (labelled_folder, tmp_path), tmp_path / "output.txt")
    alone = tmp_path / "alone"
    alone.mkdir()
    train_encoder_later(0, labelled_folder, alone, 1)
    for name in WARMUPS:
        whole = tmp_path / f"{name}-5"
        for stop in (2, 3):
            assert_equal_bits(weights(tmp_path / f"{name}-{stop}"), weights(whole))
        states = [load_file(whole / f"checkpoint-{step}" / "state" / "model.safetensors") for step in range(1, 6)]
        moves = [any(name.startswith("backbone.") for name in moved_names(*pair)) for pair in pairwise(states)]
        assert moves == [False, True, True, True]
    start, two, one = (
        torch.cat([value.flatten() for value in load_file(place / "state" / "model.safetensors").values()])
        for place in (
            tmp_path / "float32-5/checkpoint-2",
            tmp_path / "float32-5/checkpoint-5",
            alone / "float32-5/checkpoint-5",
        )
    )
    assert (two - one).norm() < 1e-4 * (one - start).norm()


def train_one_after_the_other(rank: int, data: Path, folder: Path, processes: int = 2) -> None:
    found: dict[str, Any] = {}

    def run(name: str, **options: Any) -> Any:
        torch.manual_seed(0)
        config = DepthAnythingConfig.from_encoder_config(Dinov2Config(**TINY_ENCODER), **TINY_DECODER)
        defaults = {"max_steps": 3, "logging_steps": 1, "max_zero_share": 1.0, "max_grad_norm": 0.0}
        precision = options.pop("precision", None)
        return fit(
            DepthAnythingForDepthEstimation(config),
            options.pop("objective", SupervisedRelative(ANCHORED)),
            TrainingArguments(
                str(folder / name),
                per_device_train_batch_size=4 // processes,
                mixed_precision=precision,
                **defaults,
            ),
            Mixture([DepthFolder(data)], TrainingTransform(56)),
            processor=DepthAnythingImageProcessor.for_input_size(56),
            pretrained=False,
            **options,
        )

    for precision in ("no", "bf16"):
        objective = Weighted(rank)
        run(precision, objective=objective, precision=precision)
        found[precision] = {name: value.detach() for name, value in objective.named_parameters()}
    found["steps"] = run("stopped", callbacks=[Decides(rank, fails=False)]).steps
    try:
        run("failed", callbacks=[Decides(rank, fails=True)])
    except RuntimeError as error:
        found["error"] = str(error)
    torch.save(found, folder / f"found-{processes}-{rank}.pt")


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_accelerate")
def test_own_parts_and_several_trainings_work_on_two_processes(tmp_path, labelled_folder):
    run_processes(train_one_after_the_other, (labelled_folder, tmp_path), tmp_path / "output.txt")
    first, second = (torch.load(tmp_path / f"found-2-{rank}.pt", weights_only=True) for rank in (0, 1))
    for precision in ("no", "bf16"):
        record = json.loads((tmp_path / precision / "training_arguments.json").read_text())
        assert (record["precision"], record["processes"]) == (precision, 2)
        assert [entry["of_one_process"] for entry in log_of(tmp_path / precision)] == [5.0] * 3
        assert all(torch.equal(first[precision][name], second[precision][name]) for name in first[precision])
    assert first["steps"] == second["steps"] == 2
    assert "a callback failed on another rank" in first["error"]
    assert second["error"] == "callback Decides.on_log at step 1: OSError: no space for plots"
    alone = tmp_path / "alone"
    alone.mkdir()
    train_one_after_the_other(0, labelled_folder, alone, 1)
    expected = torch.load(alone / "found-1-0.pt", weights_only=True)["no"]
    assert expected.pop("of_last") == 1 and first["no"]["of_last"] < 1
    for name, value in expected.items():
        torch.testing.assert_close(first["no"][name], value, rtol=0, atol=1e-6)
    assert expected["unused"] == 1 and (expected["by_channel"] != 0).all()
