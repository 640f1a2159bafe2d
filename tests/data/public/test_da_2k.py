# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DA-2K: pairs of points, and damaged annotations."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from public_datasets import WIDTH, names_of, write_picture

from depth_anything_hf.data.public.catalog import open_public


def test_da_2k(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("da-2k", roots["da-2k"])
    assert names_of(samples) == ["images/indoor/a.png", "images/underwater/b.png"]
    sample = samples[0]
    assert sample["scenario"] == "indoor" and set(sample) == {"image", "name", "pairs", "scenario"}
    assert np.array_equal(sample["pairs"]["nearer"], [[1, 2], [3, 3]])
    assert np.array_equal(sample["pairs"]["farther"], [[5, 7], [0, 0]])
    assert names_of(open_public("da-2k", roots["da-2k"], scenario="underwater")) == ["images/underwater/b.png"]


def test_da_2k_that_is_damaged(tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / "images/indoor/a.png")
    outside = {"point1": [1, WIDTH], "point2": [2, 2], "closer_point": "point1"}
    (tmp_path / "annotations.json").write_text(json.dumps({"images/indoor/a.png": [outside]}))
    with pytest.raises(ValueError, match=r"images/indoor/a.png: .*\(row 1, column 8\) lies outside .* 6 x 8"):
        open_public("da-2k", tmp_path)[0]
    for wrong in ("[1]", "{", json.dumps({"a.png": [{**outside, "closer_point": "point3"}]})):
        (tmp_path / "annotations.json").write_text(wrong)
        with pytest.raises(ValueError, match=r"annotations.json: expected"):
            open_public("da-2k", tmp_path)
