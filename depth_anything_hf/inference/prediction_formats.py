# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The formats that `predict` writes: their names, suffixes and settings, and which of them need metres."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..utils.messages import counted
from ..utils.option_errors import OptionError, check_choice, option_errors
from ..utils.typed_fields import convert_fields
from ..visualization.colour_maps import LARGEST_CODE
from ..visualization.colour_tables import DEFAULT_COLOUR_MAP, colour_table
from ..visualization.encode_maps import check_exr_is_writable


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        suffix: behind the name of the image.
        scale: codes per metre, where the codes of 16 bits are metres; None for others.
        is_picture: whether the colours of a map are in it, and no values.
    """

    suffix: str
    scale: float | None = None
    is_picture: bool = False


FORMATS = {
    "npz": Format(".npz"),
    "npy": Format(".npy"),
    "tiff": Format(".tiff"),
    "exr": Format(".exr"),
    "png16": Format("_16bit.png"),
    "mm": Format("_mm.png", scale=1000.0),
    "kitti": Format("_kitti.png", scale=256.0),
    "color": Format("_depth.png", is_picture=True),
    "side_by_side": Format("_side_by_side.png", is_picture=True),
}
DEFAULT_FORMATS = ("npz", "color", "png16")
RAW_FORMATS = ("npz",)
# The code behind it says that a depth is farther than the codes reach.
LARGEST_METRIC_CODE = LARGEST_CODE - 1


@dataclass(frozen=True)
class OutputSettings:
    """What is written of each prediction.

    Attributes:
        formats: names of `FORMATS`.
        colormap: of the pictures, as in `colour_table`.
        legend: whether the pictures get a bar with numbers.
        min_depth, max_depth: metres; depth outside has no value, and the colours run between them. None: no limit.

    Raises:
        OptionError: an unknown format or colour map, or limits that are not positive and ordered.
        ImportError: a format needs a package that is not installed.
    """

    formats: tuple[str, ...] = DEFAULT_FORMATS
    colormap: str = DEFAULT_COLOUR_MAP
    legend: bool = False
    min_depth: float | None = None
    max_depth: float | None = None

    def __post_init__(self) -> None:
        with option_errors():
            convert_fields(self)
        if not self.formats:
            raise OptionError(f"formats needs at least one of {list(FORMATS)}, got none")
        for each in self.formats:
            check_choice("formats", each, tuple(FORMATS))
        with option_errors():
            colour_table(self.colormap)
        for name in ("min_depth", "max_depth"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise OptionError(f"{name} must be more than 0 metres and finite, got {value:g}")
        if self.min_depth is not None and self.max_depth is not None and self.min_depth >= self.max_depth:
            raise OptionError(f"min_depth must be below max_depth, got {self.min_depth:g} and {self.max_depth:g}")
        if not any(FORMATS[each].is_picture for each in self.formats):
            for name in ("colormap", "legend"):
                if getattr(self, name) != next(field.default for field in fields(self) if field.name == name):
                    raise OptionError(
                        f"{name} is for the formats {', '.join(_PICTURES)}, which are not among {list(self.formats)}; "
                        "add one of them, or leave it out"
                    )
        if "exr" in self.formats:
            check_exr_is_writable()

    @property
    def suffixes(self) -> dict[str, str]:
        """Suffix of each file -> the settings that it alone depends on; "" for those by default."""
        look = {"colormap": self.colormap, "legend": self.legend}
        by_default = {"colormap": DEFAULT_COLOUR_MAP, "legend": False}
        settings = "" if look == by_default else json.dumps(look, sort_keys=True)
        return {
            FORMATS[each].suffix: settings if FORMATS[each].is_picture else "" for each in dict.fromkeys(self.formats)
        }

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are given, which all values depend on."""
        given = {"min_depth": self.min_depth, "max_depth": self.max_depth}
        return {name: value for name, value in given.items() if value is not None}

    def check_kind(self, kind: str, model: str) -> None:
        """Check that what is asked for can be had of a model's values.

        Args:
            kind: "disparity" or "depth".
            model: its name, for the message.

        Raises:
            OptionError: metres are asked for, and the values are disparity; the message says why, and what to do.
        """
        if kind == "depth":
            return
        asked = [f"--format {each}" for each in self.formats if FORMATS[each].scale] + [
            f"--{each}" for each in self.limits
        ]
        if asked:
            others = [name for name, each in FORMATS.items() if each.scale is None]
            raise OptionError(
                f"{' and '.join(asked)} needs metres, but {model} predicts disparity, whose scale and shift are "
                "unknown for each image, so that no metres follow from it; take a metric model, or give a file made "
                f"by `calibrate` (--metric), or choose among the formats {', '.join(others)}"
            )

    def limit(self, depth: np.ndarray) -> np.ndarray:
        """Return depth (metres) without values outside of the limits: NaN there."""
        if not self.limits:
            return depth
        with np.errstate(invalid="ignore"):
            outside = (depth < (self.min_depth or 0.0)) | (depth > (self.max_depth or math.inf))
        return np.where(outside, np.float32(np.nan), depth)


_PICTURES = tuple(name for name, each in FORMATS.items() if each.is_picture)


def read_formats(words: Sequence[str]) -> tuple[str, ...]:
    """Return each format once that words of a command line name, several by commas, in any case, `-` for `_`."""
    names = (name.strip().lower().replace("-", "_") for word in words for name in word.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def to_metric_codes(depth: np.ndarray, scale: float) -> tuple[np.ndarray, int]:
    """Turn metres into 16-bit codes: 0 has no value, 1 to 65534 are code / scale metres, 65535 is farther.

    Args:
        depth: float (H, W), metres; NaN and what is not positive have no value.
        scale: codes per metre.

    Returns:
        uint16 (H, W), and how many pixels are clipped: farther than the codes reach, or nearer than half a step, which
        have code 1.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        has_value = depth > 0
        rounded = np.rint(np.where(has_value, depth, 0).astype(np.float64) * scale)
    clipped = has_value & ((rounded > LARGEST_METRIC_CODE) | (rounded < 1))
    codes = np.where(has_value, np.clip(rounded, 1, LARGEST_CODE), 0).astype(np.uint16)
    return codes, int(clipped.sum())


def describe_clipped(images: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a warning for each format whose codes clip pixels.

    Args:
        images: name -> what `predictions.json` says of its pixels.
    """
    warnings = []
    for name, each in FORMATS.items():
        if each.scale is None:
            continue
        clipped = [pixels["codes"][name]["clipped"] for pixels in images.values() if name in pixels.get("codes", {})]
        if any(clipped):
            farthest = LARGEST_METRIC_CODE / each.scale
            images_with = f"{sum(map(bool, clipped))} of {counted(len(clipped), 'image')}"
            warnings.append(
                f"{counted(sum(clipped), 'pixel')} in {images_with} clipped in NAME{each.suffix}, whose codes reach "
                f"from {1 / each.scale:g} to {farthest:.6g} m; farther ones have code {LARGEST_CODE}; npz, npy, tiff "
                "and exr hold every distance"
            )
    return warnings
