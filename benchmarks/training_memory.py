# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Peak memory of ways to train, each in a process of its own, beside what `depth-anything-hf plan` predicts.

    python benchmarks/training_memory.py --json benchmarks/results/training_memory.json
    python benchmarks/training_memory.py --size base --ways plain,least,frozen_least --turns

A step is that of `fit`: `Engine` with the arguments below, on random images and labels. The peak resident memory of
the process counts, interpreter and libraries included. `plain` is full float32 AdamW and gives every freed block back,
so that no gaps of the heap count; the others are compared to it. `plain_kept` is the same as `fit` runs it, which
keeps what is freed because that is faster. Time is that of the process's processors; with `--turns` the ways run in
turns, so that a slow minute of the machine slows them all, and all their memory is needed at once.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from harness import Contender, Timing, Work, add_options, images, machine, measure, settings_of, write_result

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.cpu.memory import keep_freed_memory, return_every_block
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.memory_estimate import estimate_memory
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.optim import LearningRates
from depth_anything_hf.training.processes import training_accelerator
from depth_anything_hf.training.trainer import fit


SAVING = {"gradient_checkpointing": True, "mixed_precision": "bf16"}
BY_IMAGE = {**SAVING, "gradient_checkpointing_by_image": True}
UNCLIPPED = {"optimizer_in_backward": True, "max_grad_norm": 0.0}
FROZEN = {"encoder_strategy": "frozen"}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain_kept": {},
    "bf16": {"mixed_precision": "bf16"},
    "checkpointing": {"gradient_checkpointing": True},
    "checkpointing_bf16": SAVING,
    "8bit": {**SAVING, "optimizer": "adamw-8bit"},
    "adafactor": {**SAVING, "optimizer": "adafactor"},
    "8bit_by_image": {**BY_IMAGE, "optimizer": "adamw-8bit"},
    "8bit_least": {**BY_IMAGE, **UNCLIPPED, "optimizer": "adamw-8bit"},
    "adafactor_by_image": {**BY_IMAGE, "optimizer": "adafactor"},
    "least": {**BY_IMAGE, **UNCLIPPED, "optimizer": "adafactor"},
    "last-4": {"encoder_strategy": "last-4"},
    "frozen": FROZEN,
    "frozen_bf16": {**FROZEN, "mixed_precision": "bf16"},
    "frozen_least": {**FROZEN, **BY_IMAGE, "optimizer": "adafactor"},
}


def options_of(way: str, batch: int) -> TrainingArguments:
    return TrainingArguments("unused", per_device_train_batch_size=batch, **WAYS[way])


def stepper(way: str, size: str, side: int, batch: int) -> Work:
    """A function that takes one step, in a process that has loaded what `fit` loads."""
    assert callable(fit)
    arguments = options_of(way, batch)
    if way == "plain" or arguments.gradient_checkpointing:
        return_every_block()
    else:
        keep_freed_memory()
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(size))  # type: ignore[arg-type]
    rates = LearningRates(encoder=5e-6, decoder=5e-5, reason="the paper's")
    engine = Engine(training_accelerator(arguments), model, SupervisedRelative(), arguments, rates, total_steps=100)
    engine.train_mode()
    pixels = images(batch, side, side)
    one = {"pixel_values": pixels, "labels": pixels.mean(dim=1).sigmoid(), "name": ["image"] * batch}

    def step() -> None:
        engine.accumulate(one, 0.0, 1)
        engine.normalize_gradients()
        engine.clip_gradients()
        engine.step(torch.zeros(()))

    return step


def predict_mebibytes(way: str, size: str, side: int, batch: int) -> float:
    arguments = options_of(way, batch)
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(size))  # type: ignore[arg-type]
    precision = arguments.mixed_precision or "no"
    return estimate_memory(model, arguments, (side, side), precision=precision, on_cpu=True).total / 2**20


def row_of(timing: Timing, first: Timing, predicted: float) -> dict[str, Any]:
    if timing.left_out or timing.peak_memory_bytes is None or first.peak_memory_bytes is None:
        return {"way": timing.name, "left_out": timing.left_out}
    peak, seconds = timing.peak_memory_bytes / 2**20, statistics.median(timing.processor)
    return {
        "way": timing.name,
        "peak_mebibytes": peak,
        "share": timing.peak_memory_bytes / first.peak_memory_bytes,
        "predicted_mebibytes": predicted,
        "predicted_by_measured": predicted / peak,
        "processor_seconds": seconds,
        "times_as_long": seconds / statistics.median(first.processor),
        "load_of_others": statistics.median(timing.foreign),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", default=",".join(WAYS), help="of them, the first is what others are compared to")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--turns", action="store_true", help="run all ways in turns")
    add_options(parser, rounds=1, longest=600)
    arguments = parser.parse_args()
    ways = arguments.ways.split(",")
    if unknown := set(ways) - set(WAYS):
        parser.error(f"unknown ways {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
    what = (arguments.size, arguments.side, arguments.batch)
    contenders = [Contender(way, stepper, (way, *what)) for way in ways]
    together = [contenders] if arguments.turns else [[each] for each in contenders]
    rows: list[dict[str, Any]] = []
    first: Timing | None = None
    print("| way | MiB | share | predicted / measured | CPU s | times as long | load of others |\n" + "|---" * 7 + "|")
    for group in together:
        for timing in measure(group, arguments.rounds, arguments.threads, arguments.longest):
            first = first or timing
            rows.append(row := row_of(timing, first, predict_mebibytes(timing.name, *what)))
            cells = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()]
            print(f"| {' | '.join(cells[:3] + cells[4:])} |", flush=True)
    result = {"rows": rows, "settings": settings_of(arguments), "machine": machine(arguments.threads)}
    write_result(arguments.json, result)


if __name__ == "__main__":
    main()
