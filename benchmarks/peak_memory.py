# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Peak memory of predictions and training steps, each contender in a process of its own.

    python benchmarks/peak_memory.py --json benchmarks/results/peak_memory.json
    python benchmarks/peak_memory.py --work training --side 518 --batch 2 --checkpointing

The peak resident memory of the process counts, interpreter and libraries included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from harness import images, machine, write_live_model
from peers import PEERS
from training_step import open_model, step_of


REPETITIONS = 3


def work(arguments: argparse.Namespace, folder: Path) -> None:
    """Does the work of one contender, in this process, and prints its peak in MiB."""
    torch.set_num_threads(arguments.threads)
    pixels = images(arguments.batch, arguments.side, arguments.side)
    if arguments.work == "inference":
        run = PEERS[arguments.child](folder, pixels, arguments.threads)
    else:
        model = open_model(arguments.child, folder, arguments.checkpointing)
        run = step_of(model, pixels, pixels.mean(dim=1).sigmoid(), arguments.precision)
    for _ in range(REPETITIONS):
        run()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default="inference", choices=["inference", "training"])
    parser.add_argument("--contenders", default="stock,ours", help="names from peers.py, or of training_step.py")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"], help="of training")
    parser.add_argument("--checkpointing", action="store_true", help="of training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the result")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        work(arguments, arguments.folder)
        return
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_live_model(folder, arguments.size)
        for name in arguments.contenders.split(","):
            command = [sys.executable, *sys.argv, "--child", name, "--folder", folder]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            peaks[name] = float(output.split()[-1])
    first = next(iter(peaks.values()))
    for name, peak in peaks.items():
        print(f"{name}: {peak:.0f} MiB, {peak / first:.2f} of the first")
    if arguments.json:
        settings = {name: value for name, value in vars(arguments).items() if name not in ("json", "child", "folder")}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        result = {"peak_mebibytes": peaks, "settings": settings, "machine": machine()}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
