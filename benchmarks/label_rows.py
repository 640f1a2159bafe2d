# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
r"""Shards of labels by index: disk and time that opening takes, and rows a second at random, beside another version.

    git worktree add ../before 5a79964
    python benchmarks/label_rows.py --before ../before
    python benchmarks/label_rows.py --before ../before --shards 2 --rows 160 --height 760 --width 1040
    python benchmarks/label_rows.py --before ../before --shards 10000 --rows 32 --rows_in_group 1 --height 12 \
        --width 16 --rows_read 2000
    python benchmarks/label_rows.py --without_copy --shards 10000 --rows 32 --rows_in_group 1 --height 12 --width 16 \
        --rows_read 10000

Each version opens the same shards in a process of its own, with caches of its own that are empty at first, and they
take turns. The first batch are 32 samples, decoded; the rows a second are of rows that are not decoded, as the
decoder is the same. A pass reads the rows in an order of its own. Processor time of the process stands beside wall
time, as other processes disturb it less. Then one shard is touched, and the shards are opened again. Last this
version reads rows in place and from the copy of `datasets` by turns, in one process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np


HERE = Path(__file__).resolve().parents[1]
BATCH = 32
# Of which the shards are made up in turn.
PICTURES = 8
# Rows read by one of two contenders before the other's turn.
BLOCK = 50


def write_shards(folder: Path, arguments: argparse.Namespace) -> None:
    """Write shards of one content each under the names of a finished run."""
    from depth_anything_hf.data.decoding.disparity_codec import encode_disparity
    from depth_anything_hf.pseudo_labels.shards import ShardWriter, shard_name

    random = np.random.default_rng(0)
    height, width = arguments.height, arguments.width
    pictures = []
    for _ in range(PICTURES):
        colours = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        image += random.integers(-20, 21, image.shape, dtype=np.int16)
        jpeg = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8))[1].tobytes()
        disparity = cv2.resize(random.random((6, 8), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        pictures.append((jpeg, *encode_disparity(disparity + 0.01 * random.random((height, width), np.float32))))
    folder.mkdir(parents=True)
    writer = ShardWriter(folder / shard_name(0, arguments.shards))
    for first in range(0, arguments.rows, arguments.rows_in_group):
        rows = []
        for number in range(first, min(first + arguments.rows_in_group, arguments.rows)):
            jpeg, png, minimum, maximum = pictures[number % PICTURES]
            rows.append(
                {
                    "image": {"bytes": jpeg, "path": f"{number:06d}.jpg"},
                    "disparity": {"bytes": png, "path": f"{number:06d}_disparity.png"},
                    "disparity_minimum": minimum,
                    "disparity_maximum": maximum,
                    "disparity_encoding": "linear",
                    "name": f"photographs/{number:06d}.jpg",
                    "source_row": number,
                    "width": width,
                    "height": height,
                }
            )
        writer.write(rows)
    writer.finish([], {"teacher": "none", "images": arguments.shards * arguments.rows})
    content = writer.path.read_bytes()
    for index in range(1, arguments.shards):
        (folder / shard_name(index, arguments.shards)).write_bytes(content)


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure_here(labels: Path, caches: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Open and read the labels by the version that is imported."""
    import datasets
    import psutil

    from depth_anything_hf.data.sources import open_source

    datasets.disable_progress_bars()
    found: dict[str, Any] = {}
    for opening in ("first", "second"):
        wall, processor = time.perf_counter(), time.process_time()
        table = open_source(str(labels))
        found[f"{opening} opening, s"] = time.perf_counter() - wall
        order = np.random.default_rng(0).permutation(len(table))
        for index in order[:BATCH]:
            table[int(index)]
        found[f"first batch after the {opening} opening, s"] = time.perf_counter() - wall
        found[f"the same, s of processor time ({opening})"] = time.process_time() - processor
    found["disk after opening, share of the labels"] = bytes_below(caches) / bytes_below(labels)
    rows = table._rows  # type: ignore[attr-defined]
    for turn in range(arguments.passes):
        order = np.random.default_rng(turn + 1).permutation(len(rows))[: arguments.rows_read]
        wall, processor = time.perf_counter(), time.process_time()
        for index in order:
            rows[int(index)]
        found[f"rows/s, pass {turn + 1}"] = len(order) / (time.perf_counter() - wall)
        found[f"rows/s of processor time, pass {turn + 1}"] = len(order) / (time.process_time() - processor)
    found["private memory, MiB"] = psutil.Process().memory_full_info().uss / 2**20
    os.utime(min(labels.iterdir()))
    table = open_source(str(labels))
    found["disk after touching one shard, share of the labels"] = bytes_below(caches) / bytes_below(labels)
    if arguments.beside_copy:
        found |= compare_with_copy(labels, table._rows, arguments.rows_read)  # type: ignore[attr-defined]
    return found


def compare_with_copy(labels: Path, rows: Any, count: int) -> dict[str, float]:
    """Read blocks of rows by turns here and from the copy of `datasets`, in one process, by processor time."""
    import datasets

    from depth_anything_hf.data.datasets import DepthTable

    files = [str(path) for path in sorted(labels.glob("*.parquet"))]
    copied = DepthTable(datasets.load_dataset("parquet", data_files=files, split="train"), label="disparity")._rows
    order = np.random.default_rng(0).permutation(len(rows))[:count]
    seconds: dict[str, list[float]] = {"in place": [], "copied": []}
    for turn, first in enumerate(range(0, len(order), BLOCK)):
        for name in sorted(seconds, reverse=turn % 2 == 1):
            table = rows if name == "in place" else copied
            start = time.process_time()
            for index in order[first : first + BLOCK]:
                table[int(index)]
            seconds[name].append((time.process_time() - start) / len(order[first : first + BLOCK]))
    found = {f"rows/s of processor time by turns, {name}": 1 / statistics.median(seconds[name]) for name in seconds}
    ratios = [copied / own for own, copied in zip(seconds["in place"], seconds["copied"], strict=True)]
    return {**found, "median ratio of the turns": statistics.median(ratios)}


def measure(checkout: Path, labels: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure a version in a process of its own."""
    with tempfile.TemporaryDirectory(dir=labels.parent) as caches:
        place = Path(caches)
        environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "HF_DATASETS_CACHE": str(place / "datasets"),
            "DEPTH_ANYTHING_HF_CACHE": str(place / "own"),
        }
        own = [f"--{name}={getattr(arguments, name)}" for name in ("passes", "rows_read")]
        # Earlier versions read no rows in place.
        own += ["--beside_copy"] if checkout == HERE and not arguments.without_copy else []
        command = [sys.executable, __file__, "--labels", str(labels), "--caches", str(place), *own]
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="checkout of the version to compare with")
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--rows", type=int, default=1000, help="in each shard")
    parser.add_argument("--rows_in_group", type=int, default=32)
    parser.add_argument("--height", type=int, default=24)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--rows_read", type=int, default=16000, help="in each pass")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without_copy", action="store_true", help="do not read from the copy of `datasets` by turns")
    parser.add_argument("--work", type=Path, help="folder for shards and caches; default: a temporary one")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--labels", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--beside_copy", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--caches", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.labels is not None:
        print(json.dumps(measure_here(arguments.labels, arguments.caches, arguments)))
        return
    versions = {"here": HERE}
    if arguments.before is not None:
        versions = {"before": arguments.before.resolve(), **versions}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        labels = Path(work) / "labels"
        write_shards(labels, arguments)
        size = bytes_below(labels)
        print(f"{arguments.shards} shards of {arguments.rows} rows, {size / 2**20:.0f} MiB")
        for _ in range(arguments.rounds):
            for name, checkout in versions.items():
                found[name].append(measure(checkout, labels, arguments))
                print(f"{name}: {found[name][-1]}", flush=True)
    print(f"{'median of ' + str(arguments.rounds) + ' runs':50}" + "".join(f"{name:>12}" for name in versions))
    for key in found["here"][0]:
        medians = [statistics.median(run.get(key, math.nan) for run in found[name]) for name in versions]
        print(f"{key:50}" + "".join(f"{median:12.5g}" for median in medians))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"bytes": size, "runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
