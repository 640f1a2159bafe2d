# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs of the training loop in tests: what they are made of, how they are disturbed, and how two are compared."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn

from depth_anything_hf.data.batches import collate
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.optim import choose_learning_rates
from depth_anything_hf.training.tracking import read_log
from depth_anything_hf.training.trainer import FitResult, TrainingArguments


CARD = {"role": "teacher", "lineage": {"encoder": "random weights"}}


ANCHORED = RelativeLoss(gradient_weight=0.5, anchor_weight=1.0)


# Parameters that no input reaches in any configuration; see the model.
WITHOUT_USE = ("backbone.embeddings.mask_token", "neck.fusion_stage.layers.0.residual_layer1.")


Train = Callable[..., FitResult]


State = dict[str, torch.Tensor]


def weights(folder: Path) -> State:
    return load_file(folder / "model.safetensors")


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The log without speed and memory, which no two runs share."""
    entries = read_log(folder / "log.jsonl")
    return [{k: v for k, v in entry.items() if k not in ("images_per_second", "peak_memory_mib")} for entry in entries]


def assert_equal_bits(left: Any, right: Any, where: str = "") -> None:
    """Same structure, same numbers, bit for bit."""
    if isinstance(left, torch.Tensor):
        assert left.dtype == right.dtype and torch.equal(left, right), where
    elif isinstance(left, dict):
        assert list(left) == list(right), where
        for key in left:
            assert_equal_bits(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), where
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            assert_equal_bits(one, other, f"{where}[{index}]")
    else:
        assert left == right or (left != left and right != right), where


def assert_same_checkpoint(left: Path, right: Path) -> None:
    assert_equal_bits(weights(left), weights(right), "published weights")
    names = sorted(path.name for path in (left / "state").glob("model*.safetensors"))
    assert names and names == sorted(path.name for path in (right / "state").glob("model*.safetensors"))
    for name in names:
        assert_equal_bits(load_file(left / "state" / name), load_file(right / "state" / name), name)
    for name in ("optimizer.bin", "trainer_state.pt", "process-0.pt"):
        assert_equal_bits(torch.load(left / "state" / name), torch.load(right / "state" / name), name)


class Interrupted:
    """An objective that is stopped by the user in the middle of a run, as by Ctrl-C."""

    def __init__(self, objective: Any, after_calls: int) -> None:
        self.objective = self.__wrapped__ = objective
        self.calls_left = after_calls

    def __call__(self, *inputs: Any) -> Any:
        if self.calls_left == 0:
            raise KeyboardInterrupt
        self.calls_left -= 1
        return self.objective(*inputs)

    @property
    def projector(self) -> nn.Module | None:
        return getattr(self.objective, "projector", None)

    @projector.setter
    def projector(self, value: nn.Module) -> None:
        self.objective.projector = value


def trainable_names(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def moved_names(before: State, after: State) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


class Signalled:
    """An objective during which the process gets a signal, like a job that is to make room."""

    def __init__(self, number: signal.Signals, call: int) -> None:
        self.number, self.calls_left = number, call
        self.__wrapped__ = SupervisedRelative(ANCHORED)

    def __call__(self, *inputs: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == 0:
            os.kill(os.getpid(), self.number)
        return SupervisedRelative(ANCHORED)(*inputs)


def noisy(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
    """Draws from all three generators of the process."""
    terms = SupervisedRelative(ANCHORED)(model, batch, progress)
    terms["loss"] = terms["loss"] * (0.5 + torch.rand(()) + random.random() + float(np.random.rand()))
    return terms


class Poisoned:
    """An objective whose loss is not finite when the run is at certain steps (0-based), as by a bad batch."""

    def __init__(self, spoil: Callable[[torch.Tensor], torch.Tensor], steps: set[int], total: int) -> None:
        self.spoil, self.steps, self.total = spoil, steps, total
        self.__wrapped__ = SupervisedRelative(ANCHORED)

    def __call__(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        if round(progress * self.total) in self.steps:
            terms["loss"] = self.spoil(terms["loss"])
        return terms


SPOILED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "nan everywhere": lambda loss: loss * float("nan"),
    "infinite loss, finite gradient": lambda loss: loss + float("inf"),
    # The square root of 0 has an infinite slope, and 0 times that is NaN.
    "finite loss, gradient of nan": lambda loss: loss + (loss - loss.detach()).sqrt() * 0,
}


def make_engine(folder: Path, model: nn.Module, objective: Any = None, **arguments: Any) -> Engine:
    """An engine for two steps of a model from random weights."""
    rates = choose_learning_rates(pretrained=False, encoder=None, decoder=None)
    objective = objective or SupervisedRelative(ANCHORED)
    return Engine(Accelerator(), model, objective, TrainingArguments(str(folder), **arguments), rates, total_steps=2)


def batch_of(folder: Path) -> dict[str, Any]:
    """Two images of a folder with labels, as a run gets them."""
    mixture = Mixture([DepthFolder(folder)], TrainingTransform(56))
    return collate([mixture[0, 0], mixture[0, 1]])


CHECKPOINTING = {
    "no layer": {},
    "every layer": {"gradient_checkpointing": True},
    "every second layer": {"gradient_checkpointing": True, "gradient_checkpointing_every": 2},
}


def predict(model: nn.Module, batch: dict[str, Any]) -> torch.Tensor:
    return model(pixel_values=batch["pixel_values"]).predicted_depth
