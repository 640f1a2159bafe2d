# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The part `speed`: training steps and labelling on one GPU beside stock transformers in a plain loop.

    python benchmarks/gpu.py --parts speed --minutes 5
    python benchmarks/gpu.py --parts speed --original Depth-Anything-V2   # a checkout of the original code, too
    python benchmarks/gpu.py --parts speed --speed_options "--compile --sizes small"   # compiled models: minutes

Training: float32 weights under bf16 autocast, forward, loss, backward and AdamW. Labelling: bf16 weights, forward and
the copy of the maps to the host; compiled, it replays a CUDA graph. Ours is what `fit` and `DepthPredictor` run: the
whole step, with clipping and the watch over what is not finite, and weights in channels last. Stock is as it comes,
with the loss of image after image, and so is the original, in float32 throughout. Contenders of one size take turns,
in one process. The share of the card is the model's arithmetic (a training step counts as three forward passes)
against the best bf16 matrix product of this run. What has not begun in three quarters of `--seconds` is left out, and
what still runs at their end is stopped; the results are written after each size.
"""

from __future__ import annotations

import argparse
import gc
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from harness import machine, write_result

from depth_anything_hf.inference.devices import usable_device

from .contenders import COMPILED, ORIGINAL, WORK, find_original, forward_operations
from .processes import time_left


TRAINING_BATCH = {"small": 32, "base": 16, "large": 8, "tiny": 2}
LABELLING_BATCH = {"small": 64, "base": 32, "large": 16, "tiny": 2}
SHARE_TO_BEGIN_IN = 0.75


@dataclass
class Run:
    """What one contender did; `error` says why it did not, or did not do all rounds.

    Attributes:
        peak_memory_bytes: of the GPU, weights and optimizer included; None on a CPU.
        share_of_card: arithmetic per second against the measured matrix rate.
        synchronises: whether a training step waits for the device; None where that was not looked at.
    """

    work: str
    size: str
    contender: str
    batch: int
    images_per_second: float | None = None
    rounds: list[float] = field(default_factory=list)
    peak_memory_bytes: int | None = None
    share_of_card: float | None = None
    synchronises: bool | str | None = None
    error: str | None = None


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_memory(device: torch.device) -> None:
    # What Accelerate has prepared is in reference cycles, which only the garbage collector frees.
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def seconds_of(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    wait_for(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    wait_for(device)
    return (time.perf_counter() - start) / repeats


def matrix_rate(device: torch.device, sides: tuple[int, ...]) -> float:
    """The best bf16 rate of square matrix products, in operations per second."""
    best = 0.0
    for side in sides:
        left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
        for _ in range(3):
            left @ right
        seconds = statistics.median(seconds_of(lambda a=left, b=right: a @ b, device, 20) for _ in range(3))  # type: ignore[misc]
        best = max(best, 2 * side**3 / seconds)
    return best


def waits_for_the_device(step: Callable[[], Any]) -> bool | str:
    """Whether a step makes the host wait, and where: PyTorch is told to raise then."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except RuntimeError as error:
        return f"True: {error}"
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return False


class OutOfTime(BaseException):
    """Not an `Exception`, so that it is not caught as a contender's failure."""


@contextmanager
def stop_after(seconds: float) -> Iterator[None]:
    """Stop what runs in the block by `OutOfTime` if it takes longer, where the system has such a timer."""
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def note_failure(run: Run, device: torch.device) -> Iterator[None]:
    """A failure, most often for want of memory, is a line of the table and not the end of the benchmark."""
    try:
        yield
    except Exception as error:
        run.error = f"{type(error).__name__}: {str(error).partition('. ')[0]}"
    if run.error:
        # Only here, as the exception holds on to the tensors of the frames that it went through.
        free_memory(device)


def measure_alone(run: Run, side: int, device: torch.device) -> None:
    """Memory, and whether a training step waits; with no other contender's tensors on the card."""
    work = WORK[run.work](run.contender, run.size, side, run.batch, device)
    work()
    if device.type != "cuda":
        return
    wait_for(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    wait_for(device)
    run.peak_memory_bytes = torch.cuda.max_memory_allocated(device)
    if run.work == "training":
        run.synchronises = waits_for_the_device(work)


def measure_in_turns(runs: list[Run], side: int, device: torch.device, rounds: int, repeats: int) -> None:
    able = []
    for run in runs:
        with note_failure(run, device):
            work = WORK[run.work](run.contender, run.size, side, run.batch, device)
            seconds_of(work, device, 3)
            able.append((run, work))
    for _ in range(rounds):
        for run, work in able:
            if run.error is None:
                with note_failure(run, device):
                    run.rounds.append(run.batch / seconds_of(work, device, repeats))


def measure_size(
    runs: list[Run], device: torch.device, rate: float, arguments: argparse.Namespace, end: float
) -> None:
    """One kind of work at one size; what `end` (of the monotonic clock) interrupts keeps the rounds it has."""
    try:
        with stop_after(end - time.monotonic()):
            for run in runs:
                with note_failure(run, device):
                    measure_alone(run, arguments.side, device)
                free_memory(device)
            able = [run for run in runs if run.error is None]
            measure_in_turns(able, arguments.side, device, arguments.rounds, arguments.repeats)
    except OutOfTime:
        for run in runs:
            run.error = run.error or "stopped for time"
    if any(run.contender == COMPILED for run in runs):
        # What was built, with its memory, outlives the model; and the next size would be built as a variant of it.
        torch._dynamo.reset()
    free_memory(device)
    for run in runs:
        if run.rounds:
            run.images_per_second = statistics.median(run.rounds)
            passes = 3 if run.work == "training" else 1
            operations = forward_operations(run.size, arguments.side, device)
            run.share_of_card = run.images_per_second * passes * operations / rate


def table(runs: list[Run]) -> str:
    lines = [
        "| | | batch | images/s | times stock | GiB | share of card | waits |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        name = f"{run.work}, {run.size}"
        if run.images_per_second is None:
            lines.append(f"| {name} | {run.contender} | {run.batch} | {run.error} |")
            continue
        stock = next(one for one in runs if (one.work, one.size, one.contender) == (run.work, run.size, "stock"))
        ratio = "" if stock.images_per_second is None else f"{run.images_per_second / stock.images_per_second:.2f}"
        memory = "" if run.peak_memory_bytes is None else f"{run.peak_memory_bytes / 2**30:.1f}"
        lines.append(
            f"| {name} | {run.contender} | {run.batch} | {run.images_per_second:.1f} | {ratio} | {memory} | "
            f"{run.share_of_card or 0:.0%} | {'' if run.synchronises is None else run.synchronises} |"
        )
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", type=usable_device, default="cuda", help="cpu --quick tries the code without one")
    parser.add_argument("--sizes", default="small,base,large")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="steps in each timed run")
    parser.add_argument("--batch", type=int, help="for all; default: by size, for 80 GB")
    parser.add_argument(
        "--compile", action="store_true", help="also time compiled models, which take minutes to build"
    )
    parser.add_argument("--original", type=Path, help="checkout of the original code, to be timed too")
    parser.add_argument("--seconds", type=float, default=240, help="time limit")
    parser.add_argument("--quick", action="store_true", help="tiny models and pictures")
    parser.add_argument("--json", type=Path, required=True, help="file for the result")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sizes, arguments.side, arguments.rounds, arguments.repeats = "tiny", 56, 1, 1
    return arguments


def main() -> None:
    arguments = parse_arguments()
    start = time.monotonic()
    seconds = time_left(arguments.seconds)
    device: torch.device = arguments.device
    contenders = ["stock", "ours"]
    if arguments.original:
        find_original(arguments.original)
        contenders.append(ORIGINAL)
    if arguments.compile:
        # The last one, since the memory of what is built stays taken.
        contenders.append(COMPILED)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    rate = matrix_rate(device, (256,) if arguments.quick else (4096, 8192, 16384))
    print(f"{card}: {rate / 1e12:.1f} TFLOP/s in bf16 matrix products", flush=True)
    settings = {key: value for key, value in vars(arguments).items() if key not in ("json", "original")}
    settings["device"] = str(device)
    left_out: list[str] = []
    done: list[Run] = []
    for size in arguments.sizes.split(","):
        for work, batches in (("labelling", LABELLING_BATCH), ("training", TRAINING_BATCH)):
            if time.monotonic() > start + SHARE_TO_BEGIN_IN * seconds:
                left_out.append(f"{work}, {size}")
            else:
                runs = [Run(work, size, contender, arguments.batch or batches[size]) for contender in contenders]
                measure_size(runs, device, rate, arguments, start + seconds)
                done += runs
            result = {
                "card": card,
                "machine": machine(torch.get_num_threads()),
                "matrix_operations_per_second": rate,
                "settings": settings,
                "runs": [asdict(run) for run in done],
                "table": table(done),
                "left_out": left_out,
                "seconds": time.monotonic() - start,
            }
            write_result(arguments.json, result)
    print(table(done))
    if left_out:
        print(f"left out for time: {'; '.join(left_out)}")


if __name__ == "__main__":
    main()
