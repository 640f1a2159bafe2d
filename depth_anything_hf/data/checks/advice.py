# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How a source is read now, and the fields of it that would mend a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..decoding.encodings.choice import EncodingChoice, parse_encoding


# Encodings of floating-point files by their suffix.
_FLOAT_ENCODINGS = {".exr": "exr", ".npy": "npz", ".npz": "npz", ".pfm": "pfm", ".tif": "tiff", ".tiff": "tiff"}
FLAGS = ("label", "label_column", "scale", "invalid_values", "sky_value", "encoding")


@dataclass(frozen=True)
class HowRead:
    """How a source is read, as far as its fields may mend it.

    Attributes:
        kind: "folder", "table", "public" or "other", which says which fields there are.
        label: "depth", "disparity" or None.
        scale, invalid_values, encoding: its fields.
        suffix: of the files of labels, such as ".npz"; "" where they are none.
    """

    kind: str
    label: str | None
    scale: float | None = None
    invalid_values: tuple[float, ...] | None = None
    encoding: str | None = None
    suffix: str = ""

    @property
    def choice(self) -> EncodingChoice | None:
        """The encoding, with its options."""
        return None if self.encoding is None else parse_encoding(self.encoding)

    @property
    def per_metre(self) -> float:
        """Stored units per metre."""
        choice = self.choice
        if choice is None:
            return self.scale or 1.0
        own = choice.encoding.per_metre or choice.options.get("per_metre") or choice.options.get("scale")
        return float(own or 1.0)

    @property
    def is_unit_given(self) -> bool:
        """Whether the unit of stored numbers is one that was named: a scale, or an encoding of whole numbers."""
        choice = self.choice
        if choice is None:
            return self.scale is not None
        return choice.encoding.per_metre is not None or choice.options.get("per_metre") is not None

    def with_scale(self, scale: float) -> dict[str, Any]:
        """Return the fields that read so many stored units as a metre."""
        choice = self.choice
        if choice is None or choice.encoding.per_metre is not None:
            return {"scale": scale, **({} if choice is None else {"encoding": None})}
        option = "per_metre" if "per_metre" in choice.options else "scale"
        return {"encoding": with_option(self.encoding or "", option, f"{scale:g}")}

    def with_missing(self, number: float) -> dict[str, Any]:
        """Return the fields by which a stored number has no value."""
        choice = self.choice
        if choice is not None:
            if "missing" not in choice.options:
                return {}
            others = [each for each in choice.options["missing"] or () if each != number]
            return {"encoding": with_option(self.encoding or "", "missing", "/".join(map(_number, [*others, number])))}
        others = [each for each in self.invalid_values or (0.0,) if each != number]
        return {"invalid_values": [*map(_whole, others), _whole(number)]}

    def with_sky(self, number: float) -> dict[str, Any]:
        """Return the fields by which a stored number, and those beyond it, is sky."""
        choice = self.choice
        if choice is None:
            return {"sky_value": _whole(number)}
        if "sky" not in choice.options:
            return {}
        return {"encoding": with_option(self.encoding or "", "sky", _number(number))}

    def with_rays(self, fov: int) -> dict[str, Any]:
        """Return the fields that make planar depth of distances along the rays of a lens."""
        if self.encoding is not None:
            name = self.encoding
        elif self.suffix in _FLOAT_ENCODINGS:
            name = _FLOAT_ENCODINGS[self.suffix]
            name = with_option(name, "scale", f"{self.scale:g}") if self.scale not in (None, 1.0) else name
        elif self.scale is not None:
            name = f"scaled:per_metre={self.scale:g}"
        else:
            return {}
        changed = with_option(with_option(name, "geometry", "ray"), "fov", str(fov))
        cleared = {"scale": None} if self.scale is not None else {}
        return {"encoding": changed, **cleared} if "geometry" in parse_encoding(name).options else {}


def with_option(encoding: str, name: str, value: str) -> str:
    """Return an encoding as text with an option changed."""
    head, _, settings = encoding.partition(":")
    kept = [each for each in settings.split(",") if each and each.partition("=")[0].strip() != name]
    return f"{head}:{','.join([*kept, f'{name}={value}'])}"


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Return fields as in a recipe and as flags: "scale: 1000 (--scale 1000)"; "" without any."""
    given = {name: value for name, value in settings.items() if value is not None}
    left_out = [name for name, value in settings.items() if value is None]
    fields = ", ".join(f"{name}: {_yaml(value)}" for name, value in given.items())
    flags = " ".join(f"--{name} {flag_of(value)}" for name, value in given.items() if name in FLAGS)
    without = f", without {' and '.join(left_out)}" if left_out else ""
    return f"{fields}{without} ({flags})" if fields else ""


def suffix_of(path: Any) -> str:
    """Return the suffix of a file of labels, in small letters; "" for a cell without a path."""
    place = path.get("path") if isinstance(path, Mapping) else path
    return Path(place).suffix.lower() if isinstance(place, str) else ""


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _number(number: float) -> str:
    return repr(_whole(number))


def _yaml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(repr, value))}]"
    # All of its digits, where it has more than are usual.
    is_short = isinstance(value, float) and float(f"{value:g}") == value
    return f"{value:g}" if is_short else str(value)


def flag_of(value: Any) -> str:
    """Return the value of a field as that of a flag: lists with commas."""
    return ",".join(map(repr, value)) if isinstance(value, list) else _yaml(value)
