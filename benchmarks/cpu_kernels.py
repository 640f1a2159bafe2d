# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What each kernel for CPUs brings to predictions and training steps, against PyTorch's, whatever is chosen here.

    python benchmarks/cpu_kernels.py --threads 1
    python benchmarks/cpu_kernels.py --threads 2 --work train_bf16,predict_fp32 --rounds 12

All ways take turns in one process: PyTorch's kernels, each of ours alone, and all of ours. Ratios are the median over
the rounds of a way's time by that of PyTorch's kernels in the same round, and its least time by their least. Weights
are random and the output is alive; freed memory is kept, as the commands and `fit` do. On a machine that does other
work the figures say nothing; `load of others` is the median of a way's rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from harness import (
    Timing,
    add_options,
    images,
    machine,
    median_ratio,
    settings_of,
    time_once,
    write_live_model,
    write_result,
)
from training_step import our_parts

from depth_anything_hf.cpu import kernels
from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


WAYS: dict[str, tuple[str, ...]] = {
    "PyTorch's": (),
    "linear": ("linear",),
    "attention": ("attention",),
    "all of ours": ("linear", "attention"),
}
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
# With the ways that differ there.
WORK: dict[str, tuple[str, ...]] = {
    "predict_fp32": tuple(WAYS),
    "predict_bf16": ("PyTorch's", "attention"),
    "train_bf16": ("PyTorch's", "attention"),
}


def prediction(folder: Path, precision: torch.dtype, side: int, batch: int) -> Callable[[], None]:
    model = DepthAnythingForDepthEstimation.from_pretrained(folder, dtype=precision).eval()
    pixels = images(batch, side, side).to(precision)

    @torch.inference_mode()
    def predict() -> None:
        model(pixels)

    return predict


def training_step(folder: Path, precision: torch.dtype, side: int, batch: int) -> Callable[[], None]:
    model = DepthAnythingForDepthEstimation.from_pretrained(folder).train()
    pixels = images(batch, side, side)
    loss, optimizer = our_parts(model, pixels, pixels.mean(dim=1).sigmoid())

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            value = loss()
        torch.autograd.backward(value)
        optimizer.step()
        optimizer.zero_grad()

    return step


def measure(work: Callable[[], None], ways: tuple[str, ...], rounds: int) -> list[Timing]:
    chosen: set[str] = set()
    kernels.ours_wins = lambda case: case.kind in chosen  # type: ignore[attr-defined]
    timings = [Timing(way) for way in ways]
    # The first round does not count.
    for number in range(rounds + 1):
        for timing in timings:
            chosen.clear()
            chosen.update(WAYS[timing.name])
            run, _ = time_once(work)
            if number:
                timing.add(run)
    return timings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default=",".join(WORK), help=", ".join(WORK))
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--batch", type=int, default=2, help="images of a training step; predictions are of one")
    add_options(parser, rounds=8)
    arguments = parser.parse_args()
    wanted = arguments.work.split(",")
    if unknown := set(wanted) - set(WORK):
        parser.error(f"unknown work {', '.join(sorted(unknown))}; there are {', '.join(WORK)}")
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    facts = machine(arguments.threads)
    print(f"kernels, {arguments.size} {arguments.side}: {facts['processor']}, {facts['threads']} threads")
    print(
        "| work | kernels | ms, least | ms, median | ratio, median | ratio, least | load of others |\n|" + "---|" * 7
    )
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        write_live_model(folder, arguments.size)
        for name in wanted:
            what, precision = name.split("_")
            make, batch = (prediction, 1) if what == "predict" else (training_step, arguments.batch)
            work = make(Path(folder), PRECISIONS[precision], arguments.side, batch)
            timings = measure(work, WORK[name], arguments.rounds)
            results[name] = [asdict(timing) for timing in timings]
            standard = timings[0]
            for timing in timings:
                cells = [f"{1000 * value:.0f}" for value in (min(timing.wall), statistics.median(timing.wall))]
                ratios = (median_ratio(timing, standard, "wall"), min(timing.wall) / min(standard.wall))
                cells += [f"{value:.3f}" for value in ratios]
                load = statistics.median(timing.foreign)
                print(f"| {name} | {timing.name} | {' | '.join(cells)} | {load:.0%} |", flush=True)
    write_result(arguments.json, {"machine": facts, "settings": settings_of(arguments), "results": results})


if __name__ == "__main__":
    main()
