# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Milliseconds of one prediction by its parts, from PyTorch's profiler, whose own cost is included.

python benchmarks/parts.py --contenders stock,ours
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from harness import Child, Contender, write_live_model
from peers import open_peer
from torch.profiler import ProfilerActivity, profile


PARTS = {
    "linear": ("addmm", "mm", "bmm", "mkldnn_linear"),
    "attention": ("_scaled_dot_product", "softmax"),
    "convolution": ("mkldnn_convolution", "convolution_overrideable", "slow_conv"),
    "upsampling": ("upsample",),
    "GELU": ("gelu",),
}
READY_BYTES = 2 * 2**30
NAMES = ("linear", "linear as convolution", *list(PARTS)[1:], "the rest")


def part_of(operation: str, shapes: list[list[int]]) -> str:
    name = operation.removeprefix("aten::")
    for part, beginnings in PARTS.items():
        if name.startswith(beginnings):
            # A linear layer as a convolution has an image of one line.
            is_line = part == "convolution" and len(shapes[0]) == 4 and shapes[0][2] == 1
            return "linear as convolution" if is_line else part
    return "the rest"


def parts(name: str, folder: Path, shape: tuple[int, int, int], threads: int, runs: int) -> Callable[[], torch.Tensor]:
    """A function that gives the milliseconds of each part, in the order of `NAMES`."""
    predict = open_peer(name, folder, shape, threads)

    def measure() -> torch.Tensor:
        # The profiler's records settle in freed blocks, so that results would need fresh pages, which cost more than
        # some operations: enough of them is made ready here.
        torch.ones(READY_BYTES, dtype=torch.uint8)
        predict()
        with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as recorded:
            for _ in range(runs):
                predict()
        found: Counter[str] = Counter()
        for event in recorded.key_averages(group_by_input_shape=True):
            found[part_of(event.key, event.input_shapes)] += event.self_cpu_time_total / 1000 / runs
        return torch.tensor([found[part] for part in NAMES])

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contenders", default="stock,ours", help="names from peers.py, of models in PyTorch")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print(f"| ms | {' | '.join(NAMES)} | in all |\n{'|---' * (len(NAMES) + 2)}|")
    with tempfile.TemporaryDirectory() as folder:
        write_live_model(folder, arguments.size)
        shape = (arguments.batch, arguments.side, arguments.side)
        for name in arguments.contenders.split(","):
            what = (name, Path(folder), shape, arguments.threads, arguments.runs)
            with Child(Contender.from_name(name, parts, *what), arguments.threads) as child:
                found = child.first_run()
            assert found is not None
            print(f"| {name} | {' | '.join(f'{value:.0f}' for value in [*found.tolist(), found.sum().item()])} |")


if __name__ == "__main__":
    main()
