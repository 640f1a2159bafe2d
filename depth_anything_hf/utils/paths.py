# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Paths below `~`, wherever they are given: in a flag, a recipe, a field of a dataclass, or a call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


_STARTS = ("~/", f"~{os.sep}")


def expand_home(value: Any) -> Any:
    """Expand `~` alone and `~/` at the start of a path or of text, also inside lists and mappings.

    Other values, also names such as `~user` and `a~b`, are returned as they are, the same object.
    """
    if isinstance(value, str):
        return os.path.expanduser(value) if value == "~" or value.startswith(_STARTS) else value
    if isinstance(value, Path):
        expanded = expand_home(str(value))
        return value if expanded == str(value) else Path(expanded)
    if isinstance(value, list):
        return [expand_home(each) for each in value]
    if isinstance(value, dict):
        return {key: expand_home(each) for key, each in value.items()}
    return value


def local_path(value: str | os.PathLike[str]) -> Path:
    """Return a path with `~/` at its start expanded."""
    return Path(expand_home(os.fspath(value)))


def expand_word(word: str) -> str:
    """Expand `~` in a word of a command line, also behind an equals sign, where most shells leave it."""
    name, equals, value = word.partition("=")
    return f"{name}={expand_home(value)}" if equals and name.startswith("-") else str(expand_home(word))
