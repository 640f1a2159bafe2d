# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A training by `transformers.Trainer` as a user's script has it, in the caller's process or in one of its own.

python tests/helpers/transformers_run.py FOLDER [--killed_after STEPS]
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import torch
from model_gradients import labels_for, pixels, tiny_model
from torch import Tensor
from transformers import Trainer, TrainerCallback, TrainingArguments

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


STEPS, SAVE_EVERY = 5, 2


class Pictures(torch.utils.data.Dataset):
    """Four images with disparity."""

    def __init__(self) -> None:
        self.images = pixels(batch=4)
        self.labels = labels_for("relative", self.images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"pixel_values": self.images[index], "labels": self.labels[index]}


class KilledAfter(TrainerCallback):
    """Kills the process itself, as no code can prevent."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.steps:
            os.kill(os.getpid(), signal.SIGKILL)


def make_trainer(
    folder: Path, model: DepthAnythingForDepthEstimation, compute_metrics: Any = None, **options: Any
) -> Trainer:
    defaults: dict[str, Any] = {"save_strategy": "no", "learning_rate": 1e-3, "logging_steps": 1}
    arguments = TrainingArguments(
        output_dir=str(folder), use_cpu=True, report_to="none", disable_tqdm=True, **{**defaults, **options}
    )
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=Pictures(),
        eval_dataset=Pictures(),
        compute_metrics=compute_metrics,
    )


def saving_trainer(folder: Path, model: DepthAnythingForDepthEstimation, **options: Any) -> Trainer:
    """A run of `STEPS` steps with a checkpoint every `SAVE_EVERY`."""
    saving = {"save_strategy": "steps", "save_steps": SAVE_EVERY, "max_steps": STEPS}
    return make_trainer(folder, model, per_device_train_batch_size=2, **{**saving, **options})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--killed_after", type=int, default=0, help="steps; 0: never")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    has_checkpoint = any(arguments.folder.glob("checkpoint-*"))
    # The weights that a resumed run begins with must not matter.
    run = saving_trainer(arguments.folder, tiny_model(seed=7 if has_checkpoint else 0))
    if arguments.killed_after:
        run.add_callback(KilledAfter(arguments.killed_after))
    run.train(resume_from_checkpoint=has_checkpoint)
    run.save_model(str(arguments.folder / "final"))


if __name__ == "__main__":
    main()
