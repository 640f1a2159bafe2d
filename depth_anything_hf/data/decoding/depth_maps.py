# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode depth maps and disparity maps of many formats, and say which of their values are invalid or sky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...utils.option_errors import OptionError
from ...utils.typed_fields import convert_fields
from .encodings.choice import parse_encoding
from .encodings.decode import decode_map, label_of
from .encodings.detection import describe_candidates, proven_encoding
from .encodings.float_files import NOTHING_HIT
from .errors import BrokenSampleError, UnreadableImageError
from .exr import EXR_MAGIC
from .files import FileLike, in_memory
from .map_meaning import MapMeaning, meaning_of
from .opencv import decode_with_opencv
from .orientation import orientation_of_map, turn_upright
from .plausibility import Reading, warn_of_doubts
from .stored_maps import LABELS as LABELS
from .stored_maps import PNG_START, read_stored_label
from .tiff import is_nodata, nodata_of


LABEL_SUFFIXES = frozenset(
    {".bin", ".dmap", ".dpt", ".dsp5", ".exr", ".hdf5", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"}
)
SCALE_ADVICE = (
    "set scale, the stored units per metre (depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)


def read_label(source: FileLike, scale: float | None = None, encoding: str | None = None) -> np.ndarray:
    """Read a depth or disparity map: PNG, PGM, TIFF, PFM, EXR, npy, npz, or as devices and data sets write it.

    The content tells the format, not the suffix. Without an encoding no value is masked: 0 stays 0, and of an npz the
    only array or the key depth or disparity is taken. An orientation of the map's own (TIFF, EXIF in PNG) turns it
    upright. The 16-bit files that `predict` writes say themselves what their codes are: metres or disparity, and NaN
    where there is no value. Files that prove an encoding, such as those of COLMAP, are read by it.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        scale: stored units per metre; the result is value / scale. Required for other integer maps.
        encoding: one of `describe_encodings`, such as "mm" or "exr:channel=Z"; pixels without a value are NaN, and
            where nothing was hit depth is +inf.

    Returns:
        float32 (H, W): metres, or disparity where that is what the file holds.

    Raises:
        FileNotFoundError: no file at the path.
        ValueError: an integer map without scale, a scale that is not positive, one that contradicts the file, scale
            and encoding, or an unknown encoding.
        BrokenSampleError: the map is not (H, W).
        UnreadableImageError: the file cannot be decoded, or holds too many values.
    """
    source = in_memory(source)
    encoded = _read_encoded(source, encoding, scale, None)
    orientation, was_turned = orientation_of_map(source)
    if encoded is not None:
        return encoded if orientation is None or was_turned else turn_upright(encoded, orientation)
    stored, name = _read_stored(source, None)
    if orientation is not None and not was_turned:
        stored = turn_upright(stored, orientation)
    meaning = meaning_of(source["bytes"], name)
    return _scale(stored, scale, name) if meaning is None else _decode(meaning, stored, scale, name)


def _read_encoded(
    source: dict[str, Any], encoding: str | None, scale: float | None, label: str | None
) -> np.ndarray | None:
    """Read a file by its encoding, given or proven; None where it has none: float32 (H, W)."""
    if encoding is None:
        proven = proven_encoding(source["bytes"])
        if proven is None:
            return None
        encoding = proven.name if scale is None else f"{proven.name}:scale={float(scale)!r}"
    elif scale is not None:
        raise ValueError(f"scale and encoding {encoding!r} cannot be combined; leave scale out")
    choice, name = parse_encoding(encoding), source["path"]
    decoded = decode_map(source, choice)
    reading = Reading(f"as {encoding!r}", decoded.kind, choice.encoding)
    warn_of_doubts(name, reading, decoded.values, lambda: read_stored_label(source)[0])
    # Disparity of a rig that is given is meant as depth.
    own = "depth" if choice.kind == "depth" else decoded.kind
    return label_of(decoded, choice, label or own, name)


def _read_stored(source: dict[str, Any], label: str | None) -> tuple[np.ndarray, str]:
    """Read the values as stored; a colour picture that may be an encoded map is refused with the candidates."""
    try:
        return read_stored_label(source, label)
    except UnreadableImageError:
        raise
    except BrokenSampleError as error:
        picture = decode_with_opencv(source["bytes"]) if source["bytes"].startswith(PNG_START) else None
        known = "" if picture is None else describe_candidates(picture)
        if not known:
            raise
        raise BrokenSampleError(f"{error} Or name its encoding, by which the middle of this map is: {known}") from None


def check_encoding(rules: Any, prefix: str = "") -> None:
    """Check the field `encoding` of label rules or of a data source, beside the fields that it stands for.

    Raises:
        OptionError: an unknown encoding or option of it, or one of these fields; the message starts with `prefix`.
    """
    if rules.encoding is None:
        return
    parse_encoding(rules.encoding)
    for name, instead in (("scale", "scale"), ("invalid_values", "missing"), ("sky_value", "sky")):
        if getattr(rules, name) is not None:
            raise OptionError(
                f"{prefix}{name} cannot be combined with encoding {rules.encoding!r}, which says that; leave it "
                f"out, or give the encoding's option {instead}, where it has it"
            )


def _decode(meaning: MapMeaning, stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    """Decode the numbers of a file that says what they are."""
    if meaning.kind == "depth" and not meaning.has_codes and scale not in (None, 1):
        raise ValueError(f"{name}: scale is {scale:g}, and the file itself tells of metres; leave scale out")
    if meaning.kind == "disparity" or not meaning.has_codes or scale == meaning.scale:
        values = meaning.decode(stored, name)
        is_scaled = scale is not None and not (meaning.has_codes and scale == meaning.scale)
        return _scale(values, scale, name) if is_scaled else values
    if scale is not None:
        told = "codes of a range" if meaning.scale is None else f"{meaning.scale:g} codes per metre"
        raise ValueError(f"{name}: scale is {scale:g}, and the file's own text tells of {told}; leave scale out")
    return meaning.decode(stored, name)


def _scale(stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    if scale is None and stored.dtype.kind in "iu":
        known = describe_candidates(stored)
        known = f"; or name its encoding, by which the middle of this map is: {known}" if known else ""
        raise ValueError(f"{name}: an integer map ({stored.dtype}) has no unit; {SCALE_ADVICE}{known}")
    if scale is not None and not scale > 0:
        raise ValueError(f"{name}: scale must be > 0, got {scale}; {SCALE_ADVICE}")
    if scale is None or scale == 1:
        return stored.astype(np.float32)
    return (stored.astype(np.float64) / scale).astype(np.float32)


@dataclass(frozen=True)
class LabelRules:
    """How stored values become a label: NaN invalid; sky is depth +inf or disparity 0.

    Attributes:
        label: "depth" or "disparity".
        scale: stored units per metre, see `read_label`; integer disparity needs none.
        invalid_values: stored values that mean no measurement; None takes 0, but nothing of floating-point disparity.
        sky_value: stored depth values >= this (disparity: <=) are sky.
        max_depth: finite depth beyond this many metres is invalid.
        encoding: how the file is written, such as "mm" or "exr:channel=Z", in place of scale, invalid_values and
            sky_value; None: as the file proves, or as these say.

    Raises:
        ValueError: an unknown encoding, or one beside what it stands for.
    """

    label: str
    scale: float | None = None
    invalid_values: tuple[float, ...] | None = None
    sky_value: float | None = None
    max_depth: float | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        convert_fields(self, may_be_infinite=("invalid_values", "sky_value", "max_depth"))
        check_encoding(self)

    def read(self, source: FileLike) -> np.ndarray:
        """Read a label of any format of `read_label`: float32 (H, W), see `apply`.

        Raises:
            ValueError: also where a file that `predict` has written holds the other kind.
        """
        source = in_memory(source)
        is_encoded = self.is_encoded(source["bytes"])
        if is_encoded and (self.invalid_values is not None or self.sky_value is not None):
            raise ValueError(
                f"{source['path']}: invalid_values and sky_value are for stored numbers, and this file says itself "
                "what has no value; leave them out"
            )
        encoded = _read_encoded(source, self.encoding, self.scale, self.label) if is_encoded else None
        if encoded is not None:
            return self.limit(encoded)
        stored, name = _read_stored(source, self.label)
        meaning = meaning_of(source["bytes"], name)
        if meaning is not None:
            meaning.check_label(self.label, name)
        is_plain_exr = self._is_plain and source["bytes"].startswith(EXR_MAGIC) and stored.dtype.kind == "f"
        if is_plain_exr and self.label == "depth":
            # What Blender writes where nothing is hit, which is not beyond max_depth.
            stored = np.where(stored >= np.float32(NOTHING_HIT), np.float32(np.inf), stored)
        values = self.apply(stored, name, meaning)
        nodata = nodata_of(source["bytes"]) if meaning is None and self.invalid_values is None else None
        if nodata is not None:
            values[is_nodata(stored, nodata)] = np.nan
        if meaning is None:
            told = "as it is" if self.scale is None else f"with scale {self.scale:g}"
            warn_of_doubts(name, Reading(told, self.label), values, lambda: stored)
        return values

    def is_encoded(self, content: bytes) -> bool:
        """Return whether a file has an encoding, given or proven, whose maps may be smaller than their pictures."""
        if self.encoding is not None:
            return True
        proven = proven_encoding(content)
        # Of formats of their own, which nothing else reads, the units per metre can be given.
        return proven is not None and (self._is_plain or [option.name for option in proven.options] == ["scale"])

    @property
    def _is_plain(self) -> bool:
        return self.scale is None and self.invalid_values is None and self.sky_value is None

    def apply(self, stored: np.ndarray, name: str, meaning: MapMeaning | None = None) -> np.ndarray:
        """Turn stored values (H, W) into a label: float32 (H, W).

        Args:
            stored: numbers as they are in the file.
            name: starts the messages.
            meaning: what the file says of them.
        """
        is_depth = self.label == "depth"
        if self.encoding is not None:
            raise ValueError(
                f"{name}: encoding {self.encoding!r} is for files, and these are numbers; leave it out, and set scale"
            )
        if meaning is None:
            # Disparity has no unit that matters, so that an integer disparity map needs no scale.
            values = _scale(stored, self.scale if is_depth or self.scale is not None else 1.0, name)
        else:
            values = _decode(meaning, stored, self.scale, name)
        invalid = np.isin(stored, self._invalid_values(stored)) | np.isnan(values)
        if is_depth:
            invalid |= values <= 0
            if self.max_depth is not None:
                invalid |= np.isfinite(values) & (values > self.max_depth)
        else:
            invalid |= np.isinf(values)
        sky = np.zeros(stored.shape, dtype=bool)
        if self.sky_value is not None:
            sky = stored >= self.sky_value if is_depth else stored <= self.sky_value
        values[invalid] = np.nan
        values[sky] = np.inf if is_depth else 0.0
        return values

    def limit(self, values: np.ndarray) -> np.ndarray:
        """Make finite depth beyond `max_depth` NaN, in place, and return it; disparity stays."""
        if self.label == "depth" and self.max_depth is not None:
            values[np.isfinite(values) & (values > self.max_depth)] = np.nan
        return values

    def _invalid_values(self, stored: np.ndarray) -> tuple[float, ...]:
        if self.invalid_values is not None:
            return self.invalid_values
        return (0,) if self.label == "depth" or stored.dtype.kind in "iu" else ()


def label_rules(
    label: str | None,
    scale: float | None,
    invalid_values: Sequence[float] | float | None,
    sky_value: float | None,
    max_depth: float | None,
    encoding: str | None = None,
) -> LabelRules:
    """Return the options of a dataset as rules; a single invalid value needs no list."""
    given: Any = invalid_values
    return LabelRules(label or "depth", scale, given, sky_value, max_depth, encoding)
