# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers and truth values of environment variables, checked; what launchers and users write there is text."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .typed_fields import convert


def environment_number(
    *names: str, default: int = 0, at_least: int = 0, environment: Mapping[str, str] | None = None
) -> int:
    """Return the whole number in the first of these variables that is set and not empty.

    Args:
        names: of the variables.
        default: where none is set.
        at_least: the smallest number that has a meaning.
        environment: default: that of this process.

    Raises:
        ValueError: another text; the message names the variable.
    """
    values = os.environ if environment is None else environment
    name = next((each for each in names if values.get(each)), None)
    if name is None:
        return default
    try:
        number = int(convert(values[name], int))
    except ValueError:
        number = at_least - 1
    if number < at_least:
        raise ValueError(
            f"the environment variable {name} is {values[name]!r}, expected a whole number of at least {at_least}; "
            "unset it, or start the processes by a launcher, which sets it"
        )
    return number


def environment_flag(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether a variable says yes; one that is not set, or empty, says no.

    Args:
        name: of the variable.
        environment: default: that of this process.

    Raises:
        ValueError: another text; the message names the variable.
    """
    values = os.environ if environment is None else environment
    try:
        return bool(convert(values.get(name) or "no", bool))
    except ValueError:
        raise ValueError(
            f"the environment variable {name} is {values[name]!r}, expected true or false (1 or 0)"
        ) from None


__all__ = ["environment_flag", "environment_number"]
