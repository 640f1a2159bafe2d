# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How much longer an evaluation takes than the forward passes alone; prints the ratio and one line of JSON.

    OMP_NUM_THREADS=2 python benchmarks/evaluation_throughput.py --images 100 --rounds 3

A model of the small size with random weights, labelled PNG pictures of 640 x 480 on disk, batches of 8. Both ways take
turns, each round anew, and the medians of their times are compared. The evaluation decodes pictures and labels,
resizes, predicts, enlarges the predictions, aligns them and computes all metrics; the forward passes start from
prepared tensors.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.devices import default_device, usable_device
from depth_anything_hf.inference.predictor import DepthPredictor


HEIGHT, WIDTH = 480, 640


def write_images(root: Path, count: int) -> DepthFolder:
    """Smooth random scenes with noise, as hard to decode as a photograph; depth in 16-bit millimetres."""
    random = np.random.default_rng(0)
    (root / "images").mkdir()
    (root / "depth").mkdir()
    for index in range(count):
        coarse = random.uniform(0, 1, (6, 8, 4)).astype(np.float32)
        smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        colour = 255 * smooth[..., :3] + random.normal(0, 8, (HEIGHT, WIDTH, 3))
        cv2.imwrite(str(root / "images" / f"{index:04d}.png"), colour.clip(0, 255).astype(np.uint8))
        millimetres = (500 + 9000 * smooth[..., 3]).astype(np.uint16)
        cv2.imwrite(str(root / "depth" / f"{index:04d}.png"), millimetres)
    return DepthFolder(root, scale=1000)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=("small", "base", "large"), default="small")
    parser.add_argument("--input-size", type=int, default=252, help="shorter side of the input, a multiple of 14")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--protocol", default="nyu", help="whose settings score the images")
    parser.add_argument("--device", type=usable_device, default=default_device())
    options = parser.parse_args()

    torch.manual_seed(0)
    device: torch.device = options.device
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(options.size))
    processor = DepthAnythingImageProcessor.for_input_size(options.input_size)
    predictor = DepthPredictor(model, processor, batch_size=options.batch_size, device=device)
    settings: EvaluationSettings = PROTOCOLS[options.protocol].settings
    seconds: dict[str, list[float]] = {"forward": [], "evaluation": []}
    model.train(False)
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_images(Path(folder), options.images)
        pictures = (dataset[index]["image"] for index in range(len(dataset)))
        tensors = [processor(images=picture, return_tensors="pt")["pixel_values"] for picture in pictures]
        prepared = torch.cat(tensors).to(device)
        with torch.inference_mode():
            model(pixel_values=prepared[: options.batch_size])
        for _ in range(options.rounds):
            start = time.perf_counter()
            with torch.inference_mode():
                for batch in torch.split(prepared, options.batch_size):
                    model(pixel_values=batch)
            synchronize(device)
            seconds["forward"].append(time.perf_counter() - start)
            start = time.perf_counter()
            result = evaluate(predictor, dataset, settings, prediction_kind=predictor.prediction_kind)
            seconds["evaluation"].append(time.perf_counter() - start)
            assert len(result.rows) == options.images
    forward, evaluation = (statistics.median(seconds[name]) for name in ("forward", "evaluation"))
    print(f"forward passes {forward:.2f} s, evaluation {evaluation:.2f} s, ratio {evaluation / forward:.3f}")
    record = {
        **vars(options),
        "seconds": seconds,
        "ratio": evaluation / forward,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
