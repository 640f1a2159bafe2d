# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for images of many sizes: whether memory stays flat, and whether it costs time that sizes change.

    python benchmarks/mixed_sizes.py --json benchmarks/results/mixed_sizes.json
    python benchmarks/mixed_sizes.py --kept          # freed memory kept, as the commands and examples do
    python benchmarks/mixed_sizes.py --batch_size 4  # in random order few batches are full, which costs time by itself

`DepthPredictor.from_pretrained` opens a folder, as users do, and predicts the same images in random order and sorted
by size; each order has a process of its own, and they take turns. Resident memory is that of the first run of a
process, in fifths of the images; passes are the model's in that run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from harness import Contender, add_options, measure, median_ratio, report, write_live_model

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


ORDERS = ("random order", "sorted by size")
WIDEST = 2.0  # width by height, and height by width
SHORT_SIDES = (240, 720)  # pixels


def draw_sizes(count: int, aspects: int) -> list[tuple[int, int]]:
    """Heights and widths in random order, from so many aspect ratios and any scale."""
    random = np.random.default_rng(0)
    ratios = np.exp(random.uniform(-np.log(WIDEST), np.log(WIDEST), aspects))
    chosen, short = random.choice(ratios, count), random.integers(*SHORT_SIDES, count)
    heights, widths = short * np.maximum(1, 1 / chosen), short * np.maximum(1, chosen)
    return [(round(height), round(width)) for height, width in zip(heights, widths, strict=True)]


def pictures(sizes: list[tuple[int, int]]) -> Iterator[tuple[str, np.ndarray]]:
    """Soft colour fields, made when they are asked for."""
    for index, (height, width) in enumerate(sizes):
        coarse = np.random.default_rng(index).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        yield f"picture {index}", cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def predictions(
    folder: Path, order: str, count: int, aspects: int, batch_size: int, notes: Path
) -> Callable[[], None]:
    """A function that predicts all images; its first run writes its passes and resident bytes after each image."""
    predictor = DepthPredictor.from_pretrained(folder, device="cpu", batch_size=batch_size)
    sizes = draw_sizes(count, aspects)
    if order == "sorted by size":
        sizes.sort(key=lambda size: (size[0] / size[1], size))
    process = psutil.Process()
    passes: list[None] = []
    predictor.model.register_forward_pre_hook(lambda *_: passes.append(None))

    def predict() -> None:
        resident: list[int] = []
        for prediction in predictor(pictures(sizes)):
            if prediction.error:
                raise RuntimeError(f"{prediction.name}: {prediction.error}")
            resident.append(process.memory_info().rss)
        if not notes.exists():
            notes.write_text(json.dumps({"passes": len(passes), "resident": resident}), encoding="utf-8")

    return predict


def memory_by_fifths(notes: Path) -> dict[str, Any]:
    """Means of the resident memory in fifths of the images, and their growth from the second to the last."""
    found = json.loads(notes.read_text(encoding="utf-8"))
    means = [float(part.mean()) for part in np.array_split(np.array(found["resident"]) / 2**20, 5)]
    return {
        "passes": found["passes"],
        "mebibytes_by_fifth": means,
        "growth_percent": 100 * (means[4] / means[1] - 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500, help="images")
    parser.add_argument("--aspects", type=int, default=40, help="different aspect ratios")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--input_size", type=int, default=252, help="shorter side of the input, a multiple of 14")
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--kept", action="store_true", help="keep freed memory")
    add_options(parser, rounds=2, longest=3600)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_live_model(folder, arguments.size)
        DepthAnythingImageProcessor.for_input_size(arguments.input_size).save_pretrained(folder)
        notes = {order: folder / f"{order}.json" for order in ORDERS}
        what = (arguments.count, arguments.aspects, arguments.batch_size)
        contenders = [
            Contender(order, predictions, (folder, order, *what, notes[order]), keeps_memory=arguments.kept)
            for order in ORDERS
        ]
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
        memory = {order: memory_by_fifths(file) for order, file in notes.items() if file.exists()}
    shuffled, in_order = timings
    ratios = {kind: median_ratio(shuffled, in_order, kind) for kind in ("wall", "processor")}
    title = f"{arguments.count} images of mixed sizes, {arguments.size}, input {arguments.input_size}"
    title += f", batches of {arguments.batch_size}" + (", freed memory kept" if arguments.kept else "")
    report(title, timings, arguments, memory=memory, random_to_sorted=ratios)
    for order, found in memory.items():
        fifths = ", ".join(f"{mean:.0f}" for mean in found["mebibytes_by_fifth"])
        growth = f"{found['growth_percent']:+.1f} % from the second to the last"
        print(f"{order}: {found['passes']} passes; {fifths} MiB by fifths, {growth}")
    print(
        f"random order takes {ratios['wall']:.3f} of the sorted one's time, {ratios['processor']:.3f} of its CPU time"
    )


if __name__ == "__main__":
    main()
