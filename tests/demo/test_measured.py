# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metres from clicked points: the same numbers as `calibrate`, and messages for what cannot be fitted."""

from __future__ import annotations

import re

import numpy as np
import pytest
from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.demo.measured import describe_fit, fit_points, read_rows, save_calibration
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.utils.option_errors import OptionError


def measured(result, places):
    """Distances that a scale of 0.7 and a shift of 0.2 would give."""
    return [(x, y, float(1 / (0.7 * result.raw[y, x] + 0.2))) for x, y in places]


def test_rows_of_a_table_become_points():
    assert read_rows([["10", "20", "1,5"], [None, None, None], ["", "", ""], [3, 4, 2.0]]) == [
        (10, 20, 1.5),
        (3, 4, 2.0),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["1", "", "2"], "point 1: expected numbers for x, y, metres"),
        (["1.5", "2", "2"], "point 1: x and y must be whole pixels, got 1.5 and 2"),
        (["1", "2", "0"], "the distance must be a positive number of metres, got 0"),
        (["1", "2", "inf"], "the distance must be a positive number"),
    ],
)
def test_rows_that_are_no_points_are_refused(row, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        read_rows([row])


def test_the_fit_is_that_of_the_command_and_its_file_is_taken_by_predict(relative, picture, model_folders, tmp_path):
    points = measured(relative, [(5, 5), (40, 30), (70, 50), (20, 55)])
    fit = fit_points(relative, points)
    assert (fit.scale, fit.shift) == (pytest.approx(0.7, rel=1e-4), pytest.approx(0.2, rel=1e-4))
    assert (fit.points, fit.input_size) == (4, 70)
    saved = save_calibration(fit, tmp_path)
    csv = tmp_path / "points.csv"
    csv.write_text("x,y,depth\n" + "".join(f"{x},{y},{metres!r}\n" for x, y, metres in points), encoding="utf-8")
    command = ["calibrate", str(picture), "--points", str(csv), "-o", str(tmp_path / "by-command.json")]
    done = CliRunner().invoke(app, [*command, "--model", model_folders["relative"]])
    assert done.exit_code == 0, done.output
    assert Calibration.load(saved) == Calibration.load(tmp_path / "by-command.json")
    assert "4 points" in describe_fit(fit) and "Two points" not in describe_fit(fit)


def test_what_cannot_be_fitted_is_told(relative, metric):
    with pytest.raises(ValueError, match="at least two measured points, got 1: click"):
        fit_points(relative, [(1, 1, 2.0)])
    with pytest.raises(ValueError, match="outside the map"):
        fit_points(relative, [(1, 1, 2.0), (80, 5, 3.0)])
    with pytest.raises(ValueError, match="needs no calibration"):
        fit_points(metric, [(1, 1, 2.0), (8, 5, 3.0)])
    near, far = np.argsort(relative.raw.ravel())[[-1, 0]]
    with pytest.raises(ValueError, match="contradict the prediction"):
        fit_points(relative, [(near % 80, near // 80, 9.0), (far % 80, far // 80, 1.0)])
    assert "Two points fit exactly" in describe_fit(fit_points(relative, measured(relative, [(5, 5), (40, 30)])))
