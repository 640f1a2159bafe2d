# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The example scripts, run for real in processes of their own on the CPU, two steps each.

`accelerate launch` starts one of one process and one of two; the others are forked from a process that has imported
what they need, with the environment of `torchrun` where they are two.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked_scripts import run_python
from safetensors.torch import load_file
from transformers import AutoModelForDepthEstimation, Dinov2Config, Dinov2Model

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.geometry.intrinsics import CameraIntrinsics
from depth_anything_hf.inference.point_map import PointMap
from depth_anything_hf.recipes.student import DistillationArguments
from depth_anything_hf.visualization import draw_points


EXAMPLES = Path(__file__).parents[2] / "examples"
ENCODER = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "mlp_ratio": 2}
DECODER = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8}
SHORT = ["--max_steps", "2", "--logging_steps", "1", "--input_size", "56", "--max_zero_share", "1"]
SCRATCH = ["--encoder_config", json.dumps(ENCODER), "--decoder_config", json.dumps(DECODER), *SHORT]


def launch(script: str, *flags: object, processes: int = 1) -> str:
    """Run an example by `accelerate launch`, as a user does; return what it printed, fail with it otherwise."""
    # `--cpu` starts one process whatever their number; `--multi_gpu` with ACCELERATE_USE_CPU starts all of them on it.
    engine = ["--cpu"] if processes == 1 else ["--multi_gpu", "--main_process_port", 0]
    command = ["accelerate.commands.launch", *engine, "--num_processes", processes, "--num_machines", 1]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", 1]
    command = [sys.executable, "-m", *command, EXAMPLES / script, *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd=EXAMPLES.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def run(script: str, *flags: object, processes: int = 1) -> str:
    """Run an example in processes that are forked; return what they printed, fail with it otherwise."""
    return run_python(EXAMPLES / script, *flags, processes=processes, folder=EXAMPLES.parent)


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in log_of(folder) if "loss" in entry]


def test_scripts_are_short():
    lengths = {path.name: len(path.read_text().splitlines()) for path in EXAMPLES.glob("*.py")}
    assert len(lengths) == 6 and max(lengths.values()) <= 40, lengths


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, labelled_folder) -> Path:
    """Trained from random weights by the example, scored, with a checkpoint on the way."""
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    data = ["--train_data", labelled_folder, "--eval_data", labelled_folder, "--eval_max_depth", 20]
    batch = ["--per_device_train_batch_size", 4, "--save_steps", 1, "--ema_decay", 0.5]
    launch("train_teacher.py", *SCRATCH, *data, *batch, "--output_dir", folder)
    return folder


@pytest.fixture(scope="module")
def labels(tmp_path_factory, teacher, labelled_folder) -> Path:
    """Pseudo-labels of that teacher for the same pictures, three to a shard."""
    folder = tmp_path_factory.mktemp("labels")
    flags = ["--teacher", teacher, "--data", labelled_folder / "images", "--shard_size", 3, "--batch_size", 4]
    assert "8 images labelled in 3 shards" in run("pseudo_label.py", *flags, "--output_dir", folder)
    return folder


def test_train_teacher_leaves_a_scored_model(teacher):
    assert len(losses(teacher)) == 2
    assert "eval_delta1" in log_of(teacher)[-1]
    for folder in (teacher, teacher / "best", teacher / "checkpoint-2"):
        assert AutoModelForDepthEstimation.from_pretrained(folder).config.backbone_config.hidden_size == 32
    card = (teacher / "README.md").read_text()
    assert "accelerate launch" in card and "random weights" in card and "delta1" in card


def test_pseudo_labels_are_a_disparity_data_set(labels, labelled_folder):
    dataset = open_source(str(labels))
    assert len(dataset) == 8 and dataset.label == "disparity"
    sample = dataset[0]
    assert sample["disparity"].shape == sample["image"].shape[:2] == (56, 56)


def test_distill_from_stored_labels(tmp_path, teacher, labels):
    start = ["--model_name_or_path", teacher, *SHORT]
    flags = ["--horizontal_flip", 0, "--output_dir", tmp_path / "student"]
    run("distill.py", *start, "--train_data", labels, *flags)
    assert len(losses(tmp_path / "student")) == 2
    # A student that starts as its teacher is right at the first step, up to the 16 bits of the labels.
    first = log_of(tmp_path / "student")[0]
    assert first["ssi"] < 1e-3 and "feature" not in first
    lineage = json.loads((tmp_path / "student" / "config.json").read_text())["lineage"]
    assert lineage["teacher"] == "teacher" and "license" not in (tmp_path / "student" / "README.md").read_text()[:300]


@pytest.mark.slow
def test_distill_with_a_teacher_beside_the_student_and_feature_alignment(tmp_path, teacher, labelled_folder):
    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
    Dinov2Model(Dinov2Config(**sizes)).save_pretrained(tmp_path / "features")
    pictures = labelled_folder / "images"
    flags = ["--teacher", teacher, "--feature_encoder", tmp_path / "features", "--cutmix_probability", 0.5]
    command = ["distill.py", *SCRATCH, "--train_data", pictures, *flags, "--output_dir", tmp_path / "student"]
    assert "on 2 processes" in launch(*command, processes=2)
    first = log_of(tmp_path / "student")[0]
    assert first["feature"] > 0 and first["ssi"] > 0 and first["images_without_label"] == 0
    card = (tmp_path / "student" / "README.md").read_text()
    assert "teacher" in card.lower()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU torch.compile needs a C++ compiler")
def test_distill_with_a_teacher_in_half_precision_compiled(tmp_path, teacher, labelled_folder):
    start = ["--model_name_or_path", teacher, *SHORT, "--train_data", labelled_folder / "images"]
    flags = ["--teacher", teacher, "--teacher_dtype", "bfloat16", "--teacher_compile", "--picture_steps", 2]
    launch("distill.py", *start, *flags, "--output_dir", tmp_path / "student")
    assert len(losses(tmp_path / "student")) == 2
    # A student that starts as its teacher is right at the first step, up to the teacher's precision.
    assert 0 < log_of(tmp_path / "student")[0]["ssi"] < 0.3
    assert AutoModelForDepthEstimation.from_pretrained(tmp_path / "student").dtype == torch.float32


def test_how_a_teacher_computes_needs_a_teacher():
    assert DistillationArguments(teacher="somewhere", teacher_dtype="bfloat16").teacher_compile is False
    for option in ({"teacher_dtype": "bfloat16"}, {"teacher_compile": True}):
        with pytest.raises(ValueError, match="need an online teacher; set teacher"):
            DistillationArguments(**option)


@pytest.mark.slow
def test_finetune_metric_then_evaluate_in_metres(tmp_path, teacher, labelled_folder):
    start = ["--model_name_or_path", teacher, "--max_depth", 20, *SHORT]
    data = ["--train_data", labelled_folder, "--eval_data", labelled_folder, "--eval_max_depth", 20]
    run("finetune_metric.py", *start, *data, "--output_dir", tmp_path / "metric")
    config = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "metric").config
    assert (config.depth_estimation_type, config.max_depth) == ("metric", 20)

    flags = ["--model", tmp_path / "metric", "--data", labelled_folder, "--max_depth", 20]
    printed = run("evaluate.py", *flags, "--output_dir", tmp_path / "scores")
    results = json.loads((tmp_path / "scores" / "results.json").read_text())
    assert results["images"] == 8 and results["settings"]["alignment"] == "none"
    assert "8 images scored" in printed
    # The run and the script score alike.
    assert results["mean"]["delta1"] == pytest.approx(log_of(tmp_path / "metric")[-1]["eval_delta1"], abs=1e-6)


@pytest.mark.slow
def test_two_processes_learn_and_score_like_one(tmp_path, teacher, labelled_folder):
    """Same samples in a step, same losses, same weights up to rounding, same scores."""
    data = ["--train_data", labelled_folder, "--eval_data", labelled_folder, "--eval_max_depth", 20]
    batch = ["--per_device_train_batch_size", 2, "--max_steps", 3]
    common = [*SCRATCH, *data, *batch]
    printed = run("train_teacher.py", *common, "--output_dir", tmp_path / "two", processes=2)
    assert "steps of 4 images on 2 processes, 8 images per epoch" in printed
    run("train_teacher.py", *common, "--gradient_accumulation_steps", 2, "--output_dir", tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-5)
    two, one = (log_of(tmp_path / name)[-1] for name in ("two", "one"))
    assert two["eval_delta1"] == pytest.approx(one["eval_delta1"], abs=1e-3)
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("two", "one")]
    for name, tensor in weights[0].items():
        # An encoder's key biases have no gradient but rounding, which AdamW scales up to whole steps.
        if not name.endswith("key.bias"):
            torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=2e-4, msg=name)

    scores = []
    for processes in (1, 2):
        folder = tmp_path / f"scores-{processes}"
        flags = ["--model", teacher, "--data", labelled_folder, "--max_depth", 20, "--output_dir", folder]
        assert "8 images scored" in run("evaluate.py", *flags, processes=processes)
        scores.append(json.loads((folder / "results.json").read_text())["mean"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-6, nan_ok=True)


@pytest.mark.slow
def test_an_interrupted_example_goes_on(tmp_path, teacher, labelled_folder):
    data = ["--train_data", labelled_folder, "--per_device_train_batch_size", 4, "--save_steps", 1]
    command = ["train_teacher.py", *SCRATCH, *data, "--output_dir", tmp_path]
    run(*command)
    final = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    assert "resuming from" in run(*command, "--resume_from_checkpoint", tmp_path / "checkpoint-1")
    again = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(final[name], again[name]) for name in final)
    assert len(losses(tmp_path)) == 2


def test_views_of_points_are_of_their_files(tmp_path):
    pytest.importorskip("trimesh")
    picture, depth = np.full((24, 32, 3), [200, 40, 40], np.uint8), np.full((24, 32), 2, np.float32)
    # The nearer half, on the right, is blue.
    picture[:, 16:], depth[:, 16:] = [40, 40, 200], 1
    points = PointMap("wall", depth, picture, CameraIntrinsics(32, 24, 32, 32, 15.5, 11.5))
    files = [tmp_path / "wall.ply", tmp_path / "wall.glb"]
    for file in files:
        points.save(file)
    example = runpy.run_path(str(EXAMPLES / "view_points.py"))
    for file in files:
        positions, colours = example["load"](str(file))
        np.testing.assert_allclose(positions[colours[:, 2] > 100].min(axis=0)[2], 1, rtol=1e-5)
        seen = draw_points(positions, colours, 0, side=32)
        red, blue = ((seen == colour).all(axis=2) for colour in (picture[0, 0], picture[0, -1]))
        assert red.sum() > 50 and blue.sum() > 50 and np.nonzero(red)[1].max() <= np.nonzero(blue)[1].min()
