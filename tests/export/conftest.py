# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of all kinds, saved with their processors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_exports import SaveModel, save_tiny


@pytest.fixture
def save_model(tmp_path: Path) -> SaveModel:
    """A function from fields of a configuration, and of a processor, to the folder of a model."""
    return partial(save_tiny, tmp_path / "model")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """50 pictures of soft structure."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(50):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder
