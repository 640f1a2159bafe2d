# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an exported file says of itself, as one JSON text under `KEY`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hub.licenses import license_in_card, published_license
from ..utils.redaction import redact_name, redact_values
from ..version import __version__


if TYPE_CHECKING:
    from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation

KEY = "depth_anything_hf"
# Of the graph.
OUTPUT_NAME = "predicted_depth"
NORMALIZED = "RGB, values in 0..1 less image_mean, divided by image_std; float32 (batch, 3, height, width)"
BYTES = "RGB bytes of images of any size; uint8 (batch, height, width, 3)"
# Without and with preprocessing.
OUTPUT = ("float32 (batch, height, width)", "float32 (batch, height, width), the size of the images")


def describe(
    name: str,
    model: DepthAnythingForDepthEstimation,
    processor: Any,
    *,
    format: str,
    precision: str,
    size: tuple[int, int] | None,
    calibration: dict[str, Any] | None = None,
    preprocessing: bool = False,
) -> dict[str, Any]:
    """Describe an exported model as JSON values, without places on this machine.

    Args:
        name: model id on the Hub, or the folder.
        model: that is exported.
        processor: its image processor.
        format: of the file.
        precision: of the file.
        size: fixed height and width; None: free.
        calibration: the pictures that a file in 8 bits was made or checked with.
        preprocessing: whether the image processor's steps are in the file.
    """
    config = model.config
    is_metric = model.prediction_kind == "depth"
    described: dict[str, Any] = {
        "depth_anything_hf": __version__,
        "model": redact_name(name),
        "model_commit": getattr(config, "_commit_hash", None),
        "license": license_in_card(Path(name)) if os.path.isdir(name) else published_license(name),
        "lineage": redact_values(getattr(config, "lineage", None)),
        "prediction_kind": model.prediction_kind,
        "unit": getattr(config, "depth_unit", "m") if is_metric else None,
        "max_depth": config.max_depth if is_metric else None,
        "format": format,
        "precision": precision,
        "size": None if size is None else list(size),
        "calibration": calibration,
        "patch_size": model.patch_size,
        "preprocessing": preprocessing,
        "input": BYTES if preprocessing else NORMALIZED,
        "output": OUTPUT[preprocessing],
        "image_mean": [float(each) for each in processor.image_mean],
        "image_std": [float(each) for each in processor.image_std],
        # All images become a fixed size, whatever their shape.
        "input_size": _sides(processor) if size is None else list(size),
        "keep_aspect_ratio": size is None and bool(getattr(processor, "keep_aspect_ratio", False)),
        "ensure_multiple_of": getattr(processor, "ensure_multiple_of", None),
        "interpolation": getattr(processor, "interpolation", None),
        "upsampling": getattr(processor, "upsampling", None),
    }
    return described


def _sides(processor: Any) -> list[int] | None:
    size = getattr(processor, "size", None)
    sides = [size.get(side) if isinstance(size, dict) else getattr(size, side, None) for side in ("height", "width")]
    return None if None in sides else [int(each) for each in sides if each is not None]
