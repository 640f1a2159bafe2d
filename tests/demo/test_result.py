# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Results of the demo: the values of the predictor, in metres by a calibration, and errors without folders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf import DepthPredictor
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.demo.result import predict
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.visualization import colour_map


FIT = Calibration(
    form="disparity",
    scale=0.5,
    shift=0.1,
    points=3,
    points_beyond=0,
    abs_rel=0.04,
    smallest_disparity=0.0,
    largest_disparity=1.0,
)


def test_values_are_those_of_the_predictor(relative, metric, picture, model_folders):
    for result, name in ((relative, "relative"), (metric, "metric")):
        assert np.array_equal(result.values, DepthPredictor.from_pretrained(model_folders[name]).predict(picture))
        assert np.array_equal(result.image, np.asarray(Image.open(picture)))
    assert (relative.kind, metric.kind) == ("disparity", "depth")
    assert relative.name == "room" and relative.input_size == 70
    assert "not metres" in relative.describe() and "predicted by a metric model" in metric.describe()
    assert np.array_equal(relative.picture("cividis"), colour_map(relative.raw, name="cividis"))
    assert np.array_equal(metric.picture("gray"), colour_map(1 / metric.raw, name="gray"))


def test_a_calibration_makes_metres_and_says_where_it_is_from(relative, metric):
    result = relative.with_calibration(FIT)
    assert np.allclose(result.values, 1 / (0.5 * relative.raw + 0.1), rtol=1e-6)
    assert result.kind == "depth" and relative.kind == "disparity"
    assert "calibrated on 3 points (mean relative error there 0.04)" in result.describe()
    assert "exact, of unknown error" in relative.with_calibration(replace(FIT, points=2)).describe()
    assert result.with_calibration(None).values is relative.raw
    with pytest.raises(ValueError, match="predicts metres already"):
        metric.with_calibration(FIT)


def test_a_calibration_of_another_model_or_size_is_doubted(relative):
    assert relative.with_calibration(replace(FIT, model_id="relative", input_size=70)).doubts() == []
    assert relative.with_calibration(replace(FIT, model_id="student", input_size=518)).doubts() == [
        "the calibration was made with student, not relative",
        "the calibration was made at input size 518, not 70",
    ]
    # Where the metres are told, not in a message alone that goes away; without the folder.
    told = relative.with_calibration(replace(FIT, model_id="/home/someone/runs/student", input_size=70)).describe()
    assert "made with student, not relative" in told and "/home" not in told


def test_errors_name_the_file_and_no_folder(models, model_folders, tmp_path):
    broken = tmp_path / "notes.jpg"
    broken.write_text("no picture", encoding="utf-8")
    with pytest.raises(UnreadableImageError, match=r"notes\.jpg") as caught:
        predict(models, broken, model_folders["relative"], None, 1000)
    assert str(tmp_path) not in str(caught.value)
    large = tmp_path / "large.png"
    Image.new("L", (40, 30)).save(large)
    with pytest.raises(UnreadableImageError, match=r"large\.png.*1,?200") as caught:
        predict(models, large, model_folders["relative"], None, 1000)
    assert str(tmp_path) not in str(caught.value)


def test_a_picture_of_too_many_pixels_is_told_without_options_of_the_command(models, model_folders, tmp_path):
    Image.new("1", (400, 300)).save(tmp_path / "large.png")
    with pytest.raises(UnreadableImageError) as caught:
        predict(models, tmp_path / "large.png", model_folders["relative"], None, 100_000)
    text = str(caught.value)
    assert text.startswith("large.png: 120000 pixels are more than the limit of 100000. Make the picture smaller")
    assert "max_pixels" not in text and "PIL" not in text
