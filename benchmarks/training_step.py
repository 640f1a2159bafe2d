# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Seconds for one training step (forward, loss, backward, AdamW), by this package and by stock transformers.

    python benchmarks/training_step.py --side 252 --batch 4
    python benchmarks/training_step.py --side 518 --batch 2 --precision bfloat16     # autocast, float32 weights

`stock` is the plain loop that people write: the stock model, `torch.optim.AdamW(parameters, lr)`, and the relative
loss as the sum of its two functions. `ours` is what `fit` runs for each step on a CPU: weights channels last in
memory, fused AdamW, and `SupervisedRelative`, whose joint loss is the same sum in closed form; freed memory is kept
(with `--checkpointing` every block is given back instead) and the CPU kernels are chosen. Neither clips gradients.
`stock_kept` is stock with freed memory kept, `ours_returned` ours with memory as glibc has it. Weights, images and
labels are equal; the first predictions and the first gradients of all weights are compared to those of the first
contender. The loss is a sum of absolute values, whose gradient jumps where they are 0, so that rounding in float32
moves it by a percent; with `--precision float64` one sees that it is the same gradient.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from harness import Contender, Timing, add_options, bare, images, measure, report, write_live_model
from losses import by_two_functions
from torch import Tensor, nn
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.cpu.memory import return_every_block
from depth_anything_hf.losses.reduction import mean_over_images
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.training.objectives import SupervisedRelative


LEARNING_RATE = 1e-8
ATTENTIONS = {"stock": "sdpa", "stock_eager": "eager", "ours": "cpu_heads", "ours_sdpa": "sdpa"}


def open_model(name: str, folder: str | Path, checkpointing: bool) -> Any:
    kind: Any = StockModel if name.startswith("stock") else DepthAnythingForDepthEstimation
    model = kind.from_pretrained(folder, attn_implementation={"backbone_config": ATTENTIONS[bare(name)]}).train()
    if checkpointing:
        getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    return model


def stock_parts(model: Any, pixels: Tensor, labels: Tensor) -> tuple[Callable[[], Tensor], torch.optim.Optimizer]:
    """A function that gives the loss, and the optimizer."""

    def loss() -> Tensor:
        prediction = model(pixel_values=pixels).predicted_depth
        return mean_over_images(by_two_functions(prediction, labels))[0]

    return loss, torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)


def our_parts(model: Any, pixels: Tensor, labels: Tensor) -> tuple[Callable[[], Tensor], torch.optim.Optimizer]:
    """A function that gives the loss, and the optimizer."""
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective, batch = SupervisedRelative(), {"pixel_values": pixels, "labels": labels}
    # What no image reaches has no gradient; ours freezes it.
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return lambda: objective(model, batch, 0.0)["loss"], torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=True)


def trainer(
    name: str,
    folder: Path,
    shape: tuple[int, int],
    precision: str,
    checkpointing: bool,
    gradients: Path | None = None,
) -> Callable[[], Tensor]:
    """A function that trains one step and gives the prediction before it.

    Args:
        name: of the contender.
        folder: of the model.
        shape: images of a batch, and their side.
        precision: "float32", "bfloat16" by autocast, or "float64".
        checkpointing: whether activations are computed again for the backward pass.
        gradients: file for the gradients of the first step.
    """
    if checkpointing and name == "ours":
        # As `fit` does.
        return_every_block()
    batch, side = shape
    dtype = torch.float64 if precision == "float64" else torch.float32
    pixels = images(batch, side, side).to(dtype)
    labels = pixels.mean(dim=1).sigmoid()
    model = open_model(name, folder, checkpointing).to(dtype)
    parts = stock_parts if name.startswith("stock") else our_parts
    loss, optimizer = parts(model, pixels, labels)
    predictions: list[Tensor] = []
    model.register_forward_hook(lambda module, inputs, output: predictions.append(output.predicted_depth.detach()))

    def step() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            value = loss()
        torch.autograd.backward(value)
        if gradients and not gradients.exists():
            torch.save({key: one.grad for key, one in model.named_parameters() if one.grad is not None}, gradients)
        optimizer.step()
        optimizer.zero_grad()
        return predictions.pop()

    return step


def compare_gradients(timings: list[Timing], files: list[Path]) -> None:
    """Note how far each contender's gradient of all weights is from the first one's."""
    if not files[0].exists():
        return
    first = torch.load(files[0], mmap=True)
    norm = sum(value.double().square().sum().item() for value in first.values()) ** 0.5
    for timing, file in zip(timings, files, strict=True):
        if timing.left_out:
            continue
        own = torch.load(file, mmap=True)
        if own.keys() != first.keys():
            raise RuntimeError(f"{timing.name} trains other weights: {sorted(own.keys() ^ first.keys())}")
        square = sum((own[key].double() - first[key].double()).square().sum().item() for key in first)
        timing.gradient_difference = square**0.5 / norm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--contenders",
        default="stock,stock_kept,ours_returned,ours",
        help=", ".join(ATTENTIONS) + ", _kept, _returned",
    )
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--side", type=int, default=252)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16", "float64"])
    parser.add_argument("--checkpointing", action="store_true")
    add_options(parser, rounds=5)
    arguments = parser.parse_args()
    names = arguments.contenders.split(",")
    unknown = {name for name in names if bare(name) not in ATTENTIONS}
    if unknown:
        parser.error(f"unknown contenders {', '.join(sorted(unknown))}; there are {', '.join(ATTENTIONS)}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_live_model(place, arguments.size)
        files = [place / f"{name}.gradients" for name in names]
        what = (place, (arguments.batch, arguments.side), arguments.precision, arguments.checkpointing)
        contenders = [
            Contender.from_name(name, trainer, name, *what, file) for name, file in zip(names, files, strict=True)
        ]
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
        compare_gradients(timings, files)
    title = f"training step, {arguments.size} {arguments.side}x{arguments.side}, batch {arguments.batch}, "
    report(title + arguments.precision + (", checkpointed" if arguments.checkpointing else ""), timings, arguments)


if __name__ == "__main__":
    main()
