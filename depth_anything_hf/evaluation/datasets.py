# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The data of a protocol, opened as it was downloaded, with the settings that make its number."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..utils.paths import local_path
from .protocols import PROTOCOL_GROUPS, PROTOCOLS, find_protocol
from .settings import EvaluationSettings


if TYPE_CHECKING:
    from ..data.samples import SampleDataset

logger = logging.getLogger(__name__)


class LabelledDataset(Protocol):
    """Any dataset with a length whose samples have a label: `depth`, `disparity` or `pairs`.

    A method `name_of(index)`, if there is one, names a sample that cannot be read.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> dict[str, Any]: ...


def open_protocol(
    name: str,
    root: str | os.PathLike[str],
    split: str | None = None,
    limit: int | None = None,
    max_pixels: int | None = None,
) -> tuple[SampleDataset, EvaluationSettings]:
    """Open the benchmark of a protocol as it was downloaded, with the settings that make its number.

    Args:
        name: of a protocol in `PROTOCOLS`, e.g. "nyu" or "nyu@1".
        root: folder of the dataset in its original layout.
        split: another split of the reader than the protocol's; None takes the protocol's.
        limit: only the first so many images, for a trial.
        max_pixels: as for `open_public`.

    Returns:
        The dataset and the settings. With other images than the protocol's, the settings record which, so that the
        result is labelled "modified". A warning is logged if the number of images is not the benchmark's.

    Raises:
        ValueError: there is no such protocol or split.
        FileNotFoundError: files of the dataset are missing; the message lists the first ten and their number.
    """
    from ..data.public.catalog import open_public

    protocol = find_protocol(name)
    options = {"limit": limit, "max_pixels": max_pixels, **protocol.options}
    dataset = open_public(protocol.reader, root, split=split or protocol.split, **options)
    if protocol.images is not None and len(dataset) != protocol.images:
        logger.warning(
            "%s: the benchmark has %d images, %s has %d; the score cannot be compared with published ones",
            protocol.identifier,
            protocol.images,
            root,
            len(dataset),
        )
    deviations = [f"split {split}"] if split not in (None, split_of_protocol(protocol.settings)) else []
    if limit == len(dataset) != protocol.images:
        deviations.append(f"first {limit}")
    if not deviations:
        return dataset, protocol.settings
    return dataset, replace(protocol.settings, images=", ".join(deviations))


def open_benchmarks(
    name: str,
    root: str | os.PathLike[str],
    split: str | None = None,
    limit: int | None = None,
    max_pixels: int | None = None,
) -> tuple[dict[str, tuple[SampleDataset, EvaluationSettings]], dict[str, str]]:
    """Open a protocol, or those of a group such as "moge-bundle" whose data is there.

    Args:
        name: of a protocol, or of a group in `PROTOCOL_GROUPS`.
        root: as for `open_protocol`; of a group the folder with a sub-folder per set.
        split: as for `open_protocol`; a group takes none.
        limit: as for `open_protocol`, for each set.
        max_pixels: as for `open_public`.

    Returns:
        What `open_protocol` gives, by the protocol's name; and the protocols of the group whose sub-folder is not
        there, with the reason.

    Raises:
        ValueError: as `open_protocol`, or a split for a group.
        FileNotFoundError: as `open_protocol`; of a group, no set is there or one has files missing.
    """
    if name not in PROTOCOL_GROUPS:
        return {name: open_protocol(name, root, split, limit, max_pixels)}, {}
    if split is not None:
        raise ValueError(
            f"split={split!r} cannot be combined with {name}: each protocol of the group has its own split"
        )
    opened, missing = {}, {}
    for member in PROTOCOL_GROUPS[name]:
        folder = local_path(root) / str(PROTOCOLS[member].split)
        if folder.is_dir():
            opened[member] = open_protocol(member, root, limit=limit, max_pixels=max_pixels)
        else:
            missing[member] = f"no folder {folder.name} in the root"
    if not opened:
        expected = ", ".join(str(PROTOCOLS[member].split) for member in PROTOCOL_GROUPS[name])
        raise FileNotFoundError(f"{root} has no dataset of {name}; expected at least one of the folders {expected}")
    return opened, missing


def split_of_protocol(settings: EvaluationSettings) -> str | None:
    """Return the split that the protocol of these settings uses by default; None if there is none."""
    from ..data.public.catalog import public_dataset

    protocol = PROTOCOLS.get(settings.protocol.split("@")[0])
    if protocol is None:
        return None
    reader = public_dataset(protocol.reader)
    only_one = reader.splits[0] if len(reader.splits) == 1 else None
    return protocol.split or reader.default_split or only_one


__all__ = ["LabelledDataset", "open_benchmarks", "open_protocol"]
