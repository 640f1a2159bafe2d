# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A tiny predictor, and a clip."""

from __future__ import annotations

from pathlib import Path

import pytest
from clips import noise, uneven_times, write_clip
from tiny_predictors import tiny_model

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


@pytest.fixture(scope="session")
def small_predictor() -> DepthPredictor:
    return DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(28), batch_size=3)


@pytest.fixture(scope="session")
def metric_predictor() -> DepthPredictor:
    model = tiny_model(depth_estimation_type="metric", max_depth=20)
    return DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(28))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 frames in uneven distances, with sound."""
    path = tmp_path_factory.mktemp("clip") / "phone.mp4"
    write_clip(path, [noise(i, (64, 48)) for i in range(20)], uneven_times(20), has_sound=True)
    return path
