# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the labels of a source's first samples look like, and why none of them can be learned from."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..utils.messages import counted
from .samples import Sample


MILLIMETRES_PER_METRE = 1000.0
# Depth below this share of the largest valid one is hardly more than 0 for a metric model.
SMALL_SHARE = 0.01


class UselessLabelsError(ValueError):
    """None of the first labels of a source has a valid pixel."""


class LabelledSources(Protocol):
    """What is needed of a mixture."""

    names: list[str]
    transforms: list[Callable[[Sample, np.random.Generator], dict[str, Any]]]
    seed: int

    @property
    def sources(self) -> Sequence[Any]:
        """The opened sources."""

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Yield readers of the first samples of a source."""


@dataclass
class FirstLabels:
    """The labels of the first samples of a source.

    Attributes:
        source: its name.
        kind: "depth" or "disparity", "labels" where the items of the source are tensors already; None without labels.
        samples: how many could be read.
        lowest, highest: of their finite values before the transform, and before the source's own `max_depth`: metres,
            or disparity as stored; None without one.
        valid_samples: how many labels have a pixel that is valid in training.
        scale: stored units per metre that the source was opened with; None without.
        encoding: by which its files were read; None: by what they prove, or by the scale.
        valid_range: metres, what is valid in training; None where every depth is.
    """

    source: str
    kind: str | None = None
    samples: int = 0
    lowest: float | None = None
    highest: float | None = None
    valid_samples: int = 0
    scale: float | None = None
    valid_range: tuple[float, float] | None = None
    encoding: str | None = None

    def __str__(self) -> str:
        """Return what was seen, and where a scale seems to be the fault, which one would do."""
        if self.kind is None:
            return f"{self.source}: no labels in its first {counted(self.samples, 'sample')}"
        have = f"{self.valid_samples} {'has' if self.valid_samples == 1 else 'have'}"
        seen = f"{self.source}: of the labels of its first {counted(self.samples, 'sample')} {have} a valid pixel"
        if self.lowest is None or self.highest is None:
            advice = "check the label's column, invalid_values and sky_value"
            return f"{seen}; no value in them is usable, all are 0, negative, NaN or invalid_values; {advice}"
        what = "values are" if self.kind == "labels" else f"{self.kind} is"
        seen += f"; their {what} {self.lowest:.4g} to {self.highest:.4g}"
        if self.valid_range is None or self.kind == "disparity":
            return seen
        low, high = self.valid_range
        return f"{seen} m, and valid is {low:g} to {high:g} m{self._scale_advice()}"

    @property
    def is_small(self) -> bool:
        """Whether all depth is hardly more than 0 for the model, as where a wrong scale divided it."""
        if self.kind != "depth" or self.highest is None or self.valid_range is None:
            return False
        largest = self.valid_range[1]
        return math.isfinite(largest) and self.highest <= SMALL_SHARE * largest

    def _scale_advice(self) -> str:
        assert self.lowest is not None and self.highest is not None
        if self.encoding is not None:
            return (
                f"; its files were read as {self.encoding!r}: `depth-anything-hf encodings --file FILE` says what one "
                "would mean by others"
            )
        if self.is_small:
            advice = f"; that is {SMALL_SHARE:.0%} of it at most: check their unit, scale and max_depth"
            if self.scale is None or self.scale <= 1:
                return advice
            low, high = (value * self.scale for value in (self.lowest, self.highest))
            return f"{advice}; scale is {self.scale:g}, with 1 they would be {low:.4g} to {high:.4g} m"
        if self.scale is None or self.scale == 1:
            low, high = (value / MILLIMETRES_PER_METRE for value in (self.lowest, self.highest))
            advice = f"; if they are millimetres, set scale to 1000, which gives {low:.4g} to {high:.4g} m"
            is_beyond = self.valid_range is not None and self.lowest > self.valid_range[1]
            return f"{advice}; if they are metres, max_depth has to be larger" if is_beyond else advice
        low, high = (value * self.scale**2 for value in (self.lowest, self.highest))
        return (
            f"; scale is {self.scale:g}, the stored units per metre: with its inverse, {1 / self.scale:g}, they would "
            f"be {low:.4g} to {high:.4g} m"
        )


def first_labels(mixture: LabelledSources, source: int, valid_range: tuple[float, float] | None = None) -> FirstLabels:
    """Look at the labels of a source's first samples; those that cannot be read are passed over.

    Args:
        mixture: a `Mixture` or a `StreamingMixture`.
        source: index of the source.
        valid_range: metres that the objective takes as valid, beside the limits of the transform and of the source.
    """
    transform, rules = mixture.transforms[source], getattr(mixture.sources[source], "rules", None)
    found = FirstLabels(mixture.names[source], scale=getattr(rules, "scale", None))
    found.encoding = getattr(rules, "encoding", None)
    own_range = (0.0, getattr(rules, "max_depth", None) or math.inf)
    found.valid_range = _narrowest(valid_range, _limits(transform), own_range)
    unlimited = _without_max_depth(mixture, source)
    for read, read_unlimited in zip(mixture.first_samples(source), unlimited.first_samples(source), strict=True):
        try:
            item = transform(read(), np.random.default_rng(mixture.seed))
            sample = read_unlimited()
        except (OSError, ValueError):
            continue
        found.samples += 1
        found.kind = next((kind for kind in ("depth", "disparity", "labels") if kind in sample), None)
        if found.kind is None or "labels" not in item:
            continue
        found.valid_samples += has_valid_label(item, valid_range)
        values = np.asarray(sample[found.kind])
        values = values[np.isfinite(values)]
        if values.size:
            found.lowest = min(found.lowest if found.lowest is not None else math.inf, float(values.min()))
            found.highest = max(found.highest if found.highest is not None else -math.inf, float(values.max()))
    return found


def has_valid_label(item: dict[str, Any], valid_range: tuple[float, float] | None = None) -> bool:
    """Return whether a transformed sample has a label with a valid pixel."""
    if "labels" not in item:
        return False
    labels = item["labels"]
    valid = ~labels.isnan()
    if valid_range is not None:
        valid &= (labels >= valid_range[0]) & (labels <= valid_range[1])
    return bool(valid.any())


def describe_useless_labels(mixture: LabelledSources, valid_range: tuple[float, float] | None = None) -> list[str]:
    """Describe the labels of the sources whose first samples have none that is valid; never raises.

    Args:
        mixture: a `Mixture` or a `StreamingMixture`.
        valid_range: as in `first_labels`.
    """
    described: list[str] = []
    if not hasattr(mixture, "first_samples"):
        return described
    for source, name in enumerate(mixture.names):
        if _first_is_valid(mixture, source, valid_range):
            continue
        try:
            found = first_labels(mixture, source, valid_range)
        except Exception as error:
            described.append(f"{name}: its first samples cannot be looked at: {error}")
            continue
        if not found.valid_samples:
            described.append(str(found))
    return described


def _first_is_valid(mixture: LabelledSources, source: int, valid_range: tuple[float, float] | None) -> bool:
    """Return whether the first sample has a valid label, which is enough and saves reading the others."""
    try:
        sample = next(iter(mixture.first_samples(source)))()
        item = mixture.transforms[source](sample, np.random.default_rng(mixture.seed))
        return has_valid_label(item, valid_range)
    except Exception:
        return False


def _limits(transform: Any) -> tuple[float, float] | None:
    if getattr(transform, "target", None) != "depth":
        return None
    return transform.min_depth, transform.max_depth


def _narrowest(*ranges: tuple[float, float] | None) -> tuple[float, float] | None:
    known = [each for each in ranges if each is not None]
    low, high = max(each[0] for each in known), min(each[1] for each in known)
    return None if (low, high) == (0.0, math.inf) else (low, high)


def _without_max_depth(mixture: LabelledSources, source: int) -> LabelledSources:
    """Return the mixture with a source that keeps depth beyond its own `max_depth`, where it can be opened so."""
    opened = mixture.sources[source]
    rules = getattr(opened, "rules", None)
    if rules is None or rules.max_depth is None or not hasattr(opened, "with_rules"):
        return mixture
    unlimited: Any = copy.copy(mixture)
    sources = list(mixture.sources)
    sources[source] = opened.with_rules(replace(rules, max_depth=None))
    unlimited.sources = sources
    whole: LabelledSources = unlimited
    return whole


__all__ = ["FirstLabels", "UselessLabelsError", "describe_useless_labels", "first_labels", "has_valid_label"]
