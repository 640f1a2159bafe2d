# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""IRS: depth of disparity, and splits that need a list."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from public_datasets import expected_depth, names_of, write_irs

from depth_anything_hf.data.public.catalog import open_public


def test_irs(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("irs", roots["irs"])
    assert names_of(samples) == ["Home/Wood_d_Room/l_7.png"]
    assert np.allclose(samples[0]["depth"], expected_depth(), rtol=1e-6, equal_nan=True)
    assert samples[0]["intrinsics"][0, 0] == 480
    with pytest.raises(FileNotFoundError, match="list_file="):
        open_public("irs", roots["irs"], "test")
    # Without the list it would hold the test images.
    with pytest.raises(FileNotFoundError, match=r"IRSDataset_TRAIN.list"):
        open_public("irs", roots["irs"], "train")
    write_irs(tmp_path / "IRSDataset")
    row = " ".join(f"IRSDataset/Home/Wood_d_Room/{name}" for name in ("l_7.png", "r_7.png", "d_7.exr", "n_7.exr"))
    (tmp_path / "test.list").write_text(f"{row}\t\n")
    for root in (tmp_path, tmp_path / "IRSDataset"):
        assert len(open_public("irs", root, "test", list_file=tmp_path / "test.list")) == 1
