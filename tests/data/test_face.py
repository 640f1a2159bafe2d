# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The face of the data room: every name is there, and imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from depth_anything_hf import data


HEAVY = ("datasets", "pyarrow", "torch", "transformers")


@pytest.mark.parametrize("name", data.__all__)
def test_every_name_is_imported_when_first_used(name: str) -> None:
    assert name in dir(data)
    assert getattr(data, name) is not None


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match=r"module 'depth_anything_hf.data' has no attribute 'DepthFodler'"):
        data.DepthFodler  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import depth_anything_hf.data", set()),
        ("from depth_anything_hf.data.decoding import images, depth_maps, disparity_codec, files, errors", set()),
        ("from depth_anything_hf.data import read_image, read_label, BrokenSampleError", set()),
        ("from depth_anything_hf.data import open_public, PUBLIC_DATASETS", set()),
        ("from depth_anything_hf.data import TrainingTransform, Mixture", {"torch"}),
    ],
)
def test_decoding_imports_neither_tables_nor_models(statement: str, allowed: set[str]) -> None:
    code = f"import sys\n{statement}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= allowed
