# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Genuine files, too large for the repository, in a folder `shared` beside it; tests skip where it is missing."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest


SHARED_FOLDER = pathlib.Path(__file__).parents[3] / "shared"
SHARED_FORMATS = SHARED_FOLDER / "data" / "formats"
SHARED_PHOTOS = SHARED_FOLDER / "data" / "photos"
SHARED_DEVICES = SHARED_FOLDER / "data" / "devices"


def device_file(folder: str, name: str) -> pathlib.Path:
    """A genuine file of a device; the test is skipped where it is not there, or what reads HEIC is not installed."""
    path = SHARED_DEVICES / folder / name
    if path.suffix == ".heic":
        pytest.importorskip("pillow_heif")
    if not path.exists():
        pytest.skip(f"the genuine files of {SHARED_DEVICES} are not here")
    return path


def device_meta(folder: str) -> tuple[pathlib.Path, dict[str, Any]]:
    """The genuine file of a folder, and what its `meta.json` tells of it."""
    told: dict[str, Any] = json.loads(device_file(folder, "meta.json").read_text(encoding="utf-8"))
    return device_file(folder, told["file"]), told
