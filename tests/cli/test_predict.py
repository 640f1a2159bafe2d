# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files that `predict` writes, and what it says of broken images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from command_line import files_below, random_image, run
from PIL import Image

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.predictor import DepthPredictor


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


def test_predict_writes_pictures_and_numbers(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "--output", tmp_path / "out", "--model", model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "2 of 2 images" in result.output and "larger is nearer" in result.output
    stems = ["a", "sub/b"]
    assert files_below(tmp_path / "out") == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".npz", "_16bit.png", "_depth.png")
    )
    stored = read_arrays(tmp_path / "out" / "a.npz")
    expected = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png")
    assert stored["disparity"].dtype == np.float32 and str(stored["kind"]) == "disparity"
    np.testing.assert_allclose(stored["disparity"], expected, atol=1e-6)
    grey = cv2.imread(str(tmp_path / "out" / "a_16bit.png"), cv2.IMREAD_UNCHANGED)
    assert grey is not None and grey.dtype == np.uint16 and (grey.min(), grey.max()) == (0, 65535)
    assert grey.argmax() == expected.argmax() and grey.shape == expected.shape
    assert read_image(tmp_path / "out" / "a_depth.png").shape == (30, 40, 3)


def test_a_metric_model_writes_metres_and_colours_what_is_near(
    metric_model: Path, photos: Path, tmp_path: Path
) -> None:
    result = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", metric_model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "metres" in result.output
    stored = read_arrays(tmp_path / "out" / "a.npz")
    assert sorted(stored) == ["depth", "kind"]
    brightness = read_image(tmp_path / "out" / "a_depth.png").astype(int).sum(axis=2)
    nearest, farthest = stored["depth"].argmin(), stored["depth"].argmax()
    assert brightness.flat[nearest] > brightness.flat[farthest]


def test_a_kind_that_contradicts_the_model_is_refused(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--prediction-kind", "depth")
    assert result.exit_code == 1 and "prediction_kind 'depth' contradicts" in result.output


def test_raw_writes_numbers_only(model: Path, photos: Path, tmp_path: Path) -> None:
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["a.npz", "sub/b.npz"]


def test_pictures_of_one_name_do_not_overwrite_each_other(model: Path, tmp_path: Path) -> None:
    inputs = []
    for number, name in enumerate(["one/x.png", "one/x.jpg", "two/x.png"]):
        inputs.append(tmp_path / name)
        inputs[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(random_image((20, 20 + number), number)).save(inputs[-1])
    assert run("predict", *inputs, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["x_jpg.npz", "x_png.npz", "x_png_2.npz"]
    assert read_arrays(tmp_path / "out" / "x_png_2.npz")["disparity"].shape == (20, 22)


def test_broken_pictures_are_named_and_fail_the_command_only_alone(model: Path, photos: Path, tmp_path: Path) -> None:
    broken = photos / "broken.jpg"
    broken.write_bytes(b"no picture")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw")
    assert result.exit_code == 0 and "2 of 3 images" in result.output
    assert "1 of 3 images skipped" in result.output and str(broken) in result.output
    alone = run("predict", broken, tmp_path / "absent.jpg", "-o", tmp_path / "out", "-m", model)
    assert alone.exit_code == 1 and "absent.jpg: no such file" in alone.output
