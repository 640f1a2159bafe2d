# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from training_runs import assert_equal_bits, weights

from depth_anything_hf.training.objectives import Distillation, SupervisedMetric
from depth_anything_hf.training.previews import labels_of


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


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
    # The same model in millimetres: the same picture, of prediction and label in metres.
    other = make_tiny_model(depth_estimation_type="metric", max_depth=20000, depth_unit="mm")
    train(tmp_path / "other", other, picture_steps=2, **options)
    pictures = [np.asarray(Image.open(each / "pictures" / "step-2.png")) for each in (tmp_path, tmp_path / "other")]
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 0.5


def test_labels_of_a_teacher_win_over_stored_ones():
    batch = {"pixel_values": torch.zeros(2, 3, 4, 4), "labels": torch.ones(2, 4, 4)}
    by_teacher = Distillation(teacher=lambda images: images.mean(1) + 2)
    by_labels = Distillation()
    assert torch.equal(labels_of(batch, by_teacher), torch.full((2, 4, 4), 2.0))
    assert labels_of(batch, by_labels) is batch["labels"]
    assert labels_of({"pixel_values": batch["pixel_values"]}, by_labels) is None
    # What another objective calls so may return anything.
    assert labels_of(batch, SimpleNamespace(teacher=lambda images: None)) is batch["labels"]
