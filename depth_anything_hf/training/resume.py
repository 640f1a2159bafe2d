# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a resumed run must share with the run before: its arguments, its record and its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from .arguments import ARGUMENTS_FILE, BATCH_ARGUMENTS, MAY_CHANGE_ON_RESUME, TrainingArguments


# Fields of the configuration that make it another model, beside those of the encoder.
MODEL_KEYS = ("fusion_hidden_size", "head_hidden_size", "neck_hidden_sizes", "depth_estimation_type", "max_depth")
IGNORED_KEYS = ("transformers_version", "dtype", "_name_or_path", "architectures")


def require_same_model(folder: Path, config: PretrainedConfig) -> None:
    """Raises ValueError if the model saved in a folder has another architecture than `config`."""
    # A saved file leaves defaults out and turns integer keys to text; both sides take the same way to JSON.
    current, saved = (
        json.loads(each.to_json_string(use_diff=False)) for each in (config, type(config).from_pretrained(folder))
    )
    for key in MODEL_KEYS:
        if saved[key] != current[key]:
            raise ValueError(f"{folder} is another model: {key} is {saved[key]}, expected {current[key]}")
    for key, value in current["backbone_config"].items():
        if key not in IGNORED_KEYS and saved["backbone_config"].get(key) != value:
            raise ValueError(
                f"{folder} has another encoder: {key} is {saved['backbone_config'].get(key)}, expected {value}"
            )


def require_same_arguments(
    folder: Path, arguments: TrainingArguments, further: Mapping[str, Any] | None = None
) -> None:
    """Checks that a folder is free or holds this run.

    Args:
        folder: of the run.
        arguments: of the run that is about to start.
        further: what else its record holds and must not change, as plain values that JSON has; dicts may hold dicts.
            A part that the earlier record does not have is not compared.

    Raises:
        ValueError: it holds a run with other arguments, or this run while nothing was said about resuming, or its
            record is damaged.
    """
    earlier, current = _record_of(folder), asdict(arguments)
    if earlier is None:
        return
    may_change = MAY_CHANGE_ON_RESUME + (BATCH_ARGUMENTS if arguments.resume_from_checkpoint else ())
    changed = [
        f"{name}: {earlier.get(name)} -> {current[name]}"
        for name in current
        if earlier.get(name) != current[name] and name not in may_change
    ]
    for name, value in (further or {}).items():
        if name in earlier:
            changed += _differences(name, earlier[name], value)
    if changed:
        details = ", ".join(changed)
        raise ValueError(f"{folder} holds another run, whose arguments differ ({details}); choose another output_dir")
    if arguments.resume_from_checkpoint is None:
        raise ValueError(
            f"{folder} already holds this run; add --resume_from_checkpoint latest to go on, or choose another "
            "output_dir"
        )


def recorded_run_id(folder: Path) -> str | None:
    """The tracker's name of the run whose arguments a folder holds."""
    record = _record_of(folder)
    return None if record is None else record.get("run_id")


def _record_of(folder: Path) -> dict[str, Any] | None:
    path = folder / ARGUMENTS_FILE
    if not path.exists():
        return None
    record: Any
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        record = str(error)
    if not isinstance(record, dict):
        raise ValueError(
            f"{path} is damaged, expected a JSON object with the arguments of the run: {record}. Remove this file and "
            "go on with the arguments of the run, which can then not be compared"
        )
    return record


def _differences(name: str, earlier: Any, current: Any) -> list[str]:
    """Where two plain values differ, with the names of nested dicts."""
    if isinstance(earlier, dict) and isinstance(current, dict):
        keys = dict.fromkeys([*earlier, *current])
        return [found for key in keys for found in _differences(f"{name}.{key}", earlier.get(key), current.get(key))]
    return [] if earlier == current else [f"{name}: {earlier} -> {current}"]


__all__ = ["recorded_run_id", "require_same_arguments", "require_same_model"]
