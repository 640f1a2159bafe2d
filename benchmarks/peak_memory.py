# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Peak memory of predictions and training steps, each contender in a process of its own, one after the other.

    python benchmarks/peak_memory.py --json benchmarks/results/peak_memory_inference.json
    python benchmarks/peak_memory.py --work training --side 518 --batch 2 --checkpointing

The peak resident memory of the process counts, interpreter and libraries included.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from harness import Contender, add_options, machine, measure, output_of, settings_of, write_live_model, write_result
from peers import exporter, needs_export, open_peer
from training_step import trainer


def contender_of(name: str, folder: Path, arguments: argparse.Namespace) -> Contender:
    batch, side = arguments.batch, arguments.side
    if arguments.work == "inference":
        return Contender.from_name(name, open_peer, name, folder, (batch, side, side), arguments.threads)
    how = (arguments.precision, arguments.checkpointing)
    return Contender.from_name(name, trainer, name, folder, (batch, side), *how)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default="inference", choices=["inference", "training"])
    parser.add_argument(
        "--contenders",
        default="stock,stock_kept,ours_returned,ours",
        help="names as for inference.py or training_step.py",
    )
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"], help="of training")
    parser.add_argument("--checkpointing", action="store_true", help="of training")
    add_options(parser, rounds=2)
    arguments = parser.parse_args()
    names, threads = arguments.contenders.split(","), arguments.threads
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_live_model(place, arguments.size)
        if needs_export(names):
            output_of(
                Contender("export", exporter, (place, (arguments.batch, arguments.side, arguments.side))), threads
            )
        timings = [
            measure([contender_of(name, place, arguments)], arguments.rounds, threads, arguments.longest)[0]
            for name in names
        ]
    first = timings[0].peak_memory_bytes
    for timing in timings:
        if timing.peak_memory_bytes is None:
            print(f"{timing.name}: left out, {timing.left_out}")
            continue
        share = "" if first is None else f", {timing.peak_memory_bytes / first:.2f} of the first"
        print(f"{timing.name}: {timing.peak_memory_bytes / 2**20:.0f} MiB{share}")
    peaks = {one.name: one.peak_memory_bytes and one.peak_memory_bytes / 2**20 for one in timings}
    left_out = {one.name: one.left_out for one in timings if one.left_out}
    settings, facts = settings_of(arguments), machine(threads)
    result = {"peak_mebibytes": peaks, "left_out": left_out, "settings": settings, "machine": facts}
    write_result(arguments.json, result)


if __name__ == "__main__":
    main()
