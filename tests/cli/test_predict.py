# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files that `predict` writes, and what it says of broken images."""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from command_line import files_below, random_image, run
from PIL import Image

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.prediction_files import read_prediction
from depth_anything_hf.inference.predictor import DepthPredictor


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


def test_predict_writes_pictures_and_numbers(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "--output", tmp_path / "out", "--model", model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "2 of 2 images" in result.output and "larger is nearer" in result.output
    stems = ["a", "sub/b"]
    files = [f"{stem}{suffix}" for stem in stems for suffix in (".npz", "_16bit.png", "_depth.png")]
    assert files_below(tmp_path / "out") == sorted([*files, "predictions.json"])
    stored = read_arrays(tmp_path / "out" / "a.npz")
    expected = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png")
    assert stored["disparity"].dtype == np.float32 and str(stored["kind"]) == "disparity"
    np.testing.assert_allclose(stored["disparity"], expected, atol=1e-6)
    grey = cv2.imread(str(tmp_path / "out" / "a_16bit.png"), cv2.IMREAD_UNCHANGED)
    assert grey is not None and grey.dtype == np.uint16 and (grey.min(), grey.max()) == (1, 65535)
    assert grey.argmax() == expected.argmax() and grey.shape == expected.shape
    assert read_image(tmp_path / "out" / "a_depth.png").shape == (30, 40, 3)


def test_a_metric_model_writes_metres_and_colours_what_is_near(
    metric_model: Path, photos: Path, tmp_path: Path
) -> None:
    result = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", metric_model, "--engine", "torch")
    assert result.exit_code == 0, result.output
    assert "metres" in result.output
    stored = read_arrays(tmp_path / "out" / "a.npz")
    assert sorted(stored) == ["depth", "kind"]
    brightness = read_image(tmp_path / "out" / "a_depth.png").astype(int).sum(axis=2)
    nearest, farthest = stored["depth"].argmin(), stored["depth"].argmax()
    assert brightness.flat[nearest] > brightness.flat[farthest]


def test_pixels_without_metres_are_marked_and_counted(model: Path, photos: Path, tmp_path: Path) -> None:
    disparity = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png")
    low, high = np.quantile(disparity, [0.6, 0.9])
    # Beyond every distance for three in ten.
    shift = -float(np.quantile(disparity, 0.3))
    camera = Calibration("disparity", 1.0, shift, 5, 0, 0.0, float(low), float(high), str(model), 42)
    camera.save(tmp_path / "camera.json")
    command = ("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--metric", tmp_path / "camera.json")
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert "30 % have no value" in result.output and "70 % lie outside the disparities" in result.output
    assert "warning: in 1 of 1 images more than 10 % of the pixels have no value" in result.output
    depth, kind = read_prediction(tmp_path / "out" / "a.npz")
    assert kind == "depth" and 0.29 < np.isnan(depth).mean() < 0.31
    entry = json.loads((tmp_path / "out" / "predictions.json").read_text())["images"]["a.png"]["pixels"]
    assert entry["invalid"] == np.isnan(depth).mean() and 0.69 < entry["extrapolated"] < 0.71
    restored, kind = read_prediction(tmp_path / "out" / "a_16bit.png")
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(depth))
    minimum, maximum = entry["grey"]["minimum"], entry["grey"]["maximum"]
    within = depth <= maximum
    assert kind == "depth" and minimum == np.nanmin(depth) and within.mean() + entry["clipped"] + entry["invalid"] == 1
    assert np.abs(restored - depth)[within].max() <= 0.51 * (maximum - minimum) / 65534
    colours = read_image(tmp_path / "out" / "a_depth.png")
    np.testing.assert_array_equal((colours == 128).all(axis=2), np.isnan(depth))
    # What an earlier run has done counts too.
    again = run(*command)
    assert "1 of them earlier" in again.output and "30 % have no value" in again.output


def test_a_kind_that_contradicts_the_model_is_refused(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--prediction-kind", "depth")
    assert result.exit_code == 1 and "prediction_kind 'depth' contradicts" in result.output


def test_raw_writes_numbers_only(model: Path, photos: Path, tmp_path: Path) -> None:
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["a.npz", "predictions.json", "sub/b.npz"]


def test_pictures_of_one_name_do_not_overwrite_each_other(model: Path, tmp_path: Path) -> None:
    inputs = []
    for number, name in enumerate(["one/x.png", "one/x.jpg", "two/x.png"]):
        inputs.append(tmp_path / name)
        inputs[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(random_image((20, 20 + number), number)).save(inputs[-1])
    assert run("predict", *inputs, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == [*("one/x_jpg.npz", "one/x_png.npz", "predictions.json", "two/x.npz")]
    assert read_arrays(tmp_path / "out" / "two/x.npz")["disparity"].shape == (20, 22)


def test_broken_pictures_are_named_and_fail_the_command_only_alone(model: Path, photos: Path, tmp_path: Path) -> None:
    broken = photos / "broken.jpg"
    broken.write_bytes(b"no picture")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw")
    assert result.exit_code == 3 and "2 of 3 images" in result.output
    assert "1 of 3 images skipped" in result.output and str(broken) in result.output
    alone = run("predict", broken, "-o", tmp_path / "out2", "-m", model)
    assert alone.exit_code == 1 and "The values are" not in alone.output
    absent = run("predict", photos, tmp_path / "absent.jpg", "-o", tmp_path / "out3", "-m", model)
    assert absent.exit_code == 1 and "absent.jpg: no such file" in absent.output
    assert not (tmp_path / "out3").exists()


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in files_below(folder) if name != "predictions.json"}


def test_files_of_the_user_are_not_replaced(model: Path, photos: Path) -> None:
    (photos / "a.npz").write_bytes(b"mine")
    Image.new("L", (9, 9)).save(photos / "sub" / "b_16bit.png")
    before = {name: (photos / name).read_bytes() for name in files_below(photos)}
    result = run("predict", photos, "-o", photos, "-m", model)
    assert result.exit_code == 1 and "a.npz" in result.output and "--overwrite" in result.output
    assert {name: (photos / name).read_bytes() for name in files_below(photos)} == before
    # Images themselves are not replaced by choice either.
    refused = run("predict", photos, "-o", photos, "-m", model, "--overwrite")
    assert refused.exit_code == 1 and "one of the images" in refused.output
    (photos / "sub" / "b_16bit.png").unlink()
    assert run("predict", photos, "-o", photos, "-m", model, "--overwrite").exit_code == 0
    assert (photos / "a.npz").read_bytes() != b"mine"


def test_a_second_run_predicts_what_is_missing_and_not_its_own_pictures(
    model: Path, metric_model: Path, photos: Path
) -> None:
    out = photos / "depth"
    command = ("predict", photos, "-o", out, "-m", model, "--device", "cpu")
    assert run(*command).exit_code == 0
    first = times(out)
    again = run(*command)
    assert again.exit_code == 0 and "2 of 2 images predicted, 2 of them earlier" in again.output
    assert "image/s" not in again.output and "The values are disparity" in again.output
    assert times(out) == first
    (out / "a_16bit.png").unlink()
    Image.fromarray(random_image((30, 44), 7)).save(photos / "c.png")
    assert "3 of 3 images predicted, 1 of them earlier" in run(*command).output
    changed = {name for name, time in times(out).items() if first.get(name) != time}
    assert changed == {f"{stem}{suffix}" for stem in "ac" for suffix in (".npz", "_16bit.png", "_depth.png")}
    # Another image under the same name, and other options.
    Image.fromarray(random_image((31, 44), 8)).save(photos / "c.png")
    assert "2 of them earlier" in run(*command).output
    assert read_arrays(out / "c.npz")["disparity"].shape == (31, 44)
    other = run("predict", photos, "-o", out, "-m", metric_model, "--engine", "torch", "--raw")
    assert other.exit_code == 0 and "earlier" not in other.output
    assert files_below(out) == ["a.npz", "c.npz", "predictions.json", "sub/b.npz"]
    # A result that was edited is the user's.
    (out / "a.npz").write_bytes(b"mine")
    edited = run("predict", photos, "-o", out, "-m", metric_model, "--engine", "torch", "--raw")
    assert edited.exit_code == 1 and (out / "a.npz").read_bytes() == b"mine"


def test_no_search_for_photographs_takes_the_pictures(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = PhotoFolder(photos).names
    (photos / "sub" / "other_depth.png").write_bytes((photos / "a.png").read_bytes())
    monkeypatch.chdir(photos)
    for out in (".", "depth"):
        assert run("predict", ".", "-o", out, "-m", model).exit_code == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert PhotoFolder(photos).names == sorted([*before, str(photos / "sub" / "other_depth.png")])
        # The list is in the folder above.
        assert PhotoFolder("sub").names == ["sub/b.jpg", "sub/other_depth.png"]
    # What was edited is the user's.
    (photos / "a_depth.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.warns(UserWarning, match=r"1 of the pictures are by their names the depth of others"):
        assert str(photos / "a_depth.png") in PhotoFolder(photos).names


def test_files_of_a_killed_run_are_its_own(model: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("predict", photos, "-o", out, "-m", model, "--raw").exit_code == 0
    record = json.loads((out / "predictions.json").read_text())
    for entry in record["images"].values():
        entry.update(is_done=False, files=dict.fromkeys(entry["files"]))
    (out / "predictions.json").write_text(json.dumps(record))
    result = run("predict", photos, "-o", out, "-m", model, "--raw")
    assert result.exit_code == 0 and "earlier" not in result.output
    # Predictions are not synced to the disk: a power cut may empty them.
    (out / "a.npz").write_bytes(b"")
    result = run("predict", photos, "-o", out, "-m", model, "--raw")
    assert result.exit_code == 0 and "earlier" in result.output
    assert np.load(out / "a.npz")["disparity"].ndim == 2


@pytest.mark.parametrize("name", ["broken.npz", "broken_depth.png", "broken_16bit.png"])
def test_a_run_that_wrote_nothing_does_not_own_later_files(
    model: Path, photos: Path, tmp_path: Path, name: str
) -> None:
    (photos / "broken.jpg").write_bytes(b"no image")
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model).exit_code == 3
    theirs = tmp_path / "out" / name
    if theirs.suffix == ".npz":
        np.savez(theirs, depth=np.ones((2, 3)))
    else:
        Image.fromarray(random_image((8, 9), seed=1)).save(theirs)
    before = theirs.read_bytes()
    Image.fromarray(random_image((8, 9), seed=2)).save(photos / "broken.jpg")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model)
    assert result.exit_code == 1 and f"{name}: already there" in result.output and theirs.read_bytes() == before
    theirs.unlink()
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model).exit_code == 0


def test_results_that_a_pattern_names_are_not_predicted(model: Path, photos: Path) -> None:
    named = sorted(photos.glob("*.png"))
    assert run("predict", *named, "-o", photos, "-m", model).exit_code == 0
    before = files_below(photos)
    everything = [path for path in sorted(photos.glob("*")) if path.is_file()]
    with pytest.warns(UserWarning, match=r"left out 1 \.npz, 2 \.png: written by an earlier run"):
        result = run("predict", *everything, "-o", photos, "-m", model)
    assert result.exit_code == 0 and "1 of 1 image predicted, 1 of them earlier" in result.output
    assert files_below(photos) == before
    # Who names nothing else means it.
    assert run("predict", photos / "a_depth.png", "-o", photos / "again", "-m", model).exit_code == 0


def test_a_file_in_place_of_a_folder_is_named_before_the_model_is_loaded(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("notes")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", tmp_path / "nowhere")
    assert (
        result.exit_code == 1 and f"{tmp_path / 'out' / 'sub'} cannot be written: expected a folder" in result.output
    )
    assert files_below(tmp_path / "out") == ["sub"]


def test_predictions_in_the_folder_of_the_model_are_found_again(model: Path, photos: Path, tmp_path: Path) -> None:
    there = shutil.copytree(model, tmp_path / "model")
    for earlier in (False, True):
        result = run("predict", photos / "a.png", "-o", there, "-m", there)
        assert result.exit_code == 0 and ("1 of them earlier" in result.output) == earlier


def test_results_of_another_folder_are_not_replaced(model: Path, photos: Path, tmp_path: Path) -> None:
    out, others = tmp_path / "out", tmp_path / "others"
    others.mkdir()
    Image.fromarray(random_image((20, 21), 5)).save(others / "a.png")
    assert run("predict", photos, "-o", out, "-m", model, "--raw").exit_code == 0
    before = (out / "a.npz").read_bytes()
    result = run("predict", others, "-o", out, "-m", model, "--raw")
    assert result.exit_code == 1 and "another a.png" in result.output
    assert (out / "a.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--device", "gpu", "device 'gpu' cannot be used; expected one of: cpu"),
        ("--dtype", "float8", "unknown precision 'float8', expected one of bfloat16, float16, float32"),
        ("--batch_size", "0", "batch_size must be at least 1, got 0"),
        ("--input_size", "0", "input size 0 does not fit"),
        ("--input_size", "517", "multiple of 14, e.g. 518"),
        ("--input_size", "-1", "input size -1 does not fit"),
        ("--prediction_kind", "inverse", "prediction_kind must be one of ['disparity', 'depth']"),
    ],
)
def test_wrong_options_end_with_one_line_and_exit_code_2(
    model: Path, photos: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, option, value)
    assert result.exit_code == 2 and message in result.output and "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1 and not (tmp_path / "out").exists()


def test_the_limit_of_pixels_is_named_and_raised(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    command = ("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--raw")
    refused = run(*command)
    assert refused.exit_code == 1 and "1200 pixels" in refused.output and "--max_pixels" in refused.output
    assert run(*command, "--max_pixels", "1200").exit_code == 0
    wrong = run(*command, "--max_pixels", "0")
    assert wrong.exit_code == 2 and "max_pixels must be at least 1, got 0" in wrong.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take UTF-8 only")
def test_names_that_are_not_utf8_are_predicted(model: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").rename(photos / os.fsdecode(b"caf\xe9.png"))
    command = ("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw")
    for expected in ("2 of 2 images predicted, see", "2 of 2 images predicted, 2 of them earlier"):
        result = run(*command)
        assert result.exit_code == 0 and expected in result.output, result.output
    assert (tmp_path / "out" / os.fsdecode(b"caf\xe9.npz")).is_file()


def test_the_list_of_predictions_names_no_place_and_older_lists_are_read(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    command = ("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--raw")
    assert run(*command).exit_code == 0
    path = tmp_path / "out" / "predictions.json"
    text = path.read_text()
    assert str(tmp_path) not in text and ".." not in text
    # Earlier versions wrote the way to the image itself.
    record = json.loads(text)
    record["images"]["a.png"]["source"] = os.path.relpath(os.path.realpath(photos / "a.png"), tmp_path / "out")
    path.write_text(json.dumps(record))
    os.utime(photos / "a.png", ns=(1, 1))
    result = run(*command)
    assert result.exit_code == 0 and "earlier" not in result.output, result.output
    record["images"]["a.png"]["source"] = "../elsewhere/a.png"
    path.write_text(json.dumps(record))
    assert "another a.png" in run(*command).output
