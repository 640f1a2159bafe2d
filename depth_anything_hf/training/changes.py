# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What differs between a run and its continuation: refused, or allowed by name and recorded."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from .arguments import BATCH_ARGUMENTS, MAY_CHANGE_ON_RESUME, NO_PART_IN_RESULT, TrainingArguments


RECIPE = "recipe"
# Change without permission, but have a part in what comes out.
RECORDED = tuple(name for name in MAY_CHANGE_ON_RESUME if name not in NO_PART_IN_RESULT)
# What nothing can allow, and why.
NEVER = {
    "encoder_strategy": "the state of the optimizer belongs to the parameters that were trained",
    "optimizer": "the state of one optimizer means nothing to another one",
    "lora_merge": "the folder has the final model in one of two forms",
    "recipe.student_layers": "the layers are those of the weights",
    **dict.fromkeys(("lora_rank", "lora_targets"), "the state of the optimizer belongs to the adapters"),
    "pure_bf16": "weights and the state of the optimizer would be rounded or widened on the way",
}
# That of the objective goes with the model's own.
MAX_DEPTH = "recipe.loss.max_depth"
ANOTHER_CAP = (
    "the model's output ends at its max_depth, which cannot change in a run: for another one, start a new run from "
    "the weights of this one (model_name_or_path, keep_decoder)"
)
# What runs did before their record had the entry.
BEFORE_IT_WAS_RECORDED = {
    "recipe.loss.silog_over": "image",
    "recipe.augmentation.near_clip": None,
    "recipe.student_layers": None,
}
# Of data, what is no longer recorded: the files of a stream, which its state holds as well.
NO_LONGER_RECORDED = frozenset({"parquet_files"})
NOT_RECORDED = "not recorded"
LONGEST_VALUE = 120


@dataclass(frozen=True)
class Change:
    """An entry of a run's record that is another one in its continuation.

    Attributes:
        name: with dots between the names of nested entries, e.g. "recipe.loss.gradient_weight".
        before, after: plain values.
    """

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {_short(self.before)} -> {_short(self.after)}"

    @property
    def key(self) -> str:
        """What `allow_changed` calls it: of a list's entry the list, of the recipe's parts their own names."""
        words = self.name.removeprefix(f"{RECIPE}.").split(".")
        first_index = next((place for place, word in enumerate(words) if word.isdigit()), len(words))
        return ".".join(words[:first_index])

    def is_covered_by(self, key: str) -> bool:
        """Return whether an entry of `allow_changed` means this change."""
        return _covers(key, self.name)


def find_changes(
    earlier: Mapping[str, Any], arguments: TrainingArguments, further: Mapping[str, Any]
) -> tuple[list[Change], list[Change]]:
    """Compare a run's record with what is about to continue it.

    Args:
        earlier: the record, as it comes from its file.
        arguments: training arguments of the continuation.
        further: what else its record holds; dicts may hold dicts. An entry that the earlier record does not have is
            not compared.

    Returns:
        The changes that need permission; and those that do not, but have a part in what comes out.
    """
    may_change = MAY_CHANGE_ON_RESUME + (BATCH_ARGUMENTS if arguments.resume_from_checkpoint else ())
    if "precision" in earlier and arguments.mixed_precision in (None, earlier["precision"]):
        # Said by a recipe now and by the launcher then, or the other way round: the precision itself is the same, or
        # is compared where it is known.
        may_change = (*may_change, "mixed_precision")
    if "pure_bf16" not in earlier:
        # Runs before it trained weights as they came, and which way that was is seen in their checkpoints.
        may_change = (*may_change, "pure_bf16")
    found, defaults = [], {each.name: _default_of(each) for each in fields(arguments)}
    for name, value in asdict(arguments).items():
        before = earlier.get(name, defaults[name])
        if before != value:
            found.append(Change(name, before, value))
    needing = [each for each in found if each.name not in may_change]
    for name, value in further.items():
        if name in earlier or _holds_later_entries(name):
            needing += differences(name, earlier.get(name, {}), value)
    needing = [each for each in needing if each.name.rpartition(".")[2] not in NO_LONGER_RECORDED]
    needing += _allowed_without_a_record(earlier.get(RECIPE, {}), further.get(RECIPE, {}), arguments.allow_changed)
    if any(each.name == f"{RECIPE}.objective" for each in needing):
        # Another objective has other parameters.
        needing = [each for each in needing if not each.name.startswith(f"{RECIPE}.loss.")]
    return needing, [each for each in found if each.name in RECORDED]


def refusal(refused: Sequence[Change], folder: Path) -> str:
    """Return the message about changes that are not allowed, with what to do."""
    details, keys = ", ".join(map(str, refused)), " ".join(dict.fromkeys(each.key for each in refused))
    advice = (
        f"{folder} holds a run with other arguments ({details}); repeat those arguments to resume it, or choose "
        "another output_dir"
    )
    if any(each.name in NEVER for each in refused):
        return advice
    if any(each.name == MAX_DEPTH for each in refused):
        return f"{advice}; {ANOTHER_CAP}"
    return f"{advice}; to resume it with the change, add allow_changed {keys}"


def check_permissions(needing: Sequence[Change], allowed: Sequence[str], known: Iterable[str]) -> list[str]:
    """Check what `allow_changed` allows.

    Args:
        needing: the changes of a continuation that need permission, and have it.
        allowed: entries of `allow_changed`.
        known: names of all entries of the records, nested ones with dots.

    Returns:
        A warning for every entry of `allowed` that nothing has needed.

    Raises:
        ValueError: a change that nothing can allow, or an entry of `allowed` that does not exist.
    """
    names = list(dict.fromkeys(known))
    for key in allowed:
        if not any(_covers(key, name) for name in names):
            raise ValueError(f"allow_changed has {key!r}, which no run has; {_nearest(key, names)}")
    for each in needing:
        if each.name in NEVER:
            raise ValueError(
                f"{each} cannot change in a run, since {NEVER[each.name]}; start a new run from the weights of the "
                "checkpoint (model_name_or_path)"
            )
    return [
        f"warning: allow_changed has {key!r}, which has not changed"
        for key in allowed
        if not any(each.is_covered_by(key) for each in needing)
    ]


def names_in(record: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the names of a record's entries, those of nested dicts and lists with dots."""
    found = []
    for name, value in record.items():
        found.append(f"{prefix}{name}")
        if isinstance(value, list):
            value = {str(index): each for index, each in enumerate(value) if isinstance(each, Mapping)}
        if isinstance(value, Mapping):
            found += names_in(value, f"{prefix}{name}.")
    return found


def add_to_history(history: Sequence[Mapping[str, Any]], new: Sequence[Change], step: int) -> list[dict[str, Any]]:
    """Return the changes of a run with the step from which each holds, oldest first.

    Args:
        history: changes of the earlier starts.
        new: changes of this start.
        step: from which it continues. What has changed later in the run that it continues holds from here on; what a
            run has had from its beginning is no change.
    """
    merged: dict[tuple[int, str], dict[str, Any]] = {}
    for entry in (*history, *({"step": step, **asdict(each)} for each in new)):
        at = min(int(entry["step"]), step)
        first = merged.setdefault((at, entry["name"]), {**entry, "step": at})
        first["after"] = entry["after"]
    return [each for each in merged.values() if each["step"] > 0 and each["before"] != each["after"]]


def describe_history(history: Sequence[Mapping[str, Any]]) -> str:
    """Return a run's changes in a line of text; empty without any."""
    return "; ".join(f"step {each['step']}: {Change(each['name'], each['before'], each['after'])}" for each in history)


def differences(name: str, earlier: Any, current: Any) -> list[Change]:
    """Return where two records differ, with the names of nested dicts; entries that the earlier lacks are left out.

    Args:
        name: of the record, which begins those of its entries; may be empty.
        earlier: plain value, as JSON has it.
        current: likewise.
    """
    if isinstance(earlier, Mapping) and isinstance(current, Mapping):
        found = []
        for key in dict.fromkeys([*earlier, *current]):
            inner = f"{name}.{key}" if name else str(key)
            if key in earlier or inner in BEFORE_IT_WAS_RECORDED:
                before = earlier.get(key, BEFORE_IT_WAS_RECORDED.get(inner))
                found += differences(inner, before, current.get(key))
            elif _holds_later_entries(inner) and isinstance(current[key], Mapping):
                found += differences(inner, {}, current[key])
        return found
    if _are_dicts(earlier) and _are_dicts(current) and len(earlier) == len(current):
        pairs = zip(earlier, current, strict=True)
        return [each for at, pair in enumerate(pairs) for each in differences(f"{name}.{at}", *pair)]
    return [] if _is_same(earlier, current) else [Change(name, earlier, current)]


def _allowed_without_a_record(
    earlier: Mapping[str, Any], current: Mapping[str, Any], allowed: Sequence[str]
) -> list[Change]:
    """Return the parts of a recipe that are allowed to change and cannot be compared: who allows it knows of it."""
    return [
        Change(f"{RECIPE}.{name}", NOT_RECORDED, value)
        for name, value in current.items()
        if name not in earlier and any(_covers(key, f"{RECIPE}.{name}") for key in allowed)
    ]


def _holds_later_entries(name: str) -> bool:
    """Return whether inside an entry there are some of which is known what runs did before."""
    return any(each.startswith(f"{name}.") for each in BEFORE_IT_WAS_RECORDED)


def _are_dicts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _is_same(earlier: Any, current: Any) -> bool:
    if earlier == current:
        return True
    is_path = all(isinstance(each, str) and os.path.isabs(each) for each in (earlier, current))
    # A link to the same folder.
    return is_path and os.path.realpath(earlier) == os.path.realpath(current)


def _covers(key: str, name: str) -> bool:
    wanted, given = (each.removeprefix(f"{RECIPE}.") for each in (key, name))
    if {wanted, given} == {"precision", "mixed_precision"}:
        return True
    return wanted == given or given.startswith(f"{wanted}.")


def _nearest(key: str, names: Sequence[str]) -> str:
    keys = list(dict.fromkeys(Change(name, None, None).key for name in names if name != RECIPE))
    ending = [each for each in keys if each.split(".")[-1] == key.split(".")[-1]]
    close = ending or difflib.get_close_matches(key, keys, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(keys)}"


def _default_of(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


__all__ = [
    "Change",
    "add_to_history",
    "check_permissions",
    "describe_history",
    "differences",
    "find_changes",
    "names_in",
    "refusal",
]
