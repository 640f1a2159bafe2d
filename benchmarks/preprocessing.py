# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images per second and core from a JPEG file's bytes to the network's input: decode, resize, normalize.

    python benchmarks/preprocessing.py --json benchmarks/results/preprocessing.json
    python benchmarks/preprocessing.py --kept    # all of them keep freed memory, as the commands and examples do

One thread. Peers are transformers' processor on its PIL backend and the preparation of the original code, by OpenCV in
float64; the distance of each input from both is printed, in units of the normalized input.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from harness import Contender, add_options, machine, measure, settings_of, write_result
from PIL import Image
from torch import Tensor
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


Way = Callable[..., Callable[[], Tensor]]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photograph(height: int, width: int) -> np.ndarray:
    """Soft colour fields with edges and fine noise, which cost a decoder about what photographs do."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    for _ in range(24):
        top, left = int(random.integers(0, height - 40)), int(random.integers(0, width - 40))
        rows, columns = random.integers(20, 300, size=2)
        image[top : top + rows, left : left + columns] = random.integers(0, 256, 3)
    image += random.integers(-8, 9, image.shape, dtype=np.int16)
    return np.clip(image, 0, 255).astype(np.uint8)


def by_transformers(path: Path, side: int) -> Callable[[], Tensor]:
    processor = DPTImageProcessorPil(
        size={"height": side, "width": side},
        ensure_multiple_of=14,
        keep_aspect_ratio=True,
        image_mean=MEAN,
        image_std=DEVIATION,
    )

    def run() -> Tensor:
        with Image.open(path) as picture:
            prepared: Tensor = processor(picture.convert("RGB"), return_tensors="pt")["pixel_values"][0]
        return prepared

    return run


def by_the_original(path: Path, height: int, width: int) -> Callable[[], Tensor]:
    def run() -> Tensor:
        stored = cv2.imread(str(path))
        assert stored is not None
        image: Any = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB) / 255.0
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        prepared = ((image - MEAN) / DEVIATION).transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(prepared).astype(np.float32))

    return run


def by_us(path: Path, side: int, interpolation: str) -> Callable[[], Tensor]:
    processor = DepthAnythingImageProcessor.for_input_size(side, interpolation=interpolation)

    def run() -> Tensor:
        image = read_image(path)
        prepared: Tensor = processor(image, input_data_format="channels_last", return_tensors="pt")["pixel_values"][0]
        return prepared

    return run


def preparation(way: Way, arguments: tuple[Any, ...], times: int = 1) -> Callable[[], Tensor]:
    """A function that prepares the picture so often, in one thread."""
    cv2.setNumThreads(1)
    run = way(*arguments)

    def many() -> Tensor:
        for _ in range(times - 1):
            run()
        return run()

    return many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--quality", type=int, default=90)
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--images", type=int, default=8, help="images in each timed run")
    parser.add_argument("--kept", action="store_true", help="keep freed memory")
    add_options(parser, rounds=15)
    parser.set_defaults(threads=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        Image.fromarray(photograph(arguments.height, arguments.width)).save(path, quality=arguments.quality)
        file_bytes = path.stat().st_size
        side, size = arguments.side, by_us(path, arguments.side, "opencv")().shape[1:]
        ways: dict[str, tuple[Way, tuple[Any, ...]]] = {
            "transformers, PIL": (by_transformers, (path, side)),
            "the original's code": (by_the_original, (path, *size)),
            "ours, pillow": (by_us, (path, side, "pillow")),
            "ours, opencv": (by_us, (path, side, "opencv")),
        }
        contenders = [
            Contender(name, preparation, (*way, arguments.images), keeps_memory=arguments.kept)
            for name, way in ways.items()
        ]
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
        prepared = [preparation(*way)() for way in ways.values()]
    stock, original = prepared[:2]
    rows: list[dict[str, Any]] = []
    for timing, inputs in zip(timings, prepared, strict=True):
        if timing.left_out:
            rows.append({"name": timing.name, "left_out": timing.left_out})
            continue
        rates = [arguments.images / seconds for seconds in timing.processor]
        rows.append(
            {
                "name": timing.name,
                "images_per_second_and_core": statistics.median(rates),
                "rounds": rates,
                "difference_to_transformers": (inputs - stock).abs().max().item(),
                "difference_to_original": (inputs - original).abs().max().item(),
                "page_faults": statistics.median(timing.page_faults) / arguments.images,
                "load_of_others": statistics.median(timing.foreign),
            }
        )
    print("| | images/s and core | times transformers | to transformers | to the original | faults | load of others |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        if "left_out" in row:
            print(f"| {row['name']} | left out: {row['left_out']} | | | | | |")
            continue
        pairs = zip(row["rounds"], rows[0].get("rounds", []), strict=False)
        ratio = statistics.median([one / other for one, other in pairs] or [math.nan])
        print(
            f"| {row['name']} | {row['images_per_second_and_core']:.1f} | {ratio:.2f} | "
            f"{row['difference_to_transformers']:.1e} | {row['difference_to_original']:.1e} | "
            f"{row['page_faults']:.0f} | {row['load_of_others']:.0%} |"
        )
    settings, facts = settings_of(arguments), machine(arguments.threads)
    result = {"file_bytes": file_bytes, "settings": settings, "machine": facts, "ways": rows}
    write_result(arguments.json, result)


if __name__ == "__main__":
    main()
