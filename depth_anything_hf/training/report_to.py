# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which trackers a run reports to: names, all that are installed, or trackers of one's own."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Sequence
from typing import Any


NONE, ALL = "none", "all"
TRACKERS = ("tensorboard", "wandb", "trackio")


class OwnTracker(str):
    """The name of a tracker of one's own, an Accelerate `GeneralTracker`, which goes with it but into no record."""

    __slots__ = ("tracker",)
    tracker: Any

    def __new__(cls, tracker: Any) -> OwnTracker:
        """Return the name of a tracker."""
        name = super().__new__(cls, tracker.name)
        name.tracker = tracker
        return name

    def __deepcopy__(self, _: Any) -> str:
        """Return the name alone, as a record of the arguments has it."""
        return str(self)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def tracker_names(report_to: Any) -> list[str]:
    """Return trackers as a list of names without repetition; none gives ["none"].

    Args:
        report_to: a name, a `GeneralTracker`, a list of them, or None.

    Raises:
        ValueError: an unknown name, or "none" beside others.
    """
    given = report_to if isinstance(report_to, list | tuple) else [report_to]
    names: list[str] = []
    for each in given:
        is_own = not isinstance(each, str) and isinstance(getattr(each, "name", None), str) and hasattr(each, "log")
        name = NONE if each is None else OwnTracker(each) if is_own else each
        if not isinstance(name, OwnTracker) and name not in (NONE, ALL, *TRACKERS):
            close = difflib.get_close_matches(str(name), (NONE, ALL, *TRACKERS), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"report_to is {name!r}, expected {', '.join((NONE, ALL, *TRACKERS))}, several of them, or from "
                f"Python a GeneralTracker of Accelerate{hint}"
            )
        if name not in names:
            names.append(name)
    if NONE in names and len(names) > 1:
        raise ValueError(f"report_to is {names}; 'none' cannot be combined with others")
    return names or [NONE]


def chosen_trackers(report_to: Sequence[str]) -> list[str]:
    """Return the trackers that names stand for; "all" stands for those whose packages are installed."""
    installed = [name for name in TRACKERS if importlib.util.find_spec(name) is not None] if ALL in report_to else []
    return list(dict.fromkeys([*installed, *(name for name in report_to if name not in (NONE, ALL))]))


__all__ = ["ALL", "NONE", "TRACKERS", "OwnTracker", "chosen_trackers", "tracker_names"]
