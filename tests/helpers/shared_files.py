# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Genuine files, too large for the repository, in a folder `shared` beside it; tests skip where it is missing."""

from __future__ import annotations

import pathlib


SHARED_FOLDER = pathlib.Path(__file__).parents[3] / "shared"
SHARED_FORMATS = SHARED_FOLDER / "data" / "formats"
SHARED_PHOTOS = SHARED_FOLDER / "data" / "photos"
