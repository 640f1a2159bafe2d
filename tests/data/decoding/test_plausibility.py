# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What speaks against how a map is read is told, also of genuine files, and nothing is told of what may well be."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from doubtful_maps import corridor, raw_of, room, rotate
from encoded_maps import npy, pfm, png
from shared_files import device_meta

from depth_anything_hf.data.decoding import plausibility
from depth_anything_hf.data.decoding.depth_maps import LabelRules
from depth_anything_hf.data.decoding.plausibility import flat_lines


@pytest.fixture(autouse=True)
def nothing_seen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plausibility, "_looked", Counter())
    monkeypatch.setattr(plausibility, "_warned", Counter())


def doubts_of(path: Path, rules: LabelRules, times: int = 1) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            rules.read(path)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("stored", "encoding", "doubt"),
    [
        (rotate(room()), "mm", r"bits are those of sunrgbd or kinect_player: as sunrgbd 2\.5 m"),
        (rotate(room()), "sunrgbd", None),
        (room(), "sunrgbd", r"no multiples of 8, as those of sunrgbd are: as mm 2\.5 m"),
        (room(), "float16_png", r"its middle is 0\.00\d+ m: as mm 2\.5 m"),
        (raw_of(room()).byteswap(), "mm", r"bits are those of kinect_raw: as kinect_raw 2\.5 m"),
        (room(), "tum:missing=0", None),
        ((room() / 100).astype(np.uint16), "mm", r"its middle is 0\.025 m: as cm 0\.25 m"),
        (raw_of(room()), "mm", r"bits are those of kinect_raw: as kinect_raw 2\.5 m"),
        (
            np.where(room() == 0, 65535, room()),
            "kitti",
            r"number 65535, which is 2\^16 - 1: .*missing=0/65535",
        ),
        (np.where(room() == 0, 65535, room()), "mm", None),
        (np.where(room() == 0, 65535, room()), "kitti:missing=0/65535", None),
        (np.where(room() == 0, 65535, room()), "kitti:sky=65535", None),
        (room(), "mm", None),
        (room().byteswap(), "mm", r"the two bytes of its numbers are in the other order"),
        (room().byteswap(), "kitti", r"the two bytes of its numbers are in the other order"),
        # 8 bits, and 12 bits, at the upper end of 16 are neither rotated nor swapped.
        (room() >> 4 << 8, "scaled:per_metre=16000", None),
        (room() << 4, "scaled:per_metre=16000", None),
    ],
)
def test_a_doubtful_choice_is_told(stored: np.ndarray, encoding: str, doubt: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(stored.astype(np.uint16)))
    found = doubts_of(path, LabelRules("depth", encoding=encoding), times=3)
    assert len(found) == (doubt is not None)
    if doubt is not None:
        assert re.search(doubt, found[0]), found[0]


def test_depth_of_an_endoscope_is_near(tmp_path: Path) -> None:
    rules = LabelRules("depth", encoding="c3vd")
    for stored, is_told in ((20000, False), (12, True)):
        path = tmp_path / f"{stored}.png"
        path.write_bytes(png(np.full((40, 40), stored, np.uint16)))
        found = doubts_of(path, rules)
        assert bool(found) == is_told and (not found or "its middle is 1.83e-05 m" in found[0])


BYTES = corridor().astype("<f4").view(np.uint8).reshape(*corridor().shape, 4)


def test_channels_in_another_order_are_noise(tmp_path: Path) -> None:
    path, rules = tmp_path / "a.png", LabelRules("depth", encoding="tartanair_rgba")
    cv2.imwrite(str(path), BYTES)
    assert doubts_of(path, rules) == []
    # As Pillow writes the bytes of floats.
    cv2.imwrite(str(path), BYTES[..., [2, 1, 0, 3]])
    (told,) = doubts_of(path, rules)
    assert "noise, as where bytes or channels were put together in another order" in told


WITH_SKY = np.where(corridor() > 5.8, 10000, corridor())
SENSOR = np.where(corridor() > 5.8, 0, corridor() * 1000).astype(np.uint16)


@pytest.mark.parametrize(
    ("content", "rules", "doubt"),
    [
        (png(rotate(SENSOR)), LabelRules("depth", 1000), r"read with scale 1000, and its bits are those of sunrgbd"),
        (png(np.where(SENSOR == 0, 65535, SENSOR)), LabelRules("depth", 1000), r"\(invalid_values: \[0, 65535\]\)"),
        (png(np.where(SENSOR == 0, 65535, SENSOR)), LabelRules("depth", 1000, (0, 65535)), None),
        (png(SENSOR), LabelRules("depth", 1000), None),
        (
            npy(np.where(corridor() > 5.8, 10000, corridor())),
            LabelRules("depth"),
            r"exactly 10000 m, and nothing else",
        ),
        (npy(np.where(corridor() > 5.8, 10000, corridor())), LabelRules("depth", sky_value=1000), None),
        (npy(corridor()), LabelRules("depth"), None),
        (npy(corridor() * 1000), LabelRules("depth", encoding="npz"), r"its middle is 3\.\d+e\+03 m; .* 'npz:scale="),
        (pfm(corridor() / 1e5), LabelRules("depth", encoding="pfm"), r"middle is .*e-05 m; if .* 'pfm:scale="),
        # Encodings of one unit have no option for it.
        (
            png((corridor() * 1000).astype("<f4").view(np.uint8).reshape(120, 160, 4)),
            LabelRules("depth", encoding="tartanair_rgba"),
            r"middle is 4\.\d+e\+03 m; is it written by another encoding\?$",
        ),
        (
            png(np.where(SENSOR == 0, 65535, SENSOR)),
            LabelRules("depth", encoding="depth16"),
            r"number 65535, which is 2\^16 - 1: mostly that of pixels without a value$",
        ),
        (npy(corridor() / 100), LabelRules("depth", encoding="npz"), None),
        (npy(corridor()), LabelRules("disparity"), r"read as it is, and the inverse .* evenly along 100% of the flat"),
        (npy(1 / corridor()), LabelRules("disparity"), None),
        (
            npy(1 / corridor()),
            LabelRules("depth"),
            r"as it is, and its numbers change evenly along 100% of the flat",
        ),
        # Scale and shift, as of a predicted map, keep lines straight.
        (pfm(40 / corridor() + 3), LabelRules("depth", encoding="pfm"), r"'pfm', and .* set label: disparity"),
        (pfm(corridor()), LabelRules("disparity", encoding="pfm_disparity"), r"disparity', and .* set label: depth"),
        (pfm(60 / corridor()), LabelRules("disparity", encoding="pfm_disparity"), None),
        (pfm(corridor()[:50]), LabelRules("disparity", encoding="pfm_disparity"), None),
    ],
)
def test_a_doubtful_scale_and_a_doubtful_label(
    content: bytes, rules: LabelRules, doubt: str | None, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    found = doubts_of(tmp_path / "a", rules)
    assert len(found) == (doubt is not None) and (doubt is None or re.search(doubt, found[0])), found


def test_flat_surfaces_tell_depth_from_disparity() -> None:
    evenly, inverse_evenly = flat_lines(corridor())
    assert inverse_evenly > 5000 and evenly < 0.01 * inverse_evenly
    # Of another size, also with much noise, and without a value here and there.
    large = np.kron(corridor(240, 320, 0.01), np.ones((4, 4)))
    large[np.random.default_rng(1).random(large.shape) < 0.1] = np.nan
    evenly, inverse_evenly = flat_lines(1 / large)
    assert evenly > 1000 and inverse_evenly < 0.05 * evenly
    rows, columns = np.mgrid[-1:1:120j, -1:1:160j]
    for other in (np.ones((99, 99)), np.full((99, 99), np.nan), 2 - np.sqrt(np.maximum(0, 1 - rows**2 - columns**2))):
        counts = flat_lines(other)
        assert max(counts) < 0.95 * sum(counts) or sum(counts) < 0.01 * other.size, counts


def test_one_way_of_reading_is_told_of_a_few_times(tmp_path: Path) -> None:
    found = []
    for number in range(9):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.png").write_bytes(png(rotate(room())))
        found += doubts_of(folder / "a.png", LabelRules("depth", 1000))
    assert len(found) == plausibility.MOST_WARNINGS


# Genuine file -> how it is read rightly, and wrongly: told (True), or believable as well, so that nothing can tell.
NEIGHBOURS: dict[str, tuple[str, dict[str, bool]]] = {
    "sunrgbd_bitrot": (
        "sunrgbd",
        {"mm": True, "kitti": True, "tum": True, "scale 1000": True, "kinect_player": False},
    ),
    "nyu_raw_pgm": ("kinect_raw", {"mm": True, "kitti": True, "scale 1000": True, "depth16": True}),
    "truedepth_tenth_mm": ("tenth_mm", {"mm": False, "sunrgbd": True, "float16_png": True}),
    "tum_5000": ("tum", {"mm": False, "sunrgbd": True, "kitti_disparity": True}),
    "realsense_65535": ("mm", {"mm:missing=0": True, "scale 1000": True, "kitti": True, "kitti_disparity": True}),
    "realsense_mm": ("mm", {"tenth_mm": False, "sunrgbd": True, "scale 1": False, "kitti_disparity": True}),
    "redwood_mm": ("mm", {"kitti": False, "sunrgbd": True, "kitti_disparity": True}),
    "arkit_lidar_mm": ("mm", {"cm": False, "sunrgbd": True, "kitti_disparity": True}),
    "drake_mm_near0_far65535": ("drake", {"mm:missing=0": True, "kitti": True, "tenth_mm": True, "cm": False}),
}


@pytest.mark.parametrize("folder", NEIGHBOURS)
def test_the_wrong_neighbours_of_genuine_files(folder: str) -> None:
    path, _ = device_meta(folder)
    right, wrong = NEIGHBOURS[folder]
    assert doubts_of(path, LabelRules("depth", encoding=right)) == []
    for told, is_told in wrong.items():
        scale = float(told.removeprefix("scale ")) if told.startswith("scale ") else None
        label = "disparity" if told == "kitti_disparity" else "depth"
        rules = LabelRules(label, scale) if scale else LabelRules(label, encoding=told)
        found = doubts_of(path, rules)
        assert bool(found) == is_told, (told, found)


@pytest.mark.parametrize(("folder", "scale"), [("apple_heic_disparity", None), ("exr_channel_Y", None)])
def test_other_genuine_files_are_not_doubted(folder: str, scale: float | None) -> None:
    path, _ = device_meta(folder)
    assert doubts_of(path, LabelRules("depth", scale)) == []
