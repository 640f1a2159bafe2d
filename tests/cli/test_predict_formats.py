# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Formats that `predict` writes: all at once, added, resumed, refused."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from command_line import files_below, run

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.prediction_files import read_prediction
from depth_anything_hf.inference.predictor import DepthPredictor


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in files_below(folder) if name != "predictions.json"}


EVERY = "npz,npy,tiff,exr,png16,mm,kitti,color,side_by_side"


def test_every_format_at_once_and_the_resume_of_a_killed_run(metric_model: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("predict", photos, "-o", out, "-m", metric_model, "--engine", "torch", "--format", EVERY, "--legend")
    assert run(*command).exit_code == 0
    endings = (".exr", ".npy", ".npz", ".tiff", "_16bit.png", "_depth.png", "_kitti.png", "_mm.png")
    written = sorted(f"{stem}{ending}" for stem in ("a", "sub/b") for ending in (*endings, "_side_by_side.png"))
    assert files_below(out) == sorted([*written, "predictions.json"])
    exact, _ = read_prediction(out / "a.npz")
    for ending in endings:
        if ending != "_depth.png":
            values, kind = read_prediction(out / f"a{ending}")
            assert kind == "depth"
            np.testing.assert_allclose(values, exact, atol=0.0021)
    first = times(out)
    assert "2 of them earlier" in run(*command).output and times(out) == first
    # As a run leaves it that was killed between two writes of the list.
    record = json.loads((out / "predictions.json").read_text())
    for entry in record["images"].values():
        entry.update(is_done=False, files=dict.fromkeys(entry["files"]))
    (out / "predictions.json").write_text(json.dumps(record))
    resumed = run(*command)
    assert resumed.exit_code == 0 and "earlier" not in resumed.output
    assert files_below(out) == sorted([*written, "predictions.json"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shutil.copytree(out, photos / "out")
        assert PhotoFolder(photos).names == [str(photos / "a.png"), str(photos / "sub" / "b.jpg")]


def test_formats_are_added_and_settings_of_pictures_change_pictures_only(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("predict", photos / "a.png", "-o", out, "-m", model, "--device", "cpu")
    assert run(*command).exit_code == 0
    before = {name: (out / name).read_bytes() for name in ("a.npz", "a_16bit.png", "a_depth.png")}
    added = run(*command, "--format", "tiff", "--format", "npy")
    assert added.exit_code == 0 and "earlier" not in added.output
    assert files_below(out) == sorted([*before, "a.npy", "a.tiff", "predictions.json"])
    entry = json.loads((out / "predictions.json").read_text())["images"]["a.png"]
    assert entry["is_done"] and len(entry["files"]) == 5 and "kept" not in entry
    assert entry["pixels"]["grey"]["maximum"] > entry["pixels"]["grey"]["minimum"]
    assert "1 of them earlier" in run(*command).output
    coloured = run(*command, "--format", "color", "--colormap", "Spectral_r")
    assert coloured.exit_code == 0 and "earlier" not in coloured.output
    assert (out / "a_depth.png").read_bytes() != before["a_depth.png"]
    assert (out / "a_16bit.png").read_bytes() == before["a_16bit.png"]
    assert "1 of them earlier" in run(*command, "--format", "color", "--colormap", "Spectral_r").output
    assert "1 of them earlier" in run(*command, "--raw").output
    assert run(*command).exit_code == 0 and (out / "a_depth.png").read_bytes() == before["a_depth.png"]
    # Other values: nothing of the old ones stays.
    other = run(*command, "--raw", "--input_size", "56")
    assert other.exit_code == 0 and files_below(out) == ["a.npz", "predictions.json"]


def test_metres_of_a_relative_model_need_a_calibration(model: Path, photos: Path, tmp_path: Path) -> None:
    command = ("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--device", "cpu")
    for asked in (("--format", "mm,npz"), ("--format", "kitti"), ("--max_depth", "9"), ("--min-depth", "1")):
        refused = run(*command, *asked)
        assert refused.exit_code == 2 and "needs metres" in refused.output and "calibrate" in refused.output
    assert not (tmp_path / "out").exists()
    Calibration("disparity", 1.0, 100.0, 5, 0, 0.0, 0.0, 1.0, str(model), 42).save(tmp_path / "camera.json")
    calibrated = run(*command, "--format", "mm", "--calibration", tmp_path / "camera.json")
    assert calibrated.exit_code == 0, calibrated.output
    assert 0.005 < np.nanmax(read_prediction(tmp_path / "out" / "a_mm.png")[0]) < 0.011


def test_clipped_and_limited_pixels_are_told(metric_model: Path, photos: Path, tmp_path: Path) -> None:
    command = ("predict", photos / "a.png", "-o", tmp_path / "out", "-m", metric_model, "--engine", "torch")
    depth = DepthPredictor.from_pretrained(metric_model, device="cpu").predict(photos / "a.png")
    limit = float(np.quantile(depth, 0.75))
    result = run(*command, "--format", "mm,color", "--max_depth", limit)
    assert "25 % lie outside of --min_depth and --max_depth" in result.output, result.output
    values, _ = read_prediction(tmp_path / "out" / "a_mm.png")
    np.testing.assert_array_equal(np.isnan(values), depth > np.float32(limit))
    colours = read_image(tmp_path / "out" / "a_depth.png")
    np.testing.assert_array_equal((colours == 128).all(axis=2), np.isnan(values))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "jpg"), "formats must be one of"),
        (("--format", ","), "formats needs at least one of"),
        (("--raw", "--format", "mm"), "--raw is --format npz"),
        (("--colormap", "infrno"), "did you mean 'inferno'"),
        (("--raw", "--legend"), "legend is for the formats color, side_by_side"),
        (("--max_depth", "-1"), "max_depth must be more than 0"),
        (("--min_depth", "3", "--max_depth", "2"), "min_depth must be below max_depth"),
    ],
)
def test_wrong_choices_of_files_end_before_anything_is_written(
    photos: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = run("predict", photos, "-o", tmp_path / "out", "-m", tmp_path / "nowhere", *options)
    assert result.exit_code == 2 and message in result.output and not (tmp_path / "out").exists()
