# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels are looked at before a run: what is wrong is named, and so is the command that shows it."""

from __future__ import annotations

import shlex

import cv2
import numpy as np
import pytest
from checked_scenes import write_scenes

from depth_anything_hf.checking import check_source
from depth_anything_hf.data.data_source import DataSource
from depth_anything_hf.recipes.arguments import DataArguments
from depth_anything_hf.recipes.label_check import check_words, label_warnings, own_label_hint, share_beyond


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """Rooms in tenths of a millimetre, whose middle is at 3 m."""
    root = write_scenes(tmp_path_factory.mktemp("scenes") / "rooms", 6)
    for path in sorted((root / "depth").glob("*.npy")):
        depth = np.load(path)
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".png")), np.clip(depth / np.median(depth) * 3e4, 0, 65535).astype(np.uint16))
    return root


def test_a_unit_ten_times_too_large_is_warned_of_with_its_command(rooms):
    (warning, command) = label_warnings(DataArguments([{"path": str(rooms), "encoding": "mm"}]), max_depth=10)
    assert "values are beyond max_depth 10 m, their middle is at" in warning
    assert "3 m by encoding tenth_mm (tenths of a millimetre)" in warning
    head, _, words = command.partition("depth-anything-hf check ")
    assert head == "look at them: " and shlex.split(words)[:3] == [str(rooms), "--encoding", "mm"]
    # Of streets the same middle would be right: without a range it is said, and no warning.
    (told, _) = label_warnings(DataArguments([{"path": str(rooms), "encoding": "mm"}]))
    assert told.startswith(f"{rooms}: the middle of the labels is at 29.9 m") and "if that is not so, unit" in told
    (fine,) = label_warnings(DataArguments([{"path": str(rooms), "encoding": "tenth_mm"}]), max_depth=10)
    assert fine.endswith("nothing found by a check of 6 of 6 samples (`depth-anything-hf check`)")


def test_the_share_beyond_a_depth_is_that_of_the_values(rooms):
    found = check_source({"path": str(rooms), "encoding": "tenth_mm"})
    values = np.concatenate(
        [cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ravel() for path in sorted((rooms / "depth").iterdir())]
    )
    values = values[(values > 0) & (values < 65535)] / 1e4
    for depth in (2.0, 3.0, 4.0):
        assert share_beyond(found, depth) == pytest.approx((values > depth).mean(), abs=0.15)
    assert share_beyond(found, 100.0) == 0


def test_copies_in_the_held_out_data_and_what_cannot_be_opened_are_warned_of(rooms, tmp_path):
    spec = {"path": str(rooms), "encoding": "tenth_mm"}
    lines = label_warnings(DataArguments([spec, str(tmp_path / "none")], eval_data=spec))
    assert f"warning: {rooms}: leak: " in lines[0] and "none: its labels could not be looked at" in lines[2]
    # Without the other source the command would find nothing.
    assert f"--encoding tenth_mm --against {rooms} --output_dir checked" in lines[1]


def test_a_source_is_told_as_the_words_of_check():
    source = DataSource("my rooms", scale=1000, invalid_values=[0, 65535], split="val")
    assert check_words(source) == "'my rooms' --scale 1000 --invalid_values 0,65535 --split val"
    scannet = DataSource("d", kind="scannet", options={"every": 25}, split="")
    assert check_words(scannet) == "scannet --root d --option every=25"
    # The split that `check` takes by itself is another one.
    assert check_words(DataSource("d", kind="kitti", split="train")) == "kitti --root d --split train"
    assert check_words(DataSource("t", image_column="rgb")) == "t --image_column rgb"
    assert check_words(DataSource("-t"), DataSource("other")) == "./-t --against other"
    for other in (DataSource("other", scale=1000), DataSource("other", split="val"), DataSource("o", kind="kitti")):
        assert check_words(DataSource("t"), other) == "t"


def test_a_run_on_own_labels_names_check_and_others_do_not(rooms, tmp_path):
    recipe = tmp_path / "my run" / "recipe.yaml"
    assert f"check '{recipe}'` looks at samples" in own_label_hint(DataArguments([str(rooms)]), recipe)
    assert own_label_hint(DataArguments([{"path": str(rooms), "kind": "hypersim"}]), recipe) == ""
    (rooms / "render.json").write_text("{}")
    assert own_label_hint(DataArguments([str(rooms)]), recipe) == ""
    assert own_label_hint(DataArguments(["someone/dataset"]), recipe) == ""
    assert own_label_hint(DataArguments(["n" * 5000]), recipe) == ""
