# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Warm-up of the decoder alone: the encoder is frozen for some optimizer steps, and then trained.

While it is frozen it needs no gradients, and the optimizer makes its state at the encoder's first step.
"""

from __future__ import annotations

from typing import Any

from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import nn

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .encoder_strategy import EncoderStrategy


class EncoderWarmup:
    """The encoder's trained parameters, which are held until their first step.

    Args:
        model: its parameters are frozen here; those that are not trained anyway stay frozen for good.
        strategy: with "warmup" the encoder is held, with any other nothing is.

    Attributes:
        is_holding: whether the encoder is frozen for now.
    """

    def __init__(self, model: DepthAnythingForDepthEstimation, strategy: EncoderStrategy) -> None:
        self._steps = strategy.frozen_steps
        self._held = [each for each in model.backbone.parameters() if each.requires_grad] if self._steps else []
        self.is_holding = bool(self._held)
        for parameter in self._held:
            parameter.requires_grad_(False)

    def ends_before(self, step: int) -> bool:
        """Return whether the encoder is frozen now, and optimizer step `step` (from 1) is to train it."""
        return self.is_holding and step > self._steps

    def end(self, accelerator: Accelerator, model: nn.Module) -> Any:
        """Let the encoder be trained.

        Args:
            accelerator: the run's `Accelerator`.
            model: as Accelerate prepared it.

        Returns:
            The model to go on with: `DistributedDataParallel` only knows the parameters that were trained when it was
            made, so that a new one is.
        """
        self.is_holding = False
        for parameter in self._held:
            parameter.requires_grad_(True)
        if accelerator.distributed_type == DistributedType.NO:
            return model
        inner = accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        # Accelerate saves the weights of the models that it has prepared: of this one once.
        accelerator._models[:] = [each for each in accelerator._models if each not in (model, inner)]
        return accelerator.prepare_model(inner)


__all__ = ["EncoderWarmup"]
