# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is written of a video: the formats, their files, and what these say of themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...data.decoding.map_meaning import MEANING_KEYWORD, describe_map, describe_picture
from ...utils.option_errors import OptionError, check_choice
from ..prediction_formats import FORMATS, OutputSettings, read_formats
from .codes import FORMULA
from .encoding import FFV1, H264


@dataclass(frozen=True)
class VideoFile:
    """A file for the whole video.

    Attributes:
        suffix: behind the name of the video.
        codec: of its pictures.
        container: FFmpeg's name of the kind of file.
    """

    suffix: str
    codec: str
    container: str


VIDEO_FILES = {
    "color": VideoFile("_depth.mp4", H264, "mp4"),
    "side_by_side": VideoFile("_side_by_side.mp4", H264, "mp4"),
    "ffv1": VideoFile("_16bit.mkv", FFV1, "matroska"),
}
# One file a frame, in a folder.
FRAME_FORMATS = tuple(name for name, each in FORMATS.items() if not each.is_picture)
DEFAULT_VIDEO_FORMATS = ("color", "ffv1")
RECORD_SUFFIX, FRAMES_SUFFIX, FRAMES_LIST = "_video.json", "_frames", "frames.json"
RECORD_KIND, RECORD_VERSION = "depth_anything_hf.video", 1
NUMBER_DIGITS = 6


@dataclass(frozen=True)
class VideoOutputs:
    """What is written of each video.

    Attributes:
        files: names of `VIDEO_FILES`.
        frames: settings of the formats with one file a frame; None: there are none.
        look: settings of the colours.
    """

    files: tuple[str, ...]
    frames: OutputSettings | None
    look: OutputSettings = field(default_factory=OutputSettings)

    @classmethod
    def make(
        cls, words: Sequence[str] | None, colormap: str, legend: bool, min_depth: float | None, max_depth: float | None
    ) -> VideoOutputs:
        """Read the formats of a command line; None: those by default.

        Raises:
            OptionError: an unknown format or colour map, or limits that are not positive and ordered.
            ImportError: a format needs a package that is not installed.
        """
        names = DEFAULT_VIDEO_FORMATS if words is None else read_formats(words)
        if not names:
            raise OptionError(f"format needs at least one of {[*VIDEO_FILES, *FRAME_FORMATS]}, got none")
        for each in names:
            check_choice("format of a video", each, (*VIDEO_FILES, *FRAME_FORMATS))
        files = tuple(name for name in names if name in VIDEO_FILES)
        numbers = tuple(name for name in names if name in FRAME_FORMATS)
        pictures = tuple(name for name in files if name in FORMATS)
        # Checks colours without pictures too.
        look = OutputSettings(pictures or ("npz",), colormap, legend, min_depth, max_depth)
        frames = OutputSettings(numbers, min_depth=min_depth, max_depth=max_depth) if numbers else None
        return cls(files, frames, look)

    @property
    def suffixes(self) -> dict[str, str]:
        """Suffix of each file of a video -> the settings that it alone depends on; those of frames have one list."""
        colours = next(iter(self.look.suffixes.values())) if self.look.formats != ("npz",) else ""
        found = {VIDEO_FILES[name].suffix: colours if name in FORMATS else "" for name in self.files}
        listed = {f"{FRAMES_SUFFIX}/{FRAMES_LIST}": ",".join(sorted(self.frames.formats))} if self.frames else {}
        return {**found, RECORD_SUFFIX: "", **listed}

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what `make` makes the same of, JSON values."""
        return {
            "words": self._names,
            "colormap": self.look.colormap,
            "legend": self.look.legend,
            "min_depth": self.look.min_depth,
            "max_depth": self.look.max_depth,
        }

    @property
    def _names(self) -> list[str]:
        return [*self.files, *(self.frames.formats if self.frames else ())]

    @property
    def settings(self) -> str:
        """All that the files depend on apart from the values."""
        return json.dumps({"formats": self._names, "colormap": self.look.colormap, "legend": self.look.legend})

    def check_kind(self, kind: str, model: str) -> None:
        """Raise an OptionError where metres are asked for and the values are disparity."""
        for each in (self.frames, self.look):
            if each is not None:
                each.check_kind(kind, model)


def describe_file(name: str, kind: str, record: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a file of a video.

    Args:
        name: of `VIDEO_FILES`.
        kind: of the values.
        record: of the video, see `recording`.
    """
    if name != "ffv1":
        shown = "colours" if name == "color" else "side by side"
        return {"comment": f"{MEANING_KEYWORD}: {describe_picture(kind, shown)}"}
    return {
        "DESCRIPTION": f"16-bit codes of {kind}: {FORMULA}; each range holds from its first frame on",
        # Names of tags in Matroska are of capital letters.
        MEANING_KEYWORD.upper(): describe_map(kind, formula=FORMULA, ranges=record["ranges"]),
    }
