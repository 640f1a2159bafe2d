# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict --confidence` and `evaluate --confidence`: files, lists, what is done again, HEIC and AVIF by the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import files_below, random_image, run
from PIL import Image

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference.confidence import read_confidence
from depth_anything_hf.inference.predictor import DepthPredictor


def test_confidence_is_a_file_and_a_number_and_nothing_else_changes(model: Path, photos: Path, tmp_path: Path) -> None:
    out = photos / "out"
    command = ("predict", photos / "a.png", photos / "sub", "-o", out, "-m", model, "--engine", "torch")
    plain = run(*command, "--raw")
    assert plain.exit_code == 0 and "confidence of" not in plain.output
    before = (out / "a.npz").read_bytes()
    result = run(*command, "--raw", "--confidence")
    assert result.exit_code == 0 and "confidence of 2 images: 0." in result.output, result.output
    assert {"a.npz", "a_confidence.png", "sub/b.npz", "sub/b_confidence.png"} < {*files_below(out)}
    assert (out / "a.npz").read_bytes() == before
    prediction = DepthPredictor.from_pretrained(model, device="cpu", confidence=True)(photos / "a.png")
    found = read_confidence(out / "a_confidence.png")
    np.testing.assert_allclose(found, prediction.confidence, atol=1e-4)
    listed = json.loads((out / "predictions.json").read_text())["images"]["a.png"]
    assert listed["pixels"]["confidence"] == pytest.approx(float(found.mean()), abs=1e-4)
    again = run(*command, "--raw", "--confidence")
    assert "2 of them earlier" in again.output and "confidence of 2 images" in again.output
    # No photographs, also where the list is lost.
    for path in (out / "predictions.json", *out.rglob("*.npz")):
        path.unlink()
    assert PhotoFolder(photos).names == [str(photos / "a.png"), str(photos / "sub" / "b.jpg")]


def test_confidence_in_a_folder_of_labels_is_no_label(metric_model: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(random_image((30, 40), 0)).save(tmp_path / "images" / "a.png")
    out = ("-o", tmp_path / "depth", "-m", metric_model, "--engine", "torch")
    done = run("predict", tmp_path / "images", *out, "--format", "mm,side_by_side", "--confidence")
    assert done.exit_code == 0, done.output
    for _ in range(2):
        dataset = open_source(DataSource(str(tmp_path)))
        assert len(dataset) == 1 and dataset.label == "depth" and np.isfinite(dataset[0]["depth"]).all()
        (tmp_path / "depth" / "predictions.json").unlink(missing_ok=True)


def test_evaluate_tells_whether_confidence_ranks_errors(model: Path, labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    result = run("evaluate", model, "--data", labelled, "--device", "cpu", "--confidence", "-o", out)
    assert result.exit_code == 0, result.output
    for line in (
        "ause_abs_rel ↓",
        "aurg_rmse ↑",
        "confidence mirrored, 0.75 of the size",
        "confidence       pixels   abs_rel",
    ):
        assert line in result.output
    record = json.loads((out / "results.json").read_text())
    assert record["made_with"]["confidence"] == "mirrored, 0.75 of the size"
    assert sum(row["pixels"] for row in record["confidence"]["calibration"]) == 3 * 30 * 40
    (entry,) = json.loads((out / "card_entries.json").read_text()).values()
    assert entry["metrics"]["aurg_abs_rel"] == record["mean"]["aurg_abs_rel"]
    assert "confidence.jpg" in files_below(out)
    again = run("evaluate", model, "--data", labelled, "--device", "cpu", "-o", out)
    assert again.exit_code == 0 and "confidence.jpg" not in files_below(out)


def test_point_pairs_have_no_errors_to_rank(model: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(random_image((30, 40), 0)).save(tmp_path / "images" / "a.png")
    pair = {"point1": [1, 2], "point2": [20, 30], "closer_point": "point1"}
    (tmp_path / "annotations.json").write_text(json.dumps({"images/a.png": [pair]}))
    result = run("evaluate", model, "--protocol", "da-2k", "--root", tmp_path, "--device", "cpu", "--confidence")
    assert result.exit_code == 1 and "da-2k has point pairs" in result.output


def test_a_folder_of_heic_and_avif_is_predicted_upright(model: Path, tmp_path: Path) -> None:
    kinds = [(suffix, kind) for suffix, kind in ((".heic", "HEIF"), (".avif", "AVIF")) if suffix in IMAGE_SUFFIXES]
    if not kinds:
        pytest.skip("neither HEIC nor AVIF is read here")
    (tmp_path / "photos").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix, kind in kinds:
        picture = Image.fromarray(random_image((48, 64), 0))
        picture.save(tmp_path / "photos" / f"{kind}{suffix}", kind, exif=exif.tobytes())
    done = run("predict", tmp_path / "photos", "-o", tmp_path / "out", "-m", model, "--engine", "torch", "--raw")
    assert done.exit_code == 0 and f"{len(kinds)} of {len(kinds)} image" in done.output, done.output
    for _, kind in kinds:
        with np.load(tmp_path / "out" / f"{kind}.npz") as stored:
            assert stored["disparity"].shape == (64, 48)
