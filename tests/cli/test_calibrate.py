# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Calibration files, and metres that `predict` makes with them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from command_line import run

from depth_anything_hf.inference.predictor import DepthPredictor


def test_calibration_gives_metres(model: Path, photos: Path, tmp_path: Path) -> None:
    disparity = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png").astype(np.float64)
    points = [(0, 0), (39, 29), (20, 10), (5, 25)]
    lines = [f"{x},{y},{1 / (0.5 * disparity[y, x] + 0.1)}" for x, y in points]
    (tmp_path / "points.csv").write_text("\n".join(["x,y,depth", *lines]))
    camera = tmp_path / "camera.json"
    fitted = run("calibrate", photos / "a.png", "--points", tmp_path / "points.csv", "-m", model, "-o", camera)
    assert fitted.exit_code == 0, fitted.output
    assert "4 points: scale 0.5" in fitted.output
    shown = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--metric", camera)
    assert shown.exit_code == 0, shown.output
    depth = np.load(tmp_path / "out" / "a.npz")["depth"]
    np.testing.assert_allclose(depth, 1 / (0.5 * disparity + 0.1), rtol=1e-4)
    # Points of another picture are not mixed in; with a folder each picture has its own.
    other = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "sub" / "b.jpg").astype(np.float64)
    named = [f"photos/a.png,{line}" for line in lines]
    named += [f"photos/sub/b.jpg,{x},{y},{1 / (0.5 * other[y, x] + 0.1)}" for x, y in points]
    (tmp_path / "both.csv").write_text("\n".join(["image,x,y,depth", *named]))
    both = ("--points", tmp_path / "both.csv", "-m", model, "-o", tmp_path / "both.json")
    assert "the point belongs to" in run("calibrate", photos / "a.png", *both).output
    assert "differ by a factor of 1.00" in run("calibrate", photos, *both).output
    other_size = ("--metric", camera, "--input-size", "56")
    assert "warning" in run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, *other_size).output


def test_several_images_tell_how_far_a_calibration_carries(model: Path, labelled: Path, tmp_path: Path) -> None:
    # Depth that follows each image's own disparity with another scale: no common fit is right.
    predictor = DepthPredictor.from_pretrained(model, device="cpu")
    disparities = [predictor.predict(labelled / "images" / f"{number}.png") for number in range(3)]
    for scale, number in enumerate(np.argsort([disparity.mean() for disparity in disparities]), start=1):
        np.save(labelled / "depth" / f"{number}.npy", 1 / (scale * disparities[number] + 0.1))
    result = run("calibrate", labelled, "-m", model, "-o", tmp_path / "camera.json")
    assert result.exit_code == 0, result.output
    assert "differ by a factor of 3.00" in result.output and "0.0000 with its own" in result.output


def test_a_metric_model_needs_no_calibration(metric_model: Path, model: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y,depth\n0,0,1\n5,5,2\n")
    points = ("--points", tmp_path / "points.csv", "-o", tmp_path / "camera.json")
    assert "predicts depth in metres" in run("calibrate", photos / "a.png", *points, "-m", metric_model).output
    absent = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--metric", tmp_path / "absent.json")
    assert absent.exit_code == 1 and "calibrate" in absent.output


def test_only_a_calibration_is_replaced(model: Path, photos: Path, tmp_path: Path) -> None:
    points, camera = tmp_path / "points.csv", tmp_path / "camera.json"
    points.write_text("x,y,depth\n0,0,3\n39,29,1\n")
    os.link(points, tmp_path / "same.csv")
    command = ("calibrate", photos / "a.png", "--points", points)
    # Refused before the model is looked for.
    absent = ("-m", tmp_path / "absent")
    camera.write_text('{"focal": 3}')
    (tmp_path / "link.json").symlink_to(camera)
    for place, options, message in (
        (camera, (), "camera.json: already there"),
        (tmp_path / "link.json", (), "already there"),
        (photos / "a.png", ("--overwrite",), "is the input"),
        (tmp_path / "same.csv", ("--overwrite",), "is the input"),
        (tmp_path, (), "add the name of the file"),
        (camera / "below.json", (), "is a file"),
    ):
        result = run(*command, *absent, "-o", place, *options)
        assert result.exit_code == 1 and message in result.output, result.output
    inside = run("calibrate", photos, *absent, "-o", photos / "camera.json")
    assert inside.exit_code == 1 and "lies in the data" in inside.output
    lost = run("calibrate", photos / "a.png", "--points", tmp_path / "lost.csv", *absent, "-o", tmp_path / "new.json")
    assert lost.exit_code == 1 and "lost.csv: no such file" in lost.output
    assert camera.read_text() == '{"focal": 3}' and points.read_text().startswith("x,y,depth")
    replaced = run(*command, "-m", model, "-o", camera, "--overwrite")
    assert replaced.exit_code == 0, replaced.output
    again = run(*command, "-m", model, "-o", camera)
    assert again.exit_code == 0, again.output
