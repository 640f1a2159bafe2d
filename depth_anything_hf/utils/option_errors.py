# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The error of an option that cannot be used, with which commands end in exit code 2."""

from __future__ import annotations

import difflib
import numbers
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Check the argument `name`; None among the choices stands for an argument that is left out.

    Raises:
        OptionError: the value is none of the choices; the message has the nearest one.
    """
    if value not in choices:
        named = [each for each in choices if each is not None]
        nearest = difflib.get_close_matches(str(value), map(str, named), n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise OptionError(f"{name} must be one of {named}, got {value!r}{hint}")


@contextmanager
def option_errors() -> Iterator[None]:
    """Context manager: what is a ValueError inside, where only options are looked at, is an OptionError."""
    try:
        yield
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(str(error)) from error
