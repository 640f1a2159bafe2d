# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Trained weights are float32 whatever the checkpoint's are, or bfloat16 by choice; a resume keeps what there was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType
from safetensors.torch import save_file
from torch import nn
from training_runs import ANCHORED, assert_equal_bits, weights

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.training.arguments import ARGUMENTS_FILE, TrainingArguments
from depth_anything_hf.training.dry_run import dry_run_step
from depth_anything_hf.training.objectives import Distillation, SupervisedRelative
from depth_anything_hf.training.weight_precision import require_same_weight_precision, set_weight_precision


pytestmark = pytest.mark.usefixtures("fresh_accelerate")

BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32


def to_mixed(model: nn.Module) -> nn.Module:
    """A pretrained encoder in bfloat16 under a decoder in float32."""
    model.backbone.to(BF16)
    return model


MADE = {
    "bfloat16": (lambda model: model.to(BF16), "bfloat16 to float32 for training; pure_bf16 keeps them"),
    "float16": (lambda model: model.to(F16), "float16 to float32 for training\n"),
    "mixed": (to_mixed, "bfloat16 to float32 for training; pure_bf16 keeps them"),
    "both": (lambda model: to_mixed(model.to(F16)), "bfloat16 and float16 to float32 for training\n"),
}


def dtypes(tensors: Any) -> set[torch.dtype]:
    return {each.dtype for each in tensors}


def recorded_dtypes(folder: Path) -> set[str]:
    """What the configuration says of the whole model and of its encoder, where it says something."""
    config = json.loads((folder / "config.json").read_text())
    return {each["dtype"] for each in (config, config["backbone_config"]) if each.get("dtype")}


@pytest.mark.parametrize("name", MADE)
def test_weights_in_half_precision_train_as_their_values_do_in_float32(tmp_path, train, make_tiny_model, capsys, name):
    make, line = MADE[name]
    half, same = make(make_tiny_model()), make(make_tiny_model()).float()
    start = {key: value.detach().clone() for key, value in half.float().named_parameters()}
    make(half)
    # As `from_pretrained` leaves it.
    half.config.backbone_config.dtype = half.dtype
    options = {"max_steps": 3, "mixed_precision": "bf16", "pretrained": True, "ema_decay": 0.5, "save_steps": 3}
    capsys.readouterr()
    train(tmp_path / "half", half, **options)
    assert f"weights converted from {line}" in capsys.readouterr().out
    train(tmp_path / "same", same, **options)
    assert "weights converted" not in capsys.readouterr().out
    assert_equal_bits(weights(tmp_path / "half"), weights(tmp_path / "same"))
    assert dtypes(half.parameters()) == {F32}
    for saved in (tmp_path / "half", tmp_path / "half" / "checkpoint-3"):
        assert dtypes(weights(saved).values()) == {F32}
        assert recorded_dtypes(saved) <= {"float32"}
    moved = [
        (value != start[key]).float().mean()
        for key, value in half.named_parameters()
        if value.requires_grad and key.startswith("backbone.encoder")
    ]
    assert torch.stack(moved).mean() > 0.99


def test_a_model_that_predicts_in_another_precision_is_converted_too(tmp_path, train, make_tiny_model):
    model = make_tiny_model().to(BF16).optimize_for_inference(dtype=torch.float16)
    train(tmp_path / "other", model, max_steps=2)
    train(tmp_path / "plain", make_tiny_model().to(BF16), max_steps=2)
    assert_equal_bits(weights(tmp_path / "other"), weights(tmp_path / "plain"))


@pytest.mark.parametrize("make", [lambda model: model.to(BF16), to_mixed], ids=["whole", "encoder"])
def test_a_frozen_encoder_in_half_precision_serves_a_decoder_in_float32(tmp_path, train, make_tiny_model, make):
    model = make(make_tiny_model())
    with torch.no_grad():
        before = model.backbone.encoder.layer[0].mlp.fc1.weight.float().clone()
    train(tmp_path, model, encoder_strategy="frozen", mixed_precision="no")
    assert dtypes(weights(tmp_path).values()) == {F32}
    assert torch.equal(weights(tmp_path)["backbone.encoder.layer.0.mlp.fc1.weight"], before)


def test_adapters_of_a_model_in_half_precision_are_merged_in_float32(tmp_path, train, make_tiny_model):
    peft = pytest.importorskip("peft")
    model = make_tiny_model().to(BF16)
    with torch.no_grad():
        before = model.backbone.encoder.layer[0].mlp.fc1.weight.float().clone()
    peft.inject_adapter_in_model(peft.LoraConfig(target_modules=["fc1"]), model)
    train(tmp_path, model, mixed_precision="bf16", encoder_learning_rate=1e-5)
    after = weights(tmp_path)["backbone.encoder.layer.0.mlp.fc1.weight"]
    assert dtypes(weights(tmp_path).values()) == {F32}
    # Smaller than what bfloat16 could add to most of these weights.
    moved = (after - before).abs()
    assert (moved > 0).float().mean() > 0.9 and (after.bfloat16() == before.bfloat16()).float().mean() > 0.9


class LearnedWeight(SupervisedRelative):
    """The loss, divided by a learned number."""

    def __init__(self) -> None:
        super().__init__(ANCHORED)
        self.weight = nn.Parameter(torch.ones((), dtype=BF16))

    def __call__(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, Any]:
        terms = super().__call__(model, batch, progress)
        terms["loss"] = terms["loss"] / self.weight.exp() + self.weight
        return terms


def test_parameters_of_the_objective_are_trained_in_float32(tmp_path, train, make_tiny_model):
    objective = LearnedWeight()
    train(tmp_path, make_tiny_model(), objective=objective, decoder_learning_rate=1e-4, encoder_learning_rate=1e-4)
    assert objective.weight.dtype == F32 and 0 < abs(objective.weight.item() - 1) < 1e-3


def test_a_dry_run_trains_like_the_run_and_says_so(tmp_path, make_tiny_model, labelled_folder):
    def report(model: nn.Module, **options: Any) -> Any:
        data = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
        arguments = TrainingArguments(str(tmp_path), max_steps=4, max_zero_share=1.0, **options)
        return dry_run_step(model, SupervisedRelative(ANCHORED), arguments, data, pretrained=False)

    half, full = make_tiny_model().to(BF16), make_tiny_model()
    assert "weights converted from bfloat16 to float32" in str(report(half)) and dtypes(half.parameters()) == {F32}
    assert report(full).notes == []
    assert "(pure_bf16)" in str(report(full, pure_bf16=True)) and dtypes(full.parameters()) == {BF16}


@pytest.mark.parametrize(("made", "precision"), [("bfloat16", "no"), ("float32", "bf16"), ("mixed", "no")])
def test_pure_bf16_trains_saves_and_scores_in_bfloat16(
    tmp_path, train, make_tiny_model, evaluation, capsys, made, precision
):
    model = {"bfloat16": lambda m: m.to(BF16), "float32": lambda m: m, "mixed": to_mixed}[made](make_tiny_model())
    result = train(tmp_path, model, pure_bf16=True, mixed_precision=precision, evaluation=evaluation, save_steps=2)
    text = capsys.readouterr().out
    line = "bfloat16 and stay so" if made == "bfloat16" else "weights converted from float32 to bfloat16 for training"
    assert line in text and "(pure_bf16)" in text
    assert dtypes(model.parameters()) == {BF16}
    for saved in (tmp_path, tmp_path / "best", tmp_path / "checkpoint-2"):
        assert dtypes(weights(saved).values()) == {BF16}
        assert recorded_dtypes(saved) == {"bfloat16"}
    state = torch.load(tmp_path / "checkpoint-2" / "state" / "optimizer.bin", weights_only=True)["state"]
    assert {each[key].dtype for each in state.values() for key in ("exp_avg", "exp_avg_sq")} == {BF16}
    assert 0 <= result.metrics["delta1"] <= 1
    assert DepthAnythingForDepthEstimation.from_pretrained(tmp_path).dtype == BF16


def test_pure_bf16_aligns_features_through_a_projector(tmp_path, train, make_tiny_model):
    encoder = make_tiny_model(seed=2, encoder={"hidden_size": 48, "num_attention_heads": 3}).backbone
    objective = Distillation(ANCHORED, feature_encoder=encoder, student_width=32, feature_tolerance=0.0)
    model = make_tiny_model()
    train(tmp_path, model, objective=objective, pure_bf16=True, mixed_precision="no")
    assert dtypes(model.parameters()) == {BF16} and objective.projector.weight.dtype == F32


@dataclass
class Launch:
    """What the precision depends on of an `Accelerator` that needs GPUs."""

    distributed_type: DistributedType = DistributedType.NO
    mixed_precision: str = "no"


def test_what_pure_bf16_cannot_be_combined_with_is_refused(tmp_path, make_tiny_model):
    for options, message in (
        ({"mixed_precision": "fp16"}, "pure_bf16 cannot be combined with mixed_precision fp16"),
        ({"ema_decay": 0.998}, "pure_bf16 cannot be combined with ema_decay"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainingArguments(str(tmp_path), pure_bf16=True, **options)
    arguments = TrainingArguments(str(tmp_path), pure_bf16=True)
    for launch, message in (
        (Launch(mixed_precision="fp16"), "mixed_precision fp16"),
        (Launch(DistributedType.DEEPSPEED, "bf16"), "DeepSpeed, which keeps float32 weights"),
        (Launch(DistributedType.FSDP, "bf16"), "FSDP in mixed precision"),
    ):
        with pytest.raises(ValueError, match=message):
            set_weight_precision(make_tiny_model(), launch, arguments)
    model = make_tiny_model()
    set_weight_precision(model, Launch(DistributedType.FSDP), arguments)
    assert dtypes(model.parameters()) == {BF16}


def forget_the_argument(folder: Path) -> None:
    """Leave a record as runs wrote it before there was the argument."""
    path = folder / ARGUMENTS_FILE
    record = json.loads(path.read_text())
    record.pop("pure_bf16", None)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize("pure", [True, False])
def test_runs_from_before_the_argument_resume_as_they_were(tmp_path, train, make_tiny_model, pure):
    options = {"max_steps": 4, "save_steps": 2, "mixed_precision": "bf16"}
    right = {"pure_bf16": True} if pure else {}
    wrong = {} if pure else {"pure_bf16": True}
    train(tmp_path, make_tiny_model(), **options, **right)
    expected = weights(tmp_path)
    forget_the_argument(tmp_path)
    again = {**options, "resume_from_checkpoint": str(tmp_path / "checkpoint-2")}
    advice = "add pure_bf16" if pure else "leave out pure_bf16"
    with pytest.raises(ValueError, match=f"{advice} to resume it as it was"):
        train(tmp_path, make_tiny_model(seed=5), **again, **wrong)
    forget_the_argument(tmp_path)
    train(tmp_path, make_tiny_model(seed=5), **again, **right)
    assert_equal_bits(weights(tmp_path), expected)


def test_a_run_cannot_change_its_precision_on_the_way(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 2, "resume_from_checkpoint": "latest"}
    train(tmp_path, make_tiny_model(), **options)
    with pytest.raises(ValueError, match="pure_bf16: False -> True"):
        train(tmp_path, make_tiny_model(), pure_bf16=True, **options)


def test_a_checkpoint_of_another_half_precision_is_refused_by_name(tmp_path, make_tiny_model):
    model = make_tiny_model()
    for made, names in ((lambda m: m.to(F16), "float16"), (to_mixed, "bfloat16 and float32")):
        state = tmp_path / names / "state"
        state.mkdir(parents=True)
        save_file(made(make_tiny_model()).state_dict(), state / "model.safetensors")
        with pytest.raises(ValueError, match=f"has trained weights in {names}, this run would train them in float32"):
            require_same_weight_precision(model, state)
