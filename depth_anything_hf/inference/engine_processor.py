# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image processors of models in other engines: the same values, without transformers where its settings are known."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..models.hub_files import hub_file
from ..models.image_preparation import check_input_size, prepare_with_opencv, prepare_with_pillow
from .engine_model import EngineModel


PROCESSOR_FILE, OTHER_PROCESSOR_FILE = "preprocessor_config.json", "processor_config.json"
# Of `DepthAnythingImageProcessor`.
DEFAULTS: dict[str, Any] = {
    "size": {"height": 518, "width": 518},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "ensure_multiple_of": 14,
    "keep_aspect_ratio": True,
    "interpolation": "pillow",
    "upsampling": None,
    "resample": 3,
    "rescale_factor": 1 / 255,
}
# Files with other values of these are left to the processor itself.
EXPECTED: dict[str, tuple[Any, ...]] = {
    "do_resize": (True,),
    "do_rescale": (True,),
    "do_normalize": (True,),
    "do_pad": (False, None),
    "do_reduce_labels": (False, None),
    "do_convert_rgb": (None, True),
    "do_center_crop": (False, None),
    "interpolation": ("pillow", "opencv"),
    "upsampling": ("bilinear", "bicubic", None),
    "resample": (0, 1, 2, 3, 4, 5),
}


@dataclass(frozen=True)
class PlainProcessor:
    """The settings of a `DepthAnythingImageProcessor`, and its arithmetic."""

    size: Mapping[str, int]
    image_mean: Any
    image_std: Any
    ensure_multiple_of: int
    keep_aspect_ratio: bool
    interpolation: str
    upsampling: str | None
    resample: int
    rescale_factor: float

    def with_size(self, height: int, width: int) -> PlainProcessor:
        """Return a processor that resizes to other sides."""
        return replace(self, size={"height": height, "width": width})

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Resize and normalize an image, uint8 (H, W, 3) -> float32 (3, h, w)."""
        options: dict[str, Any] = {
            "rescale_factor": self.rescale_factor,
            "image_mean": self.image_mean,
            "image_std": self.image_std,
            "keep_aspect_ratio": self.keep_aspect_ratio,
            "ensure_multiple_of": self.ensure_multiple_of,
        }
        if self.interpolation == "pillow":
            size = (self.size["height"], self.size["width"])
            return prepare_with_pillow(image, size=size, resample=self.resample, **options)
        done = {"do_resize": True, "do_rescale": True, "do_normalize": True}
        return prepare_with_opencv(image.transpose(2, 0, 1), size=_Size(**self.size), **done, **options)


class WrappedProcessor:
    """A processor of transformers, asked for arrays; its settings are its attributes."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_processor" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._processor, name)

    @property
    def upsampling(self) -> str | None:
        """How predictions are resized to the image's size."""
        return cast("str | None", getattr(self._processor, "upsampling", None))

    def with_size(self, height: int, width: int) -> WrappedProcessor:
        """Return a processor that resizes to other sides."""
        processor = copy.copy(self._processor)
        processor.size = type(processor)(size={"height": height, "width": width}).size
        return WrappedProcessor(processor)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Resize and normalize an image, uint8 (H, W, 3) -> float32 (3, h, w)."""
        processed = self._processor(images=image, input_data_format="channels_last", return_tensors="np")
        return cast(np.ndarray, processed["pixel_values"][0])


def open_processor(name: str, input_size: int | None, hub: dict[str, Any]) -> Any:
    """Open a checkpoint's image processor.

    Args:
        name: model id on the Hub, or a folder.
        input_size: side that images are resized to; None keeps the checkpoint's.
        hub: `revision`, `token` and the like.

    Raises:
        ValueError: an input size that does not fit.
    """
    path, other = (_file_of(name, file, hub) for file in (PROCESSOR_FILE, OTHER_PROCESSOR_FILE))
    if path is not None and other is None:
        processor = _read_plain(name, path, input_size)
        if processor is not None:
            return processor
    from ..models.loading import load_processor

    return WrappedProcessor(load_processor(name, "depth_anything", input_size, hub))


def processor_of_file(model: EngineModel, input_size: int | None) -> PlainProcessor:
    """Return the image processor that an exported file describes.

    A file of one size has all images resized to it, whatever their shape.

    Args:
        model: the file, opened.
        input_size: side that images are resized to; None keeps the model's.

    Raises:
        ValueError: an input size that does not fit.
    """
    metadata, patch = model.runner.metadata, model.patch_size
    if model.fixed_size is not None:
        if input_size is not None:
            raise ValueError(
                f"{model.file} takes images of {' x '.join(map(str, model.fixed_size))} only, so input_size cannot be "
                "set; leave it out, or export the model without --size"
            )
        sides, keeps = model.fixed_size, False
    else:
        if input_size is not None:
            check_input_size(str(model.file), input_size, patch)
        stored = metadata.get("input_size") or (518, 518)
        sides = (int(stored[0]), int(stored[1])) if input_size is None else (input_size, input_size)
        keeps = bool(metadata.get("keep_aspect_ratio", True))
    described = {
        "size": {"height": sides[0], "width": sides[1]},
        "image_mean": metadata["image_mean"],
        "image_std": metadata["image_std"],
        "ensure_multiple_of": patch,
        "keep_aspect_ratio": keeps,
        "interpolation": metadata.get("interpolation") or "pillow",
        "upsampling": metadata.get("upsampling"),
    }
    return PlainProcessor(**{**DEFAULTS, **described})


def _file_of(name: str, file: str, hub: dict[str, Any]) -> Path | None:
    found = Path(name, file) if Path(name).is_dir() else hub_file(name, file, hub)
    return Path(found) if found is not None and Path(found).is_file() else None


def _read_plain(name: str, path: Path, input_size: int | None) -> PlainProcessor | None:
    """Return the processor of a file; None where the file has settings that only transformers knows."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        settings = {**DEFAULTS, **stored}
    except (OSError, ValueError, TypeError):
        return None
    size = settings["size"]
    if isinstance(size, int) and not isinstance(size, bool):
        size = {"height": size, "width": size}
    multiple = settings["ensure_multiple_of"]
    is_known = (
        all(settings.get(key, values[0]) in values for key, values in EXPECTED.items())
        and isinstance(size, dict)
        and size.keys() == {"height", "width"}
        and all(isinstance(side, int) and side > 0 for side in size.values())
        and isinstance(multiple, int)
        and multiple > 0
        and all(isinstance(settings[key], list) and len(settings[key]) == 3 for key in ("image_mean", "image_std"))
    )
    if not is_known:
        return None
    if input_size is not None:
        check_input_size(name, input_size, multiple)
        size = {"height": int(input_size), "width": int(input_size)}
    return PlainProcessor(**{**{key: settings[key] for key in DEFAULTS}, "size": size})


@dataclass(frozen=True)
class _Size:
    height: int
    width: int
