# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Seconds for the relative loss (SSI + 2 x gradient matching at four scales), forward and backward.

    python benchmarks/losses.py --json benchmarks/results/losses.json

The loops go over the images as most code does: in the plain one each term normalizes the maps for itself, in the
other, the first of the table, each map is normalized once for both. What is compared is the gradient of the
prediction.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from harness import Contender, add_options, measure, report
from torch import Tensor
from torch.nn import functional as F

from depth_anything_hf.losses.relative import (
    gradient_matching_loss,
    relative_depth_losses,
    scale_and_shift_invariant_loss,
)


def maps(batch: int, side: int) -> tuple[Tensor, Tensor]:
    """A smooth prediction with fine noise, and a target with edges and some unknown pixels; (B, H, W)."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 1, 9, 9, generator=generator)
    target = F.interpolate(coarse, (side, side), mode="bicubic")[:, 0]
    target[:, side // 4 : side // 2, side // 3 : side // 2] += 1.5
    prediction = 3 * target + 0.5 + 0.1 * torch.randn(target.shape, generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.02] = torch.nan
    target[:, : side // 24] = torch.nan
    return prediction, target


def normalized(values: Tensor, valid: Tensor) -> Tensor:
    known = values[valid]
    shift = known.median()
    return (values - shift) / (known - shift).abs().mean().clamp(min=1e-6)


def normalized_difference(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return normalized(prediction, valid) - normalized(target.nan_to_num(0), valid)


def image_error(difference: Tensor, valid: Tensor) -> Tensor:
    return difference[valid].abs().mean()


def image_gradient(difference: Tensor, valid: Tensor) -> Tensor:
    total = difference.new_zeros(())
    for step in (1, 2, 4, 8):
        coarse, known = difference[::step, ::step], valid[::step, ::step]
        across = coarse.diff(dim=1).abs() * (known[:, 1:] & known[:, :-1])
        down = coarse.diff(dim=0).abs() * (known[1:] & known[:-1])
        total = total + (across.sum() + down.sum()) / known.sum()
    return total


def image_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """The loss of one image (H, W), as one writes it down."""
    valid = ~target.isnan()
    difference = normalized_difference(prediction, target, valid)
    return image_error(difference, valid) + 2 * image_gradient(difference, valid)


def by_plain_loop(prediction: Tensor, target: Tensor) -> Tensor:
    """Two losses one after the other, each over all images."""
    totals = []
    for weight, term in ((1, image_error), (2, image_gradient)):
        values = []
        for one, wanted in zip(prediction, target, strict=True):
            valid = ~wanted.isnan()
            values.append(weight * term(normalized_difference(one, wanted, valid), valid))
        totals.append(torch.stack(values))
    return totals[0] + totals[1]


def by_loop(prediction: Tensor, target: Tensor) -> Tensor:
    return torch.stack([image_loss(one, wanted) for one, wanted in zip(prediction, target, strict=True)])


def by_two_functions(prediction: Tensor, target: Tensor) -> Tensor:
    return scale_and_shift_invariant_loss(prediction, target) + 2 * gradient_matching_loss(prediction, target)


def by_joint_form(prediction: Tensor, target: Tensor) -> Tensor:
    losses = relative_depth_losses(prediction, target)
    return losses[0] + 2 * losses[1]


LOSSES = {
    "loop over images": by_loop,
    "plain loop": by_plain_loop,
    "two functions": by_two_functions,
    "joint form": by_joint_form,
}


def gradient_by(name: str, batch: int, side: int) -> Callable[[], Tensor]:
    """A function that gives the gradient of the prediction, by the loss of this name."""
    loss, (prediction, target) = LOSSES[name], maps(batch, side)

    def gradient() -> Tensor:
        leaf = prediction.detach().requires_grad_()
        return torch.autograd.grad(loss(leaf, target).mean(), leaf)[0]

    return gradient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=518)
    add_options(parser, rounds=15)
    arguments = parser.parse_args()
    contenders = [Contender(name, gradient_by, (name, arguments.batch, arguments.side)) for name in LOSSES]
    timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
    report(f"relative loss, {arguments.batch} x {arguments.side} x {arguments.side}", timings, arguments)


if __name__ == "__main__":
    main()
