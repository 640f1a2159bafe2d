# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distillation arguments: which frozen encoder a student's features are kept near."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import TINY_ENCODER
from transformers import AutoModel, AutoModelForDepthEstimation, Dinov2Config, Dinov2Model

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.parser import RecipeParser
from depth_anything_hf.recipes.starting_point import StartingPoint, build_model
from depth_anything_hf.recipes.student import TYPES, DistillationArguments, run
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.objectives import Distillation


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    torch.manual_seed(3)
    Dinov2Model(Dinov2Config(**TINY_ENCODER)).save_pretrained(tmp_path / "encoder")
    return str(tmp_path / "encoder")


def start_from(**arguments: Any) -> StartingPoint:
    return build_model(ModelArguments(input_size=56, **arguments), seed=0)


def objective_of(start: StartingPoint, **arguments: Any) -> Distillation:
    return DistillationArguments(**arguments).objective(RelativeLoss(), start)


def recipe(name: str, *flags: str) -> DistillationArguments:
    parser = RecipeParser(TYPES, verb="distill")
    words = ["--recipe", name, "--train_data", "labels", "--output_dir", "run"]
    return parser.parse([*words, *flags]).parts[2]


def test_the_paper_s_student_is_aligned_to_its_own_start_and_the_quickstart_s_is_not():
    found = recipe("student", "--encoder_name_or_path", "e")
    assert (found.feature_encoder, found.feature_weight, found.feature_tolerance) == ("start", 1.0, 0.15)
    assert recipe("student", "--encoder_name_or_path", "e", "--feature_encoder", "none").feature_encoder is None
    assert recipe("quickstart-student").feature_encoder is None and DistillationArguments().feature_encoder is None


@pytest.mark.parametrize("kind", ["encoder", "model"])
def test_the_frozen_copy_is_the_encoder_at_the_start_and_stays_it(encoder, tmp_path, kind):
    start = start_from(encoder_name_or_path=encoder)
    if kind == "model":
        start.model.save_pretrained(tmp_path / "model")
        start.processor.save_pretrained(tmp_path / "model")
        start = start_from(model_name_or_path=str(tmp_path / "model"))
    objective = objective_of(start, feature_encoder="start")
    named = objective_of(start, feature_encoder=encoder)
    images = torch.randn(2, 3, 56, 56)
    before = AutoModel.from_pretrained(encoder).eval()(images).last_hidden_state
    for parameter in start.model.backbone.parameters():
        parameter.data.add_(1.0)
    for each in (objective, named):
        assert each.projector is None and not any(one.requires_grad for one in each.feature_encoder.parameters())
        torch.testing.assert_close(each.feature_encoder(images).last_hidden_state, before, rtol=1e-5, atol=1e-5)
    # The student itself is trained as before.
    assert start.model.backbone.encoder.layer[0].mlp.fc1.weight.requires_grad


def test_the_term_is_zero_at_the_start_and_counts_once_the_features_leave(encoder):
    start = start_from(encoder_name_or_path=encoder)
    objective = objective_of(start, feature_encoder="start", feature_weight=2.0)
    batch = {"pixel_values": torch.randn(2, 3, 56, 56), "labels": torch.rand(2, 56, 56)}
    start.model.train()
    at_start = objective(start.model, batch, 0.0)
    assert at_start["feature"].item() == 0.0
    for parameter in start.model.backbone.parameters():
        parameter.data.add_(torch.randn_like(parameter))
    later = objective(start.model, batch, 0.0)
    plain = objective_of(start)(start.model, batch, 0.0)
    assert later["feature"] > 0.5 and "feature" not in plain
    torch.testing.assert_close(later["loss"] - plain["loss"], 2.0 * later["feature"], rtol=1e-4, atol=1e-5)


def test_random_weights_are_nothing_to_keep_near_to(caplog):
    start = start_from(encoder_config=dict(TINY_ENCODER))
    arguments = DistillationArguments(feature_encoder="start")
    with caplog.at_level(logging.WARNING):
        assert arguments.objective(RelativeLoss(), start).feature_encoder is None
    assert arguments.record(start)["feature_alignment"] is None
    assert caplog.messages == ["feature alignment is off: the student's encoder starts from random weights"]


def test_the_record_has_the_alignment_where_it_is_on(encoder):
    start = start_from(encoder_name_or_path=encoder)
    arguments = DistillationArguments(feature_encoder="start", feature_weight=0.5)
    alignment = arguments.record(start)["feature_alignment"]
    assert (alignment["weight"], alignment["tolerance"]) == (0.5, 0.15)
    assert DistillationArguments(feature_encoder="none").record(start)["feature_alignment"] is None


def test_the_record_names_the_encoder_that_the_student_is_kept_near_to(encoder):
    def alignment(feature_encoder: str, **model: Any) -> Any:
        return DistillationArguments(feature_encoder=feature_encoder).record(start_from(**model))["feature_alignment"]

    own = alignment("start", encoder_name_or_path=encoder)
    assert (own["encoder"], own["start"]) == ("start", encoder)
    named = alignment(encoder, encoder_name_or_path=encoder)
    assert named == {"encoder": encoder, "weight": 1.0, "tolerance": 0.15}
    assert alignment("start", encoder_config=dict(TINY_ENCODER)) is None


def test_a_student_keeps_every_second_layer_of_an_encoder_or_of_its_teacher(tmp_path):
    torch.manual_seed(3)
    Dinov2Model(Dinov2Config(**{**TINY_ENCODER, "num_hidden_layers": 8})).save_pretrained(tmp_path / "encoder")
    whole = start_from(encoder_name_or_path=str(tmp_path / "encoder"))
    whole.model.save_pretrained(tmp_path / "teacher")
    whole.processor.save_pretrained(tmp_path / "teacher")
    arguments = DistillationArguments(student_layers=4, feature_encoder="start")
    for given in ({"encoder_name_or_path": "encoder"}, {"model_name_or_path": "teacher"}):
        start = start_from(**{name: str(tmp_path / value) for name, value in given.items()})
        student = arguments.with_student_layers(start)
        assert student.lineage["layers"] == "2, 4, 6, 8 of 8" and student.pretrained
        assert student.model.out_indices == [1, 2, 3, 4]
        for number, layer in enumerate(student.model.backbone.encoder.layer):
            torch.testing.assert_close(
                layer.state_dict(), whole.model.backbone.encoder.layer[2 * number + 1].state_dict(), rtol=0, atol=0
            )
    decoders = [{n: t for n, t in each.model.state_dict().items() if "backbone" not in n} for each in (student, start)]
    torch.testing.assert_close(*decoders, rtol=0, atol=0)
    # Features are kept near those of the whole encoder.
    aligned = arguments.objective(RelativeLoss(), start).feature_encoder
    assert len(aligned.encoder.layer) == 8
    assert (
        arguments.record(start)["student_layers"] == 4
        and DistillationArguments().record(start)["student_layers"] is None
    )


def test_layers_that_a_student_cannot_have_are_refused(encoder):
    with pytest.raises(
        ValueError, match=r"student_layers is 2, but the student starts from random weights.*num_hidden"
    ):
        DistillationArguments(student_layers=2).with_student_layers(start_from(encoder_config=dict(TINY_ENCODER)))
    with pytest.raises(ValueError, match="student_layers: the encoder has 4 layers, of which 3 cannot"):
        DistillationArguments(student_layers=3).with_student_layers(start_from(encoder_name_or_path=encoder))
    with pytest.raises(ValueError, match=r"student_layers is 0, expected at least 1"):
        DistillationArguments(student_layers=0)


def test_a_run_with_fewer_layers_says_so_and_cannot_change_them(tmp_path, labelled_folder):
    torch.manual_seed(3)
    Dinov2Model(Dinov2Config(**{**TINY_ENCODER, "num_hidden_layers": 8})).save_pretrained(tmp_path / "encoder")

    def distil(layers: int, steps: int = 1) -> Any:
        start = ModelArguments(encoder_name_or_path=str(tmp_path / "encoder"), input_size=56)
        training = TrainingArguments(
            str(tmp_path / "run"), max_steps=steps, save_steps=1, max_zero_share=1, resume_from_checkpoint="latest"
        )
        data, distillation = DataArguments([str(labelled_folder)]), DistillationArguments(student_layers=layers)
        return run(start, data, distillation, RelativeLoss(), training)

    distil(4)
    card = (tmp_path / "run" / "README.md").read_text()
    assert "| layers | 2, 4, 6, 8 of 8 |" in card
    stock = AutoModelForDepthEstimation.from_pretrained(tmp_path / "run")
    assert stock.config.backbone_config.num_hidden_layers == 4
    with pytest.raises(ValueError, match=r"student_layers: 4 -> 8"):
        distil(8, steps=2)
    assert distil(4, steps=2).steps == 2
