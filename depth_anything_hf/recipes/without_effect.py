# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags that have no effect beside the other arguments: whoever writes one on a command line expects one.

A recipe, which is written for several runs, may hold them ready, and so may a script's `--push_to_hub false`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


# Values of other arguments beside which an argument has no effect.
BESIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "lr_decay_share": {"lr_scheduler_type": ("constant",)},
    "adam_beta1": {"optimizer": ("adafactor",)},
    "adam_beta2": {"optimizer": ("adafactor", "sgd")},
}


def find_without_effect(parts: Iterable[Any], flags: set[str]) -> str | None:
    """Return why a flag has no effect, as a line of text; None if all have one.

    Args:
        parts: dataclasses with the values of all arguments. Their `_belongs_to` names the argument, or several of
            which one is enough, without which another has no effect.
        flags: names of the arguments that the command line itself gives.
    """
    parts = list(parts)
    values = {name: value for part in parts for name, value in vars(part).items()}
    partners = {name: others for part in parts for name, others in getattr(part, "_belongs_to", {}).items()}
    for name in (each for each in values if each in flags and values[each]):
        reason = _without(partners.get(name, ()), values, flags) or _beside(name, values, flags)
        if reason:
            return f"{name} is {values[name]}, but it has no effect {reason}"
    return None


def _without(partners: str | tuple[str, ...], values: Mapping[str, Any], flags: set[str]) -> str | None:
    known = [each for each in ([partners] if isinstance(partners, str) else partners) if each in values]
    is_switched_off = any(values[each] is False and each in flags for each in known)
    if not known or is_switched_off or any(values[each] for each in known):
        return None
    are = f"which is {values[known[0]]}; give both" if len(known) == 1 else "of which none is given; give one"
    return f"without {' or '.join(known)}, {are}, or leave it out"


def _beside(name: str, values: Mapping[str, Any], flags: set[str]) -> str | None:
    for other, without_effect in BESIDE.get(name, {}).items():
        if values.get(other) in without_effect:
            return f"with {other} {values[other]}; leave it out"
    # Where both are flags, the number of steps wins, as in transformers.
    if name == "num_train_epochs" and values.get("max_steps", -1) > 0 and "max_steps" not in flags:
        return f"beside max_steps, which is {values['max_steps']} in the recipe; give --max_steps -1 as well"
    if name == "max_output" and "max_depth" in values:
        return "on a metric model, whose output ends at max_depth; leave it out"
    return None


__all__ = ["find_without_effect"]
