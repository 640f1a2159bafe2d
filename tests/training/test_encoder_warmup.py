# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run whose encoder is frozen for some steps: when it begins, what it needs, and that it resumes exactly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from safetensors.torch import load_file
from training_runs import ANCHORED, assert_same_checkpoint, batch_of, log_of, make_engine, moved_names, weights

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.dry_run import dry_run_step
from depth_anything_hf.training.encoder_strategy import EncoderStrategy
from depth_anything_hf.training.memory_estimate import estimate_memory
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.plan import measure_seconds


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
OPTIONS = {"encoder_strategy": "warmup:2", "max_steps": 5, "save_steps": 1}


def encoder_moments(checkpoint: Path) -> int:
    """How many parameters of the checkpoint's encoder have a state of the optimizer."""
    state = torch.load(checkpoint / "state" / "optimizer.bin")
    encoder = [index for group in state["param_groups"] if "encoder" in group["name"] for index in group["params"]]
    return sum(index in state["state"] for index in encoder)


@pytest.fixture
def whole(tmp_path, train, make_tiny_model) -> Path:
    train(tmp_path / "whole", make_tiny_model(), ema_decay=0.5, **OPTIONS)
    return tmp_path / "whole"


def test_the_encoder_moves_after_its_steps_and_has_no_state_before(whole):
    at = [load_state(whole / f"checkpoint-{step}") for step in range(1, 6)]
    for earlier, later, moves in zip(at, at[1:], (False, True, True, True), strict=False):
        moved = moved_names(earlier, later)
        assert any(name.startswith("head.") for name in moved)
        assert any(name.startswith("backbone.") for name in moved) == moves
    trained = encoder_moments(whole / "checkpoint-5")
    assert [encoder_moments(whole / f"checkpoint-{step}") for step in (1, 2, 3)] == [0, 0, trained] and trained > 50
    rates = [entry["learning_rate_encoder"] for entry in log_of(whole) if "learning_rate_encoder" in entry]
    # A line from 5e-4 to 0 over five steps, times 0, then a rise; of the step after the logged one.
    assert rates == pytest.approx([0, 5e-4 * 0.6 / 3, 5e-4 * 0.4 * 2 / 3, 5e-4 * 0.2, 0])


def load_state(checkpoint: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint / "state" / "model.safetensors")


def test_it_resumes_exactly_on_both_sides(tmp_path, train, make_tiny_model, whole):
    for step in (1, 2, 3):
        stopped = tmp_path / f"stopped-{step}"
        shutil.copytree(whole / f"checkpoint-{step}", stopped / f"checkpoint-{step}")
        shutil.copy(whole / "training_arguments.json", stopped)
        train(stopped, make_tiny_model(), resume_from_checkpoint="latest", ema_decay=0.5, **OPTIONS)
        assert_same_checkpoint(stopped / "checkpoint-5", whole / "checkpoint-5")
        assert moved_names(weights(stopped), weights(whole)) == set(), step


def test_the_encoder_is_in_evaluation_mode_until_then(tmp_path, make_tiny_model, labelled_folder):
    model = make_tiny_model()
    engine = make_engine(tmp_path, model, encoder_strategy="warmup:1")
    engine.train_mode()
    for step, trains in ((1, False), (2, True)):
        engine.accumulate(batch_of(labelled_folder), 0.0, step)
        assert model.backbone.encoder.layer[0].training is trains and model.head.training
        assert (model.backbone.encoder.layer[0].norm1.weight.grad is not None) is trains
        engine.step(torch.zeros(()))


def test_memory_and_time_are_those_of_the_whole_model(tmp_path, make_tiny_model, labelled_folder):
    model, data = make_tiny_model(), Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    trains: list[bool] = []
    model.backbone.layernorm.weight.register_hook(lambda gradient: trains.append(True))
    arguments = TrainingArguments(str(tmp_path), encoder_strategy="warmup:9", max_steps=20)
    report = dry_run_step(model, SupervisedRelative(ANCHORED), arguments, data, pretrained=True)
    assert "encoder: warmup:9: from step 10 on, at its whole rate from step 19 on" in str(report)
    # The step that is measured is the second one.
    assert trains == [True] and report.problems == []
    size, names = (56, 56), ("full", "warmup:9")
    full, warmup = (TrainingArguments("unused", encoder_strategy=name) for name in names)
    assert estimate_memory(model, full, size) == estimate_memory(model, warmup, size)


def test_a_run_that_ends_before_is_refused(tmp_path, train, make_tiny_model):
    for total in (3, 4):
        with pytest.raises(ValueError, match=f"for 4 steps, but the run has {total}, so that it would never be"):
            TrainingArguments("unused", encoder_strategy="warmup:4", max_steps=total)
    TrainingArguments("unused", encoder_strategy="warmup:4", max_steps=5)
    # Only the data says how long an epoch is.
    with pytest.raises(ValueError, match="freezes the encoder for 500 steps, but the run has"):
        train(tmp_path, make_tiny_model(), encoder_strategy="warmup:500", max_steps=-1)
    EncoderStrategy.parse("warmup:4").require_steps(-1)


@pytest.mark.parametrize("engine", [DistributedType.FSDP, DistributedType.DEEPSPEED])
def test_sharded_models_fix_what_is_trained(tmp_path, make_tiny_model, monkeypatch, engine):
    monkeypatch.setattr(Accelerator, "distributed_type", engine)
    with pytest.raises(ValueError, match="warmup:1 is not supported for sharded models, whose trained parameters"):
        make_engine(tmp_path, make_tiny_model(), encoder_strategy="warmup:1")


def test_what_fits_and_how_long_it_takes_is_found_by_a_step_that_trains_the_encoder(tmp_path, train, make_tiny_model):
    options = {"auto_batch": True, "per_device_train_batch_size": 4, "max_steps": 4}
    train(tmp_path / "run", make_tiny_model(), encoder_strategy="warmup:2", **options)
    training = TrainingArguments("unused", encoder_strategy="warmup:2", per_device_train_batch_size=1)
    assert measure_seconds(make_tiny_model().config, training, 56) > 0
