# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The demo's models: opened when first used, one forward pass at a time, other input sizes without a second copy."""

from __future__ import annotations

import os
import threading
from typing import Any

from ..inference.engines import TORCH
from ..inference.predictor import DepthPredictor
from ..utils.option_errors import check_choice
from .settings import DemoSettings, model_label


# Shorter sides that users choose among, all multiples of a patch; larger ones take too long for a demo.
INPUT_SIZES = (252, 392, 518, 700, 1036)


class DemoModels:
    """The models that users choose among.

    Args:
        settings: of the demo.
    """

    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        # A folder that vanishes would be taken for an id on the Hub.
        self._is_folder = {name: os.path.isdir(name) for name in settings.models}
        self._opened: dict[tuple[str, int | None], DepthPredictor] = {}
        # Of the dictionary, and of the models themselves: several threads would share one model's memory.
        self.lock = threading.RLock()

    def open(self, name: str, input_size: int | None = None) -> DepthPredictor:
        """Return the predictor of a model, opened at the first call.

        Args:
            name: one of the settings' models.
            input_size: side that images are resized to, one of `INPUT_SIZES`; None: that of the settings.

        Raises:
            OptionError: another model or size, or a size that does not fit the model.
            FileNotFoundError: its folder has vanished since the demo began.
            ValueError, OSError, ImportError: as `DepthPredictor.from_pretrained`.
        """
        check_choice("model", name, self._settings.models)
        size = self._settings.input_size if input_size is None else int(input_size)
        if input_size is not None:
            check_choice("input_size", size, INPUT_SIZES)
        with self.lock:
            if (name, size) not in self._opened:
                self._opened[name, size] = self._shared(name, size) or self._load(name, size)
            return self._opened[name, size]

    def _load(self, name: str, size: int | None) -> DepthPredictor:
        settings = self._settings
        self._check_is_there(name)
        return DepthPredictor.from_pretrained(
            name,
            device=settings.device,
            dtype=settings.dtype,
            engine=settings.engine,
            input_size=size,
            max_pixels=settings.max_pixels,
        )

    def _shared(self, name: str, size: int | None) -> DepthPredictor | None:
        """Return a predictor with the weights of one that is open at another size; None where that cannot be."""
        other = next((each for (known, _), each in self._opened.items() if known == name), None)
        if other is None or other.engine != TORCH:
            return None
        from ..models.loading import load_processor

        self._check_is_there(name)
        processor: Any = load_processor(name, other.model.config.model_type, size, {})
        return DepthPredictor(other.model, processor, max_pixels=self._settings.max_pixels)

    def _check_is_there(self, name: str) -> None:
        if self._is_folder[name] and not os.path.isdir(name):
            raise FileNotFoundError(
                f"the folder of the model {model_label(name)} is not there any more; choose another model, or tell "
                "whoever runs the demo"
            )
