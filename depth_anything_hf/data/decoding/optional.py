# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Import packages of extras, which few files need."""

from __future__ import annotations

import importlib
from types import ModuleType


def import_optional(package: str, extra: str = "readers") -> ModuleType:
    """Import a package of an extra.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{package} is needed to read this file; install it with: pip install 'depth_anything_hf[{extra}]'"
        ) from error
