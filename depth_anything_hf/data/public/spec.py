# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is known of a public dataset: facts, splits and how it is opened."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from .frames import PublicSamples


@dataclass(frozen=True)
class PublicDataset:
    """What is known of a public dataset.

    Attributes:
        name: short name, as in `open_public` and `DataSource(kind=...)`.
        title: full name.
        license: terms of the data; "unverified" if they were not read at the source.
        citation: what to cite.
        homepage: where to download it.
        layout: examples of the files that must be on disk, relative to the root.
        label: "depth", "disparity", or "pairs" (annotated points, no map).
        unit: unit of the label, and which values are invalid or sky.
        splits: choices of `split` in `open_public`.
        default_split: the split that `open_public` takes without `split`; None is everything.
        opener: (root, split, **options) -> samples; it lists folders and decodes no image.
        verified: where the layout is from, and whether genuine bytes were read or only files made by hand.
        traps: what goes wrong most easily.
    """

    name: str
    title: str
    license: str
    citation: str
    homepage: str
    layout: str
    label: str
    unit: str
    splits: tuple[str, ...]
    default_split: str | None
    opener: Callable[..., PublicSamples]
    verified: str
    traps: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the further arguments of `open_public`: those of the opener."""
        parameters = inspect.signature(self.opener).parameters.values()
        return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)
