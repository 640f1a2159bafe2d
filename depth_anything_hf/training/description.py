# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objective and data of a run as plain values, by which a resume knows whether it goes on with the same ones.

Only what is the same in every process and at every start has a place here: names of classes, parameters with which an
object was made, lengths and names of data. Weights, counters, addresses in memory and the content of files have none.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.transforms import TrainingTransform


# A longer one is content, not a parameter.
LONGEST_LIST = 100
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
        record: parts that the caller knows better, by their names; a list of sources as "data" gets their labels and
            lengths.
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
            {**{name: found[name] for name in ("label", "samples") if name in found}, **source}
            for found, source in zip(known, sources, strict=True)
        ]
    return {**derived, **given}


def describe_objective(objective: Any) -> dict[str, Any]:
    """Return the parts of a run's record that an objective decides."""
    objective = inspect.unwrap(objective)
    if inspect.isroutine(objective) or isinstance(objective, partial):
        described = describe(objective)
        if isinstance(described, str):
            return {"objective": described, "loss": {}}
        return {"objective": described.pop("class"), "loss": described}
    known = _parameters(objective)
    loss = {name: value for name, value in known.items() if name not in OWN_PARTS}
    if "relative_loss" in known:
        loss |= {name: value for name, value in known["relative_loss"].items() if name != "class"}
    parts: dict[str, Any] = {"objective": type(objective).__name__, "loss": loss}
    if hasattr(objective, "feature_encoder"):
        parts["feature_alignment"] = None
        if objective.feature_encoder is not None:
            parts["feature_alignment"] = {"weight": known["feature_weight"], "tolerance": known["feature_tolerance"]}
    if hasattr(objective, "teacher"):
        parts["teacher"] = known.get("teacher")
    return parts


def describe_source(source: Any) -> dict[str, Any]:
    """Return what tells a dataset of samples from another: class, label, length, first and last name, options."""
    # A dataset of tensors is wrapped.
    source = inspect.unwrap(source)
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
    path = os.path.expanduser(str(name))
    return os.path.abspath(path) if os.path.exists(path) else name


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
        return describe(value.tolist()) if value.size <= LONGEST_LIST else f"array {list(value.shape)}"
    if isinstance(value, Sequence | Mapping | AbstractSet) and len(value) > LONGEST_LIST:
        return f"{len(value)} entries"
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
    kept = {name: vars(made)[name] for name in names if name in getattr(made, "__dict__", {})}
    return {
        name: type(value).__name__ if isinstance(value, nn.Module) else describe(value, depth)
        for name, value in kept.items()
        if not isinstance(value, Tensor)
    }


__all__ = ["absolute_path", "describe", "describe_objective", "describe_run", "describe_source"]
