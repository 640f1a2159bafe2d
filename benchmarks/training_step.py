# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Seconds for one training step (forward, loss, backward, AdamW), by this package and by stock transformers.

    python benchmarks/training_step.py --side 252 --batch 4
    python benchmarks/training_step.py --side 518 --batch 2 --precision bfloat16     # autocast, float32 weights

Both compute this package's loss, from equal weights and images; the first losses and gradients are compared.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from harness import Contender, images, measure, report, write_live_model
from torch import Tensor
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.losses import gradient_matching_loss, mean_over_images, scale_and_shift_invariant_loss
from depth_anything_hf.modeling_depth_anything import DepthAnythingForDepthEstimation


ATTENTIONS = {"stock": "sdpa", "stock_eager": "eager", "ours": "cpu_heads", "ours_sdpa": "sdpa"}


def open_model(name: str, folder: str | Path, checkpointing: bool) -> Any:
    kind: Any = StockModel if name.startswith("stock") else DepthAnythingForDepthEstimation
    model = kind.from_pretrained(folder, attn_implementation={"backbone_config": ATTENTIONS[name]}).train()
    # What no image reaches has no gradient; ours freezes it.
    if checkpointing:
        getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    return model


def step_of(model: Any, pixels: Tensor, labels: Tensor, precision: str) -> Callable[[], Tensor]:
    """A function that trains one step and gives the prediction before it."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-8)

    def step() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            prediction = model(pixels).predicted_depth
        prediction = prediction.float()
        per_image = scale_and_shift_invariant_loss(prediction, labels) + 2 * gradient_matching_loss(prediction, labels)
        mean_over_images(per_image)[0].backward()
        optimizer.step()
        optimizer.zero_grad()
        return prediction.detach()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contenders", default="stock,ours", help=", ".join(ATTENTIONS))
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=252)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pixels = images(arguments.batch, arguments.side, arguments.side)
    labels = pixels.mean(dim=1).sigmoid()
    with tempfile.TemporaryDirectory() as folder:
        write_live_model(folder, arguments.size)
        contenders = [
            Contender(
                name, step_of(open_model(name, folder, arguments.checkpointing), pixels, labels, arguments.precision)
            )
            for name in arguments.contenders.split(",")
        ]
        timings = measure(contenders, arguments.rounds)
    title = f"training step, {arguments.size} {arguments.side}x{arguments.side}, batch {arguments.batch}, "
    title += arguments.precision + (", checkpointed" if arguments.checkpointing else "")
    settings = {name: value for name, value in vars(arguments).items() if name != "json"}
    report(title, timings, settings, arguments.json)


if __name__ == "__main__":
    main()
