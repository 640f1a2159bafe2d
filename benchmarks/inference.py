# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Seconds for one prediction, by this package and by others, in turns in one process.

    python benchmarks/inference.py --size small --json benchmarks/results/inference_small.json
    python benchmarks/inference.py --peers stock_bf16,stock_bf16_eager,ours_bf16      # see peers.py for the names

The first peer is what the others are compared to. Differences are those to stock transformers in float32, whichever
peers run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from harness import Contender, images, measure, report, write_live_model
from peers import PEERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="stock,ours_plain,ours", help="names from peers.py")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--height", type=int, default=518)
    parser.add_argument("--width", type=int, default=518)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    names = arguments.peers.split(",")
    unknown = set(names) - PEERS.keys()
    if unknown:
        parser.error(f"unknown peers {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        write_live_model(folder, arguments.size)
        inputs = images(arguments.batch, arguments.height, arguments.width)
        reference = PEERS["stock"](Path(folder), inputs, arguments.threads)()
        contenders = [Contender(name, PEERS[name](Path(folder), inputs, arguments.threads)) for name in names]
        timings = measure(contenders, arguments.rounds, reference)
    title = f"{arguments.size} {arguments.height}x{arguments.width}, batch {arguments.batch}"
    settings = {name: value for name, value in vars(arguments).items() if name != "json"}
    report(title, timings, settings, arguments.json)


if __name__ == "__main__":
    main()
