# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The probability of sky at each pixel, by a model of semantic segmentation that has such a class."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch.nn import functional as F

from ..models.loading import as_dtype, dtype_name
from ..models.segmentation import load_segmentation_model
from ..utils.paths import expand_home
from ..utils.quiet import quiet_transformers
from .batching import FetchResults
from .devices import autocast_dtype, usable_device


SKY = "sky"
NAMES_SHOWN = 8


class SkySegmenter:
    """Find the sky in images; a further model for `further_passes.predict_with_others`.

    Args:
        model: of transformers' semantic segmentation, with a class called sky (ADE20K, Cityscapes, COCO-Stuff).
        processor: the image processor that belongs to it.
        device: where the model is moved to; None leaves it where it is.
        dtype: bfloat16 or float16 runs a float32 model under autocast; None uses the model's own precision.

    Raises:
        ValueError: no class of the model is called sky; or a device that is not here, or an unknown precision.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> None:
        self.classes = sky_classes(model.config.id2label)
        self.model = model.eval()
        if device is not None:
            self.model.to(usable_device(device))
        self.processor = processor
        self._autocast_dtype = autocast_dtype(model.dtype, as_dtype(dtype))

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> SkySegmenter:
        """Open a checkpoint of transformers' semantic segmentation.

        Args:
            name_or_path: model id on the Hub, or a folder.
            device: None takes this process's CUDA device, else Apple's, else the CPU.
            dtype: precision of the weights and the computation; None keeps the checkpoint's.

        Raises:
            ValueError: not a model of semantic segmentation, no class called sky, or damaged weights.
            OSError: no such folder or id on the Hub, or files missing in it.
        """
        quiet_transformers()
        place = usable_device(device)
        model, processor = load_segmentation_model(str(expand_home(os.fspath(name_or_path))), dtype)
        return cls(model, processor, device=place)

    @property
    def precision(self) -> str:
        """Precision of a pass."""
        if self._autocast_dtype is not None:
            return f"{dtype_name(self._autocast_dtype)} autocast"
        return dtype_name(self.model.dtype)

    def prepare(self, image: np.ndarray) -> torch.Tensor:
        """Resize and normalize an image, uint8 (H, W, 3) -> (3, h, w)."""
        processed = self.processor(images=image, input_data_format="channels_last", return_tensors="pt")
        return cast(torch.Tensor, processed["pixel_values"][0])

    @torch.inference_mode()
    def launch(
        self, inputs: Sequence[torch.Tensor], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Run a pass over images (3, h, w) of one processed size; the result gives float32 (H, W) each, 0 to 1."""
        device = torch.device(self.model.device)
        is_autocast = self._autocast_dtype is not None
        with torch.autocast(device.type, dtype=self._autocast_dtype) if is_autocast else nullcontext():
            logits = self.model(pixel_values=torch.stack([*inputs]).to(device, self.model.dtype)).logits
        # (B, classes, h, w); the sum over several classes of sky.
        sky = logits.float().softmax(1)[:, self.classes].sum(1, keepdim=True)
        maps = [
            F.interpolate(one[None], size=size, mode="bilinear", align_corners=False)[0, 0]
            for one, size in zip(sky, sizes, strict=True)
        ]
        return lambda: [one.cpu().numpy() for one in maps]


def sky_classes(id2label: Mapping[Any, str]) -> list[int]:
    """Return the numbers of the classes of sky: those named sky, also beside other names, as in "sky, cloud".

    Raises:
        ValueError: there is none; the message has some of the names.
    """
    found = [
        int(number)
        for number, name in id2label.items()
        if SKY in str(name).lower().replace(",", " ").replace("-", " ").split()
    ]
    if not found:
        names = [str(name) for name in id2label.values()]
        some = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
        raise ValueError(
            f"expected a model with a class called {SKY!r}, got {len(names)} classes: {some}; models of ADE20K and "
            "Cityscapes have one"
        )
    return found


__all__ = ["SkySegmenter", "sky_classes"]
