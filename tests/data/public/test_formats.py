# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Formats of public datasets need packages of an extra, which is told."""

from __future__ import annotations

import pathlib
import sys

import pytest
from public_datasets import DEPTH

from depth_anything_hf.data.public.catalog import open_public


def test_a_missing_package_is_told_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, roots: dict[str, pathlib.Path]
) -> None:
    samples = open_public("sintel", roots["sintel"])
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    assert samples[0]["depth"].shape == DEPTH.shape
    for name in ("nyu", "ibims"):
        with pytest.raises(ImportError, match=r"is needed .* pip install 'depth_anything_hf\[readers\]'"):
            open_public(name, roots[name])[0]
