# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of models that could not be found, with the name that was looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def name_what_is_missing(name: str) -> Iterator[None]:
    """Put `name` before an `OSError` of transformers' `from_pretrained` that does not say what was looked for.

    Without a network it speaks of the Hub alone.

    Args:
        name: model id on the Hub, or a folder.

    Raises:
        OSError: as within, with the name.
    """
    try:
        yield
    except OSError as error:
        if os.path.isdir(name) or name in str(error):
            raise
        raise OSError(f"{name}: no such folder, and no such model could be loaded from the Hub. {error}") from error
