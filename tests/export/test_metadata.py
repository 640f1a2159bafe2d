# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Exported files whose metadata are damaged, or say what this version does not know, are refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from depth_anything_hf.export import open_exported
from depth_anything_hf.export.metadata import KEY, read_metadata


FILE = Path("student.pt2")
KNOWN: dict[str, Any] = {
    "depth_anything_hf": "0.1.0",
    "prediction_kind": "disparity",
    "precision": "int8-weights",
    "patch_size": 14,
    "size": None,
    "image_mean": [0.5, 0.5, 0],
    "image_std": [0.5, 0.5, 1],
}


def test_what_is_known_is_read_and_further_keys_are_kept() -> None:
    newer = {**KNOWN, "depth_anything_hf": "9.0.0", "size": [42, 56], "something": "new"}
    assert read_metadata(json.dumps(newer), FILE) == newer
    assert read_metadata("", FILE) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prediction_kind", "normals"),
        ("precision", "float8"),
        ("patch_size", 0),
        ("size", [518]),
        ("image_mean", [0.5]),
        ("image_std", None),
    ],
)
def test_what_is_not_known_is_refused_by_name(key: str, value: Any) -> None:
    text = json.dumps({**KNOWN, "depth_anything_hf": "9.0.0", key: value})
    with pytest.raises(ValueError, match=rf"student.pt2: written by depth_anything_hf 9.0.0.* know {key} "):
        read_metadata(text, FILE)


@pytest.mark.parametrize("text", ["{not json", "[1]", '"text"'])
def test_damaged_ones_are_refused_by_name(text: str, tmp_path: Path) -> None:
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), strict=False)
    torch.export.save(program, tmp_path / "file.pt2", extra_files={KEY: text})
    with pytest.raises(ValueError, match=r"file.pt2: its metadata are damaged"):
        open_exported(tmp_path / "file.pt2")
