# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share: a run on a tiny folder, and a held-out set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_runs import ANCHORED, CARD, Train

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, FitResult, TrainingArguments, fit


@pytest.fixture
def train(labelled_folder: Path) -> Train:
    """Runs `fit` on the tiny folder: (folder, model, objective=..., evaluation=..., **TrainingArguments)."""

    def run(
        folder: Path,
        model: nn.Module,
        objective: Any = None,
        evaluation: Evaluation | None = None,
        transform: dict[str, Any] | None = None,
        pretrained: bool = False,
        fresh_decoder: bool = False,
        forgetting: Any = None,
        data: Path | None = None,
        train_data: Any = None,
        card: dict[str, Any] | None = CARD,
        record: dict[str, Any] | None = None,
        callbacks: Sequence[Any] = (),
        metrics: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> FitResult:
        seed = arguments.get("seed", 0)
        mixture = Mixture(
            [DepthFolder(data or labelled_folder)], TrainingTransform(56, **(transform or {})), seed=seed
        )
        defaults = {"max_steps": 2, "per_device_train_batch_size": 2, "logging_steps": 1, "max_zero_share": 1.0}
        return fit(
            model,
            objective or SupervisedRelative(ANCHORED),
            TrainingArguments(output_dir=str(folder), **{**defaults, **arguments}),
            mixture if train_data is None else train_data,
            processor=DepthAnythingImageProcessor.for_input_size(56),
            pretrained=pretrained,
            fresh_decoder=fresh_decoder,
            forgetting=forgetting,
            evaluation=evaluation,
            card=card,
            record=record,
            callbacks=callbacks,
            metrics=metrics,
        )

    return run


@pytest.fixture
def evaluation(labelled_folder: Path) -> Evaluation:
    return Evaluation(DepthFolder(labelled_folder, limit=3), EvaluationSettings(max_depth=20.0), batch_size=3)


@pytest.fixture
def batch() -> dict[str, Any]:
    """Three images of 28 x 28 with disparity; the second has a hole."""
    random = torch.Generator().manual_seed(3)
    labels = torch.rand(3, 28, 28, generator=random)
    labels[1, :5] = torch.nan
    return {
        "pixel_values": torch.randn(3, 3, 28, 28, generator=random),
        "labels": labels,
        "name": ["a", "b", "c"],
    }


@pytest.fixture
def base(tmp_path: Path, make_tiny_model: Any) -> Path:
    """A saved model from which adapters begin."""
    make_tiny_model().save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def model(make_tiny_model) -> nn.Module:
    return make_tiny_model()
