# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where tests marked `cuda` run: on the GPU, else nowhere; DEPTH_ANYTHING_HF_TEST_DEVICE=cpu tries them without one.

Their files are called test_*on_gpu.py, and `benchmarks/gpu.py` runs them all.
"""

from __future__ import annotations

import os

import pytest
import torch


DEVICE = torch.device(os.environ.get("DEPTH_ANYTHING_HF_TEST_DEVICE", "cuda"))
IS_TRIAL = DEVICE.type == "cpu"
# Without it cuBLAS does not repeat its sums bit for bit; it is read when the library starts.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

IS_MISSING = DEVICE.type == "cuda" and not torch.cuda.is_available()
REASON = "needs a GPU; DEPTH_ANYTHING_HF_TEST_DEVICE=cpu tries it without one"
# For `pytestmark`.
ON_GPU = [pytest.mark.cuda, pytest.mark.skipif(IS_MISSING, reason=REASON)]
NOT_ON_CPU = pytest.mark.skipif(IS_TRIAL, reason="a CPU has none of this")
