# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The gallery of failures: its scenes are what they say, it is drawn with any model, and its page shows all of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from depth_anything_hf import DepthAnythingImageProcessor


pytest.importorskip("mitsuba")

import failure_scenes as scenes
import failures


PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
SIDE = 48


def test_a_mirror_shows_the_room_once_more_and_its_truth_is_the_glass() -> None:
    opening, place = scenes.Opening(-1.5, 1.3, 0.5, 2.4), 3.9
    around = [*scenes.room(None), *scenes.wall_around(opening, place, "noise")]
    seen = scenes.photograph(
        [*around, *(each.mirrored(place) for each in around if each.middle[1] < place)], side=SIDE
    )
    glass = scenes.photograph([*around, opening.filled(place, "plain")], side=SIDE)
    inside = seen.depth - glass.depth > 0.02
    assert 0.1 < inside.mean() < 0.5 and np.abs(seen.depth - glass.depth)[~inside].max() < 0.03
    middle = (SIDE // 2, SIDE // 2)
    pitch, yaw = np.radians(4), np.radians(4)
    # The ray along the axis meets the glass in front of it, and the wall behind the camera after as far again.
    ahead = 1 / (np.cos(pitch) * np.cos(yaw))
    assert glass.depth[middle] == pytest.approx(place * ahead, rel=0.01)
    assert seen.depth[middle] == pytest.approx((2 * place - scenes.FRONT) * ahead, rel=0.01)


def test_pictures_hang_upright() -> None:
    poster = np.zeros((64, 64, 3), np.uint8)
    poster[:32, :32, 0], poster[:32, 32:, 1], poster[32:, :32, 2] = 255, 255, 255
    plate = scenes.Opening(-1.5, 1.5, 0.3, 2.7).filled(3.0, "poster")
    image = scenes.photograph([plate], side=SIDE, haze_per_metre=0.0, pictures={"poster": poster}).image.astype(int)
    rows, columns = np.nonzero(image.sum(axis=2))
    top, left = rows.min() + np.ptp(rows) // 4, columns.min() + np.ptp(columns) // 4
    bottom, right = rows.max() - np.ptp(rows) // 4, columns.max() - np.ptp(columns) // 4
    assert [image[place].argmax() for place in ((top, left), (top, right), (bottom, left))] == [0, 1, 2]
    assert image[bottom, right].sum() == 0


def test_the_page_shows_every_picture_and_they_are_small() -> None:
    shown = re.findall(r"\(pictures/failures/(\w+)\.jpg\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(failures.CASES)
    sizes = [(failures.OUTPUT / f"{name}.jpg").stat().st_size for name in shown]
    assert max(sizes) <= 150_000 and sum(sizes) <= 1_200_000


@pytest.mark.slow
def test_the_gallery_is_drawn_with_a_model(tmp_path: Path, make_tiny_model, monkeypatch, capsys) -> None:
    make_tiny_model().save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor(size={"height": 56, "width": 56}).save_pretrained(tmp_path / "model")
    names = ["shift", "mirror"]
    monkeypatch.setattr(failures, "SIDE", 140)
    monkeypatch.setattr(
        sys, "argv", ["failures.py", str(tmp_path / "model"), "-o", str(tmp_path / "drawn"), "--only", *names]
    )
    failures.main()
    assert sorted(path.stem for path in (tmp_path / "drawn").iterdir()) == sorted(names)
    assert capsys.readouterr().out.count("KiB") == len(names)
