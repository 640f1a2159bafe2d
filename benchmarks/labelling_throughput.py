# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-labelling from end to end against the bare forward pass of the same model, batches and precision.

    python benchmarks/labelling_throughput.py --json benchmarks/results/labelling_throughput.json
    python benchmarks/labelling_throughput.py --1080p --against 5a79964

JPEG photographs of mixed sizes, or of one, are read, decoded, predicted, encoded and written to shards, which are
verified off the clock; the bare pass gets the same images as finished tensors, in full batches of one size. Each has
a process of its own, which keeps freed memory as the commands do, and they take turns. The goal is a share of 0.95 or
more of photographs of 1080 x 1920. Decoding and encoding take the cores that the pass would have, so that on a machine
with other load the share by CPU time tells more. With `--against` the labelling of another commit takes its turns too,
and its labels must be the same, value by value.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
from harness import Contender, add_options, extract_package, measure, median_ratio, report

from depth_anything_hf.cpu.autotune import SETTING_VARIABLE
from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.inference.devices import usable_device
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.fill_shards import label_images
from depth_anything_hf.pseudo_labels.verify import verify_labels


# Height and width; as photographs on the web, most of them landscape.
SIZES = ((480, 640), (640, 480), (427, 640), (480, 640), (512, 512), (600, 800))


def write_photographs(folder: Path, count: int, sizes: Sequence[tuple[int, int]]) -> None:
    """Soft colour fields with edges and fine noise, which cost a decoder about what photographs do."""
    random = np.random.default_rng(0)
    for index in range(count):
        height, width = sizes[index % len(sizes)]
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        for _ in range(12):
            top, left = int(random.integers(0, height - 40)), int(random.integers(0, width - 40))
            rows, columns = random.integers(20, 160, size=2)
            image[top : top + rows, left : left + columns] = random.integers(0, 256, 3)
        image += random.integers(-8, 9, image.shape, dtype=np.int16)
        cv2.imwrite(str(folder / f"{index:05d}.jpg"), np.clip(image, 0, 255).astype(np.uint8))


def open_teacher(arguments: argparse.Namespace) -> DepthPredictor:
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(arguments.size))
    processor = DepthAnythingImageProcessor.for_input_size(arguments.input_size, interpolation=arguments.interpolation)
    return DepthPredictor(
        model, processor, device=arguments.device, dtype=arguments.dtype, batch_size=arguments.batch_size
    )


def prepare_batches(predictor: DepthPredictor, photographs: PhotoFolder) -> list[torch.Tensor]:
    by_size: dict[tuple[int, ...], list[torch.Tensor]] = defaultdict(list)
    for index in range(len(photographs)):
        prepared = predictor.processor(images=photographs[index]["image"], return_tensors="pt")["pixel_values"][0]
        by_size[tuple(prepared.shape)].append(prepared)
    batches = []
    for images in by_size.values():
        for start in range(0, len(images), predictor.batch_size):
            batch = torch.stack(images[start : start + predictor.batch_size])
            batches.append(batch.to(predictor.device, predictor.model.dtype))
    return batches


def forward_passes(folder: Path, arguments: argparse.Namespace) -> Callable[[], None]:
    """A function that predicts all photographs from finished tensors."""
    predictor = open_teacher(arguments)
    batches = prepare_batches(predictor, PhotoFolder(folder))
    predictor.model.eval()

    @torch.inference_mode()
    def predict() -> None:
        for batch in batches:
            # The copy waits for the device, as labelling has to.
            with predictor.autocast():
                predictor.model(pixel_values=batch).predicted_depth.cpu()

    return predict


def labelling(folder: Path, arguments: argparse.Namespace, labels: Path) -> Callable[[], None]:
    """A function that labels all photographs, into a new folder below `labels` each time."""
    predictor, photographs = open_teacher(arguments), PhotoFolder(folder)
    counter = itertools.count()

    def label() -> None:
        place = labels / str(next(counter))
        label_images(predictor, photographs, place, provenance={}, shard_size=arguments.shard_size, progress=False)

    return label


def require_same_labels(runs: Sequence[Path]) -> None:
    """Refuse runs whose labels differ in any value."""

    def rows(run: Path) -> Iterator[tuple[Any, ...]]:
        for shard in sorted(run.glob("*.parquet")):
            for row in pq.read_table(shard).to_pylist():
                codes = cv2.imdecode(np.frombuffer(row["disparity"]["bytes"], np.uint8), cv2.IMREAD_UNCHANGED)
                assert codes is not None
                yield row["name"], row["disparity_minimum"], row["disparity_maximum"], zlib.crc32(codes.tobytes())

    for run in runs[1:]:
        if list(rows(run)) != list(rows(runs[0])):
            raise RuntimeError(f"the labels of {run} are not those of {runs[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument(
        "--1080p",
        dest="full_hd",
        action="store_true",
        help="32 photographs of 1080x1920 at 518, the size that the teacher was made for, in shards of 16",
    )
    parser.add_argument("--against", help="a commit whose labelling is measured beside this one's")
    parser.add_argument("--photographs", help="height x width of all of them, e.g. 1080x1920; default: mixed sizes")
    parser.add_argument("--interpolation", default="pillow", help="pillow or opencv: how the processor resizes")
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--input_size", type=int, default=252)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--shard_size", type=int, default=48)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", type=usable_device, default="cpu")
    add_options(parser, rounds=3, longest=3600)
    arguments = parser.parse_args()
    if arguments.full_hd:
        parser.set_defaults(images=32, photographs="1080x1920", input_size=518, shard_size=16)
        arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, labels = Path(place, "photographs"), Path(place, "labels")
        folder.mkdir()
        labels.mkdir()
        one_size = arguments.photographs and tuple(map(int, arguments.photographs.split("x")))
        write_photographs(folder, arguments.images, (one_size,) if one_size else SIZES)
        contenders = [
            Contender("forward passes", forward_passes, (folder, arguments), keeps_memory=True),
            Contender("labelling", labelling, (folder, arguments, labels / "here"), keeps_memory=True),
        ]
        if arguments.against:
            # Chosen by measurement, kernels might differ between the processes, and the labels in their last bits.
            os.environ.setdefault(SETTING_VARIABLE, "on")
            other = extract_package(arguments.against, Path(place, "other"))
            there = (folder, arguments, labels / "there")
            contenders.append(
                Contender(f"labelling, {arguments.against}", labelling, there, keeps_memory=True, checkout=other)
            )
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
        runs = sorted(labels.glob("*/*"))
        broken = [run.name for run in runs if not verify_labels(run).is_sound]
        if broken:
            raise RuntimeError(f"the labels of the runs {', '.join(broken)} are not sound")
        require_same_labels(runs)
    forward, whole = timings[:2]
    shares = {kind: median_ratio(forward, whole, kind) for kind in ("wall", "processor")}
    rates = {timing.name: arguments.images / statistics.median(timing.wall) for timing in timings if timing.wall}
    title = f"{arguments.images} photographs ({arguments.photographs or 'mixed sizes'}), {arguments.size}"
    title += f", input {arguments.input_size}, batches of {arguments.batch_size}, {arguments.dtype}"
    report(title, timings, arguments, share=shares["wall"], shares=shares, images_per_second=rates)
    print(", ".join(f"{name} {rate:.2f} images/s" for name, rate in rates.items()))
    for timing in timings[1:]:
        wall, processor = (median_ratio(forward, timing, kind) for kind in ("wall", "processor"))
        print(f"{timing.name}: share of the bare forward rate {wall:.3f}, by CPU time {processor:.3f}")


if __name__ == "__main__":
    main()
