# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Arguments of `render`."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run
from PIL import Image


def test_render_passes_its_arguments_on(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    size = ("--height", "28", "--width", "42", "--samples-per-pixel", "1", "--denoise", "no")
    result = run("render", tmp_path / "scenes", "--count", "1", *size, "--family", "hazy-rooms", "--no-depth")
    assert result.exit_code == 0, result.output
    (image,) = (tmp_path / "scenes").rglob("*.png")
    with Image.open(image) as picture:
        assert picture.size == (42, 28)


def test_a_wrong_choice_is_told(tmp_path: Path) -> None:
    result = run("render", tmp_path / "scenes", "--count", "1", "--denoise", "maybe")
    assert result.exit_code == 2 and "['auto', 'yes', 'no']" in result.output
