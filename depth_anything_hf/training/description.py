# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objective and data of a run as plain values, by which a resume knows whether it goes on with the same ones.

Only what is the same in every process and at every start has a place here: names of classes, parameters with which an
object was made, lengths and names of data. Weights, counters, addresses in memory and the content of files have none.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.row_filter import LeftOut
from ..data.rows_left_out import KeptRows
from ..data.transforms import TrainingTransform
from ..utils.paths import expand_home
from ..utils.redaction import redact_name
from .objectives import Distillation


# A longer one is content, not a parameter.
LONGEST_LIST = 100
PLAIN = (bool, int, float, str, np.generic)
DEEPEST = 6
# Parameters of `objectives.Distillation` that have a part of their own, or follow from the models.
OWN_PARTS = ("relative_loss", "teacher", "feature_encoder", "feature_weight", "feature_tolerance", "student_width")


def describe_run(
    objective: Any, data: Any, record: Mapping[str, Any] | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """Return what makes a run what it is beside its arguments, as values that JSON has.

    Args:
        objective: function or object; one that wraps another says so by `__wrapped__`, as `functools.wraps` does.
        data: a `Mixture` or `StreamingMixture`.
        record: parts that the caller knows better, by their names; a list of sources as "data" gets their labels,
            lengths, and what is left out of them.
        seed: of the run; that of the data is named where it is another one.

    Returns:
        "objective" (name of class or function), "loss", "feature_alignment", "teacher", "data" (a dict per source),
        "augmentation", and the caller's further parts.
    """
    derived = {**describe_objective(objective), **_describe_data(data, seed)}
    given = {str(name): describe(value) for name, value in (record or {}).items()}
    sources, known = given.get("data"), derived["data"]
    if isinstance(sources, list) and len(sources) == len(known) and all(isinstance(each, dict) for each in sources):
        given["data"] = [
            {**{name: found[name] for name in ("label", "samples", "left_out") if name in found}, **source}
            for found, source in zip(known, sources, strict=True)
        ]
    return {**derived, **given}


def describe_objective(objective: Any) -> dict[str, Any]:
    """Return the parts of a run's record that an objective decides.

    A function is its name and the plain values that it reads from around it or has as defaults; a bound method is that
    of an object with parameters. What a function does is not looked at.
    """
    objective = inspect.unwrap(objective)
    if isinstance(objective, partial):
        inner = describe_objective(objective.func)
        keywords = {name: describe(value) for name, value in objective.keywords.items()}
        positional = {"arguments": describe(objective.args)} if objective.args else {}
        return {**inner, "loss": {**inner["loss"], **positional, **keywords}}
    if inspect.ismethod(objective) and not isinstance(objective.__self__, type):
        whole = describe_objective(objective.__self__)
        name = "" if objective.__name__ == "__call__" else f".{objective.__name__}"
        return {**whole, "objective": f"{whole['objective']}{name}"}
    if inspect.isroutine(objective):
        return {"objective": objective.__name__, "loss": _plain_values(objective)}
    known = _parameters(objective)
    parts: dict[str, Any] = {"objective": type(objective).__name__, "loss": known}
    if isinstance(objective, Distillation):
        parts["loss"] = {name: value for name, value in known.items() if name not in OWN_PARTS}
        parts |= {"feature_alignment": None, "teacher": known["teacher"]}
        if objective.feature_encoder is not None:
            parts["feature_alignment"] = {"weight": known["feature_weight"], "tolerance": known["feature_tolerance"]}
    if isinstance(known.get("relative_loss"), dict):
        terms = {name: value for name, value in known["relative_loss"].items() if name != "class"}
        parts["loss"] = {**{name: each for name, each in parts["loss"].items() if name != "relative_loss"}, **terms}
    return parts


def describe_source(source: Any) -> dict[str, Any]:
    """Return what tells a dataset of samples from another: class, label, length, first and last name, options."""
    # A dataset of tensors is wrapped.
    source = inspect.unwrap(source)
    if isinstance(source, KeptRows):
        whole, first, last = describe_source(source.samples), source.name_of(0), source.name_of(len(source) - 1)
        own = {"samples": len(source), "first": absolute_path(first), "last": absolute_path(last)}
        return whole | own | {"left_out": source.left_out.record()}
    found: dict[str, Any] = {"class": type(source).__name__, "label": getattr(source, "label", None)}
    try:
        found["samples"] = len(source)
    except TypeError:
        # A stream has no length.
        found["samples"] = None
    # What is None is named too: an entry that an earlier record lacks is not compared.
    found |= {name: value for name, value in _parameters(source).items() if name != "label"}
    if found["samples"]:
        name_of = _name_of(source)
        if name_of is not None:
            found |= {"first": absolute_path(name_of(0)), "last": absolute_path(name_of(found["samples"] - 1))}
    left_out = getattr(source, "left_out", None)
    if isinstance(left_out, LeftOut):
        found["left_out"] = left_out.record()
    rules = getattr(source, "rules", None)
    if rules is not None:
        found |= {name: value for name, value in _parameters(rules).items() if name != "label"}
    return found


def _name_of(source: Any) -> Callable[[int], Any] | None:
    """Return what names a sample by its index; None where nothing does."""
    if hasattr(source, "read_encoded"):
        # Rows of tar archives are recorded by the names of their images, as earlier versions did, not by their keys.
        return lambda index: source.read_encoded(index)[0]
    names = getattr(source, "names", None)
    return getattr(source, "name_of", None) or (names.__getitem__ if isinstance(names, Sequence) else None)


def absolute_path(name: Any) -> Any:
    """Return the absolute path of a file or folder that exists, links not followed; other names as they are."""
    path = expand_home(str(name))
    return os.path.abspath(path) if os.path.exists(path) else name


def without_places(value: Any) -> Any:
    """Return plain values with the paths in them told apart, but not named, so that they may be published.

    Of an absolute path the last part is left and a checksum of where it leads, which a link to it shares.
    """
    if isinstance(value, Mapping):
        return {key: without_places(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(each) for each in value]
    if isinstance(value, str) and os.path.isabs(value):
        digest = hashlib.sha256(os.fsencode(os.path.realpath(value))).hexdigest()[:16]
        return f"{redact_name(value)} (path, sha256 {digest})"
    return value


def describe(value: Any, depth: int = DEEPEST) -> Any:
    """Return a value as JSON has it; an object becomes its class and the parameters that it was made with.

    Args:
        value: any.
        depth: how many levels of objects and collections are looked into.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    if isinstance(value, np.ndarray):
        return (
            describe(value.tolist()) if value.size <= LONGEST_LIST else f"array {list(value.shape)}{_checksum(value)}"
        )
    if isinstance(value, Sequence | Mapping | AbstractSet) and len(value) > LONGEST_LIST:
        return f"{len(value)} entries{_checksum(value)}"
    if depth == 0:
        return type(value).__name__
    if isinstance(value, Mapping):
        return {str(key): describe(each, depth - 1) for key, each in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((describe(each, depth - 1) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [describe(each, depth - 1) for each in value]
    if isinstance(value, partial):
        keywords = {name: describe(each, depth - 1) for name, each in value.keywords.items()}
        return {"class": describe(value.func), **keywords}
    if isinstance(value, type) or inspect.isroutine(value):
        # Not the qualified name, which is another one where a script was a notebook.
        return value.__name__
    return {"class": type(value).__name__, **_parameters(value, depth - 1)}


def _describe_module(module: nn.Module, depth: int) -> Any:
    """Return a module's class, with its plain parameters where it has some, as losses do."""
    name = type(module).__name__
    known = _parameters(module, depth - 1) if depth > 0 else {}
    plain = {each: value for each, value in known.items() if isinstance(value, PLAIN)}
    return {"class": name, **plain} if plain else name


def _checksum(values: Any) -> str:
    """Return what tells a long list of numbers or words, such as the indices of a subset, from another; else ""."""
    digest = hashlib.sha256()
    if isinstance(values, list | tuple | range):
        if not all(isinstance(each, PLAIN) for each in values):
            return ""
        for each in values:
            digest.update(f"{describe(each)!r},".encode())
    elif isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        digest.update(np.ascontiguousarray(values).tobytes())
    else:
        return ""
    return f", sha256 {digest.hexdigest()[:16]}"


def _plain_values(function: Any) -> dict[str, Any]:
    """Return the numbers, words and truth values that a function reads from around it or has as defaults."""
    if not isinstance(function, FunctionType):
        return {}
    used = list(_instructions(function.__code__))
    # What the function itself assigns anew counts something.
    assigned = {name for operation, name in used if operation.startswith(("STORE_", "DELETE_"))}
    values = {
        name: function.__globals__.get(name)
        for operation, name in used
        if operation == "LOAD_GLOBAL" and not name.startswith("__")
    }
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        # A cell is empty until its variable is set.
        with suppress(ValueError):
            values[name] = cell.cell_contents
    values = {name: value for name, value in values.items() if name not in assigned}
    parameters = inspect.signature(function).parameters.values()
    values |= {each.name: each.default for each in parameters if each.default is not each.empty}
    return {name: describe(value) for name, value in values.items() if isinstance(value, PLAIN)}


def _instructions(code: CodeType) -> Iterator[tuple[str, str]]:
    """Yield operations of a function and of those within it, with the names of their variables."""
    for each in dis.get_instructions(code):
        yield each.opname, str(each.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _instructions(inner)


def _describe_data(data: Any, seed: int) -> dict[str, Any]:
    opened, weights = getattr(data, "sources", []), getattr(data, "weights", None)
    sources = [
        {"name": absolute_path(name), "weight": describe(weight), **describe_source(source)}
        for name, weight, source in zip(
            getattr(data, "names", []), [None] * len(opened) if weights is None else weights, opened, strict=True
        )
    ]
    transforms = [_describe_transform(each) for each in getattr(data, "transforms", [])]
    same = all(each == transforms[0] for each in transforms)
    own_seed = getattr(data, "seed", seed)
    return {
        "data": sources,
        "data_seed": None if own_seed == seed else own_seed,
        "augmentation": transforms[0] if transforms and same else transforms,
    }


def _describe_transform(transform: Any) -> Any:
    return _parameters(transform) if isinstance(transform, TrainingTransform) else describe(transform)


def _parameters(made: Any, depth: int = DEEPEST) -> dict[str, Any]:
    """Return the parameters of an object's class that the object keeps by their names; weights are left out."""
    if is_dataclass(made):
        names = [each.name for each in fields(made) if each.init]
    else:
        try:
            names = list(inspect.signature(type(made).__init__).parameters)
        except (TypeError, ValueError):
            names = []
    attributes = {**getattr(made, "__dict__", {}), **(made._modules if isinstance(made, nn.Module) else {})}
    # Kept under its own name, or with an underscore as what is nobody else's business.
    kept = {
        name: attributes[kept_as]
        for name in names
        for kept_as in (name, f"_{name}")
        if kept_as in attributes and (kept_as == name or name not in attributes)
    }
    return {
        name: _describe_module(value, depth) if isinstance(value, nn.Module) else describe(value, depth)
        for name, value in kept.items()
        if not isinstance(value, Tensor)
    }


__all__ = ["absolute_path", "describe", "describe_objective", "describe_run", "describe_source", "without_places"]
