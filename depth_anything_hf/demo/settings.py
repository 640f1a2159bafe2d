# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the demo is started with: models, limits, and the folder of runs that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..data.decoding.limits import check_max_pixels
from ..utils.option_errors import OptionError, check_count, option_errors
from ..utils.redaction import redact_name
from ..utils.typed_fields import convert_fields
from ..visualization.colour_tables import DEFAULT_COLOUR_MAP, colour_table


# A photograph of 24 megapixels, whose maps and pictures take 200 MB of memory for each user.
MOST_PIXELS = 25_000_000
LARGEST_FILE_MB = 100.0
# Frames of a clip: ten seconds at 30 frames a second.
MOST_FRAMES = 300


def model_label(name: str) -> str:
    """Return what a model is called in the browser: its id or folder, of a checkpoint the run too."""
    path = Path(name)
    if path.is_dir() and (path.name == "best" or path.name.startswith("checkpoint-")):
        return f"{redact_name(path.resolve().parent)}/{path.name}"
    return redact_name(name)


@dataclass(frozen=True)
class DemoSettings:
    """What the demo is started with.

    Attributes:
        models: ids on the Hub, folders, or exported files; the first is the one that is chosen at first. Users choose
            among them and cannot name others.
        runs: a run folder, or a folder of run folders, that a tab shows; None: there is no such tab.
        input_size: side that images are resized to; None: each model's own.
        device, dtype, engine: as `DepthPredictor.from_pretrained` takes them.
        colormap: of the pictures at first.
        max_pixels: largest number of pixels of an image.
        max_file_mb: largest size of an uploaded file, in megabytes (1e6 bytes).
        max_frames: of a clip; later ones are left out.
        queue_size: requests that may wait; further ones are refused with a message.
        keep_minutes: how long files and results of a user are kept.

    Raises:
        OptionError: no model, one given twice, a number that is not positive, or no such colour map.
        FileNotFoundError: no such folder of runs.
    """

    models: tuple[str, ...]
    runs: Path | None = None
    input_size: int | None = None
    device: str | None = None
    dtype: str | None = None
    engine: str | None = "auto"
    colormap: str = DEFAULT_COLOUR_MAP
    max_pixels: int = MOST_PIXELS
    max_file_mb: float = LARGEST_FILE_MB
    max_frames: int = MOST_FRAMES
    queue_size: int = 32
    keep_minutes: int = 60

    def __post_init__(self) -> None:
        with option_errors():
            convert_fields(self)
            colour_table(self.colormap)
        if not self.models:
            raise OptionError("the demo needs a model: an id on the Hub, a folder or an exported file; got none")
        twice = [name for name in self.models if self.models.count(name) > 1]
        if twice:
            raise OptionError(f"each model once, got {twice[0]} {len(twice)} times")
        check_max_pixels(self.max_pixels)
        for name in ("max_frames", "queue_size", "keep_minutes"):
            check_count(name, getattr(self, name))
        if not 0 < self.max_file_mb < 1e6:
            raise OptionError(f"max_file_mb must be a positive number of megabytes, got {self.max_file_mb:g}")
        if self.runs is not None and not self.runs.is_dir():
            raise FileNotFoundError(f"{self.runs}: no such folder; expected a run folder, or a folder of run folders")
