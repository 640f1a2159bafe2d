# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run folder as it is now: the newest and best score, charts, pictures, and no folder outside of the demo's."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.demo.run_folder import find_runs, read_run, stamp_of_run
from depth_anything_hf.utils.option_errors import OptionError


TABLE = """step,epoch,loss,ssi,images_per_second,learning_rate_encoder,eval_delta1,eval_abs_rel
10,0.1,1.5,1.2,20,0.0001,,
20,0.2,1.1,0.9,21,0.0001,,
20,0.2,,,,,0.8,0.30
30,0.3,0.9,0.7,22,0.00005,,
30,0.3,,,,,0.7,0.20
"""


@pytest.fixture
def runs(tmp_path):
    for number, name in enumerate(("old", "group/new")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "results.csv").write_text(TABLE, encoding="utf-8")
        os.utime(folder / "results.csv", (1000 + number, 1000 + number))
    for name in ("training.png", "card/held-out.jpg"):
        (tmp_path / "old" / "card").mkdir(exist_ok=True)
        Image.new("RGB", (30, 20)).save(tmp_path / "old" / name)
    return tmp_path


def test_runs_are_found_newest_first(runs):
    assert find_runs(runs) == ["group/new", "old"]
    assert find_runs(runs / "old") == ["."]


def test_scores_charts_and_pictures_are_those_of_the_folder(runs):
    view = read_run(runs, "old")
    assert view.scores == [("abs_rel", 0.2, 0.2, 30), ("delta1", 0.7, 0.8, 20)] or view.scores == [
        ("delta1", 0.7, 0.8, 20),
        ("abs_rel", 0.2, 0.2, 30),
    ]
    assert list(view.charts) == ["Loss", "Held-out scores", "Learning rate", "Images per second"]
    assert all(chart.dtype == np.uint8 and chart.ndim == 3 for chart in view.charts.values())
    assert [path.name for path in view.pictures] == ["held-out.jpg"]
    assert view.text == "Step 30, loss 0.9, 22 images per second."


def test_new_rows_and_pictures_change_the_stamp(runs):
    before = stamp_of_run(runs / "old")
    with (runs / "old" / "results.csv").open("a", encoding="utf-8") as table:
        # As a training may have written half of its next row.
        table.write("40,0.4,0.8")
    assert stamp_of_run(runs / "old") != before
    assert read_run(runs, "old").text.startswith("Step 40, loss 0.8")
    Image.new("RGB", (3, 2)).save(runs / "old" / "more.png")
    assert stamp_of_run(runs / "old")[2] == 2


def test_other_folders_cannot_be_named(runs):
    for name in ("..", "../old", "/etc", "absent", "group"):
        with pytest.raises(OptionError, match="no run"):
            read_run(runs, name)


def test_a_table_that_is_none_is_told(runs):
    (runs / "old" / "results.csv").write_bytes(b"\xff\xfe\x00step")
    with pytest.raises(ValueError, match=r"results\.csv of the run cannot be read"):
        read_run(runs, "old")
    (runs / "old" / "results.csv").write_text("", encoding="utf-8")
    assert read_run(runs, "old").charts == {} and read_run(runs, "old").text == "Step 0."
