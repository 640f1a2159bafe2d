# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an exported file says of itself, as one JSON text under `KEY`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hub.licenses import license_in_card, published_license
from ..utils.redaction import redact_name, redact_values
from ..version import __version__
from .formats import FORMATS


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


def read_metadata(text: str, path: Path) -> dict[str, Any]:
    """Read what an exported file says of itself; {} where it says nothing.

    Args:
        text: under `KEY` in the file.
        path: of the file, for messages.

    Raises:
        ValueError: it is damaged, or says something that this version does not know.
    """
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}: its metadata are damaged ({error}); export the model again") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: its metadata are damaged ({type(found).__name__}); export the model again")
    unknown = [key for key, is_known in _KNOWN.items() if not is_known(found.get(key))]
    if unknown:
        stated = ", ".join(f"{key} {found.get(key)!r}" for key in unknown)
        raise ValueError(
            f"{path}: written by depth_anything_hf {found.get('depth_anything_hf')}, this is {__version__}, which "
            f"does not know {stated}; take that version, or export the model again"
        )
    return found


def _are_numbers(value: Any, count: int, kinds: Any) -> bool:
    return isinstance(value, list) and len(value) == count and all(isinstance(each, kinds) for each in value)


# What is needed to run a file -> whether a value of it is known.
_KNOWN: dict[str, Callable[[Any], bool]] = {
    "prediction_kind": lambda value: value in ("disparity", "depth"),
    "precision": lambda value: any(value in (*each.precisions, *each.quantized) for each in FORMATS.values()),
    "patch_size": lambda value: isinstance(value, int) and value > 0,
    "size": lambda value: value is None or _are_numbers(value, 2, int),
    "image_mean": lambda value: _are_numbers(value, 3, int | float),
    "image_std": lambda value: _are_numbers(value, 3, int | float),
}


def _sides(processor: Any) -> list[int] | None:
    size = getattr(processor, "size", None)
    sides = [size.get(side) if isinstance(size, dict) else getattr(size, side, None) for side in ("height", "width")]
    return None if None in sides else [int(each) for each in sides if each is not None]
