# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The loss that the model returns for labels: its formula, unknown pixels, depth beyond the range."""

from __future__ import annotations

import re

import pytest
import torch
from model_gradients import KINDS, METRIC, assert_gradients_agree, gradients_of, labels_for, pixels, tiny_model

from depth_anything_hf.losses.relative import gradient_matching_loss, scale_and_shift_invariant_loss
from depth_anything_hf.losses.silog import silog_loss


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_the_loss_is_the_formula(kind: str) -> None:
    model = tiny_model(**KINDS[kind]).eval()
    images = pixels()
    labels = labels_for(kind, images)
    with torch.inference_mode():
        output = model(images, labels=labels)
        prediction = output.predicted_depth
        if kind == "metric":
            expected = silog_loss(prediction, labels, over="batch").mean()
        else:
            expected = scale_and_shift_invariant_loss(prediction, labels).mean()
            expected = expected + 2 * gradient_matching_loss(prediction, labels).mean()
    assert output.loss.ndim == 0 and output.loss > 0.01
    torch.testing.assert_close(output.loss, expected)
    assert model(images).loss is None


def test_the_relative_loss_ignores_scale_and_shift_of_the_labels() -> None:
    model = tiny_model().eval()
    images = pixels()
    labels = labels_for("relative", images)
    with torch.inference_mode():
        torch.testing.assert_close(model(images, labels=7 * labels + 3).loss, model(images, labels=labels).loss)


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_labels_without_a_valid_pixel_give_zero_loss_and_zero_gradients(kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    gradients = gradients_of(model, pixels(), torch.full((2, 42, 56), torch.nan))
    assert model(pixels(), labels=torch.full((2, 42, 56), torch.nan)).loss == 0
    assert all((gradient == 0).all() for gradient in gradients.values())


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_an_image_without_a_valid_pixel_does_not_count(kind: str) -> None:
    # In float64: the normalized loss divides by the small spread of a fresh output, which magnifies rounding.
    model = tiny_model(**KINDS[kind]).double()
    images = pixels().double()
    labels = labels_for(kind, images).double()
    alone = gradients_of(model, images[:1], labels[:1])
    labels[1] = torch.nan
    beside = gradients_of(model, images, labels)
    assert_gradients_agree(model, beside, alone)


def test_the_metric_loss_ignores_depth_beyond_its_range() -> None:
    model = tiny_model(**METRIC).eval()
    images = pixels()
    labels = labels_for("metric", images)
    labels[:, 20:24], labels[:, 24:28], labels[:, 28:30] = torch.inf, 20.5, 0.0
    unknown = labels.clone()
    unknown[:, 20:30] = torch.nan
    at_the_limit = labels.clone()
    at_the_limit[:, 20:24] = 20.0
    with torch.inference_mode():
        loss = model(images, labels=labels).loss
        assert loss == model(images, labels=unknown).loss
        assert loss != model(images, labels=at_the_limit).loss


@pytest.mark.parametrize("shape", [(2, 42, 42), (1, 42, 56), (2, 1, 42, 56), (42, 56)])
def test_labels_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"labels .*{re.escape(str(shape))}.*expected .*\(2, 42, 56\)"):
        tiny_model()(pixels(), labels=torch.ones(shape))


def test_the_loss_of_a_model_in_millimetres_takes_labels_in_metres() -> None:
    metres = tiny_model(depth_estimation_type="metric", max_depth=2)
    millimetres = tiny_model(depth_estimation_type="metric", max_depth=2000, depth_unit="mm")
    images = pixels()
    labels = labels_for("metric", images) / 8  # Some of them beyond 2 m, too.
    with torch.inference_mode():
        torch.testing.assert_close(millimetres(images).predicted_depth, 1000 * metres(images).predicted_depth)
        torch.testing.assert_close(millimetres(images, labels=labels).loss, metres(images, labels=labels).loss)
        beyond = torch.where(labels > 1.5, 2.0005, labels)
        unknown = torch.where(labels > 1.5, torch.nan, labels)
        assert millimetres(images, labels=beyond).loss == millimetres(images, labels=unknown).loss
