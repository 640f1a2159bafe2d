# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Time to open a stream of many local parquet files, and to its first batch, beside another version of the package.

python benchmarks/stream_opening.py --files 16000                     # this version alone
python benchmarks/stream_opening.py --files 16000 --against ../older  # a checkout of another one, in turns

Every time is one of a fresh process whose libraries are imported; the system knows the names of the files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


CHILD = """
import json, sys, time
import pyarrow.parquet
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.loader import BatchLoader
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform
import datasets
wall, cpu = time.perf_counter(), time.process_time()
stream = open_source({"path": sys.argv[1], "streaming": True, "label": "disparity"})
opened, opened_cpu = time.perf_counter() - wall, time.process_time() - cpu
mixture = StreamingMixture([stream], TrainingTransform(14))
alone = {"process_index": 0, "process_count": 1}
loader = BatchLoader(mixture, batch_size=8, accumulation=1, first_step=0, last_step=1, **alone)
next(iter(loader))
print(json.dumps({"opened": opened, "opened_cpu": opened_cpu, "first_batch": time.perf_counter() - wall}))
"""


def write_files(root: Path, count: int) -> None:
    """Write one tiny shard of labels under many names."""
    import io

    import datasets
    import numpy as np
    from PIL import Image

    def png(pixels: np.ndarray) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()

    random = np.random.default_rng(0)
    rows = {
        "image": [
            {"bytes": png(random.integers(0, 255, (8, 8, 3), np.uint8)), "path": f"{row}.png"} for row in range(4)
        ],
        "disparity": [{"bytes": png(random.integers(0, 2**16, (8, 8), np.uint16)), "path": None} for row in range(4)],
        "disparity_minimum": [0.0] * 4,
        "disparity_maximum": [1.0] * 4,
        "name": [f"row {row}" for row in range(4)],
    }
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "disparity": datasets.Image(),
            "disparity_minimum": datasets.Value("float64"),
            "disparity_maximum": datasets.Value("float64"),
            "name": datasets.Value("string"),
        }
    )
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(root / "first")
    content = (root / "first").read_bytes()
    (root / "first").unlink()
    for index in range(count):
        (root / f"labels-{index:05}-of-{count:05}.parquet").write_bytes(content)


def measure(checkout: Path, root: Path) -> dict[str, float]:
    """Open the stream in a fresh process of one version."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", CHILD, str(root)]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=checkout)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=16_000, help="files of the stream")
    parser.add_argument("--runs", type=int, default=3, help="of each version, in turns")
    parser.add_argument("--against", type=Path, help="checkout of another version")
    arguments = parser.parse_args()
    versions = {"this version": Path(__file__).resolve().parents[1]}
    if arguments.against is not None:
        versions["the other"] = arguments.against.resolve()
    print(f"| {arguments.files} files, seconds | opened | processor time of it | first batch, from the same start |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        write_files(Path(place), arguments.files)
        for run in range(arguments.runs):
            for name, checkout in versions.items():
                found = measure(checkout, Path(place))
                cells = [f"{found[key]:.2f}" for key in ("opened", "opened_cpu", "first_batch")]
                print(f"| {name}, run {run + 1} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
