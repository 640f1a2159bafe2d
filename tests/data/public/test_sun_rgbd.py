# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""SUN RGB-D: rotated millimetres, four sensors, splits by a table."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from dataset_files import CAMERA, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


NAMES = ["kv1/NYUdata/NYU0001", "xtion/sun3ddata/home/at/0001"]


def test_rotated_millimetres(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("sunrgbd", roots["sunrgbd"])
    assert names_of(samples) == NAMES
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=0.00051, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    filled = open_public("sunrgbd", roots["sunrgbd"] / "SUNRGBD", filled=True)[1]["depth"]
    assert (filled == 2).all()


def test_splits_and_sensors(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    root = roots["sunrgbd"]
    assert names_of(open_public("sunrgbd", root, "train")) == NAMES[:1]
    assert names_of(open_public("sunrgbd", root, "test")) == NAMES[1:]
    assert names_of(open_public("sunrgbd", root, sensors=["xtion"])) == NAMES[1:]
    with pytest.raises(ValueError, match="sensors must be one of"):
        open_public("sunrgbd", root, sensors=["kv3"])
    shutil.copytree(root / "SUNRGBD" / "kv1", tmp_path / "SUNRGBD" / "kv1")
    with pytest.raises(FileNotFoundError, match=r"allsplit\.mat: no such file; .*SUNRGBDtoolbox\.zip"):
        open_public("sunrgbd", tmp_path, "test")
    table = root / "SUNRGBDtoolbox" / "traintestSUNRGBD" / "allsplit.mat"
    # What the table names and the disk has not is missing.
    with pytest.raises(FileNotFoundError, match=r"3 files of SUN RGB-D, split test, are missing"):
        open_public("sunrgbd", tmp_path, "test", split_table=str(table))
