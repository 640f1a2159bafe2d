# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The error of an option that cannot be used, with which commands end in exit code 2."""

from __future__ import annotations

import numbers
from argparse import ArgumentTypeError
from typing import Any


class OptionError(ValueError, ArgumentTypeError):
    """The value of one option or argument cannot be used, whatever the data; the message says what was expected.

    It is one of `argparse`, whose parsers then show its message and not their own.
    """


def check_count(name: str, value: Any) -> None:
    """Check the argument `name`, a number of things.

    Raises:
        OptionError: no whole number, or less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise OptionError(f"{name} must be a whole number of at least 1, got {value!r}")
    if value < 1:
        raise OptionError(f"{name} must be at least 1, got {value}")
