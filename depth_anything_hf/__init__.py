# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Train, distil, evaluate and publish Depth Anything models with Hugging Face libraries.

The names below are imported when first used, so that `import depth_anything_hf` and `--help` are quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__


if TYPE_CHECKING:
    from .conversion.original import convert_original, convert_to_original
    from .inference.calibration import Calibration, fit_calibration
    from .inference.predictor import DepthPredictor
    from .models.auto import register_auto_classes
    from .models.configuration_depth_anything import DepthAnythingConfig
    from .models.image_processing_depth_anything import DepthAnythingImageProcessor
    from .models.modeling_depth_anything import DepthAnythingForDepthEstimation
    from .training.trainer import TrainingArguments, fit

_HOMES = {
    "DepthAnythingConfig": "models.configuration_depth_anything",
    "DepthAnythingForDepthEstimation": "models.modeling_depth_anything",
    "DepthAnythingImageProcessor": "models.image_processing_depth_anything",
    "DepthPredictor": "inference.predictor",
    "Calibration": "inference.calibration",
    "TrainingArguments": "training.trainer",
    "convert_original": "conversion.original",
    "convert_to_original": "conversion.original",
    "fit": "training.trainer",
    "fit_calibration": "inference.calibration",
    "register_auto_classes": "models.auto",
}

__all__ = [
    "Calibration",
    "DepthAnythingConfig",
    "DepthAnythingForDepthEstimation",
    "DepthAnythingImageProcessor",
    "DepthPredictor",
    "TrainingArguments",
    "__version__",
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
