# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objectives: terms against the losses by hand, CutMix, labels stored and made on the fly, feature alignment."""

from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Dinov2Config, Dinov2Model

from depth_anything_hf.data.cutmix import cutmix
from depth_anything_hf.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from depth_anything_hf.losses.feature_alignment import feature_alignment_loss
from depth_anything_hf.losses.relative import (
    RelativeLoss,
    anchor_loss,
    gradient_matching_loss,
    scale_and_shift_invariant_loss,
)
from depth_anything_hf.losses.silog import silog_loss
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative, add_up
from depth_anything_hf.training.online_teacher import OnlineTeacher


@pytest.fixture
def batch() -> dict[str, Any]:
    """Three images of 28 x 28 with disparity; the second has a hole."""
    random = torch.Generator().manual_seed(3)
    labels = torch.rand(3, 28, 28, generator=random)
    labels[1, :5] = torch.nan
    return {
        "pixel_values": torch.randn(3, 3, 28, 28, generator=random),
        "labels": labels,
        "name": ["a", "b", "c"],
    }


@pytest.fixture
def model(make_tiny_model) -> nn.Module:
    return make_tiny_model()


def predict(model: nn.Module, batch: dict[str, Any]) -> Tensor:
    return model(pixel_values=batch["pixel_values"]).predicted_depth


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


@pytest.mark.parametrize("ignore_largest", [0.0, 0.1])
@pytest.mark.parametrize("mixed", [False, True])
def test_terms_together_are_the_terms_apart(batch, mixed, ignore_largest):
    batch = cutmix(batch, np.random.default_rng(0), probability=1.0) if mixed else batch
    prediction = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(9))
    target, region = batch["labels"], batch.get("region")
    together = RelativeLoss(ignore_largest=ignore_largest, anchor_weight=0.5).terms(prediction, target, region, 0.0)
    assert {name: weight for name, (weight, _) in together.items()} == {"ssi": 1.0, "gradient": 2.0, "anchor": 0.5}
    for name in together:
        only = RelativeLoss(0.0, 0.0, anchor_weight=0.0, ignore_largest=ignore_largest)
        setattr(only, f"{name}_weight", 1.0)
        apart = only.terms(prediction, target, region, 0.0)
        assert set(apart) == {name}
        assert torch.equal(apart[name][1], together[name][1])


@pytest.mark.parametrize(("progress", "share"), [(0.1, 0.25), (0.2, 0.5), (0.4, 1.0), (0.9, 1.0)])
def test_the_gradient_term_ramps_up(batch, progress, share):
    prediction = batch["labels"].nan_to_num(0.5) ** 2
    weighted = RelativeLoss(gradient_weight=2.0, gradient_ramp=0.4).terms(prediction, batch["labels"], None, progress)
    assert weighted["gradient"][0] == pytest.approx(2.0 * share)


def test_the_ramp_starts_without_the_gradient_term(batch):
    loss = RelativeLoss(gradient_ramp=0.4)
    assert set(loss.terms(batch["labels"], batch["labels"], None, 0.0)) == {"ssi"}


def test_the_anchor_is_chosen_by_the_start_unless_given():
    assert RelativeLoss().for_start(pretrained=True).anchor_weight == 0.0
    assert RelativeLoss().for_start(pretrained=False).anchor_weight == 1.0
    assert RelativeLoss(anchor_weight=0.5).for_start(pretrained=True).anchor_weight == 0.5
    assert RelativeLoss(anchor_weight=0.0).for_start(pretrained=False).anchor_weight == 0.0
    changed = RelativeLoss(gradient_weight=0.5, ignore_largest=0.2).for_start(pretrained=False)
    assert (changed.gradient_weight, changed.ignore_largest) == (0.5, 0.2)


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


def test_a_batch_without_any_label_costs_nothing_and_keeps_the_graph(model, batch):
    batch["labels"][:] = torch.nan
    for objective in (SupervisedRelative(RelativeLoss(anchor_weight=1.0)), SupervisedMetric(max_depth=20.0)):
        model.zero_grad()
        terms = objective(model, batch, 0.0)
        assert terms["loss"] == 0 and terms["images_without_label"] == 3
        terms["loss"].backward()
        trained = [name for name, p in model.named_parameters() if p.requires_grad]
        # Every parameter takes part, which several processes need; none gets anything but zero.
        assert set(gradients(model)) == set(trained)
        assert all((gradient == 0).all() for gradient in gradients(model).values())


def test_add_up_reports_the_worst_output_and_the_dead_share():
    prediction = torch.zeros(2, 4, 4)
    prediction[0, 0, 0] = 7.0
    terms = add_up({"one": (2.0, torch.tensor([1.0, 3.0])), "two": (0.5, torch.tensor([4.0, math.nan]))}, prediction)
    assert terms["loss"] == 2.0 * 2.0 + 0.5 * 4.0
    assert terms["one"] == 2.0 and terms["two"] == 4.0
    assert terms["images_without_label"] == 1
    assert terms["output_maximum"] == 7.0
    assert terms["output_zero_share"] == pytest.approx(31 / 32)


# Metric


def test_metric_loss_is_silog_over_what_the_model_can_express(make_tiny_model, batch):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    depth = 1 + 8 * batch["labels"]
    depth[0, :4] = math.inf  # sky
    depth[0, 4:8] = 11.0  # beyond the cap
    depth[2, 0, 0] = 1e-4  # nearer than min_depth
    valid = (depth >= 1e-3) & (depth <= 10)
    terms = SupervisedMetric(max_depth=10.0)(model, {**batch, "labels": depth}, 0.0)
    expected = silog_loss(predict(model, batch), depth, valid, variance_focus=0.5).mean()
    torch.testing.assert_close(terms["silog"], expected)
    torch.testing.assert_close(terms["loss"], expected)
    for value in (math.nan, 500.0):
        changed = torch.where(valid, depth, value)
        same = SupervisedMetric(max_depth=10.0)(model, {**batch, "labels": changed}, 0.0)["loss"]
        torch.testing.assert_close(same, expected)


def test_metric_options_reach_the_loss(make_tiny_model, batch):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    depth = 1 + 8 * batch["labels"]
    terms = SupervisedMetric(max_depth=6.0, min_depth=2.0, variance_focus=0.85)(model, {**batch, "labels": depth}, 0.0)
    expected = silog_loss(predict(model, batch), depth, (depth >= 2) & (depth <= 6), variance_focus=0.85).mean()
    torch.testing.assert_close(terms["loss"], expected)


# Distillation: labels


def test_stored_labels_are_used_as_they_are(model, batch):
    terms = Distillation()(model, batch, 0.0)
    prediction, target = predict(model, batch), batch["labels"]
    ssi = scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.1).mean()
    torch.testing.assert_close(terms["loss"], ssi + 2 * gradient_matching_loss(prediction, target).mean())


def test_no_labels_and_no_teacher_says_what_to_do(model, batch):
    del batch["labels"]
    with pytest.raises(ValueError, match=r"no labels and there is no teacher.*pseudo_label.py, or name a teacher"):
        Distillation()(model, batch, 0.0)


class HalfSizeTeacher(nn.Module):
    """Depth in metres at half the size: the mean of the channels it is given, plus one, times a trained gain."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))
        self.seen: Tensor | None = None

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        self.seen = pixel_values
        return SimpleNamespace(predicted_depth=F.avg_pool2d(pixel_values, 2).mean(1) * self.gain + 1.0)


def test_online_teacher_with_its_own_normalisation_size_and_kind():
    network = HalfSizeTeacher()
    mean, std = [0.5, 0.4, 0.3], [0.5, 0.25, 0.2]
    teacher = OnlineTeacher(network, "depth", mean, std)
    colours = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    imagenet = torch.from_numpy(IMAGENET_MEAN).view(3, 1, 1), torch.from_numpy(IMAGENET_STD).view(3, 1, 1)
    disparity = teacher((colours - imagenet[0]) / imagenet[1])

    own = (colours - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(network.seen, own, rtol=1e-5, atol=1e-5)
    depth = F.avg_pool2d(own, 2).mean(1) * 2.0 + 1.0
    depth = F.interpolate(depth[:, None], size=(28, 28), mode="bilinear", align_corners=True)[:, 0]
    torch.testing.assert_close(disparity, 1 / depth, rtol=1e-4, atol=1e-5)
    assert not disparity.requires_grad
    assert not network.training and not network.gain.requires_grad


def test_depth_that_is_not_positive_is_no_label():
    teacher = OnlineTeacher(HalfSizeTeacher(), "depth", IMAGENET_MEAN, IMAGENET_STD)
    assert teacher(torch.full((1, 3, 28, 28), -3.0)).isnan().all()


def test_online_teacher_of_disparity_is_passed_through(make_tiny_model, batch):
    network = make_tiny_model(seed=1)
    teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(teacher(batch["pixel_values"]), predict(network, batch))


def test_the_teachers_labels_are_float32_in_its_own_precision(make_tiny_model, model, batch):
    exact = OnlineTeacher(make_tiny_model(seed=1), "disparity", IMAGENET_MEAN, IMAGENET_STD)(batch["pixel_values"])
    for dtype in ("bfloat16", torch.bfloat16):
        network = make_tiny_model(seed=1)
        teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype=dtype)
        assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}
        labels = teacher.to(torch.device("cpu"))(batch["pixel_values"])
        assert labels.dtype == torch.float32 and not labels.requires_grad
        assert 0 < (labels - exact).abs().max() < 0.02 * exact.max()
        terms = Distillation(teacher=teacher)(model, batch, 0.0)
        terms["loss"].backward()
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())
        model.zero_grad()


def test_a_run_in_mixed_precision_leaves_a_teacher_with_one_of_its_own_alone(make_tiny_model, batch):
    def labels(dtype: str | None, mixed: bool) -> Tensor:
        teacher = OnlineTeacher(make_tiny_model(seed=1), "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype=dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            return teacher(batch["pixel_values"])

    exact = labels(None, mixed=False)
    assert torch.equal(labels("float32", mixed=True), exact)
    assert torch.equal(labels("bfloat16", mixed=True), labels("bfloat16", mixed=False))
    assert not torch.equal(labels(None, mixed=True), exact)


def test_weights_stored_in_bfloat16_label_as_they_are(make_tiny_model, batch):
    networks = make_tiny_model(seed=1).to(torch.bfloat16), make_tiny_model(seed=1)
    stored = OnlineTeacher(networks[0], "disparity", IMAGENET_MEAN, IMAGENET_STD)
    converted = OnlineTeacher(networks[1], "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype="bfloat16")
    assert torch.equal(stored(batch["pixel_values"]), converted(batch["pixel_values"]))


def test_an_unknown_precision_of_the_teacher_is_refused(make_tiny_model):
    with pytest.raises(ValueError, match="unknown precision 'half'"):
        OnlineTeacher(make_tiny_model(), "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype="half")


def test_a_teacher_of_this_package_takes_the_faster_way(make_tiny_model, batch):
    network, usual = make_tiny_model(seed=1), []
    network.backbone.encoder.layer[0].register_forward_hook(lambda *_: usual.append(1))
    teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    made = teacher(batch["pixel_values"])
    assert not usual
    network.optimize_for_inference(False)
    torch.testing.assert_close(teacher(batch["pixel_values"]), made)
    assert usual


def test_a_teacher_with_adapters_goes_the_usual_way(make_tiny_model, batch):
    peft = pytest.importorskip("peft")
    network = make_tiny_model(seed=1)
    names = [name for name, part in network.named_modules() if name.endswith(("q_proj", "attention.query"))]
    adapted = peft.inject_adapter_in_model(peft.LoraConfig(target_modules=names), network)
    teacher = OnlineTeacher(adapted, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(teacher(batch["pixel_values"]), predict(make_tiny_model(seed=1), batch))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU torch.compile needs a C++ compiler")
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_a_compiled_teacher_labels_the_same(make_tiny_model, batch, dtype):
    # It takes seconds to import.
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    counters.clear()
    made = []
    for compiled in (False, True):
        # As a predictor leaves it.
        network = make_tiny_model(seed=1).optimize_for_inference()
        names = list(network.state_dict())
        options = {"dtype": dtype, "compile": compiled}
        made.append(OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD, **options)(batch["pixel_values"]))
        assert list(network.state_dict()) == names
    assert counters["stats"]["unique_graphs"] == 1, "of all layers"
    tolerance = 1e-5 if dtype is None else 0.02 * float(made[0].max())
    torch.testing.assert_close(made[1], made[0], rtol=0, atol=tolerance)


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
        model = make_tiny_model()
        batch = {"pixel_values": torch.randn(2, 3, 28, 28), "labels": torch.randn(2, 28, 28), "name": ["a", "b"]}
        terms = OBJECTIVES[name](model)(model, batch, 0.5)
        terms["loss"].backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    assert {each.device.type for each in (*terms.values(), norm)} == {"meta"}
    with pytest.raises(RuntimeError, match="meta"):
        terms["loss"].item()
