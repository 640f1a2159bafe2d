# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A saved check: its page names each finding, its sheet is no photograph."""

from __future__ import annotations

import numpy as np
from checked_scenes import scene, write_picture, write_scenes
from PIL import Image

from depth_anything_hf.checking import check_source, save_checks
from depth_anything_hf.checking.text import numbers_of, quantiles_of
from depth_anything_hf.data.datasets import PhotoFolder


def test_a_check_is_saved_among_photographs_and_is_none_of_them(tmp_path):
    for seed in range(3):
        write_picture(tmp_path / f"{seed}.png", scene(seed)[0])
    check = check_source(str(tmp_path))
    folder = save_checks(tmp_path, [check])
    assert len(PhotoFolder(folder)) == 3
    with Image.open(folder / "check.png") as sheet:
        assert sheet.size[0] > 100


def test_quantiles_of_all_labels_are_those_of_their_values(tmp_path):
    check = check_source(write_scenes(tmp_path / "rooms", 3))
    values = np.concatenate([scene(seed)[1].ravel() for seed in range(3)])
    # To a bin of the histogram, an eighth of a factor of ten.
    np.testing.assert_allclose(quantiles_of(check), np.quantile(values, (0.05, 0.5, 0.95)), rtol=0.2)


def test_a_unit_ten_times_too_large_is_told_beside_the_numbers(tmp_path):
    depth = tmp_path / "rooms" / "depth"
    write_scenes(tmp_path / "rooms", 4)
    for path in sorted(depth.iterdir()):
        metres = scene(int(path.stem))[1]
        path.unlink()
        # Tenths of a millimetre end at 6.5535 m.
        stored = np.clip(np.round(np.nan_to_num(metres) / np.nanmedian(metres) * 4e4), 1, 65535)
        Image.fromarray(stored.astype(np.uint16)).save(path.with_suffix(".png"))
    check = check_source({"path": str(tmp_path / "rooms"), "scale": 1000})
    numbers = numbers_of(check)
    assert "4 m by scale 10000 (tenths of a millimetre)" in numbers["unit"]
    # A bin of the histogram ends at 75 m, and no label beyond 65.535 m.
    assert max(quantiles_of(check)) <= 65.536
    assert "unit" not in numbers_of(check_source({"path": str(tmp_path / "rooms"), "scale": 10000}))
    # A unit that was named as an encoding may be wrong as well.
    encoded = numbers_of(check_source({"path": str(tmp_path / "rooms"), "encoding": "mm"}))
    assert "3.78 m by encoding tenth_mm (tenths of a millimetre)" in encoded["unit"]
    assert "by encoding tum (1/5000 m" in encoded["unit"]
    assert "unit" not in numbers_of(check_source({"path": str(tmp_path / "rooms"), "encoding": "tenth_mm"}))
