# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The training loop: what moves, exact repetition and resume, what a run leaves behind, and how it stops."""

from __future__ import annotations

import copy
import ctypes
import importlib.util
import json
import os
import pickle
import platform
import random
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoImageProcessor, AutoModelForDepthEstimation, Dinov2Config, Dinov2Model

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.cpu.autotune import adopt_kernel_choices, kernel_choices
from depth_anything_hf.data.batches import collate
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.hub.publisher import STRATEGIES
from depth_anything_hf.losses.relative import RelativeLoss
from depth_anything_hf.models.compilation import compile_blocks
from depth_anything_hf.training.arguments import HUB_STRATEGIES
from depth_anything_hf.training.engine import Engine, complete_deepspeed_config
from depth_anything_hf.training.health import too_many_overflows
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative
from depth_anything_hf.training.optim import choose_learning_rates
from depth_anything_hf.training.resume import require_same_arguments
from depth_anything_hf.training.signals import EXIT_CODE_SAVED, RunInterrupted
from depth_anything_hf.training.tracking import read_log
from depth_anything_hf.training.trainer import Evaluation, FitResult, TrainingArguments, fit
from depth_anything_hf.utils.manifest import find_damage, write_manifest


pytestmark = pytest.mark.usefixtures("fresh_accelerate")

OWN_PROCESS = "DEPTH_ANYTHING_HF_TEST_OF_KEPT_MEMORY"
CARD = {"role": "teacher", "lineage": {"encoder": "random weights"}}
ANCHORED = RelativeLoss(gradient_weight=0.5, anchor_weight=1.0)

Train = Callable[..., FitResult]
State = dict[str, torch.Tensor]


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
        data: Path | None = None,
        card: dict[str, Any] | None = CARD,
        record: dict[str, Any] | None = None,
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
            mixture,
            processor=DepthAnythingImageProcessor.for_input_size(56),
            pretrained=pretrained,
            evaluation=evaluation,
            card=card,
            record=record,
        )

    return run


@pytest.fixture
def evaluation(labelled_folder: Path) -> Evaluation:
    return Evaluation(DepthFolder(labelled_folder, limit=3), EvaluationSettings(max_depth=20.0), batch_size=3)


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
        self.objective, self.calls_left = objective, after_calls

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


# What moves


def moved_names(before: State, after: State) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


WITHOUT_USE = ("backbone.embeddings.mask_token", "neck.fusion_stage.layers.0.residual_layer1.")


@pytest.mark.parametrize(
    ("strategy", "trained_encoder"),
    [
        ("full", ("backbone.",)),
        ("frozen", ()),
        ("last-2", ("backbone.encoder.layer.2.", "backbone.encoder.layer.3.", "backbone.layernorm.")),
    ],
)
def test_one_step_moves_what_the_strategy_says_and_nothing_else(
    tmp_path, train, make_tiny_model, strategy, trained_encoder
):
    model = make_tiny_model()
    before = copy.deepcopy(model.state_dict())
    # Without decay, so that only gradients move weights.
    train(tmp_path, model, max_steps=1, per_device_train_batch_size=4, encoder_strategy=strategy, weight_decay=0.0)
    moved = moved_names(before, model.state_dict())
    expected = {
        name
        for name in before
        if not name.startswith(WITHOUT_USE) and (not name.startswith("backbone.") or name.startswith(trained_encoder))
    }
    # Adding the same vector to all keys changes no attention weight, so in exact arithmetic these have no gradient;
    # whether rounding moves them is left open.
    free = {name for name in expected if name.endswith(("key.bias", "k_proj.bias"))}
    assert len(free) == len({name.split(".")[3] for name in expected if ".layer." in name})
    assert moved <= expected, "moved but should not have"
    assert expected - free <= moved, "should have moved"


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


def test_accumulation_equals_a_larger_batch(tmp_path, train, make_tiny_model):
    train(tmp_path / "whole", make_tiny_model(), max_steps=3, per_device_train_batch_size=4)
    train(tmp_path / "parts", make_tiny_model(), max_steps=3, gradient_accumulation_steps=2)
    whole, parts = log_of(tmp_path / "whole"), log_of(tmp_path / "parts")
    for one, other in zip(whole, parts, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-6)
        assert one["output_maximum"] == pytest.approx(other["output_maximum"], abs=1e-6)


# Resume

RESUMES: dict[str, dict[str, Any]] = {
    "plain": {"lr_scheduler_type": "constant"},
    "decaying": {"lr_scheduler_type": "cosine", "warmup_steps": 1},
    "accumulation": {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 1},
    "average": {"ema_decay": 0.8, "lr_decay_share": 0.5},
    "cutmix": {"cutmix_probability": 1.0, "lr_scheduler_type": "poly"},
}


@pytest.mark.parametrize("case", RESUMES)
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(tmp_path, train, make_tiny_model, evaluation, case):
    options = {"max_steps": 4, "save_steps": 2, "eval_steps": 2, "evaluation": evaluation, **RESUMES[case]}
    calls_per_step = options.get("gradient_accumulation_steps", 1)
    straight = train(tmp_path / "straight", make_tiny_model(), **options)

    # Killed in the third step, after its first micro-batch where there are two.
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=3 * calls_per_step - 1)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    # The model that the second run starts with is another one: all of it must come from the checkpoint.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed = train(tmp_path / "killed", make_tiny_model(seed=7), resume_from_checkpoint="latest", **options)

    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"), "final model")
    assert_equal_bits(weights(tmp_path / "straight" / "best"), weights(tmp_path / "killed" / "best"), "best model")
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")
    assert (resumed.steps, resumed.metrics, resumed.best_metrics) == (4, straight.metrics, straight.best_metrics)


class Signalled:
    """An objective during which the process gets a signal, like a job that is to make room."""

    def __init__(self, number: signal.Signals, call: int) -> None:
        self.number, self.calls_left = number, call

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


@pytest.mark.parametrize("workers", [0, 1])
def test_random_numbers_and_the_open_log_entry_are_resumed(tmp_path, train, make_tiny_model, workers):
    # Entries average steps 1-3 and 4-5; the checkpoint lies within the first, the kill within the second.
    options = {"max_steps": 5, "save_steps": 2, "logging_steps": 3, "dataloader_num_workers": workers}
    train(tmp_path / "straight", make_tiny_model(), objective=noisy, **options)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=Interrupted(noisy, 3), **options)
    # As a kill in the middle of a line would leave it.
    with open(tmp_path / "killed" / "log.jsonl", "a") as log:
        log.write('{"step": 3, "lo')
    train(tmp_path / "killed", make_tiny_model(), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))
    assert [entry["step"] for entry in log_of(tmp_path / "straight")] == [3, 5]
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")


def test_a_signal_ends_the_step_saves_and_exits_with_a_code_of_its_own(tmp_path, train, make_tiny_model, evaluation):
    options = {"max_steps": 4, "eval_steps": 2, "save_steps": 2, "evaluation": evaluation, "logging_steps": 3}
    straight = train(tmp_path / "straight", make_tiny_model(), **options)
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    # In the second step, whose evaluation has to wait: whoever sends a signal does not.
    with pytest.raises(SystemExit) as stopped:
        train(tmp_path / "stopped", make_tiny_model(), objective=Signalled(signal.SIGTERM, 2), **options)
    assert stopped.value.code == EXIT_CODE_SAVED == 75
    assert isinstance(stopped.value, RunInterrupted) and stopped.value.checkpoint.name == "checkpoint-2"
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert log_of(tmp_path / "stopped") == []
    resumed = train(tmp_path / "stopped", make_tiny_model(seed=4), resume_from_checkpoint="latest", **options)
    for step in (2, 4):
        name = f"checkpoint-{step}"
        assert_same_checkpoint(tmp_path / "straight" / name, tmp_path / "stopped" / name)
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "stopped")
    assert_equal_bits(asdict(resumed), asdict(replace(straight, output_dir=tmp_path / "stopped")))


def test_a_run_that_is_resumed_at_its_end_leaves_the_same_behind(tmp_path, train, make_tiny_model, evaluation):
    options = {"max_steps": 2, "save_steps": 2, "evaluation": evaluation}
    first = train(tmp_path, make_tiny_model(), **options)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("model.safetensors", "README.md", "results.json"):
        (tmp_path / name).unlink()
    again = train(tmp_path, make_tiny_model(seed=5), resume_from_checkpoint="latest", **options)
    assert_equal_bits(asdict(again), asdict(first))
    for path, content in files.items():
        if path.name not in ("training_arguments.json", "per_image.parquet"):
            assert path.read_bytes() == content, path


def test_the_parts_of_a_batch_may_change_on_resume_but_not_the_batch(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 2, "logging_steps": 3, "max_grad_norm": 0.0}
    train(tmp_path / "straight", make_tiny_model(), per_device_train_batch_size=4, **options)
    shutil.copytree(tmp_path / "straight" / "checkpoint-2", tmp_path / "other" / "checkpoint-2")
    shutil.copy(tmp_path / "straight" / "training_arguments.json", tmp_path / "other")
    options |= {"resume_from_checkpoint": "latest"}
    with pytest.raises(
        ValueError, match="takes 4 images .* would take 6; .* their product is 4 again"
    ):
        train(tmp_path / "other", make_tiny_model(), per_device_train_batch_size=6, **options)
    parts = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    train(tmp_path / "other", make_tiny_model(seed=3), **parts, **options)
    for one, other in zip(log_of(tmp_path / "straight")[-1:], log_of(tmp_path / "other")[-1:], strict=True):
        assert one["step"] == other["step"] == 4
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-6)
    with pytest.raises(ValueError, match=r"has 4 total steps, this one would have 5"):
        shutil.rmtree(tmp_path / "other" / "checkpoint-4")
        (tmp_path / "other" / "training_arguments.json").unlink()
        train(tmp_path / "other", make_tiny_model(), **parts, **{**options, "max_steps": 5})


def test_a_resumed_run_computes_with_the_kernels_that_the_checkpoint_names(tmp_path, train, make_tiny_model):
    name = "a processor | a kernel | a size"
    adopt_kernel_choices({name: True})
    train(tmp_path, make_tiny_model(), save_steps=1)
    path = tmp_path / "checkpoint-2" / "state" / "trainer_state.pt"
    assert torch.load(path)["cpu_kernels"] == kernel_choices()
    # As another process may have measured.
    adopt_kernel_choices({name: False})
    train(tmp_path, make_tiny_model(), save_steps=1, resume_from_checkpoint="latest")
    assert kernel_choices()[name] is True
    # As earlier versions wrote it.
    state = torch.load(path)
    del state["cpu_kernels"]
    torch.save(state, path)
    write_manifest(tmp_path / "checkpoint-2")
    train(tmp_path, make_tiny_model(), save_steps=1, resume_from_checkpoint="latest")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "deleted": (lambda folder: (folder / "state" / "optimizer.bin").unlink(), "state/optimizer.bin is missing"),
    "bit flipped": (lambda folder: flip_a_bit(folder / "state" / "model.safetensors"), "state/model.* has changed"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path, train, make_tiny_model, damage):
    options = {"max_steps": 3, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    final, log = weights(tmp_path), log_of(tmp_path)
    spoil, reason = DAMAGES[damage]
    spoil(tmp_path / "checkpoint-3")
    with pytest.warns(UserWarning, match=f"checkpoint-3 is damaged and left out: .*{reason}"):
        train(tmp_path, make_tiny_model(seed=3), resume_from_checkpoint="latest", **options)
    assert find_damage(tmp_path / "checkpoint-3") is None
    assert_equal_bits(final, weights(tmp_path))
    assert log == log_of(tmp_path)


def test_the_projector_of_feature_alignment_is_resumed_too(tmp_path, train, make_tiny_model):
    def objective() -> Distillation:
        torch.manual_seed(3)
        sizes = {
            "hidden_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 56,
            "patch_size": 14,
        }
        return Distillation(ANCHORED, feature_encoder=Dinov2Model(Dinov2Config(**sizes)), student_width=32)

    options = {"max_steps": 4, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), objective=objective(), **options)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=Interrupted(objective(), 3), **options)
    train(tmp_path / "killed", make_tiny_model(), objective=objective(), resume_from_checkpoint="latest", **options)
    assert (tmp_path / "straight" / "checkpoint-4" / "state" / "model_1.safetensors").exists()
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    two, four = (
        load_file(tmp_path / "straight" / f"checkpoint-{step}" / "state" / "model_1.safetensors") for step in (2, 4)
    )
    assert moved_names(two, four) == {"weight", "bias"}


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=1)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    assert len(log_of(tmp_path / "killed")) == 1
    train(tmp_path / "killed", make_tiny_model(), resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")


def test_resume_from_a_named_checkpoint(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    final, log = weights(tmp_path), log_of(tmp_path)
    # Killed before it has saved anything: from then on "latest" is where it went on.
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=0)
    options["objective"] = killed
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-2"), **options)
    checkpoints = ["abandoned-checkpoint-3", "abandoned-checkpoint-4", "checkpoint-1", "checkpoint-2"]
    assert sorted(path.name for path in tmp_path.glob("*checkpoint*")) == checkpoints
    options["objective"] = None
    train(tmp_path, make_tiny_model(seed=5), resume_from_checkpoint="latest", **options)
    assert_equal_bits(final, weights(tmp_path))
    assert log == log_of(tmp_path)


def test_a_named_checkpoint_that_is_none_is_an_error(tmp_path, train, make_tiny_model):
    before = set(threading.enumerate())
    with pytest.raises(FileNotFoundError, match="is no checkpoint of a run: .*manifest.json is missing"):
        train(
            tmp_path / "run",
            make_tiny_model(),
            resume_from_checkpoint=str(tmp_path / "checkpoint-9"),
            push_to_hub=True,
            hub_model_id="owner/student",
        )
    # A run that does not begin makes no repository.
    assert set(threading.enumerate()) <= before


def test_the_folder_of_another_run_is_an_error_that_names_what_differs(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=1)
    with pytest.raises(ValueError, match="holds another run.*weight_decay: 0.01 -> 0.2"):
        train(tmp_path, make_tiny_model(), max_steps=1, weight_decay=0.2)
    with pytest.raises(ValueError, match="already holds this run; add --resume_from_checkpoint latest"):
        train(tmp_path, make_tiny_model(), max_steps=1)


def test_other_data_or_another_precision_is_another_run(tmp_path, train, make_tiny_model):
    recipe = {"data": {"path": Path("renders"), "limit": None}, "losses": {"anchor": 1.0, "sizes": (1, 2)}}
    options = {"save_steps": 1, "max_steps": 1, "resume_from_checkpoint": "latest"}
    train(tmp_path, make_tiny_model(), record=recipe, **options)
    train(tmp_path, make_tiny_model(), record=recipe, **options)
    other = {"data": {"path": "photos", "limit": None}, "losses": {"anchor": 0.5, "sizes": (1, 2)}}
    with pytest.raises(
        ValueError, match=r"differ \(recipe.data.path: renders -> photos, recipe.losses.anchor: 1.0 -> 0.5\)"
    ):
        train(tmp_path, make_tiny_model(), record=other, **options)
    path = tmp_path / "training_arguments.json"
    path.write_text(path.read_text().replace('"precision": "no"', '"precision": "bf16"'))
    with pytest.raises(ValueError, match=r"differ \(precision: bf16 -> no\)"):
        train(tmp_path, make_tiny_model(), record=recipe, **options)


def test_a_damaged_record_is_named_with_what_to_do(tmp_path):
    (tmp_path / "training_arguments.json").write_text("")
    with pytest.raises(ValueError, match=r"training_arguments.json is damaged.*Remove this file"):
        require_same_arguments(tmp_path, TrainingArguments(str(tmp_path)))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"encoder": {"hidden_size": 48}}, "another encoder: hidden_size is 32, expected 48"),
        (
            {"encoder": {"num_hidden_layers": 5}, "out_indices": [1, 2, 3, 4]},
            "another encoder: num_hidden_layers is 4",
        ),
        (
            {"out_indices": [1, 2, 3, 4], "encoder": {"num_hidden_layers": 4, "mlp_ratio": 4}},
            "another encoder: mlp_ratio",
        ),
        ({"fusion_hidden_size": 16}, "another model: fusion_hidden_size is 8, expected 16"),
        ({"depth_estimation_type": "metric", "max_depth": 20}, "depth_estimation_type is relative, expected metric"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_an_error(tmp_path, train, make_tiny_model, other, difference):
    train(tmp_path, make_tiny_model(), max_steps=1, save_steps=1)
    with pytest.raises(ValueError, match=difference):
        train(tmp_path, make_tiny_model(**other), max_steps=1, save_steps=1, resume_from_checkpoint="latest")


def test_another_depth_cap_is_another_model(tmp_path, train, make_tiny_model):
    options = {"objective": SupervisedMetric(max_depth=20.0), "transform": {"target": "depth"}, "save_steps": 1}
    train(tmp_path, make_tiny_model(depth_estimation_type="metric", max_depth=20), **options)
    with pytest.raises(ValueError, match="another model: max_depth is 20, expected 80"):
        model = make_tiny_model(depth_estimation_type="metric", max_depth=80)
        train(tmp_path, model, resume_from_checkpoint="latest", **options)


# What a run leaves behind


def test_without_anything_for_the_card_there_is_one(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), card=None, max_steps=1)
    assert "# " in (tmp_path / "README.md").read_text()


def test_a_card_that_cannot_be_written_stops_the_run_at_its_beginning(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match="the model card cannot be written from .*TypeError: .*unheard_of"):
        train(tmp_path / "run", make_tiny_model(), card={**CARD, "unheard_of": 1})
    assert not (tmp_path / "run").exists()


def test_a_card_that_fails_at_the_end_costs_no_weights(tmp_path, train, make_tiny_model, monkeypatch, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("lr: 1")

    def spoil(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        # Somebody puts a folder where the recipe was, while the run goes on.
        recipe.unlink()
        recipe.mkdir()
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    train(tmp_path / "run", make_tiny_model(), objective=spoil, card={**CARD, "recipe": recipe}, max_steps=1)
    assert weights(tmp_path / "run")
    assert "is saved, but its card could not be written: IsADirectoryError" in capsys.readouterr().out


def test_what_a_person_wrote_into_the_card_is_kept(tmp_path, train, make_tiny_model):
    options = {"save_steps": 1, "max_steps": 2}
    train(tmp_path, make_tiny_model(), **options)
    for path, text in ((tmp_path, "of the run"), (tmp_path / "checkpoint-2", "of the checkpoint")):
        card = (path / "README.md").read_text()
        (path / "README.md").write_text(card.replace("<!-- /keep -->", f"My note {text}.\n<!-- /keep -->"))
    shutil.rmtree(tmp_path / "checkpoint-2")
    train(tmp_path, make_tiny_model(), resume_from_checkpoint="latest", **options)
    for path in (tmp_path, tmp_path / "checkpoint-2"):
        assert (path / "README.md").read_text().count("My note of the run.") == 1


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


def test_a_checkpoint_opens_here_and_in_stock_transformers(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), save_steps=1, ema_decay=0.5)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (56, 70, 3), dtype=np.uint8))
    for folder in (tmp_path / "checkpoint-1", tmp_path / "checkpoint-2", tmp_path):
        ours = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
        stock = AutoModelForDepthEstimation.from_pretrained(folder).eval()
        assert type(stock).__module__.startswith("transformers.")
        inputs = AutoImageProcessor.from_pretrained(folder)(images=picture, return_tensors="pt")
        with torch.no_grad():
            torch.testing.assert_close(
                ours(**inputs).predicted_depth, stock(**inputs).predicted_depth, rtol=1e-4, atol=1e-5
            )
        assert (folder / "README.md").is_file()
    assert_equal_bits(weights(tmp_path), weights(tmp_path / "checkpoint-2"))


def test_the_saved_model_is_the_average_where_one_is_kept(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=3, save_steps=1, ema_decay=0.75)
    raw = [load_file(tmp_path / f"checkpoint-{step}" / "state" / "model.safetensors") for step in (1, 2, 3)]
    published = weights(tmp_path)
    name = "head.conv1.weight"
    assert not torch.equal(published[name], raw[-1][name])
    # The average starts at the first step's weights.
    by_hand = raw[0][name]
    for state in raw[1:]:
        by_hand = 0.75 * by_hand + 0.25 * state[name]
    torch.testing.assert_close(published[name], by_hand, rtol=1e-6, atol=1e-8)


def test_only_the_newest_checkpoints_are_kept(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=12, save_steps=1, save_total_limit=2, per_device_train_batch_size=1)
    assert sorted(path.name for path in tmp_path.glob("*checkpoint*")) == ["checkpoint-11", "checkpoint-12"]


@pytest.mark.parametrize(("metric", "choose"), [("delta1", max), ("abs_rel", min)])
def test_the_best_model_is_kept_by_the_metrics_direction(tmp_path, train, make_tiny_model, evaluation, metric, choose):
    # A rate that is far too high, so that scores go up and down.
    result = train(
        tmp_path,
        make_tiny_model(),
        evaluation=evaluation,
        max_steps=6,
        eval_steps=1,
        save_steps=1,
        encoder_learning_rate=2e-2,
        decoder_learning_rate=2e-2,
        lr_scheduler_type="constant",
        metric_for_best_model=metric,
    )
    scores = {entry["step"]: entry[f"eval_{metric}"] for entry in log_of(tmp_path) if f"eval_{metric}" in entry}
    assert list(scores) == [1, 2, 3, 4, 5, 6]
    best = choose(scores.values())
    first_best = next(step for step, score in scores.items() if score == best)
    assert len(set(scores.values())) > 3 and result.best_metrics[metric] == best
    assert_equal_bits(weights(tmp_path / "best"), weights(tmp_path / f"checkpoint-{first_best}"))
    assert json.loads((tmp_path / "best" / "results.json").read_text())["mean"][metric] == best
    assert result.metrics[metric] == scores[6]


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


def test_pictures_show_image_label_prediction_and_error(tmp_path, train, make_tiny_model):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plain, shown = tmp_path / "plain", tmp_path / "shown"
    train(plain, make_tiny_model(), max_steps=3)
    train(shown, make_tiny_model(), max_steps=3, picture_steps=2, report_to="tensorboard")
    assert_equal_bits(weights(plain), weights(shown), "looking changes nothing")
    (picture,) = (shown / "pictures").iterdir()
    assert picture.name == "step-2.png"
    columns = np.asarray(Image.open(picture))
    assert columns.shape == (56, 4 * 56 + 3 * 4, 3)
    events = EventAccumulator(str(shown / "logs" / "depth_anything_hf"))
    events.Reload()
    assert events.Tags()["images"]
    assert {"peak_memory_mib", "images_per_second", "skipped_samples", "learning_rate_encoder", "ssi"} <= set(
        events.Tags()["scalars"]
    )


def test_a_picture_of_a_metric_model_compares_metres(tmp_path, train, make_tiny_model):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=20)
    options = {"objective": SupervisedMetric(max_depth=20.0), "transform": {"target": "depth"}}
    train(tmp_path, model, picture_steps=2, **options)
    assert (tmp_path / "pictures" / "step-2.png").is_file()


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


def test_an_unquoted_no_in_yaml_means_no_mixed_precision():
    assert TrainingArguments("unused", mixed_precision=False).mixed_precision == "no"


def test_epochs_give_the_steps_when_max_steps_does_not(tmp_path, train, make_tiny_model):
    options = {"max_steps": -1, "num_train_epochs": 1.5, "per_device_train_batch_size": 3}
    assert train(tmp_path, make_tiny_model(), gradient_accumulation_steps=2, **options).steps == 2


@pytest.mark.parametrize("wrong", ["lr_scheduler_type", "mixed_precision", "report_to", "metric_for_best_model"])
def test_a_wrong_choice_is_refused_before_anything_starts(wrong):
    with pytest.raises(ValueError, match=f"{wrong} is 'nonsense', expected"):
        TrainingArguments("unused", **{wrong: "nonsense"})


def test_a_metric_that_no_evaluation_gives_cannot_decide():
    with pytest.raises(ValueError, match="metric_for_best_model is 'pairwise_agreement', expected one of"):
        TrainingArguments("unused", metric_for_best_model="pairwise_agreement")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("save_total_limit", value) for value in (-1, 0)),
        *(("ema_decay", value) for value in (0.0, 1.0, 998.0)),
        ("warmup_steps", -1),
        ("hub_strategy", "sometimes"),
    ],
)
def test_numbers_that_would_do_harm_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is '?{value}'?, expected"):
        TrainingArguments("unused", **{name: value})


def test_the_strategies_are_those_of_the_publisher():
    assert HUB_STRATEGIES == STRATEGIES


@pytest.mark.parametrize(
    "name",
    [
        *("per_device_train_batch_size", "gradient_accumulation_steps", "logging_steps"),
        "gradient_checkpointing_every",
    ],
)
def test_counts_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        TrainingArguments("unused", **{name: 0})


# How a run stops


def test_a_signal_before_an_evaluation_is_answered_before_it(tmp_path, train, make_tiny_model, evaluation):
    model, calls = make_tiny_model(), []

    def when_not_training(module: nn.Module, inputs: Any) -> None:
        # The first time this is for the picture, after the processes have agreed on the step.
        if not module.training and not calls:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.extend([] if module.training else [module])

    model.register_forward_pre_hook(when_not_training)
    with pytest.raises(RunInterrupted) as stopped:
        train(tmp_path, model, max_steps=2, eval_steps=1, picture_steps=1, evaluation=evaluation)
    assert stopped.value.checkpoint.name == "checkpoint-1" and len(calls) == 1
    assert not [entry for entry in log_of(tmp_path) if "eval_delta1" in entry]


def test_a_runaway_output_stops_the_run(tmp_path, train, make_tiny_model):
    with pytest.raises(
        FloatingPointError, match="the output reached .* at step 1, above max_output 0.01.*anchor_weight"
    ):
        train(tmp_path, make_tiny_model(), max_output=0.01)
    assert len(log_of(tmp_path)) == 1


def test_a_dead_output_stops_the_run(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv3.bias, -100.0)
    with pytest.raises(FloatingPointError, match="100% of the output is 0 at step 1.*the last ReLU is dying"):
        train(tmp_path, model, max_zero_share=0.9)


def test_a_model_that_gives_nan_stops_the_run_with_the_names(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv1.bias, float("nan"))
    with pytest.raises(FloatingPointError, match=r"not finite in the last 3 steps, up to step 3 with .*images/\d.png"):
        train(tmp_path, model, max_steps=5)
    # The state is saved, for those who want to look at it.
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-3"]


class Poisoned:
    """An objective whose loss is not finite when the run is at certain steps (0-based), as by a bad batch."""

    def __init__(self, spoil: Callable[[torch.Tensor], torch.Tensor], steps: set[int], total: int) -> None:
        self.spoil, self.steps, self.total = spoil, steps, total

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


@pytest.mark.parametrize("case", SPOILED)
def test_a_step_that_is_not_finite_is_left_out(tmp_path, train, make_tiny_model, case):
    model = make_tiny_model()
    options = {"max_steps": 3, "save_steps": 1, "ema_decay": 0.5, "lr_scheduler_type": "linear"}
    result = train(tmp_path, model, objective=Poisoned(SPOILED[case], {1}, 3), **options)
    one, two, three = (tmp_path / f"checkpoint-{step}" for step in (1, 2, 3))
    assert_equal_bits(weights(one), weights(two), "weights and their average stay")
    states = [torch.load(each / "state" / "optimizer.bin") for each in (one, two)]
    assert_equal_bits(states[0]["state"], states[1]["state"], "the optimiser stays")
    assert moved_names(weights(two), weights(three))
    # The step counts: rate and data go on as planned.
    rates = [entry["learning_rate_encoder"] for entry in log_of(tmp_path) if "learning_rate_encoder" in entry]
    assert rates == pytest.approx([5e-4 * (1 - step / 3) for step in (1, 2, 3)])
    assert (result.steps, result.skipped_steps) == (3, 1)
    (note,) = [entry for entry in log_of(tmp_path) if "skipped_step" in entry]
    assert note["step"] == 2 and "not finite" in note["skipped_step"]
    assert len(note["names"]) == 2 and all("images" in name for name in note["names"])
    assert [entry["skipped_steps"] for entry in log_of(tmp_path) if "loss" in entry] == [0, 1]


def test_steps_left_out_in_a_row_stop_the_run_and_may_be_interrupted_by_a_kill(tmp_path, train, make_tiny_model):
    def poisoned() -> Poisoned:
        return Poisoned(SPOILED["nan everywhere"], {0, 2, 3, 4}, 6)

    options = {"max_steps": 6, "save_steps": 4}
    with pytest.raises(FloatingPointError, match="not finite in the last 3 steps, up to step 5"):
        train(tmp_path, make_tiny_model(), objective=poisoned(), **options)
    assert torch.isfinite(weights(tmp_path / "checkpoint-5")["head.conv1.weight"]).all()
    # Two of the three lie before checkpoint-4, and are not forgotten.
    resume = str(tmp_path / "checkpoint-4")
    with pytest.raises(FloatingPointError, match="in the last 3 steps, up to step 5"):
        train(tmp_path, make_tiny_model(), objective=poisoned(), resume_from_checkpoint=resume, **options)
    # With the cause gone the run goes on from what was saved.
    assert train(tmp_path, make_tiny_model(), resume_from_checkpoint="latest", **options).skipped_steps == 4


def test_an_output_that_is_nan_does_not_hide_behind_a_loss_of_zero(tmp_path, train, make_tiny_model):
    """On an accelerator nobody looks at single values, and images whose loss is NaN do not count."""

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        return {**terms, "loss": terms["loss"] * 0, "output_maximum": torch.tensor(float("nan"))}

    with pytest.raises(FloatingPointError, match="not finite in the last 2 steps"):
        train(tmp_path, make_tiny_model(), objective=objective)


def test_broken_samples_are_replaced_counted_and_named(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    (data / "images" / "3.png").write_bytes(b"no picture")
    options = {"max_steps": 8, "per_device_train_batch_size": 2, "data": data}
    result = train(tmp_path / "run", make_tiny_model(), max_broken_share=0.0, **options)
    # Two epochs: twice in its turn, and as often as it was drawn to replace itself.
    assert result.broken_samples >= 2
    entries = [broken for entry in log_of(tmp_path / "run") for broken in entry.get("broken_samples", [])]
    assert len(entries) == result.broken_samples
    assert all("3.png" in entry["reason"] for entry in entries)
    assert log_of(tmp_path / "run")[-1]["skipped_samples"] == result.broken_samples


def test_too_many_broken_samples_stop_the_run_with_its_state_saved(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    for index in range(5):
        (data / "images" / f"{index}.png").write_bytes(b"no picture")
    options = {"max_steps": 50, "per_device_train_batch_size": 4, "max_broken_share": 0.2, "data": data}
    with pytest.raises(ValueError, match="samples could not be used, more than max_broken_share 20.00%.*log.jsonl"):
        train(tmp_path / "run", make_tiny_model(), **options)
    (checkpoint,) = (tmp_path / "run").glob("checkpoint-*")
    assert find_damage(checkpoint) is None
    noted = sum(len(entry.get("broken_samples", [])) for entry in log_of(tmp_path / "run"))
    assert noted > 10


def test_data_that_cannot_be_read_any_more_stops_the_run_as_it_was(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    options = {"max_steps": 4, "per_device_train_batch_size": 2, "data": data}
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    train(straight, make_tiny_model(), objective=noisy, **options)

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


# Steps whose findings are read later


LATE = {"logging_steps": 100, "ema_decay": 0.5, "lr_scheduler_type": "cosine"}


class AskingForValues(TorchDispatchMode):
    """Counts how often single values of tensors are asked for, which makes a host wait for its device."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.asked += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def test_between_entries_of_the_log_no_step_asks_for_a_value(tmp_path, train, make_tiny_model):
    asked: list[int] = []

    # On a CPU the losses of the package look at values; see `test_objectives` for what they do elsewhere.
    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        asked.append(mode.asked)
        return {"loss": model(pixel_values=batch["pixel_values"]).predicted_depth.mean()}

    with AskingForValues() as mode:
        train(tmp_path, make_tiny_model(), objective=objective, max_steps=9, logging_steps=4, ema_decay=0.9)
    # The steps before which an entry was written, after steps 4 and 8.
    assert [step for step, (one, next_one) in enumerate(pairwise(asked), start=1) if next_one > one] == [4, 8]


def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes runs wait for every step, as they do with a scaler for fp16 or a sharded model."""
    prepare = Engine.__init__

    def prepare_to_wait(self: Engine, *args: Any, **kwargs: Any) -> None:
        prepare(self, *args, **kwargs)
        self.decides_on_device = False

    monkeypatch.setattr(Engine, "__init__", prepare_to_wait)


@pytest.mark.parametrize("case", SPOILED)
def test_when_findings_are_read_changes_nothing(tmp_path, train, make_tiny_model, monkeypatch, case):
    def run(name: str, **options: Any) -> FitResult:
        poisoned = Poisoned(SPOILED[case], {1, 4, 5}, 6)
        return train(tmp_path / name, make_tiny_model(), poisoned, max_steps=6, save_steps=6, **{**LATE, **options})

    late = run("late")
    soon = run("soon", logging_steps=1)
    settled_at_once(monkeypatch)
    at_once = run("at once")
    assert late.skipped_steps == soon.skipped_steps == at_once.skipped_steps == 3
    assert_same_checkpoint(tmp_path / "late" / "checkpoint-6", tmp_path / "at once" / "checkpoint-6")
    assert_equal_bits(weights(tmp_path / "late"), weights(tmp_path / "soon"))
    assert log_of(tmp_path / "late") == log_of(tmp_path / "at once")
    notes = [[entry for entry in log_of(tmp_path / name) if "names" in entry] for name in ("late", "soon")]
    assert notes[0] == notes[1] and [note["step"] for note in notes[0]] == [2, 5, 6]


def test_a_fault_that_is_read_later_ends_the_run_one_step_later(tmp_path, train, make_tiny_model):
    poisoned = Poisoned(SPOILED["nan everywhere"], {1, 2, 3, 4, 5}, 8)
    with pytest.raises(FloatingPointError, match="not finite in the last 3 steps, up to step 4 with"):
        train(tmp_path, make_tiny_model(), poisoned, max_steps=8, **LATE)
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    assert checkpoint.name == "checkpoint-5"
    assert [entry["step"] for entry in log_of(tmp_path)] == [2, 3, 4, 5]


def test_a_signal_that_is_read_later_ends_the_run_one_step_later(tmp_path, train, make_tiny_model):
    train(tmp_path / "straight", make_tiny_model(), max_steps=5, save_steps=5, **LATE)
    with pytest.raises(RunInterrupted) as stopped:
        train(tmp_path / "run", make_tiny_model(), Signalled(signal.SIGTERM, 2), max_steps=5, save_steps=5, **LATE)
    assert stopped.value.checkpoint.name == "checkpoint-3"
    train(tmp_path / "run", make_tiny_model(), max_steps=5, save_steps=5, resume_from_checkpoint="latest", **LATE)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-5", tmp_path / "run" / "checkpoint-5")


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_data_found_unreadable_later_takes_the_steps_since_back(
    tmp_path, train, make_tiny_model, labelled_folder, monkeypatch, at_once, accumulation
):
    if at_once:
        settled_at_once(monkeypatch)
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    options = {"max_steps": 6, "save_steps": 6, "data": data, "gradient_accumulation_steps": accumulation, **LATE}
    train(tmp_path / "straight", make_tiny_model(), objective=noisy, **options)

    def unplugged(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        if progress == 0.5 and (data / "images").exists():
            (data / "images").rename(data / "away")
        return noisy(model, batch, progress)

    run = tmp_path / "run"
    with pytest.raises(ValueError, match="10 samples in a row cannot be used"):
        train(run, make_tiny_model(), objective=unplugged, **options)
    # In the fourth step, or with two micro-batches in its second one.
    (checkpoint,) = run.glob("checkpoint-*")
    assert checkpoint.name == f"checkpoint-{4 if accumulation == 1 else 3}"
    (data / "away").rename(data / "images")
    train(run, make_tiny_model(seed=3), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-6", run / "checkpoint-6")


# Precision and memory


def make_engine(folder: Path, model: nn.Module, objective: Any = None, **arguments: Any) -> Engine:
    """An engine for two steps of a model from random weights."""
    rates = choose_learning_rates(pretrained=False, encoder=None, decoder=None)
    objective = objective or SupervisedRelative(ANCHORED)
    return Engine(Accelerator(), model, objective, TrainingArguments(str(folder), **arguments), rates, total_steps=2)


def test_an_output_of_nan_gives_the_projector_a_gradient_too(tmp_path, make_tiny_model, labelled_folder):
    """Its gradients are averaged over processes, and one that gives none would keep the others waiting."""
    sizes = {"hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
    objective = Distillation(ANCHORED, feature_encoder=Dinov2Model(Dinov2Config(**sizes)), student_width=32)
    model = make_tiny_model()
    nn.init.constant_(model.head.conv1.bias, float("nan"))
    engine = make_engine(tmp_path, model, objective)
    mixture = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    engine.terms(collate([mixture[0, 0], mixture[0, 1]]), 0.0)["loss"].backward()
    assert [type(each) for each in engine.trained] == [DepthAnythingForDepthEstimation, nn.Linear]
    assert objective.projector.weight.grad is not None and objective.projector.weight.grad.isnan().all()


def test_a_trained_model_is_the_users_again(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    train(tmp_path / "first", model)
    assert not model._forward_hooks
    copied = copy.deepcopy(model)
    train(tmp_path / "second", model, ema_decay=0.5)
    train(tmp_path / "copy", copied, ema_decay=0.5)
    assert_equal_bits(weights(tmp_path / "second"), weights(tmp_path / "copy"))


@pytest.mark.parametrize("elsewhere", ["1", "4"])
def test_accumulation_is_what_the_arguments_say(tmp_path, train, make_tiny_model, monkeypatch, elsewhere):
    train(tmp_path / "undisturbed", make_tiny_model(), gradient_accumulation_steps=2)
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", elsewhere)
    train(tmp_path / "disturbed", make_tiny_model(), gradient_accumulation_steps=2)
    assert_equal_bits(weights(tmp_path / "undisturbed"), weights(tmp_path / "disturbed"))


def test_a_run_goes_on_from_a_device_without_a_fused_optimizer(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path, make_tiny_model(), **options)
    final = weights(tmp_path)
    path = tmp_path / "checkpoint-2" / "state" / "optimizer.bin"
    state = torch.load(path, weights_only=True)
    for group in state["param_groups"]:
        assert group["fused"]
        group["fused"] = False
    torch.save(state, path)
    write_manifest(tmp_path / "checkpoint-2")
    train(tmp_path, make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-2"), **options)
    assert_equal_bits(final, weights(tmp_path))


def test_gradients_that_never_fit_into_fp16_end_the_run():
    assert not too_many_overflows(50) and too_many_overflows(51)


def test_deepspeed_is_told_the_batch_and_must_agree_on_the_rest():
    arguments = TrainingArguments("unused", per_device_train_batch_size=3, gradient_accumulation_steps=2)
    config = {"train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "gradient_clipping": 1}
    complete_deepspeed_config(config, arguments)
    assert config == {
        "train_micro_batch_size_per_gpu": 3,
        "gradient_accumulation_steps": 2,
        "gradient_clipping": 1,
    }
    with pytest.raises(ValueError, match="gradient_accumulation_steps 1, but gradient_accumulation_steps is 2"):
        complete_deepspeed_config({**config, "gradient_accumulation_steps": 1}, arguments)
    with pytest.raises(ValueError, match="gradient_clipping 0.5, but max_grad_norm is 1.0"):
        complete_deepspeed_config({**config, "gradient_clipping": 0.5}, arguments)
    with pytest.raises(ValueError, match="gradient_clipping 0.0, but max_grad_norm is 1.0"):
        complete_deepspeed_config({"gradient_accumulation_steps": 2}, arguments)


def test_bf16_runs_and_saves_float32(tmp_path, train, make_tiny_model, evaluation):
    result = train(
        tmp_path, make_tiny_model(), evaluation=evaluation, max_steps=3, mixed_precision="bf16", ema_decay=0.5
    )
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path).values())
    assert all(np.isfinite(entry["loss"]) for entry in log_of(tmp_path) if "loss" in entry)
    assert 0 <= result.metrics["delta1"] <= 1


CHECKPOINTING = {
    "no layer": {},
    "every layer": {"gradient_checkpointing": True},
    "every second layer": {"gradient_checkpointing": True, "gradient_checkpointing_every": 2},
}


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_gradient_checkpointing_changes_nothing_but_memory(tmp_path, train, make_tiny_model, precision):
    for name, options in CHECKPOINTING.items():
        # Dropout, so that random numbers are drawn again too.
        model = make_tiny_model(encoder={"hidden_dropout_prob": 0.2, "drop_path_rate": 0.2})
        train(tmp_path / name, model, max_steps=2, mixed_precision=precision, **options)
    for name in CHECKPOINTING:
        assert log_of(tmp_path / name) == log_of(tmp_path / "no layer")
        assert_equal_bits(weights(tmp_path / name), weights(tmp_path / "no layer"))


@pytest.mark.parametrize(("every", "passes"), [(1, [2, 2, 2, 2, 2]), (2, [2, 1, 2, 1, 2]), (3, [2, 1, 1, 2, 1])])
def test_every_nth_layer_is_computed_again_for_the_gradients(
    tmp_path, make_tiny_model, labelled_folder, every, passes
):
    layers = {"encoder": {"num_hidden_layers": 5}, "out_indices": [1, 2, 4, 5]}
    plain, saving = make_tiny_model(**layers), make_tiny_model(**layers)
    mixture = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    batch = collate([mixture[0, 0], mixture[0, 1]])
    make_engine(tmp_path, plain).terms(batch, 0.0)["loss"].backward()
    engine = make_engine(tmp_path, saving, gradient_checkpointing=True, gradient_checkpointing_every=every)
    found = [0] * 5

    def count(index: int) -> Callable[..., None]:
        def note(*_: Any) -> None:
            found[index] += 1

        return note

    for index, layer in enumerate(saving.backbone.encoder.layer):
        # A layer's own hooks stay outside of what is recomputed.
        layer.mlp.register_forward_hook(count(index))
    loss = engine.terms(batch, 0.0)["loss"]
    assert found == [1] * 5
    loss.backward()
    assert found == passes
    expected = {name: parameter.grad for name, parameter in plain.named_parameters()}
    for name, parameter in saving.named_parameters():
        assert (parameter.grad is None) == (expected[name] is None)
        if parameter.grad is not None:
            assert torch.equal(parameter.grad, expected[name]), name


def test_a_run_may_go_on_with_less_memory(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    with pytest.raises(KeyboardInterrupt):
        killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=2)
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    options |= {"resume_from_checkpoint": "latest", **CHECKPOINTING["every second layer"]}
    train(tmp_path / "killed", make_tiny_model(seed=3), **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))


class AllocatorState(ctypes.Structure):
    """What glibc's mallinfo2 returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def allocator_state() -> AllocatorState:
    describe = ctypes.CDLL(None).mallinfo2
    describe.restype = AllocatorState
    return describe()


# A run holds FEW blocks, so that the gaps that may be left of them in the heap have no room for half of MANY.
FEW, MANY = 4, 64


def mapped_blocks(number: int, mebibytes: int) -> int:
    """How many of so many blocks, all held at once and never touched, the C library has mapped each by itself."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    before = allocator_state().hblks
    held = [library.malloc(mebibytes * 2**20) for _ in range(number)]
    mapped = allocator_state().hblks - before
    assert None not in held
    for block in held:
        library.free(block)
    return mapped


def kept_mebibytes(number: int, mebibytes: int) -> float:
    """How much larger the heap still is after so many blocks have been held and freed."""
    before = allocator_state().arena
    mapped_blocks(number, mebibytes)
    return (allocator_state().arena - before) / 2**20


def passes_in_its_own_process(request: pytest.FixtureRequest) -> bool:
    """Runs the test once more in a new process and says so there by False.

    After an allocation that failed, in any earlier test, glibc moves a thread to another arena for good, and those
    have no room for large blocks.
    """
    if OWN_PROCESS in os.environ:
        return False
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{request.node.name}"]
    done = subprocess.run(command, env=os.environ | {OWN_PROCESS: "1"}, capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    return True


needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="the setting and the count of mapped blocks are the GNU C library's, from 2.33 on",
)


@needs_glibc
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_on_a_cpu_keeps_freed_memory_while_it_lasts(request, tmp_path, train, make_tiny_model, fails):
    if passes_in_its_own_process(request):
        return
    mapped, kept = [], []

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        kept.append(kept_mebibytes(FEW, 64))
        mapped.append(mapped_blocks(FEW, 64))
        if fails:
            raise KeyboardInterrupt
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    assert mapped_blocks(MANY, 64) > MANY / 2
    with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
        train(tmp_path, make_tiny_model(), objective=objective, max_steps=1)
    assert mapped == [0] and kept[0] > FEW / 2 * 64
    assert mapped_blocks(MANY, 64) > MANY / 2
    assert kept_mebibytes(MANY, 16) <= 64


@needs_glibc
def test_a_run_on_a_cpu_with_checkpointing_returns_every_block(request, tmp_path, train, make_tiny_model):
    if passes_in_its_own_process(request):
        return
    mapped: list[int] = []

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        mapped.append(mapped_blocks(MANY, 1))
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    # Whoever has freed large blocks takes those of one mebibyte from the heap.
    mapped_blocks(1, 31)
    assert mapped_blocks(MANY, 1) == 0
    train(tmp_path, make_tiny_model(), objective=objective, max_steps=1, gradient_checkpointing=True)
    assert len(mapped) == 1 and mapped[0] > MANY / 2
    assert mapped_blocks(MANY, 1) == 0 and mapped_blocks(MANY, 64) > MANY / 2


def test_what_is_compiled_depends_on_the_device(make_tiny_model):
    model = make_tiny_model()
    layers = list(model.backbone.encoder.layer)
    names = list(model.state_dict())
    assert compile_blocks(model, torch.device("cpu")) == layers
    assert compile_blocks(model, torch.device("cuda")) == [*layers, model.neck, model.head]
    assert list(model.state_dict()) == names
    other = nn.Sequential(nn.Linear(2, 2))
    assert compile_blocks(other, torch.device("cpu")) == [other]


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
        stock, info = AutoModelForDepthEstimation.from_pretrained(folder, output_loading_info=True)
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


# Safety


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["trainer_state.pt", "process-0.pt", "optimizer.bin", "random_states_0.pkl"])
@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_checkpoint_cannot_run_code(tmp_path, train, make_tiny_model, name, form):
    train(tmp_path / "run", make_tiny_model(), max_steps=2, save_steps=1)
    target, trace = tmp_path / "run" / "checkpoint-2" / "state" / name, tmp_path / "executed"
    assert target.is_file()
    if form == "torch":
        torch.save(Malicious(trace), target)
    else:
        target.write_bytes(pickle.dumps(Malicious(trace), protocol=2))
    # Whoever plants a file can write a manifest too.
    write_manifest(target.parents[1])
    refused = pytest.raises(pickle.UnpicklingError)
    # Accelerate goes on without random states that it refuses; the run has its own.
    with nullcontext() if name == "random_states_0.pkl" else refused:
        train(tmp_path / "run", make_tiny_model(), max_steps=2, save_steps=1, resume_from_checkpoint="latest")
    assert not trace.exists()
    # The file is what it claims to be: it does run code where it is read without care.
    torch.load(target, weights_only=False) if form == "torch" else pickle.loads(target.read_bytes())
    assert trace.exists()


# Learning


@pytest.mark.slow
def test_a_small_model_learns_two_dozen_renders_by_heart(tmp_path):
    pytest.importorskip("mitsuba", reason="the pictures are rendered with the extra 'render'")
    from depth_anything_hf.rendering.dataset import render_dataset

    folder = render_dataset(
        tmp_path / "renders", count=24, height=112, width=112, samples_per_pixel=8, denoise=False, progress=False
    )
    torch.manual_seed(0)
    encoder = Dinov2Config(
        hidden_size=192, num_hidden_layers=4, num_attention_heads=3, mlp_ratio=4, image_size=112, patch_size=14
    )
    renders = DepthFolder(folder)
    result = fit(
        DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder)),
        SupervisedRelative(ANCHORED),
        TrainingArguments(
            str(tmp_path / "run"),
            max_steps=300,
            per_device_train_batch_size=8,
            encoder_learning_rate=1e-3,
            decoder_learning_rate=1e-3,
            adam_beta2=0.99,
            weight_decay=0.0,
            warmup_steps=20,
            lr_decay_share=0.5,
        ),
        Mixture([renders], TrainingTransform(112, horizontal_flip=0.0)),
        processor=DepthAnythingImageProcessor.for_input_size(112),
        pretrained=False,
        evaluation=Evaluation(renders, EvaluationSettings(min_depth=0.1, max_depth=80.0)),
        card=CARD,
    )
    assert result.metrics["delta1"] >= 0.70
    assert result.metrics["ordinal_accuracy"] >= 0.90
