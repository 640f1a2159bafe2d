# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What recordings share: numbers in names, steps, confidence, and scenes of a split."""

from __future__ import annotations

import pathlib

import pytest

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.captures import (
    check_confidence,
    confidence_rules,
    in_order,
    numbers_of,
    read_json,
    scenes_of_split,
    take_every,
)


def test_numbers_in_names_are_numbers() -> None:
    assert in_order(["a/10.png", "a/9.png", "a/frame_2.png", "a/b_1_3.png", "a/b_1_20.png"]) == [
        "a/9.png",
        "a/10.png",
        "a/b_1_3.png",
        "a/b_1_20.png",
        "a/frame_2.png",
    ]


def test_steps_and_levels() -> None:
    assert list(take_every(range(10), 4)) == [0, 4, 8]
    with pytest.raises(ValueError, match="every"):
        take_every([], 0)
    check_confidence(None)
    check_confidence(2)
    with pytest.raises(ValueError, match=r"min_confidence must be one of \[0, 1, 2\], got -1"):
        check_confidence(-1)
    encodings = [confidence_rules(has, level).encoding for has, level in ((True, None), (False, None), (True, 0))]
    assert encodings == ["mm:min_confidence=1,confidence=../confidence/{stem}.png", "mm", "mm"]
    assert "min_confidence=255," in str(confidence_rules(True, 2, (0, 1, 255)).encoding)


def test_json_files(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_json(path)
    path.write_text("{")
    with pytest.raises(UnreadableImageError, match=r"a\.json: expected JSON"):
        read_json(path)
    path.write_text('{"fx": 3, "fy": "no"}')
    assert numbers_of(read_json(path), ("fx",), path) == [3.0]
    with pytest.raises(UnreadableImageError, match=r"a\.json: expected the numbers fx, fy"):
        numbers_of(read_json(path), ("fx", "fy"), path)


def test_scenes_of_a_split(tmp_path: pathlib.Path) -> None:
    found = {name: tmp_path / name for name in ("a", "b", "c")}
    assert scenes_of_split(found, None, "T", None) == list(found.values())
    assert scenes_of_split(found, ["c", "a"], "T", tmp_path) == [tmp_path / "c", tmp_path / "a"]
    with pytest.warns(UserWarning, match="1 of 2 scenes of T in .* are not on disk, e.g. d"):
        assert scenes_of_split(found, ["d", "a"], "T", tmp_path) == [tmp_path / "a"]
    assert scenes_of_split(found, ["d"], "T", tmp_path) == []
