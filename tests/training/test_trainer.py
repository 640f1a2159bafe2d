# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The training loop: what moves, exact repetition, ways to divide a batch, and what a run may compute with."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_runs import (
    ANCHORED,
    CARD,
    CHECKPOINTING,
    Interrupted,
    assert_equal_bits,
    assert_same_checkpoint,
    log_of,
    noisy,
    weights,
)
from transformers import AutoModelForDepthEstimation, Dinov2Config

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, TrainingArguments, fit


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_two_runs_are_equal_bit_for_bit(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 3, "cutmix_probability": 0.5, "ema_decay": 0.9}
    augmentation = {"colour_jitter": 0.8, "blur": 0.5}
    for name in ("one", "two"):
        train(tmp_path / name, make_tiny_model(), transform=augmentation, **options)
    assert_same_checkpoint(tmp_path / "one" / "checkpoint-3", tmp_path / "two" / "checkpoint-3")
    assert log_of(tmp_path / "one") == log_of(tmp_path / "two")
    train(tmp_path / "three", make_tiny_model(), transform=augmentation, seed=1, **options)
    assert log_of(tmp_path / "one") != log_of(tmp_path / "three")


def test_workers_change_nothing(tmp_path, train, make_tiny_model):
    for workers in (0, 2):
        train(tmp_path / str(workers), make_tiny_model(), dataloader_num_workers=workers, transform={"blur": 1.0})
    assert_equal_bits(weights(tmp_path / "0"), weights(tmp_path / "2"))


def test_workers_end_with_the_run(tmp_path, train, make_tiny_model):
    before = set(multiprocessing.active_children())
    train(tmp_path / "finished", make_tiny_model(), dataloader_num_workers=1)
    assert set(multiprocessing.active_children()) <= before

    def fail(*_: Any) -> dict[str, Any]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        train(tmp_path / "failed", make_tiny_model(), objective=fail, dataloader_num_workers=1)
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.slow)])
def test_workers_may_start_in_every_way(tmp_path, train, make_tiny_model, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    options = {"transform": {"colour_jitter": 1.0}, "cutmix_probability": 0.5, "max_steps": 3}
    train(tmp_path / "none", make_tiny_model(), **options)
    workers = {"dataloader_num_workers": 1, "dataloader_multiprocessing_context": method}
    train(tmp_path / method, make_tiny_model(), **options, **workers)
    assert log_of(tmp_path / "none") == log_of(tmp_path / method)
    assert_equal_bits(weights(tmp_path / "none"), weights(tmp_path / method))


def test_accumulation_equals_a_larger_batch(tmp_path, train, make_tiny_model):
    train(tmp_path / "whole", make_tiny_model(), max_steps=3, per_device_train_batch_size=4)
    train(tmp_path / "parts", make_tiny_model(), max_steps=3, gradient_accumulation_steps=2)
    whole, parts = log_of(tmp_path / "whole"), log_of(tmp_path / "parts")
    for one, other in zip(whole, parts, strict=True):
        # Three last digits of float32 at a loss of 5.3: the order of sums is another one.
        assert one["loss"] == pytest.approx(other["loss"], rel=3e-7)
        assert one["output_maximum"] == pytest.approx(other["output_maximum"], abs=1e-6)


def test_two_processes_cannot_train_in_one_folder(tmp_path, train, make_tiny_model):
    holding = (
        "import pathlib, sys\nfrom depth_anything_hf.utils.locks import FolderLock\n"
        "with FolderLock(pathlib.Path(sys.argv[1])) as lock:\n"
        "    lock.acquire()\n    print(flush=True)\n    sys.stdin.readline()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holding, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stdout.readline()
        (tmp_path / ".checkpoint-1.unfinished").mkdir()
        with pytest.raises(ValueError, match="another process is training in"):
            train(tmp_path, make_tiny_model())
        assert (tmp_path / ".checkpoint-1.unfinished").is_dir(), "of the other one"
    finally:
        process.communicate()
    train(tmp_path, make_tiny_model(), max_steps=1)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_epochs_give_the_steps_when_max_steps_does_not(tmp_path, train, make_tiny_model):
    options = {"max_steps": -1, "num_train_epochs": 1.5, "per_device_train_batch_size": 3}
    assert train(tmp_path, make_tiny_model(), gradient_accumulation_steps=2, **options).steps == 2


def test_data_that_cannot_be_read_any_more_stops_the_run_as_it_was(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    options = {"max_steps": 4, "per_device_train_batch_size": 2, "data": data}
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    train(straight, make_tiny_model(), objective=noisy, **options)

    @wraps(noisy)
    def unplugged(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        if progress == 0.5 and (data / "images").exists():
            (data / "images").rename(data / "away")
        return noisy(model, batch, progress)

    with pytest.raises(ValueError, match="10 samples in a row cannot be used"):
        train(stopped, make_tiny_model(), objective=unplugged, **options)
    assert [path.name for path in stopped.glob("checkpoint-*")] == ["checkpoint-3"]
    (data / "away").rename(data / "images")
    train(stopped, make_tiny_model(seed=3), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(straight), weights(stopped))


def test_bf16_runs_and_saves_float32(tmp_path, train, make_tiny_model, evaluation):
    result = train(
        tmp_path, make_tiny_model(), evaluation=evaluation, max_steps=3, mixed_precision="bf16", ema_decay=0.5
    )
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path).values())
    assert all(np.isfinite(entry["loss"]) for entry in log_of(tmp_path) if "loss" in entry)
    assert 0 <= result.metrics["delta1"] <= 1


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_gradient_checkpointing_changes_nothing_but_memory(tmp_path, train, make_tiny_model, precision):
    for name, options in CHECKPOINTING.items():
        # Dropout, so that random numbers are drawn again too.
        model = make_tiny_model(encoder={"hidden_dropout_prob": 0.2, "drop_path_rate": 0.2})
        train(tmp_path / name, model, max_steps=2, mixed_precision=precision, **options)
    for name in CHECKPOINTING:
        assert log_of(tmp_path / name) == log_of(tmp_path / "no layer")
        assert_equal_bits(weights(tmp_path / name), weights(tmp_path / "no layer"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU torch.compile needs a C++ compiler")
@pytest.mark.parametrize("options", [{}, CHECKPOINTING["every second layer"]], ids=["plain", "recomputed"])
def test_a_compiled_run_trains_saves_scores_and_resumes_like_another(
    tmp_path, train, make_tiny_model, evaluation, options
):
    # It takes seconds to import.
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    common = {"max_steps": 4, "save_steps": 2, "eval_steps": 2, "evaluation": evaluation, "picture_steps": 3}
    eager = train(tmp_path / "eager", make_tiny_model(), **common)
    model = make_tiny_model()
    counters.clear()
    compiled = train(tmp_path / "compiled", model, torch_compile=True, **common, **options)
    # The layers share them, and neither pictures nor scores, with batches of other sizes, need more.
    assert counters["stats"]["unique_graphs"] == (2 if options else 1)
    left, right = log_of(tmp_path / "eager"), log_of(tmp_path / "compiled")
    assert [entry.keys() for entry in left] == [entry.keys() for entry in right]
    for one, other in zip(left, right, strict=True):
        if "loss" in one:
            assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    assert compiled.metrics["delta1"] == pytest.approx(eager.metrics["delta1"], abs=1e-2)

    for folder in (tmp_path / "compiled", tmp_path / "compiled" / "best", tmp_path / "compiled" / "checkpoint-4"):
        assert weights(folder).keys() == weights(tmp_path / "eager").keys()
        _, info = AutoModelForDepthEstimation.from_pretrained(folder, output_loading_info=True)
        assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    state = load_file(tmp_path / "compiled" / "checkpoint-4" / "state" / "model.safetensors")
    assert state.keys() == model.state_dict().keys()

    shutil.copytree(tmp_path / "compiled", tmp_path / "resumed")
    for name in ("checkpoint-4", "best"):
        shutil.rmtree(tmp_path / "resumed" / name)
    more = {"torch_compile": True, "resume_from_checkpoint": "latest", **common, **options}
    resumed = train(tmp_path / "resumed", make_tiny_model(seed=7), **more)
    assert_same_checkpoint(tmp_path / "compiled" / "checkpoint-4", tmp_path / "resumed" / "checkpoint-4")
    assert resumed.metrics == compiled.metrics


@pytest.mark.slow
def test_a_small_model_learns_a_dozen_renders_by_heart(tmp_path):
    pytest.importorskip("mitsuba", reason="the pictures are rendered with the extra 'render'")
    from depth_anything_hf.rendering.dataset import render_dataset

    folder = render_dataset(
        tmp_path / "renders", count=12, height=84, width=84, samples_per_pixel=8, denoise=False, progress=False
    )
    torch.manual_seed(0)
    encoder = Dinov2Config(
        hidden_size=128, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=4, image_size=84, patch_size=14
    )
    decoder = {"neck_hidden_sizes": [16, 32, 64, 128], "fusion_hidden_size": 24, "head_hidden_size": 16}
    renders = DepthFolder(folder)
    result = fit(
        DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder, **decoder)),
        SupervisedRelative(ANCHORED),
        TrainingArguments(
            str(tmp_path / "run"),
            max_steps=240,
            per_device_train_batch_size=6,
            encoder_learning_rate=1e-3,
            decoder_learning_rate=1e-3,
            adam_beta2=0.99,
            weight_decay=0.0,
            warmup_steps=20,
            lr_decay_share=0.5,
        ),
        Mixture([renders], TrainingTransform(84, horizontal_flip=0.0)),
        processor=DepthAnythingImageProcessor.for_input_size(84),
        pretrained=False,
        evaluation=Evaluation(renders, EvaluationSettings(min_depth=0.1, max_depth=80.0)),
        card=CARD,
    )
    assert result.metrics["delta1"] >= 0.70
    assert result.metrics["ordinal_accuracy"] >= 0.90


class OwnItems(torch.utils.data.Dataset):
    """Tensors with noise from torch's generator, as in a notebook."""

    def __init__(self, folder: Path) -> None:
        self.samples = DepthFolder(folder)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        sample = self.samples[index]
        image = torch.from_numpy(sample["image"]).permute(2, 0, 1) / 255
        return {"pixel_values": image + 0.1 * torch.rand(()), "labels": 1 / torch.from_numpy(sample["depth"])}


@pytest.mark.parametrize("workers", [0, 2])
def test_any_dataset_of_tensors_trains_and_resumes_bit_for_bit(
    tmp_path, train, make_tiny_model, labelled_folder, workers
):
    options = {"max_steps": 6, "save_steps": 3, "train_data": OwnItems(labelled_folder)}
    train(tmp_path / "straight", make_tiny_model(), **options)
    options |= {"dataloader_num_workers": workers}
    with pytest.raises(KeyboardInterrupt):
        train(
            tmp_path / "killed", make_tiny_model(), objective=Interrupted(SupervisedRelative(ANCHORED), 4), **options
        )
    train(tmp_path / "killed", make_tiny_model(), resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))


def test_a_dataset_of_images_and_labels_is_a_held_out_set(
    tmp_path, train, make_tiny_model, labelled_folder, evaluation
):
    samples = [{key: value for key, value in evaluation.dataset[index].items() if key != "name"} for index in range(3)]
    found = train(tmp_path / "list", make_tiny_model(), evaluation=samples).metrics
    expected = train(tmp_path / "folder", make_tiny_model(), evaluation=Evaluation(evaluation.dataset)).metrics
    assert found == pytest.approx(expected, nan_ok=True)
    with pytest.raises(ValueError, match="the first sample of evaluation is a dict with the keys"):
        train(tmp_path / "tensors", make_tiny_model(), evaluation=OwnItems(labelled_folder))
