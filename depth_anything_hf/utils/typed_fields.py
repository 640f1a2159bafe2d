# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of the types that dataclasses declare: YAML gives 1e3 as text, and Python checks no field."""

from __future__ import annotations

import collections.abc
import math
import numbers
import os
import types
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from .paths import expand_home


_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def whole_number(text: str) -> int:
    """Return a whole number, which may be written 1000, 1e3 or 1000.0."""
    try:
        return int(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
    if not number.is_integer():
        raise ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(number)


def real_number(text: str) -> float:
    """Return a number; nan, with which nothing can be computed, is none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ArgumentTypeError(f"expected a number, got {text!r}")
    return number


def convert_fields(instance: Any, prefix: str = "", skip: Sequence[str] = ()) -> None:
    """Bring the fields of a dataclass to their types, in place: text to numbers and truth values, paths to text.

    Text that begins with `~/` is a path of the user's home, also in lists.

    Fields of types other than bool, int, float, str, lists and mappings of them, or one of them or None, are left
    alone. A number stays as it is where it fits.

    Args:
        instance: to be called from its `__post_init__`.
        prefix: starts the messages.
        skip: fields that the dataclass converts itself; only `~/` is expanded.

    Raises:
        ValueError: a value of another kind; the message names the field, what was expected and what came.
    """
    hints = get_type_hints(type(instance))
    for each in fields(instance):
        value = getattr(instance, each.name)
        try:
            converted = _expanded(value) if each.name in skip else convert(value, hints[each.name])
        except ValueError as error:
            raise ValueError(f"{prefix}{each.name} {error}") from None
        if converted is not value:
            # Also of frozen dataclasses.
            object.__setattr__(instance, each.name, converted)


def convert(value: Any, hint: Any) -> Any:
    """Return a value as its type hint wants it; the same object where it already is.

    Raises:
        ValueError: a value of another kind; the message says what was expected, and what came.
    """
    kinds = [kind for kind in (get_args(hint) if _is_union(hint) else (hint,)) if kind is not type(None)]
    if value is None:
        if _is_union(hint) or hint is Any or hint is None:
            return None
        raise ValueError(f"must be {_in_words(kinds[0])}, got {value!r}; leave it out for the default")
    if len(kinds) != 1:
        return _expanded(value)
    kind = kinds[0]
    if kind in KIND_WORDS:
        return _scalar(value, kind)
    origin = get_origin(kind)
    if origin in (list, tuple, collections.abc.Sequence) and get_args(kind):
        return _sequence(value, get_args(kind)[0])
    if origin in (dict, collections.abc.Mapping) and not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping, got {value!r}")
    return value


def _sequence(value: Any, item: Any) -> Any:
    if isinstance(value, Mapping):
        raise ValueError(f"must be a list, got {value!r}")
    if isinstance(value, str) or not isinstance(value, collections.abc.Iterable):
        # One value needs no list.
        return convert(value, item)
    if item not in (int, float):
        return _expanded(value)
    values = list(value)
    converted = [convert(each, item) for each in values]
    changed = any(new is not old for new, old in zip(converted, values, strict=True))
    return type(value)(converted) if changed and isinstance(value, list | tuple) else value


def _expanded(value: Any) -> Any:
    """Return text, a path or a list of them with `~/` expanded; the same object where there is none."""
    if not isinstance(value, str | os.PathLike | list):
        return value
    expanded = expand_home(value)
    return value if expanded == value else expanded


def _scalar(value: Any, kind: type) -> Any:
    fault = f"must be {_in_words(kind)}, got {value!r}"
    is_truth = isinstance(value, bool)
    if kind is bool:
        if is_truth:
            return value
        if isinstance(value, str) and value.strip().lower() in _TRUTH:
            return _TRUTH[value.strip().lower()]
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        raise ValueError(fault)
    if kind is str:
        if isinstance(value, str) or (isinstance(value, numbers.Real) and not is_truth):
            return expand_home(value)
        if isinstance(value, os.PathLike):
            return expand_home(os.fspath(value))
        raise ValueError(f"{fault}; in YAML, write it in quotes")
    try:
        if isinstance(value, str):
            return whole_number(value) if kind is int else real_number(value)
    except ArgumentTypeError:
        raise ValueError(fault) from None
    if is_truth or not isinstance(value, numbers.Real) or value != value:
        raise ValueError(fault)
    if kind is int and not isinstance(value, numbers.Integral):
        whole = float(value)
        if not whole.is_integer():
            raise ValueError(fault)
        return int(whole)
    return value


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _in_words(kind: Any) -> str:
    if get_origin(kind) in (list, tuple, collections.abc.Sequence):
        return "a list"
    return KIND_WORDS.get(kind, "a mapping" if get_origin(kind) in (dict, collections.abc.Mapping) else "a value")


__all__ = ["KIND_WORDS", "convert", "convert_fields", "real_number", "whole_number"]
