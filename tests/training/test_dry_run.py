# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The dry run: what it reports is what a run would see, and it leaves nothing on the disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import ANCHORED

from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.training import tracking
from depth_anything_hf.training.dry_run import DryRunReport, LabelRange, dry_run_step
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative
from depth_anything_hf.training.online_teacher import OnlineTeacher
from depth_anything_hf.training.tracking import read_log
from depth_anything_hf.training.trainer import TrainingArguments, fit


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def arguments_for(folder: Path, **options: Any) -> TrainingArguments:
    defaults = {"max_steps": 40, "per_device_train_batch_size": 2, "max_zero_share": 1.0}
    return TrainingArguments(str(folder), **{**defaults, **options})


def run_dry(
    folder: Path, model: nn.Module, data: Path, objective: Any = None, target: str = "disparity", **options: Any
) -> DryRunReport:
    mixture = Mixture([DepthFolder(data)], TrainingTransform(56, target=target), names=["rooms"])
    arguments = arguments_for(folder, **options)
    return dry_run_step(model, objective or SupervisedRelative(ANCHORED), arguments, mixture, pretrained=False)


def test_the_first_step_is_that_of_the_run_and_nothing_is_written(tmp_path, make_tiny_model, labelled_folder):
    options = {"gradient_accumulation_steps": 2, "logging_steps": 1, "cutmix_probability": 0.5, "max_steps": 3}
    before = {path: path.stat().st_mtime_ns for path in labelled_folder.rglob("*")}
    report = run_dry(tmp_path / "run", make_tiny_model(), labelled_folder, **options)
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in labelled_folder.rglob("*")} == before
    fit(
        make_tiny_model(),
        SupervisedRelative(ANCHORED),
        arguments_for(tmp_path / "run", **options),
        Mixture([DepthFolder(labelled_folder)], TrainingTransform(56)),
        processor=DepthAnythingImageProcessor.for_input_size(56),
        pretrained=False,
    )
    first = read_log(tmp_path / "run" / "log.jsonl")[0]
    for name in ("loss", "ssi", "gradient", "anchor", "output_zero_share"):
        assert report.terms[name] == pytest.approx(first[name], rel=1e-6), name
    assert report.images_per_step == 4 and report.total_steps == 3


def test_a_tracker_that_is_missing_is_found_before_the_run(tmp_path, make_tiny_model, labelled_folder, monkeypatch):
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs the package wandb: pip install wandb, or .* report_to none"):
        run_dry(tmp_path / "run", make_tiny_model(), labelled_folder, report_to="wandb")


def test_shapes_labels_time_and_memory_are_told(tmp_path, make_tiny_model, labelled_folder):
    report = run_dry(tmp_path, make_tiny_model(), labelled_folder, max_steps=-1, num_train_epochs=5.0)
    assert report.batch == {"pixel_values": (2, 3, 56, 56), "labels": (2, 56, 56)}
    # Depths of 1 to 9 metres, all of them valid.
    (labels,) = report.labels
    assert (labels.source, labels.samples, labels.valid_share) == ("rooms", 4, 1.0)
    assert 1 / 9.01 <= labels.minimum < labels.maximum <= 1.0
    assert report.total_steps == 20
    assert report.seconds_per_step > 0 and report.peak_memory_mib > 50 and report.gradient_norm > 0
    assert report.estimated_seconds == pytest.approx(20 * (report.seconds_per_step + report.reading_seconds_per_step))
    assert report.learning_rates == {"encoder": 5e-4, "decoder": 5e-4}
    # Image, label, prediction and error of both images.
    assert report.sheet.dtype == np.uint8 and report.sheet.shape == (2 * 56 + 4, 4 * 56 + 3 * 4, 3)
    text = str(report)
    assert "pixel_values [2, 3, 56, 56]" in text and "rooms: 100.0% of the labels' pixels are valid" in text
    assert "20 steps take about" in text and not report.problems
    assert list(report.predicted_memory) == ["as launched", "replicated (DDP)", "one of 8 (FSDP2)"]
    once, replicated, sharded = report.predicted_memory.values()
    assert replicated.total > once.total and sharded.weights == once.weights // 8
    assert f"predicted memory of a GPU, as launched: {once}" in text


def test_a_run_that_is_too_short_is_warned_of_and_no_problem(tmp_path, make_tiny_model, labelled_folder):
    report = run_dry(tmp_path, make_tiny_model(), labelled_folder, max_steps=10, warmup_steps=20)
    assert report.problems == [] and len(report.notes) == 1
    assert str(report).count("warning: the run has 10 steps and a warm-up of 20") == 1


def test_workers_share_the_reading_in_the_estimate(tmp_path, make_tiny_model, labelled_folder):
    report = run_dry(tmp_path, make_tiny_model(), labelled_folder, dataloader_num_workers=2)
    per_step = max(report.seconds_per_step, report.reading_seconds_per_step / 2)
    assert report.estimated_seconds == pytest.approx(40 * per_step)


def test_labels_of_a_metric_model_are_metres(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=20)
    report = run_dry(tmp_path, model, labelled_folder, SupervisedMetric(max_depth=20.0), target="depth")
    assert 1.0 <= report.labels[0].minimum < report.labels[0].maximum <= 9.0
    assert set(report.terms) >= {"loss", "silog"} and report.sheet.shape[1] == 4 * 56 + 3 * 4


def test_labels_of_an_online_teacher_are_looked_at(tmp_path, make_tiny_model, labelled_folder):
    teacher = OnlineTeacher(make_tiny_model(seed=3), "disparity", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    mixture = Mixture([PhotoFolder(labelled_folder / "images")], TrainingTransform(56, keep_clean=True))
    report = dry_run_step(
        make_tiny_model(), Distillation(teacher=teacher), arguments_for(tmp_path), mixture, pretrained=False
    )
    assert "labels" not in report.batch
    assert report.labels[0].valid_share == 1.0 and report.labels[0].minimum < report.labels[0].maximum


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda depth: np.full_like(depth, np.nan), "rooms: none of its labels has a valid pixel"),
        (lambda depth: np.full_like(depth, 2.0), "rooms: all labels have the value 0.5; check the label's column"),
    ],
)
def test_labels_that_teach_nothing_are_a_problem(
    tmp_path, make_tiny_model, labelled_folder, spoil: Callable[[np.ndarray], np.ndarray], problem: str
):
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "depth").mkdir()
    for path in (labelled_folder / "images").iterdir():
        (data / "images" / path.name).write_bytes(path.read_bytes())
        depth = np.load(labelled_folder / "depth" / f"{path.stem}.npy")
        np.save(data / "depth" / f"{path.stem}.npy", spoil(depth))
    report = run_dry(tmp_path / "run", make_tiny_model(), data)
    assert any(problem in each for each in report.problems) and f"problem: {problem}" in str(report)


def test_a_loss_that_is_not_finite_is_reported_not_raised(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv1.bias, float("nan"))
    report = run_dry(tmp_path, model, labelled_folder)
    assert math.isnan(report.terms["loss"])
    assert any("the loss is nan" in each for each in report.problems)


def test_a_dead_and_a_runaway_output_are_problems(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv3.bias, -100.0)
    dead = run_dry(tmp_path, model, labelled_folder, max_zero_share=0.9)
    assert any("100% of the output is 0, above max_zero_share 90%" in each for each in dead.problems)
    large = run_dry(tmp_path, make_tiny_model(), labelled_folder, max_output=1e-6)
    assert any("above max_output 1e-06" in each for each in large.problems)


def test_a_source_without_labels_says_so():
    assert str(LabelRange("photos", 4)) == "photos: no labels in 4 samples"


def test_weights_that_are_not_trained_stay(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model()
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    report = run_dry(tmp_path, model, labelled_folder, encoder_strategy="frozen")
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())
    assert any("frozen" in each for each in report.problems)
