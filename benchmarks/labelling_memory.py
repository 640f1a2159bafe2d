# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory of a long pseudo-labelling run over images of many sizes; it has to stay flat.

    python benchmarks/labelling_memory.py --json benchmarks/results/labelling_memory.json

A tiny teacher labels JPEG pictures of random sizes, far more images than any buffer holds. The resident memory is
noted all along; compared are the largest values of the second fifth of the run, when all buffers are full, and of the
last fifth. The goal is a growth of at most 5 %.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from transformers import Dinov2Config

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.fill_shards import label_images


SECONDS_BETWEEN_NOTES = 0.1


class SyntheticPictures:
    """Encoded pictures of random sizes from `smallest` to `largest` pixels a side, made when they are asked for."""

    label: str | None = None

    def __init__(self, count: int, smallest: int, largest: int) -> None:
        self._count = count
        self._sides = np.random.default_rng(0).integers(smallest, largest + 1, (count, 2))
        self.asked = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Any]:
        name, content = self.read_encoded(index)
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
        return {"image": image, "name": name}

    def read_encoded(self, index: int) -> tuple[str, bytes]:
        self.asked = max(self.asked, index)
        height, width = (int(side) for side in self._sides[index])
        coarse = np.random.default_rng(index).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        _, jpeg = cv2.imencode(".jpg", cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
        return f"picture {index}", jpeg.tobytes()


class MemoryNotes:
    """Context manager that notes (images so far, resident bytes) in a thread."""

    def __init__(self, pictures: SyntheticPictures) -> None:
        self.notes: list[tuple[int, int]] = []
        self._pictures = pictures
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryNotes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(SECONDS_BETWEEN_NOTES):
            self.notes.append((self._pictures.asked, process.memory_info().rss))

    def largest(self, first: int, last: int) -> int:
        return max((memory for images, memory in self.notes if first <= images < last), default=0)


def tiny_teacher(batch_size: int) -> DepthPredictor:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=70)
    config = DepthAnythingConfig.from_encoder_config(
        encoder, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, head_hidden_size=8
    )
    model = DepthAnythingForDepthEstimation(config)
    processor = DepthAnythingImageProcessor.for_input_size(28)
    return DepthPredictor(model, processor, device="cpu", batch_size=batch_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--smallest", type=int, default=100, help="pixels")
    parser.add_argument("--largest", type=int, default=500, help="pixels")
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--shard_size", type=int, default=250)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pictures = SyntheticPictures(arguments.images, arguments.smallest, arguments.largest)
    teacher = tiny_teacher(arguments.batch_size)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, MemoryNotes(pictures) as memory:
        report = label_images(
            teacher, pictures, folder, provenance={}, shard_size=arguments.shard_size, progress=False
        )
    fifth = arguments.images // 5
    marks = [memory.largest(part * fifth, (part + 1) * fifth) for part in range(5)]
    result = {
        "growth": marks[4] / marks[1] - 1,
        "largest_mebibytes_by_fifth": [round(mark / 2**20) for mark in marks],
        "labelled": report.labelled,
        "seconds": round(time.perf_counter() - start),
        "settings": {name: value for name, value in vars(arguments).items() if name != "json"},
    }
    print(json.dumps(result))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
