# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A saved check: its page names each finding, its sheet is no photograph."""

from __future__ import annotations

import numpy as np
from checked_scenes import scene, write_picture, write_scenes
from PIL import Image

from depth_anything_hf.checking import check_source, save_checks
from depth_anything_hf.checking.text import quantiles_of
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
