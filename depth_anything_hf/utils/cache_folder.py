# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where this package keeps what can be made again: indexes of data, converted models."""

from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import constants

from .paths import local_path


CACHE_VARIABLE = "DEPTH_ANYTHING_HF_CACHE"


def cache_folder(part: str) -> Path:
    """Return the folder of one part of the cache, which need not be there, e.g. of "engines".

    It is in the folder that the environment variable `DEPTH_ANYTHING_HF_CACHE` names, by default in
    `depth_anything_hf/` below the home of Hugging Face (`HF_HOME`).
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    return (local_path(chosen) if chosen else Path(constants.HF_HOME) / "depth_anything_hf") / part
