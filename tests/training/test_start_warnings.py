# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Warnings before the first step: runs that are too short, GPUs that are too small, more workers than CPUs."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.recipes.catalog import find_recipe, read_recipe
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.memory_estimate import GIB, MemoryEstimate
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative
from depth_anything_hf.training.prefetch import usable_workers
from depth_anything_hf.training.processes import training_accelerator
from depth_anything_hf.training.start_warnings import (
    label_warnings,
    memory_warnings,
    predict_memory,
    short_run_warnings,
    start_warnings,
    too_small,
    unusable_labels,
)


def arguments_for(**options: Any) -> TrainingArguments:
    return TrainingArguments("unused", **options)


@pytest.mark.parametrize(
    ("options", "steps", "text"),
    [
        ({"warmup_steps": 200}, 100, "100 steps and a warm-up of 200: the learning rate reaches 49.8% of its peak"),
        ({"warmup_steps": 200}, 200, "the learning rate reaches 99.5% of its peak"),
        ({"ema_decay": 0.998}, 101, "ema_decay 0.998 over 101 steps: 82% of the saved average are the weights after"),
        ({"ema_decay": 0.998}, 101, "lower ema_decay (at most 0.977)"),
        ({"ema_decay": 0.998}, 3, "or leave ema_decay out"),
    ],
)
def test_a_run_that_is_too_short_is_told_with_numbers(options, steps, text):
    found = short_run_warnings(arguments_for(**options), steps)
    assert len(found) == 1 and text in found[0]


def test_the_advised_average_is_of_the_trained_weights():
    # With it the share of the start is the largest that is not warned of.
    assert short_run_warnings(arguments_for(ema_decay=0.977), 101) == []


@pytest.mark.parametrize(
    ("recipe", "steps"), [("quickstart-teacher", 4500), ("quickstart-student", 3600), ("teacher", 160_000)]
)
def test_the_recipes_at_their_length_are_not_warned_of(recipe, steps):
    values = read_recipe(find_recipe(recipe))
    own = {key: values[key] for key in TrainingArguments.__dataclass_fields__ if key in values}
    assert short_run_warnings(arguments_for(**own), steps) == []
    assert short_run_warnings(arguments_for(), 1) == []


def test_a_gpu_that_is_too_small_is_told_with_what_to_do():
    estimate = MemoryEstimate(GIB, GIB, 2 * GIB, 0, 0, 0, 20 * GIB, GIB)
    (text,) = too_small(estimate, 24 * GIB)
    assert text.startswith("this run needs 25.0 GiB (weights 1.00, ") and "this one has 24.0 GiB" in text
    assert "gradient_checkpointing" in text and too_small(estimate, 25 * GIB) == []


def test_the_main_process_on_a_gpu_compares_and_others_do_not(monkeypatch, make_tiny_model, labelled_folder):
    # A stand-in for a GPU, of which only the size is asked.
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=2**20))
    gpu = SimpleNamespace(
        device=torch.device("cuda"),
        is_main_process=True,
        mixed_precision="bf16",
        num_processes=1,
        distributed_type="NO",
    )
    data = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    run = (make_tiny_model(), SupervisedRelative(), arguments_for(), data)
    (text,) = memory_warnings(*run, gpu)
    assert "this one has 0.0 GiB" in text
    assert memory_warnings(*run, SimpleNamespace(**{**vars(gpu), "is_main_process": False})) == []
    assert memory_warnings(*run, SimpleNamespace(**{**vars(gpu), "device": torch.device("cpu")})) == []


def test_a_model_that_cannot_be_predicted_is_no_error(make_tiny_model):
    class Odd(type(make_tiny_model())):
        def forward(self, pixel_values: torch.Tensor, **_: Any) -> Any:
            return pixel_values.sum().item()

    model = make_tiny_model()
    model.__class__ = Odd
    found = predict_memory(model, SupervisedRelative(), arguments_for(), None, "no")
    assert isinstance(found, str) and found.startswith("not known (")


@pytest.mark.usefixtures("fresh_accelerate")
def test_more_workers_than_cpus_are_not_started(tmp_path, monkeypatch, make_tiny_model, labelled_folder):
    data = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    arguments = replace(arguments_for(), output_dir=str(tmp_path), dataloader_num_workers=8)
    run = (make_tiny_model(), SupervisedRelative(), arguments, data, training_accelerator(arguments))
    assert start_warnings(*run, total_steps=10) == [
        "warning: dataloader_num_workers is 8, but only 3 CPU(s) may be used: starting 3"
    ]
    assert usable_workers(replace(arguments, dataloader_num_workers=2)) == 2


@pytest.mark.parametrize(
    ("asked", "before", "workers"),
    # Three CPUs. A resumed stream keeps its number, unless fewer are asked for, which the loader refuses.
    [(8, None, 3), (8, 8, 8), (8, 2, 2), (8, 1, 1), (0, 1, 0), (2, 4, 2)],
)
def test_a_resumed_stream_keeps_its_number_of_workers(monkeypatch, asked, before, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    state = {} if before is None else {"workers": before}
    assert usable_workers(arguments_for(dataloader_num_workers=asked), state) == workers


def test_one_of_several_sources_without_a_valid_label_is_warned_of(labelled_folder):
    metric = TrainingTransform(28, target="depth", max_depth=20.0)
    sources = [DepthFolder(labelled_folder), DepthFolder(labelled_folder, scale=0.001)]
    mixture = Mixture(sources, metric, names=["good", "far"])
    (found,) = label_warnings(mixture, SupervisedMetric(20.0))
    assert re.search(r"^far: of the labels of its first 8 samples 0 have a valid pixel; .* inverse, 1000", found)
    assert label_warnings(Mixture(sources[:1], metric), SupervisedMetric(20.0)) == []
    # The objective's own range may be narrower than the transform's.
    assert len(label_warnings(Mixture(sources[:1] * 2, metric), SupervisedMetric(0.5))) == 2
    assert label_warnings(mixture, Distillation(teacher=lambda images: images[:, 0])) == []


def test_labels_are_described_by_the_range_of_a_wrapped_objective(labelled_folder):
    data = Mixture([DepthFolder(labelled_folder)], TrainingTransform(28, target="depth", max_depth=20.0))
    narrow = SupervisedMetric(0.5)
    wrapped = functools.update_wrapper(lambda *args: narrow(*args), narrow)
    (described,) = unusable_labels(data, wrapped)
    assert "0 have a valid pixel" in described and "valid is 0.001 to 0.5 m" in described
    made = functools.update_wrapper(lambda *args: None, Distillation(teacher=lambda images: images[:, 0]))
    assert unusable_labels(data, made) == []
