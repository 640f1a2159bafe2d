# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures are found in folders, in order, and files are taken as given."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.data.decoding.images import find_images


def test_folders_are_searched_in_order_and_files_are_taken_as_given(tmp_path: Path) -> None:
    for name in ["b/2.png", "b/1.JPG", "a.png", ".hidden/3.png", "b/notes.txt"]:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    root = tmp_path / "in"
    given = root / "b" / "notes.txt"
    assert find_images([root, given]) == [root / "a.png", root / "b/1.JPG", root / "b/2.png", given]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures"):
        find_images([tmp_path / "empty"])
