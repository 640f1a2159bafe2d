# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`transformers.Trainer` trains the model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from model_gradients import NEVER_USED, has_free_shift, labels_for, pixels, tiny_model
from torch import Tensor
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Trainer, TrainingArguments

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


class Pictures(torch.utils.data.Dataset):
    """Four images with disparity."""

    def __init__(self) -> None:
        self.images = pixels(batch=4)
        self.labels = labels_for("relative", self.images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"pixel_values": self.images[index], "labels": self.labels[index]}


def trainer(folder: Path, model: DepthAnythingForDepthEstimation, **options: Any) -> Trainer:
    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
        learning_rate=1e-3,
        disable_tqdm=True,
        **options,
    )
    return Trainer(model=model, args=arguments, train_dataset=Pictures(), eval_dataset=Pictures())


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_trains(tmp_path: Path) -> None:
    model = tiny_model()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    run = trainer(tmp_path, model, max_steps=3, per_device_train_batch_size=2)
    run.train()
    losses = [entry["loss"] for entry in run.state.log_history if "loss" in entry]
    assert len(losses) == 3 and all(0 < loss < 100 for loss in losses)
    for name, parameter in model.named_parameters():
        if not has_free_shift(name, model):
            assert torch.equal(parameter, before[name]) is (name in NEVER_USED), name
    assert 0 < run.evaluate()["eval_loss"] < 100
    run.save_model(str(tmp_path / "saved"))
    saved = StockModel.from_pretrained(tmp_path / "saved")
    assert torch.equal(saved.head.conv3.weight, model.head.conv3.weight)


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_accumulates_means(tmp_path: Path) -> None:
    model = tiny_model()
    logged = []
    for accumulated in (1, 2, 4):
        run = trainer(
            tmp_path,
            copy.deepcopy(model),
            max_steps=1,
            per_device_train_batch_size=4 // accumulated,
            gradient_accumulation_steps=accumulated,
        )
        run.train()
        logged.append(run.state.log_history[0])
    for entry in logged[1:]:
        assert entry["loss"] == pytest.approx(logged[0]["loss"], rel=1e-3)
        assert entry["grad_norm"] == pytest.approx(logged[0]["grad_norm"], rel=1e-2)
