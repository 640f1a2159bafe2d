# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where indexes lie, and whether there are any: environment variables, read whenever data are opened."""

from __future__ import annotations

import os
from pathlib import Path

from ...utils.cache_folder import cache_folder


MODE_VARIABLE = "DEPTH_ANYTHING_HF_INDEX"
AUTO, OFF, REBUILD, ALWAYS = "auto", "off", "rebuild", "always"
_MODES = {"": AUTO, "auto": AUTO, "1": AUTO, "on": AUTO, "0": OFF, "off": OFF, "rebuild": REBUILD, "always": ALWAYS}
# Opening so many files again takes less time than it takes to notice.
FEW_FILES, SMALL_LIST_BYTES = 2_000, 100_000
UNUSED_DAYS = 30


def index_mode() -> str:
    """Return when indexes are kept: for many files, never, for many files anew, or for any number.

    Raises:
        ValueError: the environment variable says something else.
    """
    value = os.environ.get(MODE_VARIABLE, "")
    mode = _MODES.get(value.strip().lower())
    if mode is None:
        raise ValueError(
            f"the environment variable {MODE_VARIABLE} is {value!r}, expected 0 (no index of data is kept), 1 or auto "
            f"(of sources of {FEW_FILES:,} files and more), rebuild (made anew), or always (of small sources too)"
        )
    return mode


def index_folder() -> Path:
    """Return the folder of all indexes; it may be deleted at any time."""
    return cache_folder("indexes").absolute()
