# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MVS-Synth: its unit, sky, and cameras."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import CAMERA, expected_depth

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_mvs_synth(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    sample = open_public("mvs-synth", roots["mvs-synth"])[0]
    assert sample["name"] == "GTAV_540/0003/images/0000.png"
    np.testing.assert_allclose(sample["depth"], expected_depth(sky=True), rtol=1e-6)
    assert np.array_equal(sample["intrinsics"], CAMERA)
    as_stored = open_public("mvs-synth", roots["mvs-synth"] / "GTAV_540", per_metre=1)[0]["depth"]
    np.testing.assert_allclose(as_stored, expected_depth(sky=True) * 10, rtol=1e-6)
    shutil.copytree(roots["mvs-synth"], tmp_path / "copy")
    (tmp_path / "copy" / "GTAV_540" / "0003" / "poses" / "0000.json").write_text("{}")
    with pytest.raises(UnreadableImageError, match="expected a JSON file with f_x, f_y, c_x, c_y: KeyError"):
        open_public("mvs-synth", tmp_path / "copy")[0]
