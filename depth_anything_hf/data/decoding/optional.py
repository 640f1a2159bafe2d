# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Import packages of extras, which few files need."""

from __future__ import annotations

import importlib
from types import ModuleType


def import_optional(package: str | tuple[str, ...], extra: str = "readers") -> ModuleType:
    """Import a package of an extra, or the first that is installed of several that offer the same.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    names = (package,) if isinstance(package, str) else package
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            reason = error
    raise ImportError(
        f"{names[0].partition('.')[0]} is needed to read this file; install it with: pip install "
        f"'depth_anything_hf[{extra}]'"
    ) from reason
