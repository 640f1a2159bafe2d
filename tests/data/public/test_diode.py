# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DIODE: masks, environments and splits."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from public_datasets import expected_depth, names_of

from depth_anything_hf.data.public.catalog import open_public


def test_diode(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("diode", roots["diode"])
    assert [name.split("/")[1] for name in names_of(samples)] == ["indoors", "outdoor"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[886.81, 0, 512], [0, 927.06, 384], [0, 0, 1]]))
    assert len(open_public("diode", roots["diode"], environment="outdoor")) == 1
    assert len(open_public("diode", roots["diode"] / "val")) == 2
    with pytest.raises(FileNotFoundError, match="no sample of DIODE, split train"):
        open_public("diode", roots["diode"] / "val", "train")
