# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A tiny checkpoint of the authors' code, as tensors."""

from __future__ import annotations

import pytest
from original_checkpoints import CHECKPOINT, load
from torch import Tensor


@pytest.fixture(scope="module")
def tiny_state() -> dict[str, Tensor]:
    return load(CHECKPOINT)
