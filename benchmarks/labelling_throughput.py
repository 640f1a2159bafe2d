# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-labelling from end to end against the bare forward pass of the same model, batches and precision.

    python benchmarks/labelling_throughput.py --json benchmarks/results/labelling_throughput.json
    python benchmarks/labelling_throughput.py --photographs 1080x1920 --input_size 518 --images 16

JPEG photographs of mixed sizes, or of one, are read, decoded, predicted, encoded and written to shards, which are
verified off the clock; the bare pass gets the same images as finished tensors, in full batches of one size. Both
alternate in one process. The goal is a share of 0.9 or more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from depth_anything_hf.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.inference import DepthPredictor
from depth_anything_hf.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels import label_images, verify_labels


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
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_preset(arguments.size))
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


@torch.inference_mode()
def time_forward(predictor: DepthPredictor, batches: list[torch.Tensor]) -> tuple[float, float]:
    """Wall and processor seconds."""
    start, used = time.perf_counter(), time.process_time()
    for batch in batches:
        # The copy waits for the device, as labelling has to.
        with predictor.autocast():
            predictor.model(pixel_values=batch).predicted_depth.cpu()
    return time.perf_counter() - start, time.process_time() - used


def time_labelling(predictor: DepthPredictor, photographs: PhotoFolder, shard_size: int) -> tuple[float, float]:
    """Wall and processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        label_images(predictor, photographs, folder, provenance={}, shard_size=shard_size, progress=False)
        elapsed = time.perf_counter() - start, time.process_time() - used
        if not verify_labels(folder).is_sound:
            raise RuntimeError("the labels are not sound")
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--photographs", help="height x width of all of them, e.g. 1080x1920; default: mixed sizes")
    parser.add_argument("--interpolation", default="pillow", help="pillow or opencv: how the processor resizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--input_size", type=int, default=252)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--shard_size", type=int, default=48)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    predictor = open_teacher(arguments)
    with tempfile.TemporaryDirectory() as folder:
        one_size = arguments.photographs and tuple(map(int, arguments.photographs.split("x")))
        write_photographs(Path(folder), arguments.images, (one_size,) if one_size else SIZES)
        photographs = PhotoFolder(folder)
        batches = prepare_batches(predictor, photographs)
        time_forward(predictor, batches[:2])
        rounds = []
        for _ in range(arguments.rounds):
            (forward, forward_used), (labelling, labelling_used) = (
                time_forward(predictor, batches),
                time_labelling(predictor, photographs, arguments.shard_size),
            )
            one = {
                "forward": arguments.images / forward,
                "labelling": arguments.images / labelling,
                "share": forward / labelling,
                "share_of_processor_time": forward_used / labelling_used,
                "load": os.getloadavg()[0],
            }
            rounds.append(one)
            print(", ".join(f"{name} {value:.3f}" for name, value in one.items()), flush=True)
    share = statistics.median(one["share"] for one in rounds)
    settings = {name: value for name, value in vars(arguments).items() if name != "json"}
    machine = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    result = {"share": share, "images_per_second": rounds, "settings": settings, "machine": machine}
    print(json.dumps(result))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
