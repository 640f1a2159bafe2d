# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The text by which an encoding is chosen, with its options: `mm`, `exr:channel=Z`, `pfm_disparity:focal=721,...`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ....utils.option_errors import OptionError, check_choice
from .catalog import find_encoding
from .common_options import options_of
from .encoding import Encoding, EncodingOption, Kind


_KINDS = {int: "a whole number", float: "a number", tuple: "numbers with a slash between them, or none"}
RAY_OPTIONS = frozenset({"fx", "fy", "cx", "cy", "fov", "camera", "distortion"})
MOST_SUBPIXEL_BITS = 8
FORM = "write NAME or NAME:option=value,option=value"


@dataclass(frozen=True)
class EncodingChoice:
    """An encoding and the values of all its options."""

    encoding: Encoding
    options: Mapping[str, Any]

    @property
    def kind(self) -> Kind:
        """What a label read by it is where nothing else is asked for: depth, if metres can be had."""
        is_stereo = self.options.get("focal") is not None and self.options.get("baseline") is not None
        return "depth" if is_stereo else self.encoding.kind


@lru_cache(maxsize=256)
def parse_encoding(text: str) -> EncodingChoice:
    """Return the choice that a text stands for.

    Args:
        text: name or alias of an encoding, then options after a colon, separated by commas; numbers that are a list
            have a slash between them.

    Raises:
        OptionError: an unknown name or option, or a value that it cannot have; the message says what is expected.
    """
    name, _, settings = text.partition(":")
    encoding = find_encoding(name)
    options = {each.name: each for each in options_of(encoding)}
    values: dict[str, Any] = {each.name: each.default for each in options.values()}
    given: set[str] = set()
    for setting in filter(None, (each.strip() for each in settings.split(","))):
        key, sign, value = (part.strip() for part in setting.partition("="))
        if not sign:
            raise OptionError(f"encoding {text!r}: expected option=value, got {setting!r}; {FORM}")
        check_choice(f"encoding {text!r}: its option", key, list(options))
        if key in given:
            raise OptionError(f"encoding {text!r}: {key} is given twice; keep one")
        given.add(key)
        values[key] = _convert(options[key], value, text)
    _check(values, given, text)
    return EncodingChoice(encoding, MappingProxyType(values))


def _convert(option: EncodingOption, value: str, text: str) -> Any:
    start = f"encoding {text!r}: {option.name}"
    if option.kind is str:
        if option.choices:
            check_choice(start, value, option.choices)
        if not value:
            raise OptionError(f"{start} must be text, got nothing")
        return value
    try:
        if option.kind is tuple:
            return tuple(float(each) for each in value.split("/")) if value.lower() != "none" else ()
        number = float(value)
    except ValueError:
        number = math.nan
    if option.kind is tuple or math.isnan(number) or (option.kind is int and not number.is_integer()):
        raise OptionError(f"{start} must be {_KINDS[option.kind]}, got {value!r}")
    return int(number) if option.kind is int else number


def _check(values: Mapping[str, Any], given: set[str], text: str) -> None:
    for name in ("scale", "per_metre", "focal", "baseline", "fx", "fy", "fov", "camera_height", "width", "height"):
        value = values.get(name)
        if value is not None and not 0 < value < math.inf:
            raise OptionError(f"encoding {text!r}: {name} must be > 0, got {value:g}")
    if "per_metre" in values and values["per_metre"] is None:
        raise OptionError(
            f"encoding {text!r}: needs per_metre, the stored units per metre, as in 'scaled:per_metre=1000'"
        )
    if (
        "focal" in values
        and (values["focal"] is None) != (values["baseline"] is None)
        and given & {"focal", "baseline"}
    ):
        raise OptionError(f"encoding {text!r}: focal and baseline belong together; give both, or neither")
    if "offset" in given and values["focal"] is None:
        raise OptionError(f"encoding {text!r}: offset is added to disparity where focal and baseline make depth of it")
    rays = given & RAY_OPTIONS
    if rays and values.get("geometry", "ray") not in ("ray", "panorama"):
        raise OptionError(
            f"encoding {text!r}: {sorted(rays)[0]} is of a camera that makes planar depth of distance along rays; if "
            "the file has that, add geometry=ray"
        )
    if not 0 <= values.get("subpixel_bits", 0) <= MOST_SUBPIXEL_BITS:
        raise OptionError(f"encoding {text!r}: subpixel_bits must be 0 to {MOST_SUBPIXEL_BITS}")
    if values.get("fx") is not None and values.get("fov") is not None:
        raise OptionError(f"encoding {text!r}: fx and fov say the same; give one of them")
    if values.get("confidence") is not None and values["min_confidence"] is None:
        raise OptionError(f"encoding {text!r}: confidence needs min_confidence, the least that a pixel must have")
