# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Downloads of the demo: the bytes that `predict` writes, and points in space."""

from __future__ import annotations

import os

import numpy as np
import pytest
from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.demo.downloads import DOWNLOADS, make_points, remove_old, write_downloads
from depth_anything_hf.inference import Calibration, read_prediction
from depth_anything_hf.utils.option_errors import OptionError


def test_files_are_those_of_the_command(metric, picture, model_folders, tmp_path):
    out = tmp_path / "out"
    formats = "npz,npy,tiff,exr,png16,mm,kitti,color,side_by_side"
    command = ["predict", str(picture), "-o", str(out), "-m", model_folders["metric"], "--format", formats]
    done = CliRunner().invoke(app, [*command, "--engine", "torch", "--colormap", "cividis", "--legend"])
    assert done.exit_code == 0, done.output
    paths = write_downloads(metric, formats.split(","), "cividis", tmp_path, legend=True)
    assert {path.name for path in paths} == {path.name for path in out.iterdir()} - {"predictions.json"}
    for path in paths:
        assert path.read_bytes() == (out / path.name).read_bytes() or path.suffix == ".npz"
    npz = next(path for path in paths if path.suffix == ".npz")
    assert np.array_equal(read_prediction(npz)[0], metric.raw)


def test_points_are_written_with_their_camera_and_scale(metric, relative, tmp_path):
    pytest.importorskip("trimesh")
    paths = write_downloads(metric, ["ply", "glb"], "gray", tmp_path, fov=60)
    assert [path.name for path in paths] == ["room.ply", "room.glb"]
    assert b"predicted by a metric model" in paths[0].read_bytes()
    # The tab keeps a guess in its field when another model is chosen.
    assert not make_points(metric, fov=60, assume_scale=3.0).is_scale_assumed
    assumed = make_points(relative, fov=60, assume_scale=3.0, most=100)
    assert assumed.is_scale_assumed and assumed.step > 1
    fit = Calibration("disparity", 0.5, 1.0, 2, 0, 0.0, 0.0, 1.0)
    calibrated = make_points(relative.with_calibration(fit), fov=60, assume_scale=3.0)
    assert np.array_equal(calibrated.depth, fit.apply(relative.raw)) and not calibrated.is_scale_assumed


def test_metres_are_not_made_of_disparity(relative, tmp_path):
    with pytest.raises(OptionError, match="needs metres"):
        write_downloads(relative, ["mm"], "gray", tmp_path)
    with pytest.raises(OptionError, match="choose at least one format"):
        write_downloads(relative, [], "gray", tmp_path)
    with pytest.raises(OptionError, match="format must be one of"):
        write_downloads(relative, ["../secret"], "gray", tmp_path)
    with pytest.raises(ValueError, match="unknown scale and shift"):
        make_points(relative, fov=60)
    assert list(tmp_path.iterdir()) == []


def test_every_user_has_files_of_their_own(relative, tmp_path):
    first, second = (write_downloads(relative, ["npy"], "gray", tmp_path)[0] for _ in range(2))
    assert first.name == second.name and first.parent != second.parent
    assert "npz" in DOWNLOADS and "glb" in DOWNLOADS


def test_what_is_old_is_removed(tmp_path):
    old, new = tmp_path / "result-old", tmp_path / "result-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "room.npz").write_bytes(b"x")
    os.utime(old, (1, 1))
    remove_old(tmp_path, 60)
    assert list(tmp_path.iterdir()) == [new]
