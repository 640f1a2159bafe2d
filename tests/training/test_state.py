# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The geometry of a run, and the random numbers of its processes."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.state import (
    RunGeometry,
    process_file,
    random_state,
    seed_random_state,
    set_random_state,
)


@pytest.fixture
def mixture(labelled_folder: Path) -> Mixture:
    return Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))


@pytest.mark.parametrize(
    ("options", "processes", "geometry"),
    [
        ({"max_steps": 7}, 1, (8, 8, 7)),
        ({"num_train_epochs": 2.5, "per_device_train_batch_size": 2}, 2, (4, 8, 5)),
        ({"num_train_epochs": 1.1, "gradient_accumulation_steps": 2}, 1, (16, 8, 1)),
        ({"num_train_epochs": 0.01}, 1, (8, 8, 1)),
    ],
)
def test_steps_follow_from_epochs_batches_and_processes(mixture, options, processes, geometry):
    assert RunGeometry.of(TrainingArguments("unused", **options), mixture, processes) == RunGeometry(*geometry)


def test_the_geometry_is_told_in_a_line():
    assert RunGeometry(4, 8, 6).describe(2) == "6 steps of 4 images on 2 processes, 8 images per epoch"
    assert "a stream without epochs" in RunGeometry(4, None, 6).describe(1)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ((2, 8, 6), "takes 2 images per optimizer step, this one would take 4; .* their product is 2 again"),
        ((4, 9, 6), "has 9 samples per epoch, this one would have 8; resume with the same data.*allow_changed data"),
        ((4, 8, 9), "has done 7 steps, this one would have 6 in total; set max_steps .* 7 or more"),
    ],
)
def test_another_geometry_is_refused_in_words(saved, message):
    names = ("images_per_step", "samples_per_epoch", "total_steps")
    with pytest.raises(ValueError, match=message):
        RunGeometry(4, 8, 6).require(dict(zip(names, saved, strict=True)), Path("run"), step=7)


def test_a_run_may_become_longer_or_shorter_than_it_was_to_be():
    names = ("images_per_step", "samples_per_epoch", "total_steps")
    for total in (3, 6, 9):
        RunGeometry(4, 8, total).require(dict(zip(names, (4, 8, 6), strict=True)), Path("run"), step=3)
    RunGeometry(4, 8, 6).require(dict(zip(names, (4, 9, 6), strict=True)), Path("run"), step=3, other_data=True)


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_random_numbers_go_on_where_they_were():
    state = random_state()
    first = draw()
    assert draw() != first
    set_random_state(state)
    assert draw() == first


def test_a_new_process_has_random_numbers_of_its_own():
    drawn = []
    for index, step in ((0, 4), (1, 4), (0, 5), (0, 4)):
        seed_random_state(3, index, step)
        drawn.append(draw())
    assert drawn[0] == drawn[3] and len(set(drawn)) == 3
    assert process_file(1) == "process-1.pt"
