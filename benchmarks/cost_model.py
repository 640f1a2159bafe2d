# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What teacher, labels and students cost at each size: arithmetic counted on the model, everything else your numbers.

    python benchmarks/cost_model.py --images 62e6 --gpu-tflops 989 --utilisation 0.35

The floating-point operations of a forward pass are counted by PyTorch on the real architecture (without memory or
weights); a training step is three forward passes, four with recomputed activations. Hours are operations divided by
`gpu-tflops x utilisation`: measure your own utilisation with a short run before you rent anything.
"""

from __future__ import annotations

import argparse
import json

import torch
from torch.utils.flop_counter import FlopCounterMode

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation


SIZES = ("small", "base", "large", "giant")
# Depth Anything V2, arXiv 2406.09414, section 7.1: images that teacher and student see.
TEACHER_IMAGES = 160_000 * 64
STUDENT_IMAGES = 480_000 * 192


def forward_operations(size: str, height: int, width: int) -> float:
    """Floating-point operations of one image's forward pass, a multiplication and an addition counted as two."""
    with torch.device("meta"):
        # Attention written out: the fused kernels of a meta device would not be counted.
        config = DepthAnythingConfig.from_size(size, attn_implementation="eager")  # type: ignore[arg-type]
        model = DepthAnythingForDepthEstimation(config)
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(pixel_values=torch.empty(1, 3, height, width))
    return float(counter.get_total_flops())


def costs(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """One row per model size; hours of one GPU."""
    per_second = options.gpu_tflops * 1e12 * options.utilisation
    step = 4 if options.recompute else 3
    rows: list[dict[str, float | str]] = []
    for size in SIZES:
        square = forward_operations(size, 518, 518)
        whole = forward_operations(size, 518, options.label_width)
        rows.append(
            {
                "size": size,
                "forward_gigaflop": square / 1e9,
                "teacher_gpu_hours": TEACHER_IMAGES * square * step / per_second / 3600,
                "label_gpu_hours": options.images * whole / per_second / 3600,
                "label_images_per_second": per_second / whole,
                "student_gpu_hours": STUDENT_IMAGES * square * step / per_second / 3600,
                "train_images_per_second": per_second / (square * step),
            }
        )
    return rows


def storage(options: argparse.Namespace) -> dict[str, float]:
    """Disk and network of the labels."""
    label_bytes = options.label_megapixels * 1e6 * options.label_bytes_per_pixel
    total = options.images * (options.image_megabytes * 1e6 + label_bytes)
    return {
        "images_terabytes": options.images * options.image_megabytes / 1e6,
        "labels_terabytes": options.images * label_bytes / 1e12,
        "shards": options.images / options.shard_size,
        "shard_megabytes": total / options.images * options.shard_size / 1e6,
        "read_megabytes_per_second_per_1000_images": 1000 * total / options.images / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=float, default=62e6, help="photographs to label")
    parser.add_argument("--gpu-tflops", type=float, default=989, help="dense bf16 peak of one GPU, teraflop/s (H100)")
    parser.add_argument("--utilisation", type=float, default=0.35, help="share of the peak that a run reaches")
    parser.add_argument("--recompute", action="store_true", help="activation checkpointing: four passes per step")
    parser.add_argument("--label-width", type=int, default=686, help="width of a labelled image at height 518")
    parser.add_argument("--image-megabytes", type=float, default=0.35, help="of one photograph's file")
    parser.add_argument("--label-megapixels", type=float, default=0.8, help="of one photograph")
    parser.add_argument("--label-bytes-per-pixel", type=float, default=1.2, help="of the 16-bit PNG")
    parser.add_argument("--shard-size", type=int, default=1000, help="images per parquet file")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows, disk = costs(options), storage(options)
    if options.json:
        print(json.dumps({"options": vars(options), "costs": rows, "storage": disk}, indent=2))
        return
    columns = list(rows[0])
    print("| " + " | ".join(name.replace("_", " ") for name in columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        cells = [value if isinstance(value, str) else f"{value:,.4g}" for value in row.values()]
        print("| " + " | ".join(cells) + " |")
    print("\n" + "\n".join(f"{name.replace('_', ' ')}: {value:,.4g}" for name, value in disk.items()))


if __name__ == "__main__":
    main()
