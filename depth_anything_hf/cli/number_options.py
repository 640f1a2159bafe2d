# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers of options, read as those of recipes are: 1e9 is a whole number, nan is none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import typer
from typer.models import ParameterInfo

from ..utils.typed_fields import convert


def read_numbers(command: Callable[..., Any]) -> None:
    """Let the options of a command take numbers as recipes do, in place of the parser's own rules."""
    signature = inspect.signature(command, eval_str=True)
    for parameter in signature.parameters.values():
        hint, *metadata = get_args(parameter.annotation) or (None,)
        kind = next((each for each in (int, float) if each in (hint, *get_args(hint))), None)
        for option in metadata:
            if kind is not None and isinstance(option, ParameterInfo):
                option.parser = partial(_read, kind, option.min)
    # Annotations that are text would be evaluated anew, with other options.
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}


def _read(kind: type, least: float | None, given: Any) -> Any:
    try:
        number = convert(given, kind, may_be_infinite=True)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if least is not None and number < least:
        raise typer.BadParameter(f"must be at least {least}, got {number}")
    return number
