# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""CutMix: replace a box of each image of a batch, and of its label, by that of another image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .masked_pixels import WEIGHTS


CUTMIX_AREA_RANGE = (0.02, 0.4)
CUTMIX_ASPECT_RANGE = (0.3, 1 / 0.3)


# The last number of the seeds keeps CutMix apart from the order of samples, see `mixture`.
CUTMIX = 3


class BatchCutMix:
    """CutMix of micro-batches, with randomness that depends on (seed, number, process index) only.

    Neither the worker nor a resume changes how micro-batch `number` is mixed.

    Args:
        seed: the run's seed, >= 0.
        probability: of mixing, per image; 0 leaves the batches as they are.
        process_index: which process of the run this is.

    Raises:
        ValueError: the probability is not in [0, 1].
    """

    def __init__(self, seed: int, probability: float, process_index: int = 0) -> None:
        _check_probability(probability)
        self.seed = seed
        self.probability = probability
        self.process_index = process_index

    def __call__(self, batch: dict[str, Any], number: int) -> dict[str, Any]:
        """Mix micro-batch `number`, counted from 0 over the whole run, as `cutmix` does."""
        if self.probability == 0:
            return batch
        random = np.random.default_rng([self.seed, number, self.process_index, CUTMIX])
        return cutmix(batch, random, self.probability)


def cutmix(batch: dict[str, Any], random: np.random.Generator, probability: float = 0.5) -> dict[str, Any]:
    """Apply CutMix for dense labels (Depth Anything V1, Eq. 6-8): replace a box of each image by its partner's.

    The partner of image i is image i - 1 (the batch rolled by one); a batch of one image stays as it is. With the
    given probability an image gets a box of an area share uniform in 0.02-0.4 and an aspect (height / width, over that
    of the image) log-uniform in 0.3-1/0.3, narrowed to what fits the image, placed uniformly. Shares and aspect limits
    are those of UniMatch, which draws the aspect uniformly and so prefers tall boxes.

    Labels are mixed alike, but each side keeps the scale of its own image: the loss must treat inside and outside
    separately (`losses.within_and_outside`). "clean_pixel_values" stays unmixed; labels that a teacher makes from
    it are mixed by `torch.where(region, labels[partner], labels)`.

    Args:
        batch: "pixel_values" (B, 3, h, w) and, if labelled, "labels" and perhaps "label_weights" (B, h, w).
        random: source of all randomness.
        probability: of mixing, per image.

    Returns:
        A new dict with mixed "pixel_values", "labels" and weights, "region" bool (B, h, w), True where the pixel comes
        from the partner (all False where no box was drawn), and "partner" int64 (B,).

    Raises:
        ValueError: the probability is not in [0, 1].
    """
    _check_probability(probability)
    pixel_values = batch["pixel_values"]
    count, _, height, width = pixel_values.shape
    region = torch.zeros((count, height, width), dtype=torch.bool)
    # An image alone in its batch has no partner but itself.
    for index in range(count if count > 1 else 0):
        if random.random() < probability:
            top, left, box_height, box_width = sample_cutmix_box(height, width, random)
            region[index, top : top + box_height, left : left + box_width] = True
    region = region.to(pixel_values.device)
    partner = torch.arange(count, device=pixel_values.device).roll(1)
    mixed = {**batch, "region": region, "partner": partner}
    mixed["pixel_values"] = torch.where(region[:, None], pixel_values[partner], pixel_values)
    for key in ("labels", WEIGHTS):
        if key in batch:
            mixed[key] = torch.where(region, batch[key][partner], batch[key])
    return mixed


def sample_cutmix_box(height: int, width: int, random: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw (top, left, box height, box width) in pixels, inside the image; distribution as in `cutmix`."""
    area = random.uniform(*CUTMIX_AREA_RANGE)
    # In units of the image's sides the box is sqrt(area * aspect) by sqrt(area / aspect); both must stay below 1.
    lowest, highest = max(CUTMIX_ASPECT_RANGE[0], area), min(CUTMIX_ASPECT_RANGE[1], 1 / area)
    aspect = math.exp(random.uniform(math.log(lowest), math.log(highest)))
    box_height = max(1, min(height, round(height * math.sqrt(area * aspect))))
    box_width = max(1, min(width, round(width * math.sqrt(area / aspect))))
    top, left = int(random.integers(height - box_height + 1)), int(random.integers(width - box_width + 1))
    return top, left, box_height, box_width


def _check_probability(probability: float) -> None:
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of CutMix must be in [0, 1], got {probability}")
