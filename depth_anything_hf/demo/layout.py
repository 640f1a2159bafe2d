# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What all tabs share: the demo's settings, models and folder, and the choices that each of them has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..visualization.colour_tables import COLOUR_MAPS
from .messages import errors_as_messages, load_gradio
from .models import INPUT_SIZES, DemoModels
from .settings import DemoSettings, model_label


# All events that run a model wait in one queue, for two forward passes at a time take longer than one after the other.
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
LONGEST_SIDE_SHOWN = 1280
# gradio shows a choice of the value None as an empty field.
OWN_SIZE = "own"
# Told apart by those who are colour-blind too; the others follow.
FIRST_COLOUR_MAPS = ("inferno", "cividis", "viridis", "gray", "turbo", "Spectral_r")


@dataclass(frozen=True)
class Demo:
    """What the tabs of one demo share.

    Attributes:
        settings: what it was started with.
        models: that users choose among.
        folder: its own temporary folder, which alone is served, and removed at its end.
    """

    settings: DemoSettings
    models: DemoModels
    folder: Path

    def guard(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose errors are messages in the browser; see `errors_as_messages`."""
        return errors_as_messages(work, self.folder)


def model_choice(demo: Demo, label: str = "Model", index: int = 0) -> Any:
    """Return the component that chooses a model; folders are shown by their last part."""
    names = demo.settings.models
    shown = [model_label(name) for name in names]
    # Two runs may have folders of one name.
    labels = [f"{each} ({number + 1})" if shown.count(each) > 1 else each for number, each in enumerate(shown)]
    choices = list(zip(labels, names, strict=True))
    return load_gradio().Dropdown(choices, value=names[min(index, len(names) - 1)], label=label)


def size_choice(demo: Demo) -> Any:
    """Return the component that chooses the side that images are resized to."""
    own = "as trained" if demo.settings.input_size is None else str(demo.settings.input_size)
    choices = [(own, OWN_SIZE), *((str(size), size) for size in INPUT_SIZES if size != demo.settings.input_size)]
    return load_gradio().Dropdown(
        choices, value=OWN_SIZE, label="Input size", info="Shorter side, pixels. Larger: sharper, slower."
    )


def chosen_size(size: int | str | None) -> int | None:
    """Return what `size_choice` means, as `DemoModels.open` takes it."""
    return None if size is None or size == OWN_SIZE else int(size)


def colour_choice(demo: Demo) -> Any:
    """Return the component that chooses the colours."""
    names = dict.fromkeys((demo.settings.colormap, *FIRST_COLOUR_MAPS, *COLOUR_MAPS))
    return load_gradio().Dropdown(
        list(names),
        value=demo.settings.colormap,
        label="Colour map",
        info="cividis reads the same with and without colour blindness.",
    )


def picture_input(label: str = "Picture") -> Any:
    """Return the component that takes a picture; what it gives is the file as it was uploaded, not decoded."""
    picture = load_gradio().Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", "webcam"],
        label=label,
        height=320,
        # Not gradio's button that shares what is shown.
        buttons=["fullscreen"],
    )
    # gradio would decode the file, with errors and limits of its own.
    picture.preprocess = _path_of
    return picture


def _path_of(payload: Any) -> str | None:
    return None if payload is None else payload.path


def fit_for_screen(image: np.ndarray, longest: int = LONGEST_SIDE_SHOWN) -> np.ndarray:
    """Return a picture, uint8 (H, W, 3), no side of which is longer than a screen needs."""
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return smaller
