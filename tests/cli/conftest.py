# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A relative and a metric model, photographs, and labelled images, all tiny."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import random_image
from PIL import Image
from tiny_predictors import tiny_model

from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


SIDE = 42


def save_tiny_model(folder: Path, **options: Any) -> Path:
    # The same as elsewhere, so that it is converted for an engine once.
    tiny_model(**options).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("relative"))


@pytest.fixture(scope="module")
def metric_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("metric"), depth_estimation_type="metric", max_depth=20)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(["a.png", "sub/b.jpg"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_image((30, 40 + number), number)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three images with depth in metres, 1 to 5."""
    for folder in ("images", "depth"):
        (tmp_path / "labelled" / folder).mkdir(parents=True)
    for number in range(3):
        depth = np.linspace(1, 5, 30 * 40, dtype=np.float32).reshape(30, 40)
        Image.fromarray(random_image((30, 40), number)).save(tmp_path / "labelled" / "images" / f"{number}.png")
        np.save(tmp_path / "labelled" / "depth" / f"{number}.npy", depth)
    return tmp_path / "labelled"
