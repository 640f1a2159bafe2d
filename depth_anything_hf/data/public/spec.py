# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is known of a public data set."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from .frames import PublicSamples


@dataclass(frozen=True)
class PublicDataset:
    """What is known of a data set.

    Attributes:
        name: short name, as in `open_public` and `DataSource(kind=...)`.
        title: full name.
        license: of the data; "unverified" where the terms were not read at the source.
        citation: whom to cite.
        homepage: where to download it.
        layout: the files that must be on disk, relative to the root.
        label: "depth", "disparity", or "pairs" (annotated points and no map).
        unit: of the label, and what it means where there is no measurement.
        splits: choices of `split`; empty where the set has no parts.
        default_split: of `open_public` without `split`; None takes everything.
        opener: (root, split, **options) -> samples.
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
    traps: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the further arguments of `open_public`, beside `limit` and `max_depth`."""
        parameters = inspect.signature(self.opener).parameters.values()
        return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)
