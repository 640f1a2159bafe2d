# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which images are asked for, and what their results are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.inference.prediction_sources import assign_targets, find_image_files


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_names_keep_the_folders_that_tell_them_apart(tmp_path: Path) -> None:
    touch(tmp_path, "A/1.jpg", "A/sub/2.jpg", "B/1.jpg", "C/A/1.jpg")

    def names(*inputs: str) -> list[str]:
        return [found.name for found in find_image_files([tmp_path / name for name in inputs])]

    assert names("A") == names("A/1.jpg", "A/sub") == ["1.jpg", "sub/2.jpg"]
    assert names("A", "B") == ["A/1.jpg", "A/sub/2.jpg", "B/1.jpg"]
    assert names("A/1.jpg", "B/1.jpg") == ["A/1.jpg", "B/1.jpg"]
    assert names("A/1.jpg", "C/A/1.jpg") == [f"{tmp_path.name}/A/1.jpg", "C/A/1.jpg"]
    # Each image once, however it is named.
    assert names("A", "A/1.jpg", "B/../A/1.jpg") == ["1.jpg", "sub/2.jpg"]
    with pytest.raises(FileNotFoundError, match=r"D, .*E: no such file"):
        names("A", "D", "E")


def test_no_two_images_share_a_target() -> None:
    assert assign_targets(["a.jpg", "s/b.png"], {}) == ["a", "s/b"]
    assert assign_targets(["x.png", "x.jpg", "X.bmp"], {}) == ["x_png", "x_jpg", "X_bmp"]
    crowded = ["1.jpg", "1.png", "1_jpg.png", "1_jpg_2.gif"]
    targets = assign_targets(crowded, {})
    assert targets == ["1_jpg_3", "1_png", "1_jpg", "1_jpg_2"]
    # What an earlier run has named stays.
    assert assign_targets(["1.png", "1.jpg"], {"1.jpg": "1"}) == ["1_png", "1"]
