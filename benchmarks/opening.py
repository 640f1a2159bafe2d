# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What opening a large folder costs: time of the first and of the next opening, memory of each process and worker.

Writes a folder of many pairs, hard links to a few small files, and opens it in processes of their own, in turns with
another checkout of the package if one is given. Every process and worker reads the name of each sample once; its
private memory (USS) is told beside that of one that has imported the same and opened nothing; `peak_mb` is by how much
opening raised the largest resident memory of the process.

    python benchmarks/opening.py --pairs 1000000 --rounds 3 --against ../before
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


MEGABYTE = 2**20
PER_FOLDER = 1000
# Of a file, on the file systems that have the fewest.
MOST_LINKS = 30_000
KINDS = ("fork", "spawn")


def write_folder(root: Path, layout: str, count: int) -> None:
    """Write pairs of images and labels, photographs, or pairs with a text list."""
    import numpy as np
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    parts = {"images": ".png"} if layout == "photos" else {"images": ".png", "depth": ".npy"}

    def sources(suffix: str) -> Iterator[Path]:
        for number in range(sys.maxsize):
            path = root.parent / f"source{number}{suffix}"
            if suffix == ".png":
                Image.fromarray(picture).save(path)
            else:
                np.save(path, np.ones((8, 8), np.float32))
            for _ in range(MOST_LINKS):
                yield path

    for part, suffix in parts.items():
        links = sources(suffix)
        for start in range(0, count, PER_FOLDER):
            folder = root / part / f"{start // PER_FOLDER:05}"
            folder.mkdir(parents=True)
            for number in range(start, min(count, start + PER_FOLDER)):
                os.link(next(links), folder / f"frame_{number:08}{suffix}")
    if layout == "list":
        with (root / "train.txt").open("w") as lines:
            for number in range(count):
                name = f"{number // PER_FOLDER:05}/frame_{number:08}"
                lines.write(f"images/{name}.png depth/{name}.npy\n")


def private_memory() -> float:
    """Return the private memory of this process in MB."""
    import gc

    import psutil

    gc.collect()
    return float(psutil.Process().memory_full_info().uss) / MEGABYTE


def peak_memory() -> float:
    """Return the largest resident memory of this process so far in MB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def read_names(opened: Any) -> int:
    """Read the name of each sample once, and return how many letters they have."""
    if opened is None:
        return 0
    name_of = getattr(opened, "name_of", None) or (lambda index: opened.read_encoded(index)[0])
    return sum(len(name_of(index)) for index in range(len(opened)))


def in_worker(opened: Any, pipe: Any) -> None:
    """Read all names in a worker and send its private memory."""
    import depth_anything_hf.data.sources  # noqa: F401

    began, letters = time.perf_counter(), read_names(opened)
    pipe.send((private_memory(), time.perf_counter() - began, letters))


def worker_memory(kind: str, opened: Any) -> float:
    """Return the private memory of a worker that has read all names."""
    context: Any = multiprocessing.get_context(kind)
    mine, its = context.Pipe()
    process = context.Process(target=in_worker, args=(opened, its))
    process.start()
    memory, _, _ = mine.recv()
    process.join()
    return float(memory)


def measure(root: Path, layout: str, with_workers: bool) -> dict[str, float]:
    """Open a folder in this process, and return what that cost."""
    from depth_anything_hf.data.sources import open_source

    source = {"path": str(root), **({"kind": "photos"} if layout == "photos" else {})}
    # What a process imports when it opens its first folder is no part of the folder's.
    with tempfile.TemporaryDirectory() as small:
        write_folder(Path(small) / "set", layout, 2)
        read_names(open_source({**source, "path": str(Path(small) / "set")}))
    before = private_memory()
    empty = {kind: worker_memory(kind, None) for kind in KINDS} if with_workers else {}
    peak_before = peak_memory()
    wall, processor = time.perf_counter(), time.process_time()
    opened = open_source(source)
    found = {"open_s": time.perf_counter() - wall, "open_processor_s": time.process_time() - processor}
    found["peak_mb"] = peak_memory() - peak_before
    processor = time.process_time()
    read_names(opened)
    found["name_us"] = (time.process_time() - processor) / len(opened) * 1e6
    found["process_mb"] = private_memory() - before
    for kind, memory in empty.items():
        found[f"{kind}_mb"] = worker_memory(kind, opened) - memory
    return found


def run(checkout: Path, work: Path, layout: str, with_workers: bool) -> dict[str, float]:
    """Measure in a process of its own, with the package of a checkout."""
    command = [sys.executable, __file__, "--child", str(work / "set"), "--layout", layout]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "DEPTH_ANYTHING_HF_CACHE": str(work / "cache")}
    output = subprocess.run(
        [*command, *(["--workers"] if with_workers else [])],
        env={**environment, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def size_of(folder: Path) -> float:
    """Return the size of the files below a folder in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE


def main() -> None:
    """Measure in turns, and print the medians with every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layout", choices=("pairs", "photos", "list"), default="pairs")
    parser.add_argument("--against", type=Path, help="another checkout of the package, opened in turns with this one")
    parser.add_argument("--work", type=Path, help="folder to write into, on the disk to measure; kept")
    parser.add_argument("--json", type=Path, help="write every run there")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--workers", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(measure(arguments.child, arguments.layout, arguments.workers)))
        return
    work = arguments.work or Path(tempfile.mkdtemp(prefix="opening-"))
    is_new = not (work / "set").exists()
    if is_new:
        print(f"writing {arguments.pairs} {arguments.layout} below {work}", flush=True)
        work.mkdir(parents=True, exist_ok=True)
        write_folder(work / "set", arguments.layout, arguments.pairs)
        time.sleep(2.5)
    here = Path(__file__).resolve().parents[1]
    runs: dict[str, list[dict[str, float]]] = {}
    for number in range(arguments.rounds):
        contenders = [("before", arguments.against, True)] if arguments.against else []
        shutil.rmtree(work / "cache", ignore_errors=True)
        for name, checkout, with_workers in (*contenders, ("first", here, False), ("second", here, True)):
            found = run(checkout, work, arguments.layout, with_workers)
            runs.setdefault(name, []).append(found)
            load = os.getloadavg()[0]
            values = ", ".join(f"{key} {value:.3g}" for key, value in found.items())
            print(f"round {number + 1}, {name}: {values} (load {load:.1f})", flush=True)
    for name, each in runs.items():
        medians = ", ".join(f"{key} {statistics.median(one[key] for one in each):.3g}" for key in each[0])
        print(f"{name}, median of {len(each)}: {medians}")
    print(f"index: {size_of(work / 'cache'):.1f} MB")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"pairs": arguments.pairs, "layout": arguments.layout, "runs": runs}))
    if arguments.work is None:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
