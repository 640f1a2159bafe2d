# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-labelling from end to end against the bare forward pass of the same model, batches and precision.

    python benchmarks/labelling_throughput.py --json benchmarks/results/labelling_throughput.json
    python benchmarks/labelling_throughput.py --photographs 1080x1920 --input_size 518 --images 16

JPEG photographs of mixed sizes, or of one, are read, decoded, predicted, encoded and written to shards, which are
verified off the clock; the bare pass gets the same images as finished tensors, in full batches of one size. Each has
a process of its own, which keeps freed memory as the commands do, and they take turns. The goal is a share of 0.9 or
more.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from harness import Contender, add_options, measure, median_ratio, report

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=96)
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
    with tempfile.TemporaryDirectory() as place:
        folder, labels = Path(place, "photographs"), Path(place, "labels")
        folder.mkdir()
        labels.mkdir()
        one_size = arguments.photographs and tuple(map(int, arguments.photographs.split("x")))
        write_photographs(folder, arguments.images, (one_size,) if one_size else SIZES)
        contenders = [
            Contender("forward passes", forward_passes, (folder, arguments), keeps_memory=True),
            Contender("labelling", labelling, (folder, arguments, labels), keeps_memory=True),
        ]
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
        broken = [run.name for run in labels.iterdir() if not verify_labels(run).is_sound]
        if broken:
            raise RuntimeError(f"the labels of the runs {', '.join(broken)} are not sound")
    forward, whole = timings
    shares = {kind: median_ratio(forward, whole, kind) for kind in ("wall", "processor")}
    rates = {timing.name: arguments.images / statistics.median(timing.wall) for timing in timings if timing.wall}
    title = f"{arguments.images} photographs ({arguments.photographs or 'mixed sizes'}), {arguments.size}"
    title += f", input {arguments.input_size}, batches of {arguments.batch_size}, {arguments.dtype}"
    report(title, timings, arguments, share=shares["wall"], shares=shares, images_per_second=rates)
    print(", ".join(f"{name} {rate:.2f} images/s" for name, rate in rates.items()))
    print(f"share of the bare forward rate {shares['wall']:.3f}, by CPU time {shares['processor']:.3f}")


if __name__ == "__main__":
    main()
