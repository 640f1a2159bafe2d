# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The log of a run, its averages, and trackers."""

from __future__ import annotations

import importlib.util
import json

import pytest
from training_runs import log_of

from depth_anything_hf.training.tracking import drop_log_after, read_log


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_the_log_has_losses_rates_speed_and_scores(tmp_path, train, make_tiny_model, evaluation):
    options = {"encoder_learning_rate": 1e-4, "decoder_learning_rate": 1e-3, "lr_scheduler_type": "constant"}
    result = train(tmp_path, make_tiny_model(), evaluation=evaluation, max_steps=3, logging_steps=2, **options)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [2, 3, 3]
    names = {"loss", "ssi", "gradient", "anchor", "images_without_label", "output_maximum", "output_zero_share"}
    assert names <= set(entries[0])
    assert entries[0]["learning_rate_encoder"] == 1e-4 and entries[0]["learning_rate_decoder"] == 1e-3
    assert entries[0]["images_per_second"] > 0
    assert entries[2]["eval_delta1"] == result.metrics["delta1"] == result.best_metrics["delta1"]


def test_tensorboard_files_are_written(tmp_path, train, make_tiny_model, evaluation):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tmp_path, make_tiny_model(), evaluation=evaluation, report_to="tensorboard")
    events = EventAccumulator(str(tmp_path / "logs" / "depth_anything_hf"))
    events.Reload()
    logged = [entry["loss"] for entry in log_of(tmp_path) if "loss" in entry]
    assert [event.value for event in events.Scalars("loss")] == pytest.approx(logged, rel=1e-6)
    assert "eval/delta1" in events.Tags()["scalars"]


def test_a_tracker_that_is_not_installed_is_named_before_anything_starts(tmp_path, train, make_tiny_model):
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed")
    with pytest.raises(ImportError, match="report_to wandb needs the package wandb: pip install wandb"):
        train(tmp_path / "run", make_tiny_model(), report_to="wandb")
    assert not (tmp_path / "run").exists()


def test_a_tracker_knows_a_resumed_run_by_its_name(tmp_path, train, make_tiny_model):
    pytest.importorskip("tensorboard")
    train(tmp_path, make_tiny_model(), save_steps=1, report_to="tensorboard")
    record = json.loads((tmp_path / "training_arguments.json").read_text())
    assert len(record["run_id"]) == 8 and record["processes"] == 1
    train(tmp_path, make_tiny_model(), save_steps=1, report_to="tensorboard", resume_from_checkpoint="latest")
    assert json.loads((tmp_path / "training_arguments.json").read_text())["run_id"] == record["run_id"]


def test_lines_that_a_power_cut_spoiled_are_left_out_of_a_log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "l\n\0\0\0\n\xff\n7\n{"step": 3}\n')
    assert [entry["step"] for entry in read_log(path)] == [1, 3]
    drop_log_after(path, 1)
    assert path.read_text() == '{"step": 1}\n'


def test_a_log_whose_last_line_was_cut_off_can_be_read_and_shortened(tmp_path):
    path = tmp_path / "log.jsonl"
    assert read_log(path) == []
    path.write_text('{"step": 1, "loss": 0.1}\n{"step": 2, "loss": null}\n{"step": 3}\n{"step": 4, "lo')
    assert [entry["step"] for entry in read_log(path)] == [1, 2, 3]
    drop_log_after(path, 2)
    assert path.read_text() == '{"step": 1, "loss": 0.1}\n{"step": 2, "loss": null}\n'
