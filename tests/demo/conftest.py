# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A relative and a metric model in folders, a picture, and a demo of both without its server."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tiny_predictors import SIDE, random_image, tiny_model

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.demo.layout import Demo
from depth_anything_hf.demo.models import DemoModels
from depth_anything_hf.demo.result import DemoResult, predict
from depth_anything_hf.demo.settings import DemoSettings


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folders = {}
    for name, options in (
        ("relative", {}),
        ("metric", {"depth_estimation_type": "metric", "max_depth": 10}),
    ):
        folder = tmp_path_factory.mktemp("models") / name
        tiny_model(**options).save_pretrained(folder)
        DepthAnythingImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
        folders[name] = str(folder)
    return folders


@pytest.fixture(scope="session")
def settings(model_folders: dict[str, str]) -> DemoSettings:
    return DemoSettings((model_folders["relative"], model_folders["metric"]), engine="torch", max_pixels=100_000)


@pytest.fixture(scope="session")
def models(settings: DemoSettings) -> DemoModels:
    return DemoModels(settings)


@pytest.fixture
def demo(settings: DemoSettings, models: DemoModels, tmp_path: Path) -> Demo:
    folder = tmp_path / "own"
    folder.mkdir()
    return Demo(settings, models, folder)


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "room.png"
    Image.fromarray(random_image((60, 80))).save(path)
    return path


@pytest.fixture(scope="session")
def relative(models: DemoModels, picture: Path, model_folders: dict[str, str]) -> DemoResult:
    return predict(models, picture, model_folders["relative"], None, 100_000)


@pytest.fixture(scope="session")
def metric(models: DemoModels, picture: Path, model_folders: dict[str, str]) -> DemoResult:
    return predict(models, picture, model_folders["metric"], None, 100_000)
