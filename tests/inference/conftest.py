# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of predictions: a tiny predictor, and a tiny checkpoint with its processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_predictors import SIDE, tiny_model

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


@pytest.fixture(scope="module", params=["in step", "ahead"])
def predictor(request: pytest.FixtureRequest) -> DepthPredictor:
    predictor = DepthPredictor(tiny_model(), DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=3)
    # As on a GPU, where results are fetched when the next pass has begun.
    predictor._runs_ahead = request.param == "ahead"
    return predictor


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder
