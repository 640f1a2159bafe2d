# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The training loop: what moves, exact repetition and resume, what a run leaves behind, and how it stops."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from transformers import AutoImageProcessor, AutoModelForDepthEstimation, Dinov2Config, Dinov2Model

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixing import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation import EvaluationSettings
from depth_anything_hf.objectives import Distillation, RelativeLoss, SupervisedMetric, SupervisedRelative
from depth_anything_hf.training import Evaluation, FitResult, TrainingArguments, fit


pytestmark = pytest.mark.usefixtures("fresh_accelerate")

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
        **arguments: Any,
    ) -> FitResult:
        seed = arguments.get("seed", 0)
        data = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56, **(transform or {})), seed=seed)
        defaults = {"max_steps": 2, "per_device_train_batch_size": 2, "logging_steps": 1, "max_zero_share": 1.0}
        return fit(
            model,
            objective or SupervisedRelative(ANCHORED),
            TrainingArguments(output_dir=str(folder), **{**defaults, **arguments}),
            data,
            processor=DepthAnythingImageProcessor.for_input_size(56),
            pretrained=pretrained,
            evaluation=evaluation,
            card=CARD,
        )

    return run


@pytest.fixture
def evaluation(labelled_folder: Path) -> Evaluation:
    return Evaluation(DepthFolder(labelled_folder, limit=3), EvaluationSettings(max_depth=20.0), batch_size=3)


def weights(folder: Path) -> State:
    return load_file(folder / "model.safetensors")


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The log without speeds, which no two runs share."""
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "images_per_second"} for line in lines]


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
        assert left == right, where


def assert_same_checkpoint(left: Path, right: Path) -> None:
    assert_equal_bits(weights(left), weights(right), "published weights")
    names = sorted(path.name for path in (left / "state").glob("model*.safetensors"))
    assert names and names == sorted(path.name for path in (right / "state").glob("model*.safetensors"))
    for name in names:
        assert_equal_bits(load_file(left / "state" / name), load_file(right / "state" / name), name)
    for name in ("optimizer.bin", "trainer_state.pt"):
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
    train(tmp_path, make_tiny_model(seed=5), resume_from_checkpoint=str(tmp_path / "checkpoint-3"), **options)
    assert_equal_bits(final, weights(tmp_path))
    assert log == log_of(tmp_path)


def test_a_named_checkpoint_that_is_none_is_an_error(tmp_path, train, make_tiny_model):
    with pytest.raises(FileNotFoundError, match="is no checkpoint of a run: .*trainer_state.pt is missing"):
        train(tmp_path / "run", make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-9"))


def test_the_folder_of_another_run_is_an_error_that_names_what_differs(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=1)
    with pytest.raises(ValueError, match="holds another run.*weight_decay: 0.01 -> 0.2"):
        train(tmp_path, make_tiny_model(), max_steps=1, weight_decay=0.2)
    with pytest.raises(ValueError, match="already holds this run; add --resume_from_checkpoint latest"):
        train(tmp_path, make_tiny_model(), max_steps=1)


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


@pytest.mark.parametrize("name", ["per_device_train_batch_size", "gradient_accumulation_steps", "logging_steps"])
def test_counts_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        TrainingArguments("unused", **{name: 0})


# How a run stops


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
    with pytest.raises(ValueError, match=r"step 1.*images/\d.png.*not finite"):
        train(tmp_path, model)


def test_a_loss_that_is_not_finite_stops_the_run_with_the_names(tmp_path, train, make_tiny_model):
    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        return {**terms, "loss": terms["loss"] * (float("nan") if progress > 0 else 1.0)}

    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 2 on .*images/\d.png"):
        train(tmp_path, make_tiny_model(), objective=objective, save_steps=1)
    assert torch.isfinite(weights(tmp_path / "checkpoint-1")["head.conv1.weight"]).all()


def test_an_output_that_is_nan_does_not_hide_behind_a_loss_of_zero(tmp_path, train, make_tiny_model):
    """On an accelerator nobody looks at single values, and images whose loss is NaN do not count."""

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        return {**terms, "loss": terms["loss"] * 0, "output_maximum": torch.tensor(float("nan"))}

    with pytest.raises(FloatingPointError, match="the output reached nan at step 1"):
        train(tmp_path, make_tiny_model(), objective=objective)


# Precision and memory


def test_bf16_runs_and_saves_float32(tmp_path, train, make_tiny_model, evaluation):
    result = train(
        tmp_path, make_tiny_model(), evaluation=evaluation, max_steps=3, mixed_precision="bf16", ema_decay=0.5
    )
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path).values())
    assert all(np.isfinite(entry["loss"]) for entry in log_of(tmp_path) if "loss" in entry)
    assert 0 <= result.metrics["delta1"] <= 1


def test_gradient_checkpointing_changes_nothing_but_memory(tmp_path, train, make_tiny_model):
    for checkpointing in (False, True):
        folder = tmp_path / str(checkpointing)
        train(folder, make_tiny_model(), max_steps=2, gradient_checkpointing=checkpointing)
    assert log_of(tmp_path / "False") == log_of(tmp_path / "True")
    assert_equal_bits(weights(tmp_path / "False"), weights(tmp_path / "True"))


# Safety


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["trainer_state.pt", "optimizer.bin", "random_states_0.pkl"])
@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_checkpoint_cannot_run_code(tmp_path, train, make_tiny_model, name, form):
    train(tmp_path / "run", make_tiny_model(), max_steps=2, save_steps=1)
    target, trace = tmp_path / "run" / "checkpoint-2" / "state" / name, tmp_path / "executed"
    assert target.is_file()
    if form == "torch":
        torch.save(Malicious(trace), target)
    else:
        target.write_bytes(pickle.dumps(Malicious(trace), protocol=2))
    refused = pytest.raises(pickle.UnpicklingError)
    # Accelerate goes on without random states that it refuses; nothing here draws from them.
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
    from depth_anything_hf.data.synthetic import render_dataset

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
