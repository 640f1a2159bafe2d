# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict --points`: its files, what it says, what it does again, and what it refuses."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import files_below, random_image, run
from PIL import ExifTags, Image

from depth_anything_hf.cli.predict import predict as command
from depth_anything_hf.data.decoding.depth_maps import LabelRules
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.data.decoding.images import read_image as decode
from depth_anything_hf.data.predicted_labels import listed_labels
from depth_anything_hf.geometry.distortion import undistort
from depth_anything_hf.geometry.points import EDGE_THRESHOLD
from depth_anything_hf.inference import kept_pictures, point_outputs, read_prediction
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.camera_files import read_cameras
from depth_anything_hf.inference.point_map import MOST_POINTS
from depth_anything_hf.inference.point_outputs import PointOutputs
from depth_anything_hf.inference.predictor import DepthPredictor


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder, exif = tmp_path / "photographs", Image.Exif()
    folder.mkdir()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    Image.fromarray(random_image((30, 40), 0)).save(folder / "a.jpg", exif=exif)
    Image.fromarray(random_image((30, 40), 1)).save(folder / "b.png")
    return folder


def predict(*arguments: Any) -> Any:
    return run("predict", *arguments, "--device", "cpu", "--engine", "torch")


def test_points_of_a_metric_model_and_of_the_camera_that_is_given(
    metric_model: Path, photographs: Path, tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    command = (photographs, "-o", tmp_path / "out", "-m", metric_model, "--points", "ply,glb", "--normals")
    result = predict(*command, "--fov", 90)
    assert result.exit_code == 0, result.output
    assert "camera of 2 images: focal length 20.0 px, 90.0° across; given field of view 90°" in result.output
    assert "metres of points: predicted by a metric model" in result.output
    suffixes = (".npz", "_16bit.png", "_depth.png", ".ply", ".glb", "_normals.png", "_camera.json")
    files = [f"{stem}{suffix}" for stem in ("a", "b") for suffix in suffixes]
    assert files_below(tmp_path / "out") == sorted([*files, "predictions.json"])
    depth = DepthPredictor.from_pretrained(metric_model, device="cpu").predict(photographs / "b.png")
    points = np.asarray(trimesh.load(tmp_path / "out" / "b.ply").vertices)
    np.testing.assert_allclose(points[:, 2], depth.ravel(), atol=1e-5)
    np.testing.assert_allclose(points[0, 0], -19.5 / 20 * depth[0, 0], atol=1e-5)
    mesh = trimesh.load(tmp_path / "out" / "b.glb")
    assert mesh.bounds[1, 2] < 0
    (camera,) = read_cameras(tmp_path / "out" / "a_camera.json")
    assert camera.for_picture(30, 40).fx == pytest.approx(20)
    # Nothing is left to do, and the pictures are no photographs.
    again = predict(*command, "--fov", 90)
    assert "2 of 2 images predicted, 2 of them earlier" in again.output and "camera of 2 images" in again.output
    other = predict(*command, "--fov", 60)
    assert "2 of 2 images predicted, see" in other.output and "60.0° across" in other.output


def test_limits_of_depth_are_those_of_points(metric_model: Path, photographs: Path, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    depth = DepthPredictor.from_pretrained(metric_model, device="cpu").predict(photographs / "b.png")
    limit = float(np.median(depth))
    command = (photographs / "b.png", "-o", tmp_path / "out", "-m", metric_model, "--points", "ply", "--fov", 90)
    result = predict(*command, "--max_depth", limit, "--format", "npy")
    assert result.exit_code == 0, result.output
    written = np.load(tmp_path / "out" / "b.npy")
    points = np.asarray(trimesh.load(tmp_path / "out" / "b.ply").vertices)
    assert 0 < np.isnan(written).mean() < 1
    np.testing.assert_allclose(points[:, 2], written[~np.isnan(written)], atol=1e-5)


def test_other_files_are_written_where_there_are_no_points(
    metric_model: Path, photographs: Path, tmp_path: Path
) -> None:
    pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    command = (photographs, "-o", tmp_path / "out", "-m", metric_model, "--points", "PLY,glb", "--format", "NPY")
    none = predict(*command, "--fov", 90, "--max_depth", 1e-6)
    assert none.exit_code == 3 and "2 of 2 images predicted" in none.output
    assert "2 of 2 images without some of the files:" in none.output and "skipped" not in none.output
    assert "a.jpg: no .ply: no pixel has a depth, so that there are no points to write; no .glb: " in none.output
    kept = [f"{stem}{suffix}" for stem in ("a", "b") for suffix in (".npy", "_camera.json")]
    assert files_below(tmp_path / "out") == sorted([*kept, "predictions.json"])
    assert np.isnan(np.load(tmp_path / "out" / "b.npy")).all()
    # What is missing is tried again.
    assert predict(*command, "--fov", 90, "--max_depth", 1e-6).exit_code == 3
    whole = predict(*command, "--fov", 90)
    assert whole.exit_code == 0 and {"a.ply", "b.glb"} < set(files_below(tmp_path / "out"))


def test_an_image_without_a_camera_is_skipped_and_said(metric_model: Path, photographs: Path, tmp_path: Path) -> None:
    command = ("-o", tmp_path / "out", "-m", metric_model, "--normals")
    result = predict(photographs, *command)
    assert result.exit_code == 3
    assert "b.png: ValueError: no camera is known: its EXIF has no focal length; give --focal 1200" in result.output
    assert "EXIF: 28 mm (35 mm equivalent)" in result.output
    assert "a_normals.png" in files_below(tmp_path / "out") and "b.npz" not in files_below(tmp_path / "out")
    alone = predict(photographs / "b.png", *command)
    assert alone.exit_code == 2 and "EXIF of 1 image has no focal length" in alone.output


def test_a_relative_model_says_why_it_has_no_points(model: Path, photographs: Path, tmp_path: Path) -> None:
    command = (photographs, "-o", tmp_path / "out", "-m", model, "--normals", "--focal", "50px")
    result = predict(*command)
    assert result.exit_code == 1 and "disparity of unknown scale and shift" in result.output
    assert not (tmp_path / "out").exists()
    guessed = predict(*command, "--assume_scale", 2)
    assert guessed.exit_code == 0, guessed.output
    assert "metres of points: assumed: median depth 2 m" in guessed.output
    assert sorted(np.load(tmp_path / "out" / "a.npz")) == ["disparity", "kind"]
    Calibration("disparity", 0.5, 10.0, 3, 0, 0.02, 0.0, 9.0, str(model), 42).save(tmp_path / "calibration.json")
    measured = predict(*command, "--metric", tmp_path / "calibration.json")
    assert measured.exit_code == 0, measured.output
    assert "metres of points: calibration on 3 points" in measured.output


def test_a_camera_file_is_scaled_straightens_the_picture_and_is_part_of_the_result(
    metric_model: Path, photographs: Path, tmp_path: Path
) -> None:
    record = {"width": 80, "height": 60, "fx": 60, "fy": 60, "cx": 39.5, "cy": 29.5, "k1": -0.2}
    file = tmp_path / "camera.json"
    file.write_text(json.dumps(record))
    command = (photographs / "b.png", "-o", tmp_path / "out", "-m", metric_model, "--normals", "--camera", file)
    result = predict(*command, "--format", "side_by_side,npz")
    assert result.exit_code == 0, result.output
    shown = np.asarray(Image.open(tmp_path / "out" / "b_side_by_side.png"))[:30, :40]
    straight, _ = undistort(read_image(photographs / "b.png"), read_cameras(file)[0].for_picture(30, 40))
    np.testing.assert_array_equal(shown, straight)
    result = predict(*command)
    assert "camera.json; scaled from 80 x 60 to 40 x 30 pixels; undistorted (opencv)" in result.output
    written = json.loads((tmp_path / "out" / "b_camera.json").read_text())
    assert written["undistorted_from"]["distortion"] == [-0.2, 0, 0, 0] and written["fx"] != 30
    assert "predicted, 1 of them earlier" in predict(*command).output
    file.write_text(json.dumps({**record, "k1": 0}))
    assert "earlier" not in predict(*command).output
    file.write_text(json.dumps({**record, "width": 60}))
    assert "another ratio" in predict(*command).output


def test_other_cameras_of_the_pictures_of_a_reconstruction_make_other_files(tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 40 30 50 50 20 15\n2 PINHOLE 40 30 70 70 20 15\n")

    def camera_of(line: str) -> str:
        (tmp_path / "images.txt").write_text(line)
        options: dict[str, Any] = {**dict.fromkeys(("focal", "sensor_width", "fov", "assume_scale")), "max_points": 9}
        found = PointOutputs.make(["ply"], False, camera=tmp_path / "cameras.txt", edge_threshold=0.05, **options)
        assert found is not None
        return str(found.settings["camera"])

    pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    first = camera_of("1 1 0 0 0 0 0 0 1 a.jpg\n\n")
    # Its points do not count.
    assert camera_of("1 1 0 0 0 0 0 0 1 a.jpg\n2.0 3.0 7\n") == first
    assert camera_of("1 1 0 0 0 0 0 0 2 a.jpg\n\n") != first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fov", 60), "--fov without effect: add --points ply"),
        (("--assume_scale", 2), "--assume_scale without effect"),
        (("--edge_threshold", 0.1, "--max_points", 9), "--edge_threshold, --max_points without effect: add --points"),
        (("--normals", "--fov", 60, "--max_points", 9), "--max_points without effect on --normals"),
        (("--points", "obj", "--fov", 60), "--points must be one of ['ply', 'glb'], got 'obj'"),
        (("--normals", "--fov", 60, "--focal", 50), "focal and fov say the same"),
        (("--normals", "--focal", "4mm"), "no lens is as short as 4 mm"),
        (("--normals", "--fov", 200), "fov must be between 0 and 180"),
        (("--normals", "--fov", 60, "--edge_threshold", 0), "edge_threshold must be above 0"),
        (("--normals", "--fov", 60, "--max_points", 0), "max_points must be at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused_before_the_model_is_opened(
    photographs: Path, tmp_path: Path, arguments: tuple[Any, ...], said: str
) -> None:
    result = predict(photographs, "-o", tmp_path / "out", "-m", tmp_path / "no model", *arguments)
    assert result.exit_code == 2 and said in " ".join(result.output.split()), result.output


def test_without_trimesh_the_extra_is_named(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trimesh", None)
    result = predict(photographs, "-o", tmp_path / "out", "-m", tmp_path, "--points", "ply", "--fov", 60)
    assert result.exit_code == 1 and 'pip install "depth_anything_hf[points]"' in result.output


def test_defaults_are_those_of_python() -> None:
    options = inspect.signature(command).parameters
    assert options["edge_threshold"].default == EDGE_THRESHOLD
    assert options["max_points"].default == MOST_POINTS


def test_pictures_are_decoded_once_for_values_points_and_side_by_side(
    metric_model: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def read_image(path: Path) -> np.ndarray:
        decoded.append(path)
        return decode(path)

    monkeypatch.setattr(point_outputs, "read_image", read_image)
    monkeypatch.setattr(kept_pictures, "read_image", read_image)
    command = (photographs, "-o", tmp_path / "out", "-m", metric_model, "--format", "side_by_side")
    assert predict(*command, "--normals", "--fov", 60, "--confidence").exit_code == 0
    assert sorted(decoded) == [photographs / "a.jpg", photographs / "b.png"]
    decoded.clear()
    assert predict(*command, "--overwrite").exit_code == 0
    assert sorted(decoded) == [photographs / "a.jpg", photographs / "b.png"]


def test_files_of_straightened_pictures_are_not_taken_for_those_of_others(
    metric_model: Path, photographs: Path, tmp_path: Path
) -> None:
    record = {"width": 40, "height": 30, "fx": 30, "fy": 30, "cx": 19.5, "cy": 14.5}
    cameras = {"pinhole": record, "lens": {**record, "k1": -0.4}}
    for name, each in cameras.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    command = (photographs / "b.png", "-o", tmp_path / "out", "-m", metric_model)
    assert predict(*command, "--format", "npy,tiff").exit_code == 0
    as_stored = np.load(tmp_path / "out" / "b.npy")
    pinhole = predict(*command, "--format", "npy", "--normals", "--camera", tmp_path / "pinhole.json")
    assert "camera of 1 image" in pinhole.output and "b.tiff" in files_below(tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "b.npy"), as_stored)
    assert listed_labels({"b": photographs / "b.png"}, tmp_path / "out") == {"b": tmp_path / "out" / "b.npy"}
    lens = predict(*command, "--format", "npy,npz,exr,mm", "--normals", "--camera", tmp_path / "lens.json")
    assert "undistorted" in lens.output and "b.tiff" not in files_below(tmp_path / "out")
    # They are no labels of the picture as it is.
    for name in ("b.npz", "b.exr", "b_mm.png"):
        assert read_prediction(tmp_path / "out" / name)[1] == "depth"
        with pytest.raises(ValueError, match="without the distortion of its lens"):
            LabelRules("depth").read(tmp_path / "out" / name)
    refused = predict(*command, "--normals", "--camera", tmp_path / "out" / "b_camera.json")
    assert refused.exit_code == 2 and "give the camera file that it was made from" in " ".join(refused.output.split())
    with pytest.raises(ValueError, match="no label of the picture as it is; predict without --camera"):
        listed_labels({"b": photographs / "b.png"}, tmp_path / "out")
    assert not np.array_equal(np.load(tmp_path / "out" / "b.npy"), as_stored)
    again = predict(*command, "--format", "npy")
    assert "earlier" not in again.output and "camera of" not in again.output
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "b.npy"), as_stored)


def test_files_of_points_of_a_killed_run_are_its_own(metric_model: Path, photographs: Path, tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")
    command = (photographs / "b.png", "-o", tmp_path / "out", "-m", metric_model, "--format", "npz")
    command = (*command, "--points", "ply,glb", "--normals", "--confidence", "--fov", 60)
    assert predict(*command).exit_code == 0
    written = files_below(tmp_path / "out")
    # As a run leaves it that was killed between two writes of the list.
    list_file = tmp_path / "out" / "predictions.json"
    record = json.loads(list_file.read_text())
    for entry in record["images"].values():
        entry.update(is_done=False, files=dict.fromkeys(entry["files"]))
    list_file.write_text(json.dumps(record))
    again = predict(*command)
    assert again.exit_code == 0 and "1 of 1 image predicted, see" in again.output, again.output
    assert files_below(tmp_path / "out") == written
    # What a user has put there is not.
    list_file.write_text(json.dumps(record))
    (tmp_path / "out" / "b.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 0\nend_header\n")
    refused = predict(*command)
    assert refused.exit_code == 1 and "b.ply: already there and not written by an earlier run" in refused.output
