# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict --tiles` and `predict --panorama`: files, what they say of themselves, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import files_below, random_image, run
from PIL import Image

from depth_anything_hf.data.decoding.map_meaning import MEANING_KEYWORD
from depth_anything_hf.inference.prediction_files import read_prediction
from depth_anything_hf.inference.predictor import DepthPredictor


def predict(*arguments: Any) -> Any:
    return run("predict", *arguments, "--device", "cpu", "--engine", "torch")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(random_image((90, 180), 0)).save(tmp_path / "large.png")
    return tmp_path / "large.png"


def test_tiles_are_predicted_and_noted_and_made_again_when_they_change(
    model: Path, picture: Path, tmp_path: Path
) -> None:
    command = (picture, "-o", tmp_path / "out", "-m", model, "--tiles", "--format", "npy")
    result = predict(*command)
    assert result.exit_code == 0, result.output
    assert "1 of 1 image predicted" in result.output and "disparity" in result.output
    values, kind = read_prediction(tmp_path / "out" / "large.npy")
    np.testing.assert_array_equal(values, DepthPredictor.from_pretrained(model, device="cpu").predict_tiled(picture))
    assert kind == "disparity" and files_below(tmp_path / "out") == ["large.npy", "predictions.json"]
    (options,) = json.loads((tmp_path / "out" / "predictions.json").read_text())["options"].values()
    assert options["tiles"] == {"size": 42, "overlap": 10}
    assert "1 of them earlier" in predict(*command).output
    assert "earlier" not in predict(*command, "--tile_overlap", 20).output
    assert not np.array_equal(read_prediction(tmp_path / "out" / "large.npy")[0], values)


def test_tiles_of_a_metric_model_become_points_too(metric_model: Path, picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    command = (picture, "-o", tmp_path / "out", "-m", metric_model, "--tiles", "--points", "ply", "--fov", 90)
    result = predict(*command, "--format", "mm")
    assert result.exit_code == 0, result.output
    assert files_below(tmp_path / "out") == ["large.ply", "large_camera.json", "large_mm.png", "predictions.json"]


def test_panoramas_say_that_their_values_are_along_the_ray(metric_model: Path, picture: Path, tmp_path: Path) -> None:
    Image.fromarray(random_image((90, 90), 0)).save(tmp_path / "square.png")
    inputs = (picture, tmp_path / "square.png")
    result = predict(*inputs, "-o", tmp_path / "out", "-m", metric_model, "--panorama", "--format", "npz,mm,tiff,npy")
    assert result.exit_code == 3
    assert "distances from the camera in metres, along the ray of each pixel and not along an axis" in result.output
    assert "twice as wide as high, got 90 x 90 pixels" in result.output
    stored = np.load(tmp_path / "out" / "large.npz")
    assert str(stored["projection"]) == "equirectangular" and str(stored["values"]) == "along the ray"
    values = DepthPredictor.from_pretrained(metric_model, device="cpu").predict_panorama(picture)
    np.testing.assert_array_equal(stored["depth"], values)
    for name in ("large.npz", "large.tiff", "large_mm.png"):
        found, kind = read_prediction(tmp_path / "out" / name)
        assert kind == "depth"
        np.testing.assert_allclose(found, values, atol=0.0006)
    with Image.open(tmp_path / "out" / "large_mm.png") as png:
        assert json.loads(png.text[MEANING_KEYWORD])["values"] == "along the ray"  # type: ignore[attr-defined]
    (options,) = json.loads((tmp_path / "out" / "predictions.json").read_text())["options"].values()
    assert options["projection"] == "equirectangular"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tiles", "--tile_size", 60, "--tile_overlap", 60), "tile_overlap must be smaller than the tile"),
        (("--tiles", "--tile_size", 60, "--tile_overlap", 31), "at most half of the tile, 30, got 31"),
        (("--tiles", "--tile_size", 20), "tile_size must be a whole number of at least 28 pixels, got 20"),
        (("--tile_size", 60, "--tile_overlap", 8), "--tile_size and --tile_overlap without effect: add --tiles"),
        (("--tiles", "--panorama"), "give one of them"),
        (("--tiles", "--confidence"), "cannot be combined with --tiles"),
        (("--panorama", "--points", "ply", "--fov", 90), "--points cannot be combined with --panorama"),
        (("--panorama", "--normals", "--metric", "c.json"), "--normals and --metric cannot be combined"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    model: Path, picture: Path, tmp_path: Path, arguments: tuple[Any, ...], message: str
) -> None:
    result = predict(picture, "-o", tmp_path / "out", "-m", model, *arguments)
    assert result.exit_code == 2 and message in " ".join(result.output.split()), result.output
    assert not (tmp_path / "out").exists()
