# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of what plain readers give: a row for every encoding, and numbers that are those of a plain reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from depth_anything_hf.data.decoding.encodings.catalog import ENCODINGS
from depth_anything_hf.data.decoding.images import read_image


def metres(text: str) -> float:
    return float(text.removesuffix(" m"))


@pytest.mark.slow
def test_every_encoding_has_a_row(tmp_path: Path, run_forked: Callable[..., str]) -> None:
    for package in ("tifffile", "h5py", "scipy", "OpenEXR"):
        pytest.importorskip(package)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- by benchmarks/plain_readers.py -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    run_forked("plain_readers.py", "--page", str(page), "--pictures", str(tmp_path), "--height", "48")
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "before" and lines[-1] == "after" and "old" not in lines
    head = next(line for line in lines if line.startswith("| encoding |")).split(" | ")
    rows = [line.split(" | ") for line in lines if line.startswith("| `")]
    found = {row[0].strip("| `"): dict(zip(head, row, strict=True)) for row in rows}
    assert list(found) == list(ENCODINGS)
    # It is one room in all of them; disparity is another number.
    middle = metres(found["mm"]["is"])
    for name in ("kitti", "sunrgbd", "kinect_raw", "tartanair_rgba", "carla", "midair", "hypersim", "exr", "raw"):
        assert metres(found[name]["is"]) == pytest.approx(middle, rel=0.02), name
    assert found["mm"]["Pillow"] == found["mm"]["OpenCV, unchanged"] == "16 bits, 1595..12000"
    assert metres(found["sunrgbd"]["/ 1000"]) == pytest.approx(8 * middle, rel=0.1)
    assert found["synthia"]["OpenCV"] == "8 bits x 3, 0..4" and found["sintel"]["by"] == "content"
    assert found["sintel"]["Pillow"] == "-"
    for name in ("sunrgbd", "tartanair", "midair"):
        assert read_image(tmp_path / f"plain_{name}.jpg").shape[1] > 3 * 64
