# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is said to users: errors that they can mend in one line, and counts with the right form of a noun."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from . import printable_names


# What says what was expected, what came and what to do; other errors are bugs and keep their traceback.
USER_ERRORS = (ValueError, OSError, ImportError, FloatingPointError)


def one_line(error: BaseException) -> str:
    """Return the message of an error in one line; those of libraries have several."""
    return f"error: {printable_names.one_line(str(error)).strip() or type(error).__name__}"


def errors_in_one_line(main: Callable[[], Any]) -> Callable[[], Any]:
    """Let the main function of a script show an error that a user can mend as a command does, and exit with 1."""

    @wraps(main)
    def run() -> Any:
        try:
            return main()
        except USER_ERRORS as error:
            # Text, not a number: Python writes it to the standard error and exits with 1.
            sys.exit(one_line(error))

    return run


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: "1 shard", "3 shards"."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


__all__ = ["USER_ERRORS", "counted", "errors_in_one_line", "one_line"]
