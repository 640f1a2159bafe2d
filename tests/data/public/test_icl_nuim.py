# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ICL-NUIM: its scale, the order of its files, and files of POV-Ray."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from dataset_files import expected_depth
from public_datasets import names_of
from rendered_datasets import NEARER

from depth_anything_hf.data.public.catalog import open_public


def test_icl_nuim(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("icl-nuim", roots["icl-nuim"], sequences=["living_room_traj0_frei_png"])
    assert names_of(samples) == [f"living_room_traj0_frei_png/rgb/{number}.png" for number in (9, 10)]
    np.testing.assert_allclose(samples[0]["depth"], expected_depth() * NEARER, atol=1.1e-4)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[481.2, 0, 319.5], [0, 480, 239.5], [0, 0, 1]]))
    (tmp_path / "scene_00_0000.depth").write_text("1.5 1.6")
    with pytest.raises(FileNotFoundError, match=r"holds \.depth files of POV-Ray"):
        open_public("icl-nuim", tmp_path)
