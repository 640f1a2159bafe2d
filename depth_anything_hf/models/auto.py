# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Opt-in: transformers' Auto classes open Depth Anything checkpoints as this package's model."""

from __future__ import annotations

from transformers import AutoConfig, AutoModelForDepthEstimation

from .configuration_depth_anything import DepthAnythingConfig
from .modeling_depth_anything import DepthAnythingForDepthEstimation


def register_auto_classes() -> None:
    """Make `AutoConfig`, `AutoModelForDepthEstimation` and `pipeline` use this package's classes in this process.

    For code that knows the Auto classes only and is to train, or to run converted checkpoints exactly. It replaces
    stock's classes for every caller in the process, which is why importing the package does not do it. The image
    processor stays stock's: `pipeline` preprocesses and upsamples as stock does.
    """
    AutoConfig.register(DepthAnythingConfig.model_type, DepthAnythingConfig, exist_ok=True)
    AutoModelForDepthEstimation.register(DepthAnythingConfig, DepthAnythingForDepthEstimation, exist_ok=True)
