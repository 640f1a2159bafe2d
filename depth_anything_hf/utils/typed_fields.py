# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Values of the types that dataclasses declare: YAML gives 1e3 as text, and Python checks no field."""

from __future__ import annotations

import collections.abc
import difflib
import math
import numbers
import os
import types
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .option_errors import OptionError
from .paths import expand_home


# Text that is a truth value, as `transformers.HfArgumentParser` and YAML have it.
_TRUTH = {
    **dict.fromkeys(("true", "yes", "on", "t", "y", "1"), True),
    **dict.fromkeys(("false", "no", "off", "f", "n", "0"), False),
}
# Text that stands for nothing where a number or a truth value is meant.
_NOTHING = ("none", "null")
_KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_PLURALS = {int: "whole numbers", float: "numbers", str: "texts"}
_LISTS = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping)


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


# What flags are read by.
CONVERTERS: dict[Any, Callable[[str], Any]] = {int: whole_number, float: real_number}


def convert_fields(
    instance: Any, prefix: str = "", skip: Collection[str] = (), may_be_infinite: Collection[str] = ()
) -> None:
    """Bring the fields of a dataclass to their types, in place: text to numbers and truth values, paths to text.

    Text that begins with `~/` is a path of the user's home, also in lists. See `convert` for what is done.

    Args:
        instance: to be called from its `__post_init__`.
        prefix: starts the messages.
        skip: fields that the dataclass converts itself; only `~/` is expanded.
        may_be_infinite: fields in which infinity has a meaning, beside those whose default it is.

    Raises:
        ValueError: a value of another kind; the message names the field, what was expected and what came.
    """
    hints = get_type_hints(type(instance))
    for each in fields(instance):
        value = getattr(instance, each.name)
        is_limit = each.name in may_be_infinite or each.default == math.inf
        try:
            converted = (
                _expanded(value) if each.name in skip else convert(value, hints[each.name], may_be_infinite=is_limit)
            )
        except ValueError as error:
            raise ValueError(f"{prefix}{each.name} {error}") from None
        if converted is not value:
            # Also of frozen dataclasses.
            object.__setattr__(instance, each.name, converted)


def convert_argument(name: str, value: Any, hint: Any, *, may_be_infinite: bool = False) -> Any:
    """Return the argument of a function as its type hint wants it; see `convert`.

    Raises:
        ValueError: a value of another kind; the message begins with the name.
    """
    try:
        return convert(value, hint, may_be_infinite=may_be_infinite)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def convert(value: Any, hint: Any, *, may_be_infinite: bool = False) -> Any:
    """Return a value as its type hint wants it; the same object where it already is.

    Text becomes a number or a truth value where one is wanted, 3.0 the whole number 3, a number of NumPy a plain one,
    a number the text where text is wanted, and "None" nothing where that is possible. A list becomes a tuple where the
    hint says so, and a single value a list or tuple of one. Hints that say nothing of these are not looked at.

    Args:
        value: as it was given.
        hint: bool, int, float, str, a Literal, a list, tuple, Sequence or Mapping, a class, or several of them.
        may_be_infinite: whether infinity is a number here.

    Raises:
        ValueError: a value of another kind; the message says what was expected, and what came.
    """
    members = get_args(hint) if _is_union(hint) else (hint,)
    kinds = [kind for kind in members if kind is not type(None)]
    is_optional = hint in (Any, None) or len(kinds) < len(members)
    if value is None:
        if is_optional:
            return None
        raise ValueError(f"must be {_in_words(kinds)}, got {value!r}; leave it out for the default")
    if is_optional and isinstance(value, str) and value.strip().lower() in _NOTHING and hint is not Any:
        if all(kind in (bool, int, float) for kind in kinds):
            return None
        if value in ("None", "null") and str in kinds:
            raise ValueError(f"must be text or nothing, got {value!r}; leave it out for nothing, in YAML write null")
    if type(value).__module__ == "numpy" and value.shape == ():
        # Records are written as JSON, which has no numbers of NumPy.
        value = value.item()
    if len(kinds) != 1:
        return _one_of(value, kinds, may_be_infinite)
    return _of_kind(value, kinds[0], may_be_infinite)


def _of_kind(value: Any, kind: Any, may_be_infinite: bool) -> Any:
    if kind in _KIND_WORDS:
        return _scalar(value, kind, may_be_infinite)
    origin = get_origin(kind)
    if origin is Literal:
        return value if value in get_args(kind) else _scalar(value, type(get_args(kind)[0]), may_be_infinite)
    if origin in _LISTS and get_args(kind):
        return _sequence(value, kind, may_be_infinite)
    if (origin in _MAPPINGS or kind in _MAPPINGS) and not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping, got {value!r}")
    is_other = isinstance(kind, type) and is_dataclass(kind) and not isinstance(value, kind)
    is_plain = isinstance(kind, type) and isinstance(value, str | int | float | bool) and not _takes_plain(kind)
    if is_other or is_plain:
        raise ValueError(f"must be {_in_words([kind])}, got {value!r}")
    return value


def _one_of(value: Any, kinds: list[Any], may_be_infinite: bool) -> Any:
    """Return a value as one of several kinds; its own kind comes first, then their order."""
    if not all(kind in _KIND_WORDS or get_origin(kind) in (*_LISTS, Literal) for kind in kinds):
        return _expanded(value)
    own = [kind for kind in kinds if type(value) in (kind, get_origin(kind))]
    for kind in (*own, *kinds):
        try:
            if get_origin(kind) is Literal and value not in get_args(kind):
                continue
            return _of_kind(value, kind, may_be_infinite)
        except ValueError:
            continue
    raise ValueError(f"must be {_in_words(kinds)}, got {value!r}")


def _sequence(value: Any, kind: Any, may_be_infinite: bool) -> Any:
    """Return list, tuple or other sequence with its items converted; a number of NumPy's arrays is a plain one."""
    if isinstance(value, Mapping):
        raise ValueError(f"must be {_in_words([kind])}, got {value!r}")
    origin, items = get_origin(kind), get_args(kind)
    is_fixed = origin is tuple and items[-1] is not Ellipsis
    is_single = isinstance(value, str | os.PathLike) or not isinstance(value, collections.abc.Iterable)
    if is_single and is_fixed:
        raise ValueError(f"must be {_in_words([kind])}, got {value!r}")
    values = [value] if is_single else value.tolist() if hasattr(value, "tolist") else list(value)
    if is_fixed and len(values) != len(items):
        raise ValueError(f"must be {_in_words([kind])}, got {value!r}")
    hints = items if is_fixed else (items[0],) * len(values)
    try:
        converted = [
            convert(each, hint, may_be_infinite=may_be_infinite) for each, hint in zip(values, hints, strict=True)
        ]
    except ValueError:
        if is_single:
            raise ValueError(f"must be {_in_words([kind])}, got {value!r}") from None
        raise
    if is_single and origin not in (list, tuple):
        # One value needs no list.
        return converted[0]
    if isinstance(value, list | tuple):
        is_same = all(new is old for new, old in zip(converted, values, strict=True))
        if is_same and (origin not in (list, tuple) or isinstance(value, origin)):
            return value
        wanted = origin if origin in (list, tuple) else type(value)
        return wanted(converted)
    return tuple(converted) if origin is tuple else converted


def _expanded(value: Any) -> Any:
    """Return text, a path or a list of them with `~/` expanded; the same object where there is none."""
    if not isinstance(value, str | os.PathLike | list):
        return value
    expanded = expand_home(value)
    return value if expanded == value else expanded


def _scalar(value: Any, kind: type, may_be_infinite: bool) -> Any:
    fault = f"must be {_in_words([kind])}, got {value!r}"
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
        if isinstance(value, str):
            return expand_home(value)
        if isinstance(value, numbers.Real) and not is_truth:
            return str(value)
        if isinstance(value, os.PathLike):
            return expand_home(os.fspath(value))
        is_list = isinstance(value, collections.abc.Collection)
        raise ValueError(fault if is_list else f"{fault}; in YAML, write it in quotes")
    try:
        if isinstance(value, str):
            value = whole_number(value) if kind is int else real_number(value)
    except (ArgumentTypeError, OverflowError):
        raise ValueError(fault) from None
    if is_truth or not isinstance(value, numbers.Real) or value != value:
        raise ValueError(fault)
    if kind is int and not isinstance(value, int):
        whole = float(value)
        if not whole.is_integer():
            raise ValueError(fault)
        return int(whole)
    if value in (math.inf, -math.inf) and not may_be_infinite:
        raise ValueError(f"must be a finite number, got {value!r}")
    return value if isinstance(value, int | float) else float(value)


def require_ranges(instance: Any, ranges: Mapping[str, Iterable[str]], prefix: str = "") -> None:
    """Check that numbers of an object lie in their ranges; None is in every range.

    Args:
        instance: has the numbers as attributes.
        ranges: range in the notation of mathematics, such as "[0, 1)" or "(0, inf]" -> names of attributes.
        prefix: starts the message.

    Raises:
        OptionError: a number outside; the message names it and the range in words.
    """
    for interval, names in ranges.items():
        low, high = (float(each) for each in interval[1:-1].split(","))
        has_low, has_high = interval[0] == "[", interval[-1] == "]"
        for name in names:
            value = getattr(instance, name)
            if value is None:
                continue
            is_inside = (value >= low if has_low else value > low) and (value <= high if has_high else value < high)
            if not is_inside:
                start = f"{'at least' if has_low else 'more than'} {low:g}"
                end = "" if high == math.inf else f" and {'at most' if has_high else 'less than'} {high:g}"
                raise OptionError(f"{prefix}{name} is {value}, expected {start}{end}")


def nearest_of(name: Any, known: Iterable[str]) -> str:
    """Return what to say of a name that is not known: the nearest one that is, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _takes_plain(kind: type) -> bool:
    """Return whether text or a number may be an instance of a class, as of a protocol or an abstract class."""
    return getattr(kind, "_is_protocol", False) or kind is object or kind.__module__.startswith("typing")


def _in_words(kinds: list[Any]) -> str:
    return " or ".join(dict.fromkeys(_word_of(kind) for kind in kinds))


def _word_of(kind: Any) -> str:
    origin, items = get_origin(kind), get_args(kind)
    if origin in _LISTS and items:
        count = f"{len(items)} " if origin is tuple and items[-1] is not Ellipsis else ""
        return f"a list of {count}{_PLURALS.get(items[0], 'values')}"
    if origin in _MAPPINGS or kind in _MAPPINGS:
        return "a mapping"
    if origin is Literal:
        return "text" if len(items) > 3 else " or ".join(map(str, items))
    return _KIND_WORDS.get(kind) or (f"a {kind.__name__}" if isinstance(kind, type) else "a value")


__all__ = [
    "CONVERTERS",
    "convert",
    "convert_argument",
    "convert_fields",
    "nearest_of",
    "real_number",
    "require_ranges",
    "whole_number",
]
