# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Seconds for one prediction, by this package and by others, in turns, each in a process of its own.

    python benchmarks/inference.py --size small --json benchmarks/results/inference_small.json
    python benchmarks/inference.py --peers stock_bf16,stock_bf16_eager,ours_bf16      # see peers.py for the names
    python benchmarks/inference.py --peers ours,exported_openvino_int8 --folder small  # keeps the exported files

The first peer is what the others are compared to. Differences are those to stock transformers in float32, whichever
peers run. `stock_kept` is stock with this package's `keep_freed_memory`, and `ours_returned` is ours without it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from harness import Contender, add_options, bare, measure, output_of, report, write_live_model
from peers import EXPORTED, PEERS, exporter, needs_export, open_peer, write_exported


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", default="stock,stock_kept,ours_returned,ours", help="names from peers.py, _kept and _returned too"
    )
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--height", type=int, default=518)
    parser.add_argument("--width", type=int, default=518)
    parser.add_argument("--folder", type=Path, help="of the model and its exported files, made there once and kept")
    add_options(parser, rounds=7)
    arguments = parser.parse_args()
    names = arguments.peers.split(",")
    unknown = {name for name in names if bare(name) not in PEERS}
    if unknown:
        parser.error(f"unknown peers {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    shape, threads = (arguments.batch, arguments.height, arguments.width), arguments.threads
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.folder or Path(folder)
        if not (place / "config.json").is_file():
            write_live_model(place, arguments.size)
        if needs_export(names):
            output_of(Contender("export", exporter, (place, shape)), threads)
        for name in dict.fromkeys(map(bare, names)):
            if name in EXPORTED:
                output_of(Contender("export", write_exported, (name, place, shape)), threads)
        reference = output_of(Contender("reference", open_peer, ("stock", place, shape, threads)), threads)
        contenders = [Contender.from_name(name, open_peer, name, place, shape, threads) for name in names]
        timings = measure(contenders, arguments.rounds, threads, arguments.longest, reference)
    report(f"{arguments.size} {arguments.height}x{arguments.width}, batch {arguments.batch}", timings, arguments)


if __name__ == "__main__":
    main()
