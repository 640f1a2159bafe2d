# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Train, distil, evaluate and publish Depth Anything models with Hugging Face libraries.

The names below are imported when first used, so that `import depth_anything_hf` and `--help` are quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


__version__ = "0.1.0"

if TYPE_CHECKING:
    from .auto import register_auto_classes
    from .calibration import Calibration, fit_calibration
    from .configuration_depth_anything import DepthAnythingConfig
    from .conversion import convert_original, convert_to_original
    from .image_processing_depth_anything import DepthAnythingImageProcessor
    from .inference import DepthPredictor
    from .modeling_depth_anything import DepthAnythingForDepthEstimation
    from .training import TrainingArguments, fit

_HOMES = {
    "DepthAnythingConfig": "configuration_depth_anything",
    "DepthAnythingForDepthEstimation": "modeling_depth_anything",
    "DepthAnythingImageProcessor": "image_processing_depth_anything",
    "DepthPredictor": "inference",
    "Calibration": "calibration",
    "TrainingArguments": "training",
    "convert_original": "conversion",
    "convert_to_original": "conversion",
    "fit": "training",
    "fit_calibration": "calibration",
    "register_auto_classes": "auto",
}

__all__ = [
    "Calibration",
    "DepthAnythingConfig",
    "DepthAnythingForDepthEstimation",
    "DepthAnythingImageProcessor",
    "DepthPredictor",
    "TrainingArguments",
    "convert_original",
    "convert_to_original",
    "fit",
    "fit_calibration",
    "register_auto_classes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
