# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One's own parts on two processes, and several trainings in a launch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from kill_and_resume import run_processes
from tiny_model import TINY_DECODER, TINY_ENCODER
from torch import nn
from training_runs import ANCHORED, log_of
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
