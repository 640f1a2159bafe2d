# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Resuming a run: what must be the same as before, and how the state of a checkpoint is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import PretrainedConfig

from ..cpu.autotune import adopt_kernel_choices
from ..utils.folders import repair_folder
from ..utils.locks import FolderLock
from .arguments import ARGUMENTS_FILE, BATCH_ARGUMENTS, MAY_CHANGE_ON_RESUME, TrainingArguments
from .callbacks import Callbacks
from .checkpoint_finder import STATE_FOLDER, find_checkpoint
from .engine import Engine
from .state import STATE_FILE, Progress, RunGeometry, process_file, seed_random_state, set_random_state
from .tracking import LogWindow


# Fields of the configuration that make it another model, beside those of the encoder.
MODEL_KEYS = (
    "fusion_hidden_size",
    "head_hidden_size",
    "neck_hidden_sizes",
    "depth_estimation_type",
    "max_depth",
    "depth_unit",
)
ADVICE = "; resume with the same model, or choose another output_dir"
# What runs did before their record had the entry.
BEFORE_IT_WAS_RECORDED = {"recipe.loss.silog_over": "image"}
IGNORED_KEYS = ("transformers_version", "dtype", "_name_or_path", "architectures")


def claim_folder(lock: FolderLock, arguments: TrainingArguments, record: Mapping[str, Any]) -> Path | None:
    """Claim a run folder, or refuse it; what a kill left in it is cleaned up.

    Args:
        lock: of the folder, which is made where there is none.
        arguments: training arguments of the run that is about to start.
        record: see `require_same_arguments`.

    Returns:
        The checkpoint to resume from, or None for a start from the beginning.

    Raises:
        ValueError: another process trains in it, it holds another run, or the checkpoint is damaged.
        FileNotFoundError: the checkpoint does not exist.
    """
    folder = Path(arguments.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    lock.acquire()
    require_same_arguments(folder, arguments, record)
    repair_folder(folder)
    return find_checkpoint(folder, arguments.resume_from_checkpoint)


def load_run(
    checkpoint: Path, engine: Engine, geometry: RunGeometry, window: LogWindow, callbacks: Callbacks
) -> tuple[Progress, dict[str, Any]]:
    """Load the state of a checkpoint into the engine, the log's window and the random generators.

    Every process must call it.

    Args:
        checkpoint: `checkpoint-N`, undamaged.
        engine: of the resumed run.
        geometry: of the resumed run.
        window: the open averages of the log.
        callbacks: of the resumed run.

    Returns:
        How far the run had come, and the state of its data; empty where nothing streams.

    Raises:
        ValueError: the checkpoint is of another model or of another geometry.
    """
    accelerator = engine.accelerator
    require_same_model(checkpoint, engine.raw_model.config)
    folder = checkpoint / STATE_FOLDER
    # weights_only: a checkpoint from elsewhere must not be able to run code.
    common = torch.load(folder / STATE_FILE, map_location="cpu", weights_only=True)
    # The first checkpoints of this package have the key `footing`.
    geometry.require(common["run_geometry"] if "run_geometry" in common else common["footing"], checkpoint)
    progress = Progress(**common["progress"])
    # Other kernels have other last bits. Checkpoints of earlier versions do not name them.
    adopt_kernel_choices(common.get("cpu_kernels", {}))
    engine.load(folder, common, progress.step)
    # Checkpoints of earlier versions have none.
    callbacks.load_state_dict(common.get("callbacks", {}))
    states = [
        torch.load(folder / process_file(index), map_location="cpu", weights_only=True)
        for index in range(common["processes"])
    ]
    window.load_state_dicts(
        [each["window"] for each in states], accelerator.process_index, accelerator.num_processes, accelerator.device
    )
    own = states[min(accelerator.process_index, len(states) - 1)]
    if accelerator.process_index < len(states):
        set_random_state(own["random"])
    else:
        seed_random_state(engine.arguments.seed, accelerator.process_index, progress.step)
    return progress, own["data"]


def require_same_model(folder: Path, config: PretrainedConfig) -> None:
    """Raise ValueError if the model saved in a folder has another architecture than `config`."""
    # A saved file leaves defaults out and turns integer keys to text; both sides take the same way to JSON.
    current, saved = (
        json.loads(each.to_json_string(use_diff=False)) for each in (config, type(config).from_pretrained(folder))
    )
    for key in MODEL_KEYS:
        # A file has no `depth_unit` where it is the metre.
        there, here = (each.get(key, "m") if key == "depth_unit" else each[key] for each in (saved, current))
        if there != here:
            raise ValueError(f"{folder} holds another model: {key} is {there}, expected {here}{ADVICE}")
    for key, value in current["backbone_config"].items():
        if key not in IGNORED_KEYS and saved["backbone_config"].get(key) != value:
            raise ValueError(
                f"{folder} has another encoder: {key} is {saved['backbone_config'].get(key)}, expected {value}{ADVICE}"
            )


def require_same_arguments(
    folder: Path, arguments: TrainingArguments, further: Mapping[str, Any] | None = None
) -> None:
    """Check that a folder is free or holds this run.

    Args:
        folder: the run folder.
        arguments: training arguments of the run that is about to start.
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
    if "pure_bf16" not in earlier:
        # Runs before it trained weights as they came, and which way that was is seen in their checkpoints.
        may_change = (*may_change, "pure_bf16")
    changed = [
        f"{name}: {earlier.get(name)} -> {current[name]}"
        for name in current
        if earlier.get(name) != current[name] and name not in may_change
    ]
    if "precision" in earlier and arguments.mixed_precision in (None, earlier["precision"]):
        # Said by a recipe now and by the launcher then, or the other way round: the precision itself is the same, or
        # is compared where it is known.
        changed = [each for each in changed if not each.startswith("mixed_precision: ")]
    for name, value in (further or {}).items():
        if name in earlier:
            changed += _differences(name, earlier[name], value)
    if changed:
        details = ", ".join(changed)
        raise ValueError(
            f"{folder} holds a run with other arguments ({details}); repeat those arguments to resume "
            "it, or choose another output_dir"
        )
    if arguments.resume_from_checkpoint is None:
        raise ValueError(
            f"{folder} already holds this run; add --resume_from_checkpoint latest to resume it, or choose another "
            "output_dir"
        )


def recorded_run_id(folder: Path) -> str | None:
    """Return the tracker's id of the run whose arguments a folder holds."""
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
            "resume with the same arguments, which then cannot be checked"
        )
    return record


def _differences(name: str, earlier: Any, current: Any) -> list[str]:
    """Return where two plain values differ, with the names of nested dicts."""
    if isinstance(earlier, dict) and isinstance(current, dict):
        keys = dict.fromkeys([*earlier, *current])
        return [
            found
            for key in keys
            for found in _differences(
                f"{name}.{key}", earlier.get(key, BEFORE_IT_WAS_RECORDED.get(f"{name}.{key}")), current.get(key)
            )
        ]
    return [] if earlier == current else [f"{name}: {earlier} -> {current}"]


__all__ = ["claim_folder", "load_run", "recorded_run_id", "require_same_arguments", "require_same_model"]
