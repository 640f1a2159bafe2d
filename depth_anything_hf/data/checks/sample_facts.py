# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The numbers of one sample, measured."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..decoding.encodings.choice import parse_encoding
from ..decoding.encodings.detection import proven_encoding
from ..decoding.files import in_memory
from ..decoding.images import read_image
from ..decoding.map_meaning import meaning_of
from ..decoding.plausibility import Reading, flat_lines, noise, other_bits, saturated
from ..decoding.stored_maps import read_stored_label
from ..samples import Sample
from .edges import edges_of_label, edges_of_picture
from .findings import HISTOGRAM_EDGES, QUANTILES, SampleFacts
from .label_values import cut_part, largest_value, levels_of, thinned, whole_share
from .picture_hashes import hash_of
from .ray_distance import flat_surfaces
from .registration import Edges, vote


# Share of the pixels of a photograph in colours that are not grey.
COLOURED = 0.2
# Values that quantiles are taken of, at even distances.
MOST_SORTED = 50_000


@dataclass(frozen=True)
class StoredLabel:
    """The numbers of a label as they are in its file, and how they are read.

    Attributes:
        numbers: (H, W), whole numbers or others.
        reading: how they are read.
    """

    numbers: np.ndarray
    reading: Reading


def read_stored(source: Any, index: int) -> StoredLabel | None:
    """Return the numbers of a label as they are in its file; None where the file itself says what they are.

    Args:
        source: a dataset of samples; one without `encoded_pair`, as public ones, has none.
        index: of the sample.
    """
    rules: LabelRules | None = getattr(source, "rules", None)
    if rules is None or not hasattr(source, "encoded_pair"):
        return None
    try:
        file = source.encoded_pair(index)[1]
        if file is None:
            return None
        cell = in_memory(file)
        if meaning_of(cell["bytes"], cell["path"]) is not None or proven_encoding(cell["bytes"]) is not None:
            return None
        encoding = None if rules.encoding is None else parse_encoding(rules.encoding).encoding
        reading = Reading("", rules.label, encoding)
        return None if reading.is_certain else StoredLabel(read_stored_label(cell, rules.label)[0], reading)
    except (OSError, ValueError):
        return None


def measure(index: int, sample: Sample, stored: StoredLabel | None = None) -> tuple[SampleFacts, Edges | None]:
    """Return the numbers of a sample, and the edges of picture and label; None where the label has too few values.

    Args:
        index: of the sample.
        sample: as it was read.
        stored: its label as it is in the file, where that is known.
    """
    image = sample["image"]
    facts = SampleFacts(
        index, sample["name"], height=image.shape[0], width=image.shape[1], picture_hash=hash_of(image)
    )
    label = next((kind for kind in ("depth", "disparity") if kind in sample), None)
    if label is None:
        return facts, None
    values = sample[label]
    facts.label, facts.label_hash = label, zlib.crc32(np.ascontiguousarray(values).tobytes())
    _measure_values(facts, values, label)
    _measure_stored(facts, values, stored)
    _measure_surfaces(facts, values, label, sample.get("intrinsics"))
    edges = edges_of_label(values, label)
    if edges is None or not edges[0].any():
        return facts, None
    pair = edges_of_picture(image), edges
    facts.registration = vote(pair, values.shape)
    return facts, pair


def measure_turned(index: int, source: Any) -> tuple[SampleFacts, Edges | None] | None:
    """Return how a label fits that has the height of its picture for its width; None for every other sample."""
    if not hasattr(source, "encoded_pair"):
        return None
    try:
        image_file, label_file = source.encoded_pair(index)
        image, values = read_image(image_file), source.rules.read(label_file)
    except (OSError, ValueError, TypeError):
        return None
    if values.shape != image.shape[1::-1] or values.shape == image.shape[:2]:
        return None
    facts = SampleFacts(index, source.name_of(index), height=image.shape[0], width=image.shape[1])
    facts.label, facts.sizes = source.label, (values.shape[0], values.shape[1])
    edges = edges_of_label(values, source.label)
    if edges is not None:
        facts.registration = vote((edges_of_picture(image), edges), values.shape)
    return facts, None


def is_photograph(file: Any) -> bool:
    """Tell whether a file is a picture in colours."""
    try:
        image = read_image(file)
    except (OSError, ValueError, TypeError):
        return False
    return bool((image != image[..., :1]).any(axis=-1).mean() >= COLOURED)


def _measure_values(facts: SampleFacts, values: np.ndarray, label: str) -> None:
    finite = values[np.isfinite(values)]
    facts.valid = finite.size / max(1, values.size)
    facts.zeros = float((values == 0).mean()) if label == "disparity" else 0.0
    facts.sky = float(np.isposinf(values).mean()) if label == "depth" else facts.zeros
    facts.cut = cut_part(values)
    if not finite.size:
        return
    few = finite[:: max(1, finite.size // MOST_SORTED)]
    facts.quantiles = float(finite.min()), *map(float, np.quantile(few, QUANTILES[1:-1])), float(finite.max())
    facts.histogram = np.histogram(finite, HISTOGRAM_EDGES)[0]
    facts.least_positive = _least_positive(finite)
    facts.whole = whole_share(finite)
    found = levels_of(values)
    if found is not None:
        facts.levels, facts.step = found


def _least_positive(finite: np.ndarray) -> float:
    positive = finite[finite > 0]
    return float(positive.min()) if positive.size else float("nan")


def _measure_stored(facts: SampleFacts, values: np.ndarray, stored: StoredLabel | None) -> None:
    numbers = None
    if stored is not None:
        facts.stored_type = str(stored.numbers.dtype)
        if stored.numbers.dtype.kind in "iu" and stored.numbers.shape == values.shape:
            numbers = stored.numbers
            facts.doubt = other_bits(stored.reading, numbers) if stored.reading.has_whole_numbers else None
            if saturated(stored.reading, numbers, values) is not None:
                facts.saturated = int(numbers.max())
    if facts.doubt is None and facts.label == "depth":
        facts.noise = noise(values)
    original = stored.numbers if stored is not None else None
    facts.largest = largest_value(values, original)


def _measure_surfaces(facts: SampleFacts, values: np.ndarray, label: str, intrinsics: np.ndarray | None) -> None:
    even, inverse = flat_lines(values)
    facts.even_lines = even, inverse, thinned(values).size
    if label == "depth":
        # A file that has been read is not changed.
        facts.rays = flat_surfaces(np.where(np.isfinite(values), values, np.nan), intrinsics)


__all__ = ["StoredLabel", "is_photograph", "measure", "measure_turned", "read_stored"]
