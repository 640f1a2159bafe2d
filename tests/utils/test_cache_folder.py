# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where things are kept that can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE, cache_folder


def test_the_cache_is_below_the_home_of_hugging_face_or_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "")
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    assert cache_folder("engines") == tmp_path / "home" / "depth_anything_hf" / "engines"
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "own"))
    assert cache_folder("engines") == tmp_path / "own" / "engines"
    monkeypatch.setenv(CACHE_VARIABLE, "~/own")
    assert cache_folder("engines") == Path.home() / "own" / "engines"
    assert not (tmp_path / "own").exists()
