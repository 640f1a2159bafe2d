# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of flags and recipes: converters, and what is wrong with a value of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_origin

from ..utils.typed_fields import KIND_WORDS, real_number, whole_number


# What a value of YAML may be, beside text, which is converted like a flag.
_SCALARS: dict[Any, tuple[type, ...]] = {
    int: (int, float),
    float: (int, float),
    bool: (bool, int),
    str: (int, float),
}

CONVERTERS: dict[Any, Callable[[str], Any]] = {int: whole_number, float: real_number}


def fault_of(value: Any, hint: Any, *, may_be_mapping: bool) -> str:
    """Say what is wrong with the kind of a value that YAML gave, and what was expected; "" if nothing is.

    Args:
        value: as YAML gives it; text is not looked into.
        hint: type of the field: int, float, bool, str, list[str], or one of them or None.
        may_be_mapping: whether a mapping is welcome too, in a list as its item.
    """
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not type(None)]
    kind = list if get_origin(hint) is list else kinds[0]
    if value is None:
        is_optional = type(None) in get_args(hint)
        return "" if is_optional else f"empty, expected {_in_words(kind)}; leave the line out for the default"
    if kind is list:
        items = value if isinstance(value, list) else [value]
        if not items:
            return "an empty list, expected at least one entry"
        faults = [fault_of(item, str, may_be_mapping=may_be_mapping) for item in items]
        return next(filter(None, faults), "")
    if isinstance(value, str) or (may_be_mapping and isinstance(value, dict)):
        return ""
    is_right = isinstance(value, _SCALARS[kind]) and (kind is bool or not isinstance(value, bool))
    if is_right:
        return ""
    quotes = "; write it in quotes" if kind is str and not isinstance(value, list | dict) else ""
    return f"{value!r}, expected {_in_words(kind)}{quotes}"


def _in_words(kind: Any) -> str:
    return "a list" if kind is list else KIND_WORDS[kind]


__all__ = ["CONVERTERS", "fault_of"]
