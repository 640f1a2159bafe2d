# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Resuming a run: what must be the same as before, and how the state of a checkpoint is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import PretrainedConfig

from ..cpu.autotune import adopt_kernel_choices
from ..utils.folders import repair_folder
from ..utils.locks import FolderLock
from ..utils.messages import counted
from .arguments import ARGUMENTS_FILE, TrainingArguments
from .callbacks import Callbacks
from .changes import ANOTHER_CAP, Change, check_permissions, find_changes, names_in, refusal
from .checkpoint_finder import STATE_FOLDER, find_checkpoint, set_aside_best, set_aside_later_checkpoints
from .early_stopping import STOPPED
from .engine import Engine
from .held_out import HeldOut
from .optim import describe_length
from .run_folder import WRITTEN_NAMES, check_run_folder
from .run_record import HISTORY, Claim, read_record
from .state import STATE_FILE, Progress, RunGeometry, process_file, seed_random_state, set_random_state
from .tracking import LOG_FILE, LogWindow, read_log


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
IGNORED_KEYS = ("transformers_version", "dtype", "_name_or_path", "architectures")


def claim_folder(
    lock: FolderLock, arguments: TrainingArguments, record: Mapping[str, Any], geometry: RunGeometry
) -> Claim:
    """Claim a run folder, or refuse it; what a kill left in it is cleaned up.

    Args:
        lock: of the folder, which is made where there is none.
        arguments: training arguments of the run that is about to start.
        record: see `require_same_arguments`.
        geometry: of that run.

    Raises:
        ValueError: another process trains in it, it holds another run, or one that has ended without a checkpoint, or
            the checkpoint is damaged.
        FileNotFoundError: the checkpoint does not exist.
        FileExistsError: the folder is no run's and has files that a run would replace.
        OSError: no folder can be made there, or it takes no files.
    """
    folder = Path(arguments.output_dir)
    check_run_folder(folder, arguments.resume_from_checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    lock.acquire()
    place = folder
    if arguments.resume_from_checkpoint not in (None, "latest") and not (folder / ARGUMENTS_FILE).exists():
        # A run that branches off from another one goes on with that one's arguments.
        place = Path(str(arguments.resume_from_checkpoint)).resolve().parent
    earlier = read_record(place)
    needing, free = require_same_arguments(place, arguments, record)
    # Records of earlier versions lack parts that may be changed all the same.
    known = [name for each in (asdict(arguments), record, earlier or {}) for name in names_in(each)]
    messages = check_permissions(needing, arguments.allow_changed, known)
    repair_folder(folder, WRITTEN_NAMES)
    checkpoint = find_checkpoint(folder, arguments.resume_from_checkpoint)
    is_complete = checkpoint is None and earlier is not None and _is_complete(arguments, earlier, geometry, needing)
    if checkpoint is None and not is_complete and arguments.resume_from_checkpoint is not None:
        messages.append(f"no checkpoint in {folder} yet: the run starts from the beginning")
    return Claim(checkpoint, [*needing, *free], list((earlier or {}).get(HISTORY, [])), messages, is_complete)


def load_run(
    claim: Claim,
    engine: Engine,
    geometry: RunGeometry,
    window: LogWindow,
    callbacks: Callbacks,
    held_out: HeldOut,
) -> tuple[Progress, dict[str, Any] | None]:
    """Load the state of a checkpoint into the engine, the log's window and the random generators.

    Every process must call it. What a resumed run must not find in its folder is renamed.

    Args:
        claim: with the checkpoint, undamaged, or without one; gets further messages.
        engine: of the resumed run.
        geometry: of the resumed run.
        window: the open averages of the log.
        callbacks: of the resumed run.
        held_out: of the resumed run, which decides on the best model.

    Returns:
        How far the run had come, and the state of its data; empty where nothing streams, None without a checkpoint.

    Raises:
        ValueError: the checkpoint is of another model or of another geometry.
    """
    checkpoint, accelerator = claim.checkpoint, engine.accelerator
    if checkpoint is None:
        progress = Progress()
        held_out.adopt_best(progress)
        if engine.arguments.drop_path_rate and accelerator.process_index:
            # All processes were seeded alike, and would let the same places of their batches skip layers.
            seed_random_state(engine.arguments.seed, accelerator.process_index, 0)
        return progress, None
    require_same_model(checkpoint, engine.raw_model.config)
    folder = checkpoint / STATE_FOLDER
    # weights_only: a checkpoint from elsewhere must not be able to run code.
    common = torch.load(folder / STATE_FILE, map_location="cpu", weights_only=True)
    progress = Progress(**common["progress"])
    # The first checkpoints of this package have the key `footing`.
    saved = common["run_geometry"] if "run_geometry" in common else common["footing"]
    geometry.require(saved, checkpoint, step=progress.step, other_data=claim.changed("data"))
    engine.load(folder, common, progress.step)
    # Checkpoints of earlier versions have none.
    callbacks.load_state_dict(common.get("callbacks", {}))
    planned, total = saved["total_steps"], geometry.total_steps
    rates = describe_length(engine.arguments, engine.rates, progress.step, planned, total)
    if planned != total and rates:
        claim.messages.append(rates)
    states = [
        torch.load(folder / process_file(index), map_location="cpu", weights_only=True)
        for index in range(common["processes"])
    ]
    window.load_state_dicts(
        [each["window"] for each in states], accelerator.process_index, accelerator.num_processes, accelerator.device
    )
    own = states[min(accelerator.process_index, len(states) - 1)]
    # Other kernels have other last bits. Checkpoints of earlier versions name them for all processes, or not at all.
    adopt_kernel_choices(own.get("cpu_kernels", common.get("cpu_kernels", {})))
    if accelerator.process_index < len(states):
        set_random_state(own["random"])
    else:
        seed_random_state(engine.arguments.seed, accelerator.process_index, progress.step)
    data_state = own["data"]
    if data_state and claim.changed("data"):
        # Other streams begin at their beginnings.
        data_state = {**data_state, "parts": [None] * len(data_state["parts"])}
    lines, is_best_gone = held_out.adopt_best(progress)
    claim.messages += lines
    if accelerator.is_main_process:
        own_folder = Path(engine.arguments.output_dir)
        for abandoned in set_aside_later_checkpoints(checkpoint, own_folder):
            claim.messages.append(f"later checkpoint renamed to {abandoned}; 'latest' ignores it")
        kept = set_aside_best(own_folder, progress.step) if is_best_gone else None
        if kept is not None:
            claim.messages.append(f"best/ renamed to {kept}")
    return progress, data_state


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
            advice = f"{ADVICE}; {ANOTHER_CAP}" if key in ("max_depth", "depth_unit") else ADVICE
            raise ValueError(f"{folder} holds another model: {key} is {there}, expected {here}{advice}")
    for key, value in current["backbone_config"].items():
        if key not in IGNORED_KEYS and saved["backbone_config"].get(key) != value:
            raise ValueError(
                f"{folder} has another encoder: {key} is {saved['backbone_config'].get(key)}, expected {value}{ADVICE}"
            )


def require_same_arguments(
    folder: Path, arguments: TrainingArguments, further: Mapping[str, Any] | None = None
) -> tuple[list[Change], list[Change]]:
    """Check that a folder is free or holds this run.

    Args:
        folder: the run folder.
        arguments: training arguments of the run that is about to start.
        further: what else its record holds and must not change, as plain values that JSON has; dicts may hold dicts.
            A part that the earlier record does not have is not compared.

    Returns:
        The changes that `arguments.allow_changed` allows; and those that need no permission, but have a part in what
        comes out.

    Raises:
        ValueError: it holds a run with other arguments, or this run while nothing was said about resuming, or its
            record is damaged.
    """
    earlier = read_record(folder)
    if earlier is None:
        return [], []
    needing, free = find_changes(earlier, arguments, further or {})
    refused = [each for each in needing if not any(each.is_covered_by(key) for key in arguments.allow_changed)]
    if refused:
        raise ValueError(refusal(refused, folder))
    if arguments.resume_from_checkpoint is None:
        raise ValueError(
            f"{folder} already holds this run; add resume_from_checkpoint latest to resume it, or choose another "
            "output_dir"
        )
    return needing, free


def _is_complete(
    arguments: TrainingArguments, earlier: Mapping[str, Any], geometry: RunGeometry, changes: Sequence[Change]
) -> bool:
    """Return whether a folder without a checkpoint holds the whole of the run that is about to start.

    Raises:
        ValueError: its run has come to its end and is another one, and it has left nothing to go on from.
    """
    folder = Path(arguments.output_dir)
    # The model is written at the end, which a callback may have brought early.
    if not any((folder / name).is_file() for name in ("model.safetensors", "adapter_model.safetensors")):
        return False
    total = int(earlier.get("max_steps", -1))
    if total <= 0 and geometry.samples_per_epoch is not None:
        total = geometry.steps_of(float(earlier.get("num_train_epochs", 1.0)))
    entries = read_log(folder / LOG_FILE)
    steps = max((int(entry["step"]) for entry in entries), default=0)
    # A model with adapters was saved merged, and its adapters without the state to go on from.
    is_whole = not earlier.get("adapters") and earlier.get("lora_merge", True)
    patience = ("early_stopping_patience", "early_stopping_threshold")
    stopped_early = any(STOPPED in each for each in entries) and all(
        earlier.get(name) == getattr(arguments, name) for name in patience
    )
    has_ended = total == geometry.total_steps and (steps == total or stopped_early)
    if has_ended and not changes and is_whole:
        return True
    raise ValueError(
        f"{folder} holds a run that has ended after {counted(steps, 'step')} and has no checkpoint (save_steps was "
        f"{earlier.get('save_steps', 0)}), so that it cannot be resumed; its model is there. To train it further, "
        f"start a new run from its weights, in another output_dir: model_name_or_path {folder}; to train it "
        "anew, remove the folder"
    )


__all__ = ["claim_folder", "load_run", "require_same_arguments", "require_same_model"]
