# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of tables: which column is read, how a row is named, and what a broken one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_files import png_bytes, pseudo_label_table

from depth_anything_hf.data.datasets import DepthTable
from depth_anything_hf.data.decoding.depth_maps import LabelRules
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.rows import RowReader


def make_reader(columns: list[str], label: str | None = None, **options: Any) -> RowReader:
    arguments = {"image_column": "image", "label_column": None, "root": None, **options}
    return RowReader(columns, label=label, rules=LabelRules(label or "depth"), **arguments)


def test_the_name_of_a_row_is_its_own_or_its_path_or_its_place(rgb: np.ndarray) -> None:
    reader = make_reader(["image"])
    content = png_bytes(rgb)
    assert reader.read({"image": {"bytes": content, "path": "a.png"}, "name": "first"}, "row 3")["name"] == "first"
    assert reader.read({"image": {"bytes": content, "path": "a.png"}}, "row 3")["name"] == "a.png"
    assert reader.read({"image": content}, "row 3")["name"] == "row 3"
    member = {"image": {"bytes": content, "path": "sub/7.png"}, "__key__": "sub/7", "__url__": "a.tar"}
    assert reader.read(member, "row 3")["name"] == reader.name_of(member, "row 3") == "sub/7"


def test_a_cell_of_named_arrays_is_read_as_an_npz(rgb: np.ndarray, depth: np.ndarray) -> None:
    """`datasets` unpacks the npz files of tar archives."""
    image, values, confidence = png_bytes(rgb), depth.tolist(), (depth * 0 + 1).tolist()
    for label in ("depth", "disparity"):
        reader = make_reader(["image", "npz"], label, label_column="npz")
        for cell in ({label: values, "confidence": confidence}, {"only": values}, {"confidence": None, label: values}):
            assert np.array_equal(reader.read({"image": image, "npz": cell}, "row 0")[label], depth)
        with pytest.raises(BrokenSampleError, match=r"column 'npz': .* got the keys \['a', 'b'\]"):
            reader.read({"image": image, "npz": {"a": values, "b": values}}, "row 0")
        with pytest.raises(UnreadableImageError, match="column 'npz' is empty at the key"):
            reader.read({"image": image, "npz": {label: None, "b": values}}, "row 0")


def test_relative_paths_refer_to_the_root(tmp_path: Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", depth)
    reader = make_reader(["image", "depth"], "depth", root=tmp_path)
    sample = reader.read({"image": "a.png", "depth": "a.npy"}, "row 0")
    assert sample["name"] == str(tmp_path / "a.png")
    assert np.array_equal(sample["image"], rgb)
    assert np.array_equal(sample["depth"], depth)


def test_a_missing_column_is_told_with_all_columns() -> None:
    with pytest.raises(ValueError, match=r"expected a column image, got the columns \['jpg'\]; .* with image_column"):
        make_reader(["jpg"])
    with pytest.raises(ValueError, match=r"column depth or depth_map, got .*\['image', 'z'\]; .* with label_column"):
        make_reader(["image", "z"], "depth")
    with pytest.raises(ValueError, match=r"label must be one of \['depth', 'disparity'\], got 'metres'"):
        make_reader(["image"], "metres")


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ({"image": None}, UnreadableImageError, "column 'image' is empty, expected an image"),
        ({"depth": None}, UnreadableImageError, "column 'depth' is empty, expected a label"),
        ({"depth": b"text"}, UnreadableImageError, "bytes: not a readable label"),
        (
            {"depth": [[[1.0, 2.0]]] * 6},
            BrokenSampleError,
            r"column 'depth': expected a map .* shape \(6, 1, 2\)",
        ),
        ({"depth": [[1.0] * 9] * 6}, BrokenSampleError, "6 x 8 .* its label column 'depth' is 6 x 9"),
    ],
)
def test_a_broken_row_names_itself_and_the_reason(
    row: dict[str, Any], error: type[Exception], message: str, rgb: np.ndarray, depth: np.ndarray
) -> None:
    whole = {"image": png_bytes(rgb), "depth": depth.tolist(), "name": "kitchen"}
    with pytest.raises(error, match=message) as caught:
        make_reader(["image", "depth"], "depth").read({**whole, **row}, "row 7")
    assert type(caught.value) is error
    assert "kitchen" in str(caught.value)


def test_rules_of_stored_numbers_say_nothing_of_pseudo_labels(rgb: np.ndarray, depth: np.ndarray) -> None:
    table = pseudo_label_table(rgb, [1 / depth])
    assert DepthTable(table, label="disparity")[0]["disparity"].shape == depth.shape
    for options in ({"scale": 1000.0}, {"invalid_values": [0.0], "sky_value": 0.0}, {"encoding": "mm"}):
        with pytest.raises(ValueError, match=f"range, unit and pixels .* {next(iter(options))}"):
            DepthTable(table, label="disparity", **options)[0]
