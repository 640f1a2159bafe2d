# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objectives: terms against the losses by hand, CutMix, labels stored and made on the fly, feature alignment."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_runs import Interrupted, predict
from transformers import Dinov2Config, Dinov2Model

from depth_anything_hf.data.cutmix import cutmix
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import IMAGENET_MEAN, IMAGENET_STD, TrainingTransform
from depth_anything_hf.losses.feature_alignment import feature_alignment_loss
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.losses.relative import anchor_loss, gradient_matching_loss, scale_and_shift_invariant_loss
from depth_anything_hf.losses.silog import silog_loss
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.dry_run import dry_run_step
from depth_anything_hf.training.objectives import (
    Distillation,
    SupervisedMetric,
    SupervisedRelative,
    add_up,
    require_fitting_labels,
)
from depth_anything_hf.training.online_teacher import OnlineTeacher


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


# The relative loss


def test_default_terms_are_the_papers(model, batch):
    terms = SupervisedRelative()(model, batch, 0.0)
    prediction, target = predict(model, batch), batch["labels"]
    ssi = scale_and_shift_invariant_loss(prediction, target).mean()
    gradient = gradient_matching_loss(prediction, target).mean()
    torch.testing.assert_close(terms["ssi"], ssi)
    torch.testing.assert_close(terms["gradient"], gradient)
    torch.testing.assert_close(terms["loss"], ssi + 2 * gradient)
    assert "anchor" not in terms
    assert terms["images_without_label"] == 0
    assert terms["output_maximum"] == prediction.max()
    assert terms["output_zero_share"] == (prediction == 0).float().mean()


def test_weights_and_what_is_ignored(model, batch):
    loss = RelativeLoss(ssi_weight=0.3, gradient_weight=0.0, anchor_weight=0.7, ignore_largest=0.1)
    terms = SupervisedRelative(loss)(model, batch, 0.0)
    prediction, target = predict(model, batch), batch["labels"]
    ssi = scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.1).mean()
    assert ssi < scale_and_shift_invariant_loss(prediction, target).mean()
    anchor = anchor_loss(prediction, target).mean()
    torch.testing.assert_close(terms["loss"], 0.3 * ssi + 0.7 * anchor)
    torch.testing.assert_close(terms["anchor"], anchor)
    assert "gradient" not in terms


def test_cutmix_regions_are_scored_apart_and_weighted_by_area(model, batch):
    mixed = cutmix(batch, np.random.default_rng(0), probability=1.0)
    terms = SupervisedRelative(RelativeLoss(gradient_weight=0.0))(model, mixed, 0.0)
    prediction, region = predict(model, mixed), mixed["region"]
    known = ~mixed["labels"].isnan()
    inside = scale_and_shift_invariant_loss(prediction, mixed["labels"], known & region)
    outside = scale_and_shift_invariant_loss(prediction, mixed["labels"], known & ~region)
    share = region.float().mean((1, 2))
    torch.testing.assert_close(terms["loss"], (share * inside + (1 - share) * outside).mean())


def test_cutmix_does_not_see_the_scales_of_its_two_photographs(batch):
    """Each part of a mixed label may be stretched on its own: the loss stays."""
    mixed = cutmix(batch, np.random.default_rng(0), probability=1.0)
    prediction = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(9))
    stretched = torch.where(mixed["region"], 5 * mixed["labels"] + 2, mixed["labels"])
    values = [
        RelativeLoss(ignore_largest=0.1).terms(prediction, labels, mixed["region"], 0.0)
        for labels in (mixed["labels"], stretched)
    ]
    for name in values[0]:
        torch.testing.assert_close(values[0][name][1], values[1][name][1], rtol=1e-4, atol=1e-5)


def test_images_without_a_valid_pixel_are_left_out_and_counted(model, batch):
    batch["labels"][2] = torch.nan
    terms = SupervisedRelative()(model, batch, 0.0)
    target = batch["labels"]
    expected = scale_and_shift_invariant_loss(predict(model, batch), target)[:2].mean()
    torch.testing.assert_close(terms["ssi"], expected)
    assert terms["images_without_label"] == 1


def test_a_batch_without_any_label_costs_nothing_and_keeps_the_graph(model, make_tiny_model, batch):
    batch["labels"][:] = torch.nan
    metric_model = make_tiny_model(depth_estimation_type="metric", max_depth=20)
    relative, metric = SupervisedRelative(RelativeLoss(anchor_weight=1.0)), SupervisedMetric(max_depth=20.0)
    for objective, trained in ((relative, model), (metric, metric_model)):
        terms = objective(trained, batch, 0.0)
        assert terms["loss"] == 0 and terms["images_without_label"] == 3
        terms["loss"].backward()
        # Every parameter takes part, which several processes need; none gets anything but zero.
        assert set(gradients(trained)) == {name for name, p in trained.named_parameters() if p.requires_grad}
        assert all((gradient == 0).all() for gradient in gradients(trained).values())


def test_add_up_reports_the_worst_output_and_the_dead_share():
    prediction = torch.zeros(2, 4, 4)
    prediction[0, 0, 0] = 7.0
    terms = add_up({"one": (2.0, torch.tensor([1.0, 3.0])), "two": (0.5, torch.tensor([4.0, 2.0]))}, prediction)
    assert terms["loss"] == 2.0 * 2.0 + 0.5 * 3.0
    assert terms["one"] == 2.0 and terms["two"] == 3.0
    assert terms["images"] == 2 and terms["images_without_label"] == 0
    assert terms["output_maximum"] == 7.0
    assert terms["output_zero_share"] == pytest.approx(31 / 32)


def test_an_image_counts_in_every_term_or_in_none():
    values = {"one": (2.0, torch.tensor([1.0, 3.0])), "two": (0.5, torch.tensor([4.0, math.nan]))}
    terms = add_up(values, torch.ones(2, 4, 4))
    assert terms["one"] == 1.0 and terms["two"] == 4.0 and terms["loss"] == 2.0 * 1.0 + 0.5 * 4.0
    assert terms["images"] == 1 and terms["images_without_label"] == 1


def test_a_loss_whose_weights_are_all_zero_is_refused(model, batch):
    loss = RelativeLoss(ssi_weight=0.0, gradient_weight=0.0)
    with pytest.raises(ValueError, match="every term of the loss has weight 0"):
        SupervisedRelative(loss)(model, batch, 0.0)


def test_gradient_matching_alone_may_ramp_up_from_nothing(model, batch):
    loss = RelativeLoss(ssi_weight=0.0, gradient_weight=1.0, gradient_ramp=0.5)
    first, later = (SupervisedRelative(loss)(model, batch, progress)["loss"] for progress in (0.0, 0.25))
    assert first == 0 < later
    first.backward()
    assert all((gradient == 0).all() for gradient in gradients(model).values()) and gradients(model)


@pytest.mark.parametrize("objective", [SupervisedRelative(), SupervisedMetric(max_depth=10.0)])
def test_photographs_for_a_supervised_objective_say_what_to_do(model, batch, objective):
    del batch["labels"]
    with pytest.raises(ValueError, match=r"no labels, expected (disparity|depth in metres).*pseudo-label.*teacher="):
        objective(model, batch, 0.0)


# Metric


def test_metric_loss_is_silog_over_what_the_model_can_express(make_tiny_model, batch):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    depth = 1 + 8 * batch["labels"]
    depth[0, :4] = math.inf  # sky
    depth[0, 4:8] = 11.0  # beyond the cap
    depth[2, 0, 0] = 1e-4  # nearer than min_depth
    valid = (depth >= 1e-3) & (depth <= 10)
    terms = SupervisedMetric(max_depth=10.0)(model, {**batch, "labels": depth}, 0.0)
    expected = silog_loss(predict(model, batch), depth, valid, variance_focus=0.5, over="batch").mean()
    torch.testing.assert_close(terms["silog"], expected)
    torch.testing.assert_close(terms["loss"], expected)
    for value in (math.nan, 500.0):
        changed = torch.where(valid, depth, value)
        same = SupervisedMetric(max_depth=10.0)(model, {**batch, "labels": changed}, 0.0)["loss"]
        torch.testing.assert_close(same, expected)


def test_metric_options_reach_the_loss(make_tiny_model, batch):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    depth = 1 + 8 * batch["labels"]
    options = {"max_depth": 6.0, "min_depth": 2.0, "variance_focus": 0.85}
    valid = (depth >= 2) & (depth <= 6)
    for over in ("batch", "image"):
        terms = SupervisedMetric(**options, silog_over=over)(model, {**batch, "labels": depth}, 0.0)
        expected = silog_loss(predict(model, batch), depth, valid, variance_focus=0.85, over=over)
        torch.testing.assert_close(terms["loss"], expected.mean())
    with pytest.raises(ValueError, match="silog_over is 'pixels'"):
        SupervisedMetric(**options, silog_over="pixels")


@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel], ids=["plain", "wrapped"])
def test_a_model_in_millimetres_learns_from_metres(make_tiny_model, batch, wrap):
    """Same weights, same metres: same loss, gradients and watched numbers, whatever the unit of the output."""
    depth = 0.05 + 0.4 * batch["labels"]
    found = []
    for fields in ({"max_depth": 1}, {"max_depth": 1000, "depth_unit": "mm"}):
        model = make_tiny_model(depth_estimation_type="metric", **fields)
        terms = SupervisedMetric(max_depth=1.0)(wrap(model), {**batch, "labels": depth}, 0.0)
        terms["loss"].backward()
        found.append((terms, gradients(model)))
    (metres, by_metres), (millimetres, by_millimetres) = found
    for name in ("loss", "images", "output_maximum", "output_zero_share"):
        torch.testing.assert_close(millimetres[name], metres[name], rtol=1e-5, atol=1e-6)
    for name, gradient in by_metres.items():
        torch.testing.assert_close(by_millimetres[name], gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel], ids=["plain", "wrapped"])
def test_an_objective_refuses_a_model_of_the_other_kind(make_tiny_model, batch, wrap):
    metric = wrap(make_tiny_model(depth_estimation_type="metric", max_depth=350, depth_unit="mm"))
    for relative in (SupervisedRelative(), Distillation()):
        name = type(relative).__name__
        with pytest.raises(ValueError, match=rf"{name} trains disparity, but the model is a metric one.*Supervised"):
            relative(metric, batch, 0.0)
    with pytest.raises(ValueError, match=r"SupervisedMetric trains depth in metres, but the model is a relative one"):
        SupervisedMetric(max_depth=10.0)(wrap(make_tiny_model()), batch, 0.0)


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_run_does_so_before_it_begins(tmp_path, train, make_tiny_model):
    metric = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    wrapped = Interrupted(SupervisedRelative(), after_calls=0)
    with pytest.raises(ValueError, match="SupervisedRelative trains disparity, but the model is a metric one"):
        train(tmp_path, metric, objective=wrapped)
    assert not (tmp_path / "training_arguments.json").exists()


RELATIVE_LABELS, METRIC_LABELS = TrainingTransform(28), TrainingTransform(28, target="depth", max_depth=10.0)


def test_an_objective_refuses_labels_of_the_other_kind():
    relative, metric = ([SimpleNamespace(transforms=[each])] for each in (RELATIVE_LABELS, METRIC_LABELS))
    both = SimpleNamespace(transforms=[RELATIVE_LABELS, METRIC_LABELS])
    wrapped = Interrupted(SupervisedRelative(), after_calls=0)
    for objective in (SupervisedRelative(), Distillation(), wrapped):
        require_fitting_labels(objective, *relative)
        for data in (*metric, both):
            with pytest.raises(
                ValueError, match=r"trains on labels of disparity, .* gives depth .* target='disparity'"
            ):
                require_fitting_labels(objective, data)
    require_fitting_labels(SupervisedMetric(10.0), *metric)
    for data in (*relative, both):
        with pytest.raises(ValueError, match=r"SupervisedMetric trains on labels of depth, .* target='depth'"):
            require_fitting_labels(SupervisedMetric(10.0), data)


def test_labels_that_are_not_used_or_not_known_may_be_of_any_kind(model):
    mixture = SimpleNamespace(transforms=[METRIC_LABELS])
    require_fitting_labels(Distillation(teacher=lambda images: images[:, 0]), mixture)
    require_fitting_labels(lambda model, batch, progress: {}, mixture)
    require_fitting_labels(SupervisedRelative(), SimpleNamespace(transforms=[lambda sample, random: sample]))
    require_fitting_labels(SupervisedRelative(), [{"pixel_values": torch.zeros(3, 28, 28)}])


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_run_and_a_dry_run_refuse_such_labels_too(tmp_path, train, make_tiny_model, labelled_folder):
    metric = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    with pytest.raises(ValueError, match=r"labels of depth, .* gives disparity"):
        train(tmp_path, metric, objective=SupervisedMetric(10.0))
    mixture = Mixture([DepthFolder(labelled_folder)], METRIC_LABELS)
    arguments = TrainingArguments(str(tmp_path), max_steps=1)
    with pytest.raises(ValueError, match=r"labels of disparity, .* gives depth"):
        dry_run_step(make_tiny_model(), SupervisedRelative(), arguments, mixture, pretrained=False)


# Distillation: labels


def test_stored_labels_are_used_as_they_are(model, batch):
    terms = Distillation()(model, batch, 0.0)
    prediction, target = predict(model, batch), batch["labels"]
    ssi = scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.1).mean()
    torch.testing.assert_close(terms["loss"], ssi + 2 * gradient_matching_loss(prediction, target).mean())


def test_no_labels_and_no_teacher_says_what_to_do(model, batch):
    del batch["labels"]
    with pytest.raises(ValueError, match=r"no labels, expected disparity .*pseudo-label.*Distillation\(teacher="):
        Distillation()(model, batch, 0.0)


def test_the_teacher_sees_the_clean_image_and_gets_no_gradient(make_tiny_model, model, batch):
    network = make_tiny_model(seed=1)
    teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    clean = batch["pixel_values"] * 0.5
    batch["clean_pixel_values"] = clean
    terms = Distillation(teacher=teacher)(model, batch, 0.0)
    terms["loss"].backward()

    labels = network(pixel_values=clean).predicted_depth
    prediction = predict(model, batch)
    ssi = scale_and_shift_invariant_loss(prediction, labels, ignore_largest=0.1).mean()
    expected = ssi + 2 * gradient_matching_loss(prediction, labels).mean()
    torch.testing.assert_close(terms["loss"], expected)
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert any((gradient != 0).any() for gradient in gradients(model).values())


def test_cutmix_mixes_the_teachers_labels_like_the_images(make_tiny_model, model, batch):
    network = make_tiny_model(seed=1)
    teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    clean = batch["pixel_values"].clone()
    mixed = cutmix({**batch, "clean_pixel_values": clean}, np.random.default_rng(1), probability=1.0)
    made = network(pixel_values=clean).predicted_depth.detach()
    by_hand = made.clone()
    for index in range(3):
        partner = (index - 1) % 3
        by_hand[index][mixed["region"][index]] = made[partner][mixed["region"][index]]
    loss = RelativeLoss(gradient_weight=0.0, ignore_largest=0.1)
    online = Distillation(loss, teacher=teacher)(model, mixed, 0.0)["loss"]
    stored = Distillation(loss)(model, {**mixed, "labels": by_hand}, 0.0)["loss"]
    torch.testing.assert_close(online, stored)


# Distillation: features


def frozen_encoder(width: int) -> nn.Module:
    torch.manual_seed(5)
    return Dinov2Model(
        Dinov2Config(
            hidden_size=width, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14
        )
    )


def test_feature_alignment_with_equal_widths_needs_no_projector(model, batch):
    encoder = frozen_encoder(32)
    objective = Distillation(feature_encoder=encoder, feature_weight=0.5, feature_tolerance=0.2, student_width=32)
    assert objective.projector is None
    without = Distillation()(model, batch, 0.0)["loss"]
    terms = objective(model, batch, 0.0)
    student = model(pixel_values=batch["pixel_values"], output_patch_tokens=True).patch_tokens
    frozen = encoder(batch["pixel_values"]).last_hidden_state[:, 1:]
    feature = feature_alignment_loss(student, frozen, tolerance=0.2).mean()
    torch.testing.assert_close(terms["feature"], feature)
    torch.testing.assert_close(terms["loss"], without + 0.5 * feature)
    terms["loss"].backward()
    assert all(p.grad is None for p in encoder.parameters())


def test_feature_alignment_with_other_widths_trains_a_projector(model, batch):
    encoder = frozen_encoder(48)
    objective = Distillation(feature_encoder=encoder, feature_tolerance=0.0, student_width=32)
    assert isinstance(objective.projector, nn.Linear)
    assert (objective.projector.in_features, objective.projector.out_features) == (32, 48)
    terms = objective(model, batch, 0.0)
    student = model(pixel_values=batch["pixel_values"], output_patch_tokens=True).patch_tokens
    frozen = encoder(batch["pixel_values"]).last_hidden_state[:, 1:]
    expected = feature_alignment_loss(objective.projector(student), frozen, tolerance=0.0).mean()
    torch.testing.assert_close(terms["feature"], expected)
    terms["loss"].backward()
    assert (objective.projector.weight.grad != 0).any()
    assert all(p.grad is None and not p.requires_grad for p in encoder.parameters())


def test_an_image_without_a_label_takes_no_part_in_feature_alignment_either(model, batch):
    objective = Distillation(feature_encoder=frozen_encoder(32), feature_tolerance=0.0, student_width=32)
    batch["labels"][0] = torch.nan
    two = {key: value[1:] for key, value in batch.items()}
    terms, of_two = objective(model, batch, 0.0), objective(model, two, 0.0)
    for name in ("loss", "feature", "ssi"):
        torch.testing.assert_close(terms[name], of_two[name])
    assert (terms["images"], of_two["images"]) == (2, 2)


def test_an_encoder_kept_at_its_start_costs_nothing(model, batch):
    """A student whose features are those of the frozen encoder is inside the tolerance at every token."""
    encoder = Dinov2Model(model.config.backbone_config)
    encoder.load_state_dict(model.backbone.state_dict())
    objective = Distillation(feature_encoder=encoder, student_width=32)
    assert objective(model, batch, 0.0)["feature"] == 0


def test_feature_alignment_needs_the_students_width():
    with pytest.raises(ValueError, match="needs student_width"):
        Distillation(feature_encoder=frozen_encoder(32))


# No wait for the device


OBJECTIVES: dict[str, Callable[[nn.Module], Any]] = {
    "relative": lambda model: SupervisedRelative(),
    "relative, anchored": lambda model: SupervisedRelative(RelativeLoss(anchor_weight=1.0, ignore_largest=0.1)),
    "metric": lambda model: SupervisedMetric(20.0),
    "distillation": lambda model: Distillation(),
    "distillation with teacher and features": lambda model: Distillation(
        teacher=OnlineTeacher(copy.deepcopy(model), "disparity", IMAGENET_MEAN, IMAGENET_STD),
        feature_encoder=Dinov2Model(model.config.backbone_config),
        student_width=32,
    ).to(torch.device("meta")),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_objective_asks_an_accelerator_for_a_value(make_tiny_model, monkeypatch, name):
    """On the meta device tensors have no values, and whoever asks for one, which would be a wait, gets an error."""
    # There is no autocast for it.
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    with torch.device("meta"):
        model = make_tiny_model(depth_estimation_type="metric" if name == "metric" else "relative")
        batch = {"pixel_values": torch.randn(2, 3, 28, 28), "labels": torch.randn(2, 28, 28), "name": ["a", "b"]}
        terms = OBJECTIVES[name](model)(model, batch, 0.5)
        terms["loss"].backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    assert {each.device.type for each in (*terms.values(), norm)} == {"meta"}
    with pytest.raises(RuntimeError, match="meta"):
        terms["loss"].item()
